/* SPDX-License-Identifier: MIT */
#include "common/net/loop.h"

#include <assert.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>

#include "common/net/loop_internal.h"

#define TIDY_AFTER 64   /* handshakes */
#define TIDY_MS    2000 /* at most every: 5 ms for 1,000 connections */

struct loop {
	uv_loop_t uv;
	uv_prepare_t before_poll;
	uv_check_t after_poll;
	uv_idle_t busy; /* active while tasks wait: poll does not block */
	struct loop_task queue[LOOP_PHASES]; /* heads of rings */
	uv_timer_t tidy;
	size_t untidy; /* handshakes since */
	size_t sessions;
	bool running;
	bool draining; /* stopped: only closing goes on */
	char *scratch; /* LOOP_SCRATCH, then LOOP_RECORD */
};

struct timer {
	struct loop_owned owned;
	struct loop *loop; /* borrowed */
	uv_timer_t uv;
	void (*fn)(void *arg);
	void *arg;
};

struct waker {
	struct loop_owned owned;
	struct loop *loop; /* borrowed */
	uv_async_t uv;
	void (*fn)(void *arg);
	void *arg;
};

struct watch {
	struct loop_owned owned;
	struct loop *loop; /* borrowed */
	uv_poll_t uv;
	bool enabled;
	void (*fn)(void *arg);
	void (*close)(void *arg); /* of the owner, or NULL */
	void *arg;
};

struct signal_handler {
	struct loop_owned owned;
	uv_signal_t uv;
	void (*fn)(void *arg);
	void *arg;
};

static void
free_handle(uv_handle_t *h)
{
	free(h->data);
}

static void
close_handle(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, free_handle);
}

/* ---- tasks ---- */

static bool
ring_empty(const struct loop_task *head)
{
	return head->next == head;
}

static void
ring_add(struct loop_task *head, struct loop_task *t)
{
	t->prev = head->prev;
	t->next = head;
	head->prev->next = t;
	head->prev = t;
}

static void
run_phase(struct loop *l, enum loop_phase phase)
{
	struct loop_task *head = &l->queue[phase];
	struct loop_task batch = {NULL, &batch, &batch};

	/* what these tasks queue waits for the next round */
	if (ring_empty(head))
		return;
	batch.next = head->next;
	batch.prev = head->prev;
	batch.next->prev = &batch;
	batch.prev->next = &batch;
	head->next = head->prev = head;
	while (!ring_empty(&batch)) {
		struct loop_task *t = batch.next;

		loop_unqueue(t);
		t->run(t);
	}
}

static void
on_busy(uv_idle_t *idle)
{
	(void)idle;
}

static void
run_tasks(struct loop *l)
{
	run_phase(l, LOOP_READY);
	run_phase(l, LOOP_FLUSH);
	if (ring_empty(&l->queue[LOOP_READY]) &&
	    ring_empty(&l->queue[LOOP_FLUSH]))
		uv_idle_stop(&l->busy);
	else
		uv_idle_start(&l->busy, on_busy);
}

static void
on_prepare(uv_prepare_t *p)
{
	run_tasks(uv_handle_get_loop((uv_handle_t *)p)->data);
}

static void
on_check(uv_check_t *c)
{
	run_tasks(uv_handle_get_loop((uv_handle_t *)c)->data);
}

void
loop_queue(struct loop *l, enum loop_phase phase, struct loop_task *t)
{
	if (t->next == NULL)
		ring_add(&l->queue[phase], t);
}

void
loop_unqueue(struct loop_task *t)
{
	if (t->next == NULL)
		return;
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->next = t->prev = NULL;
}

/* ---- the loop ---- */

static void *
resize(void *old, size_t size)
{
	return mem_grow(old, size > 0 ? size : 1, 1);
}

static void *
allot(size_t size)
{
	return resize(NULL, size);
}

struct loop *
loop_new(void)
{
	struct loop *l = MEM_NEW(struct loop);
	int rc;

	/* libuv would end the process as well, but without a word */
	rc = uv_replace_allocator(allot, resize, mem_new, free);
	assert(rc == 0);
	rc = uv_loop_init(&l->uv);
	assert(rc == 0);
	signal(SIGPIPE, SIG_IGN); /* a log nobody reads must not end us */
	l->uv.data = l;
	for (size_t i = 0; i < LOOP_PHASES; i++)
		l->queue[i].next = l->queue[i].prev = &l->queue[i];
	uv_prepare_init(&l->uv, &l->before_poll);
	uv_prepare_start(&l->before_poll, on_prepare);
	uv_check_init(&l->uv, &l->after_poll);
	uv_check_start(&l->after_poll, on_check);
	uv_idle_init(&l->uv, &l->busy);
	uv_timer_init(&l->uv, &l->tidy);
	l->scratch = mem_new(1, LOOP_SCRATCH + LOOP_RECORD);
	return l;
}

static void
close_session(uv_handle_t *h, void *arg)
{
	struct loop_owned *owned = h->data;

	(void)arg;
	if (owned != NULL && owned->session && !uv_is_closing(h))
		owned->close(owned);
}

static void
close_sessions(struct loop *l)
{
	l->draining = true;
	while (l->sessions > 0) {
		uv_walk(&l->uv, close_session, NULL);
		uv_run(&l->uv, UV_RUN_NOWAIT);
	}
	l->draining = false;
}

void
loop_run(struct loop *l)
{
	assert(!l->running);
	l->running = true;
	uv_run(&l->uv, UV_RUN_DEFAULT);
	close_sessions(l);
	l->running = false;
}

void
loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

static void
close_left(uv_handle_t *h, void *arg)
{
	struct loop_owned *owned = h->data;

	(void)arg;
	if (uv_is_closing(h))
		return;
	if (owned != NULL)
		owned->close(owned);
	else
		uv_close(h, NULL);
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	assert(!l->running);
	close_sessions(l); /* first: their closed() may free timers */
	do
		uv_walk(&l->uv, close_left, NULL);
	while (uv_run(&l->uv, UV_RUN_NOWAIT) != 0);
	int rc = uv_loop_close(&l->uv);
	assert(rc == 0);
	free(l->scratch);
	free(l);
}

int64_t
loop_now_ms(const struct loop *l)
{
	return (int64_t)uv_now(&l->uv);
}

bool
loop_is_draining(const struct loop *l)
{
	return l->draining;
}

uv_loop_t *
loop_uv(struct loop *l)
{
	return &l->uv;
}

char *
loop_scratch(struct loop *l)
{
	return l->scratch;
}

char *
loop_record(struct loop *l)
{
	return l->scratch + LOOP_SCRATCH;
}

static void
on_tidy(uv_timer_t *t)
{
	struct loop *l = uv_handle_get_loop((uv_handle_t *)t)->data;

	l->untidy = 0;
	malloc_trim(0);
}

void
loop_tidy_later(struct loop *l)
{
	if (++l->untidy == TIDY_AFTER)
		uv_timer_start(&l->tidy, on_tidy, TIDY_MS, 0);
}

void
loop_session_began(struct loop *l)
{
	l->sessions++;
}

void
loop_session_ended(struct loop *l)
{
	assert(l->sessions > 0);
	l->sessions--;
}

/* ---- signals ---- */

static void
on_signal(uv_signal_t *uv, int signo)
{
	struct signal_handler *s = uv->data;

	(void)signo;
	s->fn(s->arg);
}

static void
signal_close(void *self)
{
	struct signal_handler *s = self;

	close_handle((uv_handle_t *)&s->uv);
}

void
loop_on_signal(struct loop *l, int signo, void (*fn)(void *arg), void *arg)
{
	struct signal_handler *s = MEM_NEW(struct signal_handler);
	int rc;

	s->owned.close = signal_close;
	s->fn = fn;
	s->arg = arg;
	rc = uv_signal_init(&l->uv, &s->uv);
	assert(rc == 0);
	s->uv.data = s;
	rc = uv_signal_start(&s->uv, on_signal, signo);
	assert(rc == 0);
}

/* ---- timers ---- */

static void
timer_close(void *self)
{
	struct timer *t = self;

	close_handle((uv_handle_t *)&t->uv);
}

static void
on_timer(uv_timer_t *uv)
{
	struct timer *t = uv->data;

	if (t->loop->draining)
		/* kept for later; 0 ms would fire for ever in this round */
		uv_timer_start(&t->uv, on_timer, 1, 0);
	else
		t->fn(t->arg);
}

struct timer *
timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct timer *t = MEM_NEW(struct timer);

	t->owned.close = timer_close;
	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	return t;
}

void
timer_set(struct timer *t, int64_t delay_ms)
{
	if (!t->loop->running)
		uv_update_time(&t->loop->uv); /* else stale since start */
	uv_timer_start(
	    &t->uv, on_timer, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
}

void
timer_clear(struct timer *t)
{
	uv_timer_stop(&t->uv);
}

void
timer_free(struct timer *t)
{
	if (t != NULL)
		timer_close(t);
}

/* ---- wakers ---- */

static void
waker_close(void *self)
{
	struct waker *w = self;

	close_handle((uv_handle_t *)&w->uv);
}

static void
on_wake(uv_async_t *uv)
{
	struct waker *w = uv->data;

	if (w->loop->draining)
		uv_async_send(uv); /* keep for later */
	else
		w->fn(w->arg);
}

struct waker *
waker_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct waker *w = MEM_NEW(struct waker);
	int rc;

	w->owned.close = waker_close;
	w->loop = l;
	w->fn = fn;
	w->arg = arg;
	rc = uv_async_init(&l->uv, &w->uv, on_wake);
	assert(rc == 0);
	w->uv.data = w;
	return w;
}

void
waker_wake(struct waker *w)
{
	uv_async_send(&w->uv);
}

void
waker_free(struct waker *w)
{
	if (w != NULL)
		waker_close(w);
}

/* ---- watches ---- */

static void
watch_close(void *self)
{
	struct watch *w = self;

	if (w->close != NULL)
		w->close(w->arg);
	else
		close_handle((uv_handle_t *)&w->uv);
}

static void
on_readable(uv_poll_t *uv, int status, int events)
{
	struct watch *w = uv->data;

	(void)events;
	/* libuv stops the handle on an error condition; the owner's next read
	 * learns which one and clears it */
	if (status < 0)
		uv_poll_start(&w->uv, UV_READABLE, on_readable);
	if (!w->loop->draining)
		w->fn(w->arg);
}

struct watch *
watch_new_owned(struct loop *l, int fd, void (*fn)(void *arg),
    void (*close)(void *arg), void *arg)
{
	struct watch *w = MEM_NEW(struct watch);
	int rc;

	w->owned.close = watch_close;
	w->loop = l;
	w->fn = fn;
	w->close = close;
	w->arg = arg;
	rc = uv_poll_init(&l->uv, &w->uv, fd);
	assert(rc == 0);
	w->uv.data = w;
	watch_enable(w, true);
	return w;
}

struct watch *
watch_new(struct loop *l, int fd, void (*fn)(void *arg), void *arg)
{
	return watch_new_owned(l, fd, fn, NULL, arg);
}

void
watch_enable(struct watch *w, bool on)
{
	if (on == w->enabled)
		return;
	w->enabled = on;
	if (on)
		uv_poll_start(&w->uv, UV_READABLE, on_readable);
	else
		uv_poll_stop(&w->uv);
}

void
watch_free(struct watch *w)
{
	if (w != NULL)
		close_handle((uv_handle_t *)&w->uv);
}
