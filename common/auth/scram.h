/* SPDX-License-Identifier: MIT */
/*
 * scram: the server side of SCRAM-SHA-256 and -PLUS (RFC 5802, 7677, 9266),
 * pure: messages in, messages out; keys are handed in, randomness too.
 */
#ifndef AUTH_SCRAM_H
#define AUTH_SCRAM_H

#include "common/util/buf.h"

#define SCRAM_KEY_LEN     32
#define SCRAM_SALT_LEN    16
#define SCRAM_ITERATIONS  4096 /* RFC 7677 s4; the same for unknown users */
#define SCRAM_NONCE_MAX   256
#define SCRAM_MESSAGE_MAX 4096

struct scram_keys {
	uint8_t salt[SCRAM_SALT_LEN];
	unsigned iterations;
	uint8_t stored[SCRAM_KEY_LEN], server[SCRAM_KEY_LEN];
};

/* From a password (prepared as auth/password.h does it) and a salt.  Wipe *k
 * after use. */
void scram_keys_make(struct scram_keys *k, struct str password,
    const uint8_t salt[SCRAM_SALT_LEN], unsigned iterations);

/* For a name nobody has: the same keys each time (RFC 5802 s5.1). */
void scram_keys_fake(
    struct scram_keys *k, struct str user, const uint8_t secret[SCRAM_KEY_LEN]);

struct scram {
	struct buf user; /* of the client's first message, decoded */
	struct buf first_bare, server_first, gs2, nonce;
	bool plus;
};

enum scram_binding {           /* what the mechanism and the connection say */
	SCRAM_NO_BINDING,      /* not offered: client says n or y */
	SCRAM_BINDING_OFFERED, /* -PLUS was offered, not chosen: y is an attack
	                        */
	SCRAM_BINDING_USED,    /* -PLUS: p=tls-exporter */
};

void scram_init(struct scram *s);
void scram_release(struct scram *s);

/* The client's first message; s->user is set.  It is empty if that can be
 * nobody: somebody else's authorization identity, control octets, over-long.
 * False: malformed, or not what `b' allows. */
bool scram_first(struct scram *s, struct str message, enum scram_binding b);

/* Ours, with the keys of that user; server_nonce: printable, random. */
void scram_challenge(struct scram *s, const struct scram_keys *k,
    struct str server_nonce, struct buf *out);

/* The client's last.  binding: octets of tls-exporter, empty without.  True:
 * the password is right, and out has the server's signature ("v=...");
 * malformed tells a message that is none from one that proves nothing: a wrong
 * password, nonce or binding. */
bool scram_final(struct scram *s, const struct scram_keys *k,
    struct str message, struct str binding, struct buf *out, bool *malformed);

#endif
