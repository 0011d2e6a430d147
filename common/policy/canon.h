/* SPDX-License-Identifier: MIT */
/*
 * canon: the canonical forms of header fields and bodies (RFC 6376 s3.4), pure,
 * and the hashes of a body under as many of them as its signatures ask for,
 * taken while it passes by.
 */
#ifndef POLICY_CANON_H
#define POLICY_CANON_H

#include "common/util/buf.h"

enum canon {
	CANON_SIMPLE,
	CANON_RELAXED
};

/* Append a field ("Name: value", folds in it, with or without its final
 * CRLF) in canonical form, with a final CRLF. */
void canon_field(enum canon how, struct str field, struct buf *out);

#define BODY_HASHES_MAX 20
#define BODY_HASH_LEN   32
#define BODY_HASH_ALL   UINT64_MAX

struct body_hashes;

struct body_hashes *body_hashes_new(void);
void body_hashes_free(struct body_hashes *h);

/* SHA-256 over the first `octets' octets of the canonical body.  Gives its
 * place; the same wish twice has one place.  Before the first feed.
 * False: BODY_HASHES_MAX different ones are there. */
bool body_hashes_want(
    struct body_hashes *h, enum canon how, uint64_t octets, size_t *place);

/* The body in pieces cut anywhere, then its end. */
void body_hashes_feed(struct body_hashes *h, struct str piece);
void body_hashes_end(struct body_hashes *h);

/* After the end. */
const uint8_t *body_hashes_get(const struct body_hashes *h, size_t place);

/* How long the canonical body was in all: what l= is compared with. */
uint64_t body_hashes_length(const struct body_hashes *h, size_t place);

#endif
