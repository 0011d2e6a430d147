/* SPDX-License-Identifier: MIT */
/*
 * agent: a user agent that follows a script over one connection, as Bob's
 * and Alice's do in the demo: says what the script says, and stops at the
 * first answer that is not the expected one.
 */
#ifndef MAILCTL_AGENT_H
#define MAILCTL_AGENT_H

#include "common/net/address.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/util/str.h"

enum agent_action {
	AGENT_EXPECT, /* a reply beginning with text; after "250-" more lines */
	AGENT_KEEP,   /* the same, and its last line is a result */
	AGENT_SEND,   /* text, as it is */
	AGENT_TLS,    /* start TLS and verify the server */
	AGENT_COLLECT, /* dot-stuffed data up to its end: a result */
};

struct agent_step {
	enum agent_action action;
	struct str text; /* borrowed until done() */
};

struct agent_result {         /* valid during done() */
	const char *problem;  /* NULL: the whole script was followed */
	struct str kept;      /* of AGENT_KEEP */
	struct str collected; /* of AGENT_COLLECT */
};

struct agent_options {
	struct loop *loop;
	struct address at;
	struct tls *tls;         /* client context; borrowed until done() */
	const char *server_name; /* in its certificate; borrowed */
	const struct agent_step *steps; /* borrowed until done() */
	size_t n;
	void (*done)(void *arg, const struct agent_result *result);
	void *arg;
};

/* Begin.  done() is called once, on the loop; the agent is gone after it. */
void agent_start(const struct agent_options *o);

#endif
