/* SPDX-License-Identifier: MIT */
/*
 * author: whose name a message is in: the one address domain of its From field
 * (RFC 5322 s3.6.2, RFC 9989 s5.3.1), and nobody's if there could be two
 * answers. Pure.
 */
#ifndef POLICY_AUTHOR_H
#define POLICY_AUTHOR_H

#include "common/util/fail.h"
#include "common/util/str.h"

struct author {
	char address[321]; /* folded; the first */
	char domain[256];  /* folded: of all of them */
};

/* Exactly one From field, at least one address in it, all of one domain, and
 * nothing that two readers could read differently (spaces before the colon, a
 * route, text outside the grammar, an encoded word as an address).  Otherwise
 * -1 and a sentence for the client. */
int author_find(struct str block, struct author *out, struct fail *f);

/* Is it a program that has no address, as in bounces of old servers: exactly
 * one From field with words alone, "MAILER-DAEMON", "Mailer <MAILER-DAEMON>",
 * "<>"? Nothing in it could be taken for somebody's address. */
bool author_is_program(struct str block);

#endif
