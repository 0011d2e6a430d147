/* SPDX-License-Identifier: MIT */
/*
 * supervise: maild, smtpd and popd as children of this process.
 *
 *	starting --each says READY=1--> running --supervisor_stop()--> stopping
 *	    |                              |  ^                           |
 *	    | one ends before              |  | one ends: started again,  |
 *	    | it was ever ready            +--+ 0.1 s, 0.2 s .. 30 s later |
 *	    +------------------------> stopping --all are gone--> ended() <+
 *
 * Programs are looked for beside this one, then in ../libexec/pennypost.
 * Their log lines go where ours would.  On SIGCHLD the host calls
 * supervisor_reap().
 */
#ifndef MAILCTL_SUPERVISE_H
#define MAILCTL_SUPERVISE_H

#include <sys/types.h>

#include "common/net/loop.h"
#include "common/util/fail.h"
#include "common/util/log.h"
#include "mailctl/sockets.h"

struct supervisor;

struct supervisor_options { /* all borrowed while the supervisor lives */
	struct loop *loop;
	const char *conf_file;
	const char *runtime_dir; /* for the sockets of readiness */
	const struct sockets *sockets;
	const struct log *log;
	int log_fd;               /* where daemons log; 0: our standard error */
	void (*ready)(void *arg); /* once: all of them serve */
	/* all are gone; status is 0, or what the first one exited with that
	 * could not begin, or did not end well when it was stopped */
	void (*ended)(void *arg, int status);
	void *arg;
};

struct supervisor *supervisor_new(
    const struct supervisor_options *o, struct fail *f);
void supervisor_reap(struct supervisor *s);

/* SIGTERM to all; SIGKILL to what is left 15 s later. */
void supervisor_stop(struct supervisor *s);

/* Pass a signal (SIGHUP) on to all. */
void supervisor_signal(struct supervisor *s, int signo);

/* Only after ended(), or to kill everything at once. */
void supervisor_free(struct supervisor *s);

#endif
