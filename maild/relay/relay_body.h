/* SPDX-License-Identifier: MIT */
/*
 * relay_body: the stored bytes of a message, read off the loop, a piece at a
 * time: whoever takes slowly costs one piece of memory.
 */
#ifndef MAILD_RELAY_RELAY_BODY_H
#define MAILD_RELAY_RELAY_BODY_H

#include "common/util/str.h"
#include "maild/relay/relay.h"

struct relay_body;

/* A piece has been read, or the end or a failure (then look at
 * relay_body_failure()). */
typedef void relay_body_ready(void *arg);

struct relay_body_of {
	int64_t body;
	uint64_t skip; /* octets that are not sent */
	/* who is to get it: copied */
	int64_t trace;
	struct str domain;
	const int *recipients;
	size_t n;
};

/* Read a body from after its first octets, and look once more who is to get
 * it: a person may have taken it back.  ready is called once for this and once
 * for each relay_body_more(), never from inside one of these functions. */
struct relay_body *relay_body_new(const struct relay_deps *deps,
    const struct relay_body_of *of, relay_body_ready *ready, void *arg);

/* As it was when reading began: may it still be sent to this one of the
 * recipients?  Once something has been read. */
bool relay_body_is_for(const struct relay_body *b, size_t recipient);

/* Likewise: is the domain one of ours by now?  Then it is for nobody else. */
bool relay_body_is_ours(const struct relay_body *b);

/* What is there and not dropped; empty while reading, and at the end. */
struct str relay_body_piece(const struct relay_body *b);
void relay_body_drop(struct relay_body *b, size_t n);

/* Everything was read and dropped. */
bool relay_body_at_end(const struct relay_body *b);

/* NULL, or why there is no more. */
const char *relay_body_failure(const struct relay_body *b);

/* Read the next piece; does nothing while one is being read. */
void relay_body_more(struct relay_body *b);
void relay_body_free(struct relay_body *b);

#endif
