/* SPDX-License-Identifier: MIT */
/*
 * dkim_sign: a DKIM-Signature field of ours (RFC 6376 s5), pure: who holds the
 * key signs the digest that is made here.
 *
 *	dkim_sign_digest() -> the key's owner -> dkim_sign_finish()
 */
#ifndef POLICY_DKIM_SIGN_H
#define POLICY_DKIM_SIGN_H

#include "common/policy/key.h"

struct dkim_sign {
	struct str domain, selector; /* A-labels */
	enum key_algorithm algorithm;
	int64_t now_s;
	struct str block;         /* the header as it will be sent */
	const uint8_t *body_hash; /* SHA-256 of the relaxed body */
};

/* Signed are, each as often as it is there and once more, so that none can be
 * added (RFC 6376 s5.4, s8.15): From, Reply-To, To, Cc, Subject, Date,
 * Message-ID, In-Reply-To, References, MIME-Version, Content-Type,
 * Content-Transfer-Encoding.  Sender once more if it is there; List-*,
 * Resent-* and TLS-Report-* as often as they are there: those who pass a
 * message on add the former, and do it no harm. */

/* Make the field up to "b=" (relaxed/relaxed) into field, and the SHA-256 to be
 * signed. */
void dkim_sign_digest(const struct dkim_sign *s, struct buf *field,
    uint8_t digest[KEY_DIGEST_LEN]);

/* Append the signature in base64, folded, and the CRLF. */
void dkim_sign_finish(struct buf *field, struct str signature);

#endif
