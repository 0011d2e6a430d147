/* SPDX-License-Identifier: MIT */
/*
 * own_signer: DKIM for what maild writes itself (DSNs, TLS reports), from
 * addresses at this host's name: signed for the domain of ours that this name
 * is, or is below (RFC 7489 s3.1.1: aligned).
 *
 * Keys are in memory.  A snapshot of them is held by whoever writes something,
 * and used on any thread.
 */
#ifndef MAILD_RELAY_OWN_SIGNER_H
#define MAILD_RELAY_OWN_SIGNER_H

#include <stdint.h>

#include "common/store/store.h"
#include "common/util/buf.h"
#include "common/util/log.h"

/* Octets that own_keys_sign() adds at most. */
#define OWN_SIGNATURES_ROOM (8 * KB)

struct own_signer;
struct own_keys;

/* hostname and the others are borrowed. */
struct own_signer *own_signer_new(struct store *mail, struct store *passwords,
    const char *hostname, const struct log *log);

/* Read the keys again: they may have changed. */
void own_signer_reload(struct own_signer *s);

/* Begin nothing more: before the stores are closed. */
void own_signer_stop(struct own_signer *s);

/* After both stores are closed; keys that are held stay until released. */
void own_signer_free(struct own_signer *s);

/* On the loop.  NULL: there are none (yet, or no domain of ours fits).  s may
 * be NULL; so may the keys below. */
struct own_keys *own_signer_hold(const struct own_signer *s);
void own_keys_release(struct own_keys *k);

/* Append a DKIM-Signature for each key.  block: the header as it will be sent;
 * body_hash: SHA-256 of the relaxed body.  Any thread.  What cannot be signed
 * goes unsigned. */
void own_keys_sign(const struct own_keys *k, struct str block,
    const uint8_t *body_hash, int64_t now_s, struct buf *fields);

#endif
