/* SPDX-License-Identifier: MIT */
/*
 * tls_results: how safe sessions with other servers were, counted for the
 * reports of RFC 8460: in memory, and every minute and at the end into the
 * store.
 */
#ifndef MAILD_RELAY_TLS_RESULTS_H
#define MAILD_RELAY_TLS_RESULTS_H

#include "common/net/tlsa.h"
#include "common/policy/mtasts.h"
#include "maild/relay/relay.h"

struct tls_results;

/* R(NAME, "word of RFC 8460 s4.3"); the first is success. */
#define TLS_RESULTS(R)                                                         \
	R(OK, "")                                                              \
	R(STARTTLS_NOT_SUPPORTED, "starttls-not-supported")                    \
	R(HOST_MISMATCH, "certificate-host-mismatch")                          \
	R(EXPIRED, "certificate-expired")                                      \
	R(NOT_TRUSTED, "certificate-not-trusted")                              \
	R(VALIDATION_FAILURE, "validation-failure")                            \
	R(TLSA_INVALID, "tlsa-invalid")                                        \
	R(DNSSEC_INVALID, "dnssec-invalid")                                    \
	R(DANE_REQUIRED, "dane-required")                                      \
	R(STS_FETCH_ERROR, "sts-policy-fetch-error")                           \
	R(STS_INVALID, "sts-policy-invalid")                                   \
	R(STS_WEBPKI_INVALID, "sts-webpki-invalid")

enum tls_result {
#define R(name, word) TLS_RESULT_##name,
	TLS_RESULTS(R)
#undef R
};

/* Its word. */
const char *tls_results_word(enum tls_result r);

struct tls_session {       /* strings borrowed; empty where not known */
	struct str domain; /* the recipients' */
	const struct mtasts_policy *sts; /* with its text, or NULL */
	struct str sts_text;
	const struct tlsa *tlsa; /* or n_tlsa 0 */
	size_t n_tlsa;           /* neither: "no-policy-found" */
	enum tls_result result;
	struct str host, ip, source;
	struct str reason;
};

struct tls_results *tls_results_new(const struct relay_deps *deps);
void tls_results_note(struct tls_results *t, const struct tls_session *s);

/* What was noted is a job of the store when this returns. */
void tls_results_flush(struct tls_results *t);

/* The same before that day (Unix days, UTC) is reported: nothing is noted of it
 * any more, should the clock go back to it.  Of a day there is one report. */
void tls_results_close(struct tls_results *t, int64_t day);

/* A last time into the store, before it is closed: nothing is noted any more.
 */
void tls_results_stop(struct tls_results *t);
void tls_results_free(struct tls_results *t);

#endif
