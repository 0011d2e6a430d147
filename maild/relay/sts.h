/* SPDX-License-Identifier: MIT */
/*
 * sts: MTA-STS policies of other domains (RFC 8461), kept in the store and
 * fetched anew when their TXT record names another id.
 *
 *	ask --the store cannot be read--> unknown: the next one reads again
 *	    --cached, id unchanged--> policy
 *	    --TXT--> none: no policy (one that was cached counts until it ends)
 *	         \-> id new --https--> policy, kept; failed: the cached one
 *
 * A domain that failed is not fetched again for five minutes (s3.3).  Each
 * failure is noted in deps->results, here and not by who asked.  A policy is
 * fetched anew once a day while it is in use, so that nobody who hinders that
 * now can wait for its end (s10); what is cached counts meanwhile.
 */
#ifndef MAILD_RELAY_STS_H
#define MAILD_RELAY_STS_H

#include "common/policy/mtasts.h"
#include "maild/relay/relay.h"

struct sts;
struct sts_question;

struct sts *sts_new(const struct relay_deps *deps); /* copied */

/* policy: valid during the call; NULL: none applies.  why: NULL, or what went
 * wrong on the way ("the certificate of mta-sts.d.test has expired"), with
 * kind, the result type of RFC 8460 s4.3 ("sts-webpki-invalid").  The question
 * is gone after it.
 *
 * unknown: there may be a policy that could not be read from the store; why
 * says so, without a kind.  Nothing may go by "none" then. */
struct sts_answer {
	const struct mtasts_policy *policy;
	const char *text; /* of the policy, as it came; NULL without one */
	const char *why, *kind;
	bool unknown;
};
typedef void sts_found(void *arg, const struct sts_answer *a);

/* Never calls back before it returned.  domain: folded. */
struct sts_question *sts_ask(
    struct sts *s, struct str domain, sts_found *found, void *arg);

/* The same for who wants a policy to be fresh, and waits for that: sts_tidy. */
struct sts_question *sts_refresh(
    struct sts *s, struct str domain, sts_found *found, void *arg);
void sts_cancel(struct sts_question *q);

/* Begin nothing more: questions may stay without an answer. */
void sts_stop(struct sts *s);
void sts_free(struct sts *s);

#endif
