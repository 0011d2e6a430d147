/* SPDX-License-Identifier: MIT */
/*
 * child: start a program with sockets, environment and death signal set.
 */
#ifndef MAILCTL_CHILD_H
#define MAILCTL_CHILD_H

#include <sys/types.h>

#include "common/util/fail.h"
#include "mailctl/sockets.h"

struct child_spec {
	const char *const *argv; /* argv[0] is the file, PATH is looked at */
	const char *const *settings; /* "NAME=value", NULL-terminated: added to
	                              * the environment, replacing */
	const struct sockets *sockets; /* those of `program', from fd 3 on;
	                                * NULL: none */
	const char *program;
	bool dies_with_us; /* SIGTERM when this process ends */
	bool detached;     /* no input, and no Ctrl-C from the terminal */
	int log_fd;        /* its standard error; 0: ours */
};

/* The new process's id, or -1. */
pid_t child_start(const struct child_spec *spec, struct fail *f);

#endif
