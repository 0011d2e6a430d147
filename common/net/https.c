/* SPDX-License-Identifier: MIT */
#include "common/net/https.h"

#include <assert.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/net/https_internal.h"
#include "common/net/loop_internal.h"

/* curl's sockets and its one timer are handles of the loop. */
struct https_socket {
	struct loop_owned owned;
	uv_poll_t uv;
	struct https *https; /* borrowed */
	curl_socket_t fd;
};

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
	a.result = https_judge(q, code, status);
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
	https_prepare(q, ask);
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
https_clock(struct https *h, const struct clock *clock)
{
	h->clock = clock;
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
