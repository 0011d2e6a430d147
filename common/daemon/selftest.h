/* SPDX-License-Identifier: MIT */
/*
 * selftest: a daemon shows what its sandbox refuses, and that what it needs
 * still works (option -T).
 *
 * Nothing of a running daemon is touched: store and sockets are those of a
 * folder of its own in /tmp, which is removed.  The attempts are made by a
 * child in the profile that the configuration asks for; where that is none,
 * they are possible, and this is what the test then says.
 */
#ifndef DAEMON_SELFTEST_H
#define DAEMON_SELFTEST_H

#include "common/daemon/confine.h"

/* One of the processes of a daemon. */
struct selftest_part {
	const char *name;
	const struct confine_profile *profile; /* or NULL: */
	const struct sandbox_profile *plain;   /* one without files */
};

/* Become user, then try each part.  Prints a line for each attempt on
 * standard output, and what was possible again at the end.  The exit code:
 * 0 all was refused that should be and worked that should, 1 not so,
 * 71 the test could not be made. */
int selftest_run(const struct conf *conf, const char *user,
    const struct selftest_part *parts, size_t n);

#endif
