/* SPDX-License-Identifier: MIT */
/*
 * arc: the chain of those who forwarded a message (RFC 8617): checking it, and
 * adding ourselves to it.  Pure but for libcrypto.
 *
 *	arc_new(header) -> arc_body... -> arc_check() until true
 *	arc_seal_begin() -> the key's owner -> arc_seal_signed() -> the owner
 *	again -> arc_seal_finish()
 */
#ifndef POLICY_ARC_H
#define POLICY_ARC_H

#include "common/policy/facts.h"
#include "common/policy/key.h"

#define ARC_SETS_MAX 50 /* RFC 8617 s4.2.1 */

enum arc_result {
	ARC_NONE, /* no chain */
	ARC_PASS,
	ARC_FAIL,
	ARC_TEMPERROR, /* a key could not be had: it may be pass */
};

struct arc_verdict {
	enum arc_result result;
	unsigned sets;        /* instances in the chain */
	unsigned oldest_pass; /* RFC 8617 s5.2; 0: all the way */
	char sealer[256];     /* d= of the newest seal */
	char results[1000];   /* what the newest set's AAR says of the message,
	                       * printable, one line; cut */
	bool dmarc_pass;      /* pass: and that AAR says dmarc=pass, and nothing
	                       * else of dmarc: to be believed of those whom one
	                       * trusts */
	char sealers[512];    /* all d=, oldest first, a space between; cut */
	char why[200];        /* fail: a sentence */
};

struct arc;

/* As dkim.h. */
struct arc *arc_new(struct str block, int64_t now_s);
void arc_free(struct arc *a);
void arc_body(struct arc *a, struct str piece);
void arc_body_end(struct arc *a);
bool arc_check(struct arc *a, struct facts *f);
const struct arc_verdict *arc_verdict(const struct arc *a);
const char *arc_word(enum arc_result r);

/* ---- sealing ---- */

struct arc_seal { /* all borrowed until arc_seal_finish() */
	struct str domain, selector;
	enum key_algorithm algorithm; /* KEY_RSA: RFC 8617 knows no other yet */
	int64_t now_s;
	struct str block;   /* the header as it came */
	struct str results; /* what follows "Authentication-Results: " in ours,
	                     * without CRLF */
	const uint8_t *body_hash; /* relaxed, whole */
	enum arc_result chain; /* what arc_check() said of what came; nothing is
	                        * sealed onto a chain that had failed before */
};

/* Make ARC-Authentication-Results and ARC-Message-Signature up to b=; digest:
 * to be signed for the latter.  False: the chain may not be extended (it is at
 * its end, or was sealed with cv=fail). */
bool arc_seal_begin(const struct arc_seal *s, struct buf *fields,
    uint8_t digest[KEY_DIGEST_LEN]);

/* With that signature: completes it, makes ARC-Seal up to b=, whose digest is
 * to be signed next. */
void arc_seal_signed(const struct arc_seal *s, struct buf *fields,
    struct str signature, uint8_t digest[KEY_DIGEST_LEN]);

/* With the second one.  fields are now whole and go on top: ARC-Seal,
 * ARC-Message-Signature, ARC-Authentication-Results. */
void arc_seal_finish(
    const struct arc_seal *s, struct buf *fields, struct str signature);

#endif
