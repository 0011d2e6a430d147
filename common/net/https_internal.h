/* SPDX-License-Identifier: MIT */
/*
 * https_internal: what the files of https share; nobody else's.
 *
 *	https.c		the client, its questions on the loop
 *	https_request.c	what curl is told to do, and what it asks us of it
 *	https_verdict.c	what became of it
 */
#ifndef NET_HTTPS_INTERNAL_H
#define NET_HTTPS_INTERNAL_H

#include <curl/curl.h>
#include <openssl/x509.h>

#include "common/net/https.h"
#include "common/util/buf.h"

#define HTTPS_WHY_MAX 400

struct https {
	struct loop *loop; /* borrowed */
	CURLM *multi;
	X509_STORE *trusted;
	const struct clock *clock; /* or NULL */
	struct timer *timer;
	struct https_question *questions;
};

struct https_question {
	struct https *https; /* borrowed */
	struct https_question *next, **self;
	CURL *easy;
	CURLSH *names; /* addresses of this question alone */
	struct curl_slist *resolve, *headers;
	char host[256];
	char type[64]; /* wanted, or "" */
	bool post;
	size_t head; /* octets of header lines so far */
	struct buf body;
	bool too_long;
	int verdict; /* on its certificate: X509_V_... */
	https_done *done;
	void *arg; /* borrowed */
	char why[HTTPS_WHY_MAX];
};

/* All that q's easy handle must know; the host's name and the type wanted are
 * in q. */
void https_prepare(struct https_question *q, const struct https_ask *ask);

/* What it means that curl ended so; why is set, but for HTTPS_GOOD. */
enum https_result https_judge(
    struct https_question *q, CURLcode code, long status);

#endif
