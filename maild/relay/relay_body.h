/* SPDX-License-Identifier: MIT */
/*
 * relay_body: the stored bytes of a message, read off the loop, a piece at a
 * time: whoever takes slowly costs one piece of memory.
 */
#ifndef MAILD_RELAY_BODY_H
#define MAILD_RELAY_BODY_H

#include "common/util/str.h"
#include "maild/relay/relay.h"

struct relay_body;

/* A piece has been read, or the end or a failure (then look at
 * relay_body_failure()). */
typedef void relay_body_ready(void *arg);

/* Read body `id' from after its first `skip' octets.  ready is
 * called once for this and once for each relay_body_more(), never from
 * inside one of these functions. */
struct relay_body *relay_body_new(const struct relay_deps *deps, int64_t id,
    uint64_t skip, relay_body_ready *ready, void *arg);

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
