/* SPDX-License-Identifier: MIT */
#include "common/net/conn.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/conn_internal.h"
#include "common/util/secret.h"

#define SECOND_MS ((int64_t)1000)
#define OUT_SLACK (64 * MB) /* one answer; more is a bug of the host */

struct conn_limits
conn_default_limits(void)
{
	return (struct conn_limits){
	    .in_limit = 16 * KB,
	    .out_high = 64 * KB,
	    .stall_ms = 300 * SECOND_MS,
	    .handshake_ms = 10 * SECOND_MS,
	    .connect_ms = 30 * SECOND_MS,
	};
}

/* ---- the end ---- */

static void
last_rites(uv_handle_t *h)
{
	struct conn *c = h->data;

	if (--c->handles > 0)
		return;
	c->host->closed(c->arg, c->end, c->why != NULL ? c->why : "");
	engine_free(c->tls);
	squeeze_free(c->squeeze);
	secret_wipe(&c->in);
	buf_release(&c->out);
	free(c->why);
	loop_session_ended(c->loop);
	free(c);
}

static void
set_end(struct conn *c, enum conn_end end, const char *why)
{
	c->end = end;
	free(c->why);
	c->why = mem_dup(str_of(why));
}

void
conn_end_now(struct conn *c)
{
	assert(c->state != CONN_ENDED);
	c->state = CONN_ENDED;
	loop_unqueue(&c->ready);
	loop_unqueue(&c->flush);
	if (c->handles > 1)
		uv_close((uv_handle_t *)&c->poll, last_rites);
	uv_close((uv_handle_t *)&c->timer, last_rites);
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

void
conn_end(struct conn *c, enum conn_end end, const char *why)
{
	if (c->state == CONN_ENDED)
		return;
	set_end(c, end, why);
	conn_end_now(c);
}

static void
close_left(void *self)
{
	conn_end(self, CONN_ABORTED, "the process ends");
}

/* ---- winding up ---- */

/* Nothing more for the host but closed(); what is pending still goes out. */
static void
wind_up(struct conn *c, enum conn_end why, const char *text)
{
	set_end(c, why, text);
	c->state = CONN_FINISHING;
	loop_unqueue(&c->ready);
	c->expires_at = 0;
	/* a handshake keeps its own, shorter time */
	if (c->tls == NULL || c->tls->state != ENGINE_HANDSHAKE)
		c->step_at = loop_now_ms(c->loop) + c->limits.stall_ms;
	conn_flush_soon(c);
}

void
conn_tls_failed(struct conn *c, const char *doing, const char *why)
{
	char text[200];

	snprintf(text, sizeof(text), "TLS %s: %s", doing, why);
	buf_release(&c->out); /* cannot be said any more */
	buf_release(conn_outgoing(c));
	wind_up(c, CONN_TLS, text);
}

static void
call_ready(struct loop_task *t)
{
	struct conn *c = (struct conn *)((char *)t -
					 offsetof(struct conn, ready));

	conn_flush_soon(c);
	c->host->ready(c->arg, c);
}

void
conn_soon(struct conn *c)
{
	if (c->state == CONN_OPEN)
		loop_queue(c->loop, LOOP_READY, &c->ready);
}

void
conn_flush_soon(struct conn *c)
{
	if (c->state != CONN_ENDED)
		loop_queue(c->loop, LOOP_FLUSH, &c->flush);
}

struct buf *
conn_outgoing(struct conn *c)
{
	return c->squeeze != NULL ? &c->squeeze->packed : &c->out;
}

void
conn_take(struct conn *c, struct str bytes)
{
	if (c->squeeze != NULL) {
		buf_add(&c->squeeze->raw, bytes);
		squeeze_input(c);
	} else {
		buf_add(&c->in, bytes);
		conn_soon(c);
	}
}

/* ---- birth ---- */

static struct conn *
conn_make(struct loop *l, const struct conn_host *host, void *arg,
    const struct conn_limits *limits)
{
	struct conn *c = MEM_NEW(struct conn);

	assert(host->ready != NULL && host->closed != NULL);
	c->owned = (struct loop_owned){close_left, true};
	c->loop = l;
	c->fd = -1;
	c->host = host;
	c->arg = arg;
	c->limits = limits != NULL ? *limits : conn_default_limits();
	buf_init(&c->in, c->limits.in_limit);
	buf_init(&c->out, c->limits.out_high + OUT_SLACK);
	c->ready.run = call_ready;
	c->flush.run = conn_run_flush;
	uv_timer_init(loop_uv(l), &c->timer);
	c->timer.data = c;
	c->handles = 1;
	loop_session_began(l);
	return c;
}

static void
take_socket(struct conn *c, int fd)
{
	c->fd = fd;
	/* makes it non-blocking */
	if (uv_poll_init(loop_uv(c->loop), &c->poll, fd) != 0) {
		conn_end(c, CONN_RESET, "not a socket");
		return;
	}
	c->poll.data = c;
	c->handles++;
	conn_flush_soon(c);
}

struct conn *
conn_new(struct loop *l, int fd, const struct conn_host *host, void *arg,
    const struct conn_limits *limits)
{
	struct conn *c = conn_make(l, host, arg, limits);

	assert(fd >= 0);
	c->state = CONN_OPEN;
	take_socket(c, fd);
	if (c->state == CONN_OPEN)
		conn_name_ends(c);
	return c;
}

/* A socket on its way to peer, or -1 and errno. */
static int
start_connecting(const struct address *peer, const struct address *source)
{
	int fd = socket(
	    peer->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd == -1)
		return -1;
	if (source != NULL && bind(fd, (const struct sockaddr *)&source->sa,
				  address_len(source)) == -1)
		goto failed;
	if (connect(fd, (const struct sockaddr *)&peer->sa,
		address_len(peer)) == -1 &&
	    errno != EINPROGRESS)
		goto failed;
	return fd;
failed:
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

struct conn *
conn_connect(struct loop *l, const struct address *peer,
    const struct address *source, const struct conn_host *host, void *arg,
    const struct conn_limits *limits)
{
	struct conn *c = conn_make(l, host, arg, limits);
	int fd = start_connecting(peer, source);

	c->state = CONN_CONNECTING;
	c->peer = *peer;
	if (fd == -1) {
		conn_end(c, CONN_REFUSED, strerror(errno));
		return c;
	}
	c->step_at = loop_now_ms(l) + c->limits.connect_ms;
	take_socket(c, fd);
	return c;
}

/* ---- what the host may do ---- */

void
conn_rehost(struct conn *c, const struct conn_host *host, void *arg)
{
	assert(host->ready != NULL && host->closed != NULL);
	c->host = host;
	c->arg = arg;
}

struct str
conn_input(const struct conn *c)
{
	return buf_str(&c->in);
}

void
conn_consume(struct conn *c, size_t n)
{
	/* after conn_finish() a host may still be in its loop */
	if (n == 0 || c->state != CONN_OPEN)
		return;
	buf_drop(&c->in, n);
	conn_flush_soon(c);
}

bool
conn_eof(const struct conn *c)
{
	const struct conn_squeeze *z = c->squeeze;

	return c->eof && (z == NULL || (z->raw.len == 0 && !z->full));
}

bool
conn_eof_clean(const struct conn *c)
{
	return c->eof_clean;
}

void
conn_send(struct conn *c, struct str bytes)
{
	if (bytes.len == 0 ||
	    (c->state != CONN_OPEN && c->state != CONN_CONNECTING))
		return;
	buf_add(&c->out, bytes);
	if (c->out.overrun) {
		conn_end(c, CONN_ABORTED, "output grew without limit");
		return;
	}
	/* also below out_high: a host may have stopped on its own there */
	if (conn_pending(c) > c->limits.out_high / 4)
		c->loaded = true;
	conn_flush_soon(c);
}

size_t
conn_pending(const struct conn *c)
{
	return c->out.len + (c->squeeze != NULL ? c->squeeze->packed.len : 0) +
	       (c->tls != NULL ? c->tls->wire.len : 0);
}

bool
conn_has_room(const struct conn *c)
{
	return (c->state == CONN_OPEN || c->state == CONN_CONNECTING) &&
	       conn_pending(c) <= c->limits.out_high;
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
	conn_flush_soon(c);
}

void
conn_resume(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	if (c->squeeze != NULL)
		squeeze_input(c);
	if (c->in.len > 0 || c->eof)
		conn_soon(c);
	conn_flush_soon(c);
}

void
conn_deadline(struct conn *c, int64_t delay_ms)
{
	if (c->state != CONN_OPEN && c->state != CONN_CONNECTING)
		return;
	c->expires_at = delay_ms > 0 ? loop_now_ms(c->loop) + delay_ms : 0;
	conn_arm(c);
}

/* expect is owned from here on. */
static void
start_tls(struct conn *c, struct tls *t, struct tls_expect *expect)
{
	assert(c->tls == NULL && c->squeeze == NULL);
	assert(c->in.len == 0);
	if (c->state != CONN_OPEN && c->state != CONN_CONNECTING) {
		tls_expect_free(expect);
		return;
	}
	c->tls = engine_new(c, t, expect);
	if (c->state == CONN_OPEN)
		c->step_at = loop_now_ms(c->loop) + c->limits.handshake_ms;
	conn_flush_soon(c);
}

void
conn_start_tls(struct conn *c, struct tls *t, const char *server_name)
{
	start_tls(c, t,
	    server_name != NULL ? tls_expect_new(server_name, NULL, 0) : NULL);
}

void
conn_start_tls_dane(struct conn *c, struct tls *t, const char *server_name,
    const struct tlsa *records, size_t n)
{
	assert(n > 0);
	start_tls(c, t, tls_expect_new(server_name, records, n));
}

void
conn_tls_also(struct conn *c, const char *name)
{
	if (c->tls == NULL)
		return;
	assert(c->tls->expect != NULL && c->tls->ssl == NULL);
	tls_expect_also(c->tls->expect, name);
}

void
conn_start_tls_inside(struct conn *c, struct tls *t)
{
	struct buf before = c->in;

	buf_init(&c->in, before.limit);
	conn_start_tls(c, t, NULL);
	if (c->tls != NULL)
		buf_add(&c->tls->raw, buf_str(&before));
	buf_release(&before);
}

const struct conn_tls *
conn_tls(const struct conn *c)
{
	const struct conn_engine *e = c->tls;

	return e != NULL && e->info.version != NULL ? &e->info : NULL;
}

const struct address *
conn_peer(const struct conn *c)
{
	return &c->peer;
}

const struct address *
conn_local(const struct conn *c)
{
	return &c->local;
}

void
conn_finish(struct conn *c)
{
	if (c->state == CONN_CONNECTING)
		conn_end(c, CONN_FINISHED, "");
	else if (c->state == CONN_OPEN)
		wind_up(c, CONN_FINISHED, "");
}

void
conn_abort(struct conn *c)
{
	conn_end(c, CONN_ABORTED, "");
}

static void
nobody_ready(void *arg, struct conn *c)
{
	(void)arg;
	(void)c;
}

static void
nobody_closed(void *arg, enum conn_end end, const char *text)
{
	(void)arg;
	(void)end;
	(void)text;
}

void
conn_abandon(struct conn *c)
{
	static const struct conn_host nobody = {
	    nobody_ready, nobody_closed, nobody_ready};

	conn_rehost(c, &nobody, NULL);
	conn_abort(c);
}

bool
conn_is_over(const struct conn *c)
{
	return c->state == CONN_FINISHING || c->state == CONN_ENDED;
}

uint64_t
conn_bytes_in(const struct conn *c)
{
	return c->bytes_in;
}

uint64_t
conn_bytes_out(const struct conn *c)
{
	return c->bytes_out;
}
