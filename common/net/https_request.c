/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "common/net/https_internal.h"
#include "common/util/clock.h"
#include "common/util/mem.h"

#define HEAD_MAX   (64 * KB) /* of all header lines */
#define URL_MAX    (4 * KB)
#define CONNECT_MS 15000

/* ---- curl's calls to us, none of which calls anybody else ---- */

static size_t
on_head(char *bytes, size_t size, size_t n, void *arg)
{
	struct https_question *q = arg;

	(void)bytes;
	q->head += size * n;
	return q->head <= HEAD_MAX ? size * n : 0;
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct https_question *q = arg;

	buf_add(&q->body, (struct str){bytes, size * n});
	if (!q->body.overrun)
		return size * n;
	q->too_long = true;
	return 0;
}

/* As OpenSSL would without us, but we learn what is wrong. */
static int
on_certificate(X509_STORE_CTX *chain, void *arg)
{
	struct https_question *q = arg;
	int good = X509_verify_cert(chain);

	q->verdict = X509_STORE_CTX_get_error(chain);
	return good;
}

/* RFC 8461 s3.3, RFC 6125 s6.4.4: the names are those of the certificate's
 * extension; a subject without it is not looked at, as curl would. */
static CURLcode
on_tls(CURL *easy, void *ctx, void *arg)
{
	struct https_question *q = arg;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	(void)easy;
	SSL_CTX_set1_cert_store(ctx, q->https->trusted);
	SSL_CTX_set_cert_verify_callback(ctx, on_certificate, q);
	if (q->https->clock != NULL)
		X509_VERIFY_PARAM_set_time(
		    param, clock_wall_ms(q->https->clock) / 1000);
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(param, q->host, 0) == 1
	           ? CURLE_OK
	           : CURLE_SSL_CONNECT_ERROR;
}

/* ---- what it is told ---- */

/* "host:443:192.0.2.1,[2001:db8::1]": curl asks nobody for names. */
static void
set_addresses(struct https_question *q, const struct https_ask *ask)
{
	char text[ADDRESS_TEXT_MAX];
	struct buf line;

	buf_init(&line, 2 * KB);
	buf_addf(&line, "%s:%u:", q->host, ask->port);
	for (size_t i = 0; i < ask->n && i < HTTPS_ADDRESSES_MAX; i++) {
		address_ip_text(&ask->addresses[i], text);
		buf_addf(&line, strchr(text, ':') != NULL ? "%s[%s]" : "%s%s",
		    i > 0 ? "," : "", text);
	}
	assert(!line.overrun);
	q->resolve = curl_slist_append(NULL, line.data);
	buf_release(&line);
	curl_easy_setopt(q->easy, CURLOPT_RESOLVE, q->resolve);
	/* else what is said here would stay in the multi handle for ever */
	q->names = curl_share_init();
	assert(q->names != NULL);
	curl_share_setopt(q->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_easy_setopt(q->easy, CURLOPT_SHARE, q->names);
}

static void
set_request(struct https_question *q, const struct https_ask *ask)
{
	struct buf text;

	buf_init(&text, URL_MAX);
	buf_addf(
	    &text, "https://%s:%u%.*s", q->host, ask->port, STR_FMT(ask->path));
	assert(!text.overrun);
	curl_easy_setopt(q->easy, CURLOPT_URL, text.data);
	q->post = ask->body_type.len > 0;
	if (q->post) {
		buf_clear(&text);
		buf_addf(&text, "Content-Type: %.*s", STR_FMT(ask->body_type));
		q->headers = curl_slist_append(NULL, text.data);
		q->headers = curl_slist_append(q->headers, "Expect:");
		curl_easy_setopt(q->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(q->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)ask->body.len);
		curl_easy_setopt(q->easy, CURLOPT_COPYPOSTFIELDS, ask->body.at);
		curl_easy_setopt(q->easy, CURLOPT_HTTPHEADER, q->headers);
	}
	buf_release(&text);
}

static void
set_limits(struct https_question *q, const struct https_ask *ask)
{
	long connect_ms = ask->time_ms < CONNECT_MS ? (long)ask->time_ms
	                                            : CONNECT_MS;

	curl_easy_setopt(q->easy, CURLOPT_TIMEOUT_MS, (long)ask->time_ms);
	curl_easy_setopt(q->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	curl_easy_setopt(
	    q->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)ask->limit);
	curl_easy_setopt(q->easy, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(q->easy, CURLOPT_HEADERDATA, q);
	curl_easy_setopt(q->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(q->easy, CURLOPT_WRITEDATA, q);
}

/* What makes it the question above, and nothing else. */
static void
set_manners(struct https_question *q)
{
	CURL *c = q->easy;

	curl_easy_setopt(c, CURLOPT_PRIVATE, q);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L); /* RFC 8461 s3.3 */
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "PennyPost/" PP_VERSION);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c, CURLOPT_CAINFO, NULL); /* ours: on_tls() */
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, q);
}

void
https_prepare(struct https_question *q, const struct https_ask *ask)
{
	set_manners(q);
	set_limits(q, ask);
	set_addresses(q, ask);
	set_request(q, ask);
}
