/* SPDX-License-Identifier: MIT */
/*
 * confine: a daemon enters its sandbox (net/sandbox.h).  A profile says in a
 * table what the daemon needs; places are those of the configuration.
 *
 * Rules are of inodes.  A daemon that may not have the whole store has rules
 * for single files: confine_enter() makes sure that they are there, by opening
 * the databases once before.  What is removed and made again while daemons run
 * has a folder of its own, with a rule for that.
 *
 * Certificates may be replaced while the daemon runs: it may read all files in
 * their folders (also where links lead), unless the store is below or the
 * folder is / or /etc; then only the files that are there now.
 */
#ifndef DAEMON_CONFINE_H
#define DAEMON_CONFINE_H

#include "common/conf/conf.h"
#include "common/net/sandbox.h"
#include "common/store/db.h"
#include "common/util/log.h"

enum confine_place {
	CONFINE_SYSTEM,  /* name is a path; it need not be there */
	CONFINE_STORE,   /* in server.store; "" is the folder itself */
	CONFINE_RUNTIME, /* in server.runtime */
	CONFINE_TRUST,   /* the file of relay.trust */
	CONFINE_BACKUP,  /* in backup.dir, if one is set */
};

struct confine_path {
	enum confine_place place;
	const char *name;
	unsigned use; /* enum sandbox_use */
};

struct confine_profile {
	const char *daemon;
	unsigned may; /* enum sandbox_may */
	const struct confine_path *paths;
	size_t n_paths;
	bool mail, search; /* databases to open once before */
	bool tls;          /* tls.certificate and tls.key are read again */
	/* TCP ports that may be bound until the doors are closed: listen
	 * words like 127.0.0.1:9090; and 0 if there are addresses to come
	 * from.  Or NULL. */
	const struct conf_list *(*binds)(const struct conf *conf);
	const struct conf_list *(*sources)(const struct conf *conf);
	/* Files of server.store that are somebody else's: for the self-test. */
	const char *const *strangers; /* NULL-terminated */
};

/* Log one line that says what holds, a second one what the kernel lacks.  Does
 * nothing but warn when server.sandbox is no. */
int confine_enter(const struct conf *conf, const struct confine_profile *p,
    const struct log *log, struct sandbox_state *out, struct fail *f);

#endif
