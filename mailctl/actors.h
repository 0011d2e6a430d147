/* SPDX-License-Identifier: MIT */
/*
 * actors: the mail servers of an internet file (internet.h), at work: each at a
 * loopback address of its own, all at one port.
 *
 *	DIR/ca.pem           whom to trust
 *	DIR/HOST.pem .key    of the servers
 *	DIR/HOST/N.eml       the messages they took, from 1
 *	DIR/HOST/N.json      and what their envelopes were
 */
#ifndef MAILCTL_ACTORS_H
#define MAILCTL_ACTORS_H

#include <jansson.h>

#include "common/net/loop.h"
#include "common/util/clock.h"
#include "common/util/log.h"
#include "mailctl/internet.h"

#define ACTORS_CA "ca.pem"

struct actors;

struct actors_options { /* all borrowed while they live */
	struct loop *loop;
	const struct clock *clock;
	const struct log *log;
	struct internet *internet; /* servers without address are given one */
	const char *dir;           /* exists */
	uint16_t port;             /* 0: a free one */
};

struct actors *actors_new(const struct actors_options *o, struct fail *f);

/* Serve nobody any more; then the loop is freed, then they are. */
void actors_stop(struct actors *a);
void actors_free(struct actors *a);

uint16_t actors_port(const struct actors *a);

/* {"mx.remote.test": "127.0.1.1:2525"}; the caller's. */
json_t *actors_describe(const struct actors *a);

#endif
