/* SPDX-License-Identifier: MIT */
/*
 * daemon: what every daemon of the suite does alike: its arguments, whom it
 * becomes, where its sockets are, how it ends.  The caller says its name.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "common/conf/conf.h"
#include "common/net/loop.h"
#include "common/util/clock.h"
#include "common/util/fail.h"
#include "common/util/log.h"

/* Exit codes, those of sysexits(3). */
enum daemon_exit {
	DAEMON_STOPPED = 0, /* by a signal, in order */
	DAEMON_USAGE = 64,
	DAEMON_SYSTEM = 71, /* the system refused something */
	DAEMON_CONFIG = 78,
};

/* Understand -c FILE, -T (*test: try the sandbox, and no more), -V and -h;
 * about is what the daemon does, one line.  Returns the configuration's name;
 * exits after -V, -h and what is wrong.  Descriptors 0 to 2 are open
 * afterwards. */
const char *daemon_arguments(
    int argc, char **argv, const char *name, const char *about, bool *test);

/* Whom to become when started as root: the configured user, otherwise
 * pennypost-NAME if there is one, otherwise NULL.  To be freed. */
char *daemon_user(const struct conf *conf, const char *name);

/* The path of a file in the runtime directory, to be freed. */
char *daemon_path(const struct conf *conf, const char *file);

/* The time this daemon goes by: the system's, or for tests that of test.clock.
 * Before rights are dropped. */
int daemon_clock(const struct conf *conf, struct clock *out, struct fail *f);

/* Log why the daemon cannot start; returns code. */
int daemon_refuse(
    const struct log *log, enum daemon_exit code, const struct fail *why);

/* Say that we are ready and run the loop until loop_stop().  From its end on
 * SIGTERM and SIGINT are held back, so that a second one does not cut short
 * what the first one began: the exit stays one with code 0. */
void daemon_run(struct loop *loop, const struct log *log);

#endif
