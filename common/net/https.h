/* SPDX-License-Identifier: MIT */
/*
 * https: one question to one web server, whose addresses are known (libcurl,
 * driven by our loop).
 *
 * Only https, TLS 1.2 at least, and the certificate must be for the host by a
 * DNS name in it (RFC 8461 s3.3: no common name).  Nothing is followed, kept or
 * taken from the environment: no redirects, proxies, cookies, caches,
 * connections that are used again.  Every question ends by itself.
 */
#ifndef NET_HTTPS_H
#define NET_HTTPS_H

#include "common/net/address.h"
#include "common/net/loop.h"
#include "common/util/fail.h"
#include "common/util/str.h"

#define HTTPS_ADDRESSES_MAX 10 /* that are tried */

struct https;
struct https_question;

struct https_ask {       /* borrowed during the call */
	struct str host; /* A-label */
	uint16_t port;
	const struct address *addresses; /* at least one; their ports do not
	                                  * count */
	size_t n;
	struct str path; /* "/x?y" */
	struct str type; /* media type the answer must have; empty: any */
	struct str body; /* to POST, if body_type is not empty; else GET */
	struct str body_type;
	size_t limit; /* of the answer's body */
	int64_t time_ms;
};

enum https_result {
	HTTPS_GOOD,        /* status 200, or for POST any 2xx */
	HTTPS_UNREACHABLE, /* no connection, or it broke */
	HTTPS_TLS,         /* no TLS that we accept */
	HTTPS_CERTIFICATE, /* not valid for the host */
	HTTPS_SLOW,        /* more than time_ms */
	HTTPS_STATUS,      /* another one */
	HTTPS_TYPE,        /* not the media type wanted */
	HTTPS_LONG,        /* more than limit */
	HTTPS_PROTOCOL,    /* it does not speak HTTP */
};

struct https_answer {
	enum https_result result;
	int status;      /* 0: none came */
	struct str body; /* HTTPS_GOOD: valid during the call */
	const char *why; /* otherwise a sentence, as "the certificate of
	                  * mta-sts.d.test has expired" */
};

/* The question is gone after it.  It may ask and cancel. */
typedef void https_done(void *arg, const struct https_answer *a);

/* ca_file: whom to trust, or NULL: the CAs of this system.  Read once, now. */
struct https *https_new(struct loop *l, const char *ca_file, struct fail *f);

/* What time it is where certificates are judged (borrowed); else the system's.
 */
struct clock;
void https_clock(struct https *h, const struct clock *clock);

/* done is called once, never before this returned. */
struct https_question *https_ask(
    struct https *h, const struct https_ask *ask, https_done *done, void *arg);
void https_cancel(struct https_question *q); /* done is not called any more */

/* Questions that are left are cancelled.  Before the loop is freed. */
void https_free(struct https *h);

#endif
