/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "common/net/https_internal.h"

static enum https_result
kind_of(const struct https_question *q, CURLcode code)
{
	if (code != CURLE_OK && q->verdict != X509_V_OK)
		return HTTPS_CERTIFICATE;
	switch (code) {
	case CURLE_OK:
		return HTTPS_GOOD;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_USE_SSL_FAILED:
		return HTTPS_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTPS_SLOW;
	case CURLE_FILESIZE_EXCEEDED:
		return HTTPS_LONG;
	case CURLE_WRITE_ERROR:
		return q->too_long ? HTTPS_LONG : HTTPS_PROTOCOL;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_PARTIAL_FILE:
		return HTTPS_PROTOCOL;
	default:
		return HTTPS_UNREACHABLE;
	}
}

static void
say_certificate(struct https_question *q)
{
	switch (q->verdict) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(q->why, sizeof(q->why),
		    "the certificate of %s has expired", q->host);
		return;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		snprintf(q->why, sizeof(q->why),
		    "the certificate of %s is for another name", q->host);
		return;
	default:
		snprintf(q->why, sizeof(q->why),
		    "the certificate of %s is not trusted: %s", q->host,
		    X509_verify_cert_error_string(q->verdict));
	}
}

/* Is this the media type (RFC 9110 s8.3.1), whatever its parameters? */
static bool
is_type(const char *said, const char *wanted)
{
	struct str type = str_of(said);

	return str_eq_nocase(str_trim(str_cut(&type, ';')), str_of(wanted));
}

enum https_result
https_judge(struct https_question *q, CURLcode code, long status)
{
	enum https_result kind = kind_of(q, code);
	char *type = NULL;

	if (kind == HTTPS_CERTIFICATE) {
		say_certificate(q);
		return kind;
	}
	if (kind == HTTPS_LONG) {
		snprintf(q->why, sizeof(q->why),
		    "the answer of %s is longer than %zu octets", q->host,
		    q->body.limit);
		return kind;
	}
	if (kind != HTTPS_GOOD) {
		snprintf(q->why, sizeof(q->why), "asking %s failed: %s",
		    q->host, curl_easy_strerror(code));
		return kind;
	}
	if (q->post ? status < 200 || status > 299 : status != 200) {
		snprintf(q->why, sizeof(q->why), "%s answered with status %ld",
		    q->host, status);
		return HTTPS_STATUS;
	}
	curl_easy_getinfo(q->easy, CURLINFO_CONTENT_TYPE, &type);
	if (q->type[0] != '\0' && (type == NULL || !is_type(type, q->type))) {
		snprintf(q->why, sizeof(q->why),
		    "the answer of %s is not of type %s", q->host, q->type);
		return HTTPS_TYPE;
	}
	return HTTPS_GOOD;
}
