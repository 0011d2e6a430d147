/* SPDX-License-Identifier: MIT */
/*
 * key: keys of signatures: the record that publishes one (RFC 6376 s3.6.1,
 * RFC 8463), checking with it, making a pair, signing.  libcrypto's EVP.
 *
 * RSA under 1,024 bits is refused (RFC 8301 s3.2), and over 8,192: checking
 * one must stay cheap.
 */
#ifndef POLICY_KEY_H
#define POLICY_KEY_H

#include "common/util/buf.h"
#include "common/util/fail.h"

enum key_algorithm {
	KEY_RSA,    /* rsa-sha256, PKCS#1 v1.5 */
	KEY_ED25519 /* ed25519-sha256: Ed25519 over the SHA-256 */
};

#define KEY_DIGEST_LEN    32
#define KEY_SIGNATURE_MAX 1024

enum key_record {
	KEY_RECORD_OK,
	KEY_RECORD_REVOKED, /* p= is empty */
	KEY_RECORD_BAD,     /* no key record, or not for us; why says it */
};

struct key_public;

struct key_facts { /* of a record */
	enum key_algorithm algorithm;
	unsigned bits;
	bool testing;  /* t=y: the domain tests (it counts: RFC 6376 s3.6.1) */
	bool strict;   /* t=s: i= must be of d= itself */
	char why[160]; /* KEY_RECORD_BAD: a few words */
};

/* Parse a key record.  On OK *out is the caller's to key_public_free(). */
enum key_record key_record_parse(
    struct str record, struct key_facts *facts, struct key_public **out);
void key_public_free(struct key_public *k);

/* Another handle on the same key, to be freed as well: what libcrypto has made
 * of it for checking is shared.  A handle is one thread's at a time. */
struct key_public *key_public_dup(const struct key_public *k);

/* Is it the key's signature of this SHA-256? */
bool key_verify(const struct key_public *k,
    const uint8_t digest[KEY_DIGEST_LEN], struct str signature);

void key_sha256(struct str bytes, uint8_t out[KEY_DIGEST_LEN]);

/* Base64 as b=, bh= and p= have it (RFC 6376 s2.10): folded, and padded or
 * not.  Appended; false if it is none or does not fit. */
bool key_base64(struct str value, struct buf *out);

/* ---- our own ---- */

struct key_private;

/* Make a pair (RSA: 2,048 bits; takes up to a second).  secret: PKCS#8 DER,
 * for the store; record: "v=DKIM1; k=...; p=...". */
int key_make(enum key_algorithm a, struct buf *secret, struct buf *record,
    struct fail *f);

/* NULL if it is no such key. */
struct key_private *key_private_read(struct str secret, struct fail *f);
void key_private_free(struct key_private *k); /* wiped */
enum key_algorithm key_private_algorithm(const struct key_private *k);

/* Append the signature of a SHA-256 to out.  Any thread. */
int key_sign(const struct key_private *k, const uint8_t digest[KEY_DIGEST_LEN],
    struct buf *out, struct fail *f);

#endif
