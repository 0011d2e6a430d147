/* SPDX-License-Identifier: MIT */
#include "common/net/https.h"

#include <assert.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/loop_internal.h"
#include "common/util/buf.h"

#define HEAD_MAX   (64 * KB) /* of all header lines */
#define URL_MAX    (4 * KB)
#define WHY_MAX    400
#define CONNECT_MS 15000

/* curl's sockets and its one timer are handles of the loop. */
struct https {
	struct loop *loop; /* borrowed */
	CURLM *multi;
	X509_STORE *trusted;
	struct timer *timer;
	struct https_question *questions;
};

struct https_socket {
	struct loop_owned owned;
	uv_poll_t uv;
	struct https *https; /* borrowed */
	curl_socket_t fd;
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
	char why[WHY_MAX];
};

/* ---- what a question was answered ---- */

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

static enum https_result
judge(struct https_question *q, CURLcode code, long status)
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
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(param, q->host, 0) == 1
	           ? CURLE_OK
	           : CURLE_SSL_CONNECT_ERROR;
}

/* ---- the loop ---- */

static void
unlink_question(struct https_question *q)
{
	*q->self = q->next;
	if (q->next != NULL)
		q->next->self = q->self;
}

static void
forget(struct https_question *q)
{
	unlink_question(q);
	curl_multi_remove_handle(q->https->multi, q->easy);
	curl_easy_cleanup(q->easy);
	curl_share_cleanup(q->names);
	curl_slist_free_all(q->resolve);
	curl_slist_free_all(q->headers);
	buf_release(&q->body);
	free(q);
}

static void
finish(struct https_question *q, CURLcode code)
{
	struct https_answer a = {0};
	long status = 0;

	curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
	a.status = (int)status;
	a.result = judge(q, code, status);
	if (a.result == HTTPS_GOOD)
		a.body = buf_str(&q->body);
	else
		a.why = q->why;
	q->done(q->arg, &a);
	forget(q);
}

/* A host that is told may ask and cancel: each look is a new one.  What was
 * told has left curl's list, so that cancelling cannot make it come again. */
static void
tell_finished(struct https *h)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
		char *q = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &q);
		finish(
		    (struct https_question *)(void *)q, message->data.result);
	}
}

static void
act(struct https *h, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(h->multi, fd, events, &running);
	tell_finished(h);
}

static void
on_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
set_timer(CURLM *multi, long delay_ms, void *arg)
{
	struct https *h = arg;

	(void)multi;
	if (delay_ms < 0)
		timer_clear(h->timer);
	else
		timer_set(h->timer, delay_ms);
	return 0;
}

static void
on_socket(uv_poll_t *uv, int status, int events)
{
	struct https_socket *s = uv->data;
	int what = 0;

	if (loop_is_draining(s->https->loop))
		return; /* https_free() comes next */
	if (status < 0)
		what = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		what |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		what |= CURL_CSELECT_OUT;
	act(s->https, s->fd, what);
}

static void
free_socket(uv_handle_t *uv)
{
	free(uv->data);
}

static void
close_socket(void *self)
{
	struct https_socket *s = self;

	if (!uv_is_closing((uv_handle_t *)&s->uv))
		uv_close((uv_handle_t *)&s->uv, free_socket);
}

static int
set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
	struct https_socket *s = mine;
	struct https *h = arg;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			close_socket(s);
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (s == NULL) {
		s = MEM_NEW(struct https_socket);
		s->owned.close = close_socket;
		s->https = h;
		s->fd = fd;
		int rc = uv_poll_init_socket(loop_uv(h->loop), &s->uv, fd);
		assert(rc == 0);
		s->uv.data = s;
		curl_multi_assign(h->multi, fd, s);
	}
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	uv_poll_start(&s->uv, events, on_socket);
	return 0;
}

/* ---- questions ---- */

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

struct https_question *
https_ask(
    struct https *h, const struct https_ask *ask, https_done *done, void *arg)
{
	struct https_question *q = MEM_NEW(struct https_question);

	assert(ask->n > 0 && ask->host.len < sizeof(q->host));
	assert(ask->type.len < sizeof(q->type));
	q->https = h;
	q->done = done;
	q->arg = arg;
	q->easy = curl_easy_init();
	assert(q->easy != NULL); /* only memory can be missing */
	buf_init(&q->body, ask->limit);
	snprintf(q->host, sizeof(q->host), "%.*s", STR_FMT(ask->host));
	snprintf(q->type, sizeof(q->type), "%.*s", STR_FMT(ask->type));
	set_manners(q);
	set_limits(q, ask);
	set_addresses(q, ask);
	set_request(q, ask);
	q->next = h->questions;
	q->self = &h->questions;
	if (q->next != NULL)
		q->next->self = &q->next;
	h->questions = q;
	curl_multi_add_handle(h->multi, q->easy);
	return q;
}

void
https_cancel(struct https_question *q)
{
	if (q != NULL)
		forget(q);
}

/* ---- the client ---- */

static int
load_trusted(struct https *h, const char *ca_file, struct fail *f)
{
	h->trusted = X509_STORE_new();
	assert(h->trusted != NULL);
	if (ca_file == NULL) {
		if (X509_STORE_set_default_paths(h->trusted) != 1)
			return fail(f, FAIL_TEMP,
			    "the CAs of this system cannot be read");
		return 0;
	}
	if (X509_STORE_load_file(h->trusted, ca_file) != 1)
		return fail(f, FAIL_PERM,
		    "%s: no certificates in it, or it "
		    "cannot be read",
		    ca_file);
	return 0;
}

struct https *
https_new(struct loop *l, const char *ca_file, struct fail *f)
{
	struct https *h = MEM_NEW(struct https);

	h->loop = l;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (load_trusted(h, ca_file, f) == -1) {
		https_free(h);
		return NULL;
	}
	h->timer = timer_new(l, on_timer, h);
	h->multi = curl_multi_init();
	assert(h->multi != NULL);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	return h;
}

void
https_free(struct https *h)
{
	if (h == NULL)
		return;
	while (h->questions != NULL)
		forget(h->questions);
	if (h->multi != NULL)
		curl_multi_cleanup(h->multi);
	timer_free(h->timer);
	X509_STORE_free(h->trusted);
	curl_global_cleanup();
	free(h);
}
