/* SPDX-License-Identifier: MIT */
/* selftest_need: what a daemon must still be able to do in its sandbox. */
#ifndef DAEMON_SELFTEST_NEED_H
#define DAEMON_SELFTEST_NEED_H

#include <stdint.h>

#include "common/daemon/confine.h"

/* What was made for it before. */
struct selftest_means {
	const struct conf *conf; /* of the test's own store and runtime */
	const struct confine_profile *profile; /* or NULL */
	const char *auth;                      /* a Unix socket that listens */
	int listener;  /* a TCP socket with a connection waiting */
	uint16_t port; /* where it listens */
};

struct selftest_need {
	const char *name;
	unsigned may; /* asked of profiles that have all of these */
	bool tls;     /* and of those that read certificates */
	int (*meet)(const struct selftest_means *m, struct fail *f);
};

extern const struct selftest_need selftest_needs[];
extern const size_t selftest_n_needs;

#endif
