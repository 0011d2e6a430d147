/* SPDX-License-Identifier: MIT */
/*
 * sign: putting our name to a message: DKIM for what our users submit, ARC
 * for what we forward.  maild holds the keys (authority/signer.h); here is what
 * is signed.  Which keys sign is read each time, so that a rotation counts at
 * once.
 */
#ifndef SMTPD_SIGN_H
#define SMTPD_SIGN_H

#include "common/policy/arc.h"
#include "smtpd/smtpd.h"

struct sign_request {             /* all borrowed until the answer */
	struct str domain;        /* whose keys: From's domain, or (ARC) the
	                           * recipient's; folded */
	struct str block;         /* header as it will be sent */
	const uint8_t *body_hash; /* relaxed, whole */
	int64_t now_s;
	bool seal;          /* ARC, else DKIM */
	struct str results; /* seal: what follows "Authentication-Results:" */
	enum arc_result chain; /* seal */
};

/* fields: to go on top of block, each with CRLF; empty if the domain is not
 * ours or has no keys.  ok false: it could not be signed now (maild is away);
 * text says why.  Called once, on the loop, perhaps from within: then
 * sign_begin() returned NULL. */
typedef void sign_done(void *arg, bool ok, struct str fields, const char *text);
struct sign;
struct sign *sign_begin(
    struct smtpd *d, const struct sign_request *r, sign_done *fn, void *arg);
void sign_cancel(struct sign *s); /* before fn was called; then it is not */

#endif
