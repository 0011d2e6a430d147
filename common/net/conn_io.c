/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "common/net/conn_internal.h"
#include "common/util/secret.h"

#define LINGER_MS    2000
#define LINGER_BYTES (1 * MB) /* thrown away while lingering, at most */
#define RECORD_EXTRA (1 * KB) /* what TLS adds to what fits into `in' */

/* A peer that is gone without a word is noticed after 15 minutes. */
#define KEEPALIVE_S       600
#define KEEPALIVE_EVERY_S 60
#define KEEPALIVE_TRIES   5

/* ---- timer: one, set to the earliest of three and moved lazily ---- */

static int64_t
sooner(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* Milliseconds until the timer should fire, if it must be set for that. */
static bool
due(struct conn *c, uint64_t *delay_ms)
{
	int64_t at = sooner(sooner(c->expires_at, c->stall_at), c->step_at);
	int64_t now = loop_now_ms(c->loop);

	if (at == 0 || c->state == CONN_ENDED ||
	    (c->timer_at != 0 && c->timer_at <= at))
		return false;
	c->timer_at = at;
	*delay_ms = at > now ? (uint64_t)(at - now) : 0;
	return true;
}

static void
step_too_long(struct conn *c)
{
	c->step_at = 0;
	if (c->state == CONN_CONNECTING)
		conn_end(c, CONN_DEADLINE, "connecting took too long");
	else if (c->state == CONN_OPEN)
		conn_end(c, CONN_DEADLINE, "the TLS handshake took too long");
	else if (c->state == CONN_FINISHING)
		conn_end(
		    c, CONN_STALLED, "the peer did not take the last words");
	else
		conn_end_now(c);
}

static void
on_timer(uv_timer_t *uv)
{
	struct conn *c = uv->data;
	int64_t now = loop_now_ms(c->loop);
	uint64_t delay_ms;

	c->timer_at = 0;
	if (c->expires_at != 0 && now >= c->expires_at) {
		c->expires_at = 0;
		if (c->host->expired != NULL)
			c->host->expired(c->arg, c);
	}
	if (c->state != CONN_ENDED && c->stall_at != 0 && now >= c->stall_at)
		conn_end(c, CONN_STALLED, "the peer takes too little");
	if (c->state != CONN_ENDED && c->step_at != 0 && now >= c->step_at)
		step_too_long(c);
	if (due(c, &delay_ms))
		uv_timer_start(&c->timer, on_timer, delay_ms, 0);
}

void
conn_arm(struct conn *c)
{
	uint64_t delay_ms;

	if (due(c, &delay_ms))
		uv_timer_start(&c->timer, on_timer, delay_ms, 0);
}

/* All is said. */
static void
linger(struct conn *c)
{
	if (c->fin || shutdown(c->fd, SHUT_WR) == -1) {
		conn_end_now(c);
		return;
	}
	c->state = CONN_LINGERING;
	c->stall_at = 0;
	c->step_at = loop_now_ms(c->loop) + LINGER_MS;
}

/* ---- input ---- */

size_t
conn_in_room(const struct conn *c)
{
	const struct buf *in = c->squeeze != NULL ? &c->squeeze->raw : &c->in;

	return in->len < c->limits.in_limit ? c->limits.in_limit - in->len : 0;
}

static void
discard(struct conn *c, size_t n)
{
	c->discarded += n;
	if (c->state == CONN_LINGERING &&
	    (n == 0 || c->discarded >= LINGER_BYTES))
		conn_end_now(c);
}

static void
take_input(struct conn *c, struct str bytes)
{
	bool handshake = c->state != CONN_LINGERING && c->tls != NULL &&
	                 c->tls->state == ENGINE_HANDSHAKE;

	c->bytes_in += bytes.len;
	c->fin = bytes.len == 0;
	if (c->state != CONN_OPEN && !handshake) {
		discard(c, bytes.len);
	} else if (c->tls != NULL) {
		engine_input(c, bytes);
	} else {
		if (c->fin)
			c->eof = c->eof_clean = true;
		conn_take(c, bytes);
		conn_soon(c);
	}
}

static bool
wants_input(const struct conn *c)
{
	const struct conn_engine *e = c->tls;

	if (c->fin || c->state == CONN_CONNECTING)
		return false;
	if (e != NULL && e->state == ENGINE_WAITING)
		return false;
	if (e != NULL && e->state == ENGINE_HANDSHAKE)
		return true;
	if (c->state == CONN_FINISHING)
		return c->discarded < LINGER_BYTES;
	if (c->state == CONN_LINGERING)
		return true;
	return !c->eof && !c->paused && conn_in_room(c) > 0 &&
	       (e == NULL || e->raw.len == 0);
}

static void
read_some(struct conn *c)
{
	char *scratch = loop_scratch(c->loop);
	size_t max = LOOP_SCRATCH;
	ssize_t n;

	if (c->state == CONN_OPEN && c->tls == NULL)
		max = conn_in_room(c);
	else if (c->state == CONN_OPEN)
		max = conn_in_room(c) + RECORD_EXTRA;
	if (max > LOOP_SCRATCH)
		max = LOOP_SCRATCH;
	n = recv(c->fd, scratch, max, 0);
	if (n >= 0)
		take_input(c, (struct str){scratch, (size_t)n});
	else if (c->state == CONN_LINGERING && errno != EAGAIN)
		conn_end_now(c); /* said all: how they leave is their matter */
	else if (errno != EAGAIN && errno != EINTR)
		conn_end(c, CONN_RESET, strerror(errno));
}

/* ---- the socket has something to tell ---- */

static int
socket_error(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		return errno;
	return err;
}

void
conn_name_ends(struct conn *c)
{
	socklen_t len = sizeof(c->local.sa);
	socklen_t peer_len = sizeof(c->peer.sa);
	int on = 1, idle = KEEPALIVE_S;
	int every = KEEPALIVE_EVERY_S, tries = KEEPALIVE_TRIES;

	getsockname(c->fd, (struct sockaddr *)&c->local.sa, &len);
	getpeername(c->fd, (struct sockaddr *)&c->peer.sa, &peer_len);
	if (c->local.sa.ss_family == AF_UNIX)
		return;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
}

static void
connected(struct conn *c)
{
	int err = socket_error(c->fd);

	if (err != 0) {
		conn_end(c, CONN_REFUSED, strerror(err));
		return;
	}
	conn_name_ends(c);
	c->state = CONN_OPEN;
	c->step_at = 0;
	if (c->tls != NULL) /* asked for before we were connected */
		c->step_at = loop_now_ms(c->loop) + c->limits.handshake_ms;
	conn_soon(c);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct conn *c = poll->data;

	conn_flush_soon(c);
	if (c->state == CONN_CONNECTING) {
		c->events = status < 0 ? 0 : c->events;
		connected(c);
		return;
	}
	if (status < 0) { /* an error waits; libuv has stopped the handle */
		c->events = 0;
		c->blocked = false;
		if (!wants_input(c)) {
			int err = socket_error(c->fd);

			if (err != 0)
				conn_end(c, CONN_RESET, strerror(err));
			return;
		}
		events = UV_READABLE;
	}
	if (events & UV_WRITABLE)
		c->blocked = false;
	if ((events & UV_READABLE) && wants_input(c))
		read_some(c);
}

static void
poll_for_what_matters(struct conn *c)
{
	int events = 0;

	if (c->state == CONN_ENDED)
		return;
	if (c->state == CONN_CONNECTING || c->blocked)
		events |= UV_WRITABLE;
	if (wants_input(c))
		events |= UV_READABLE;
	if (events == c->events)
		return;
	c->events = events;
	if (events == 0)
		uv_poll_stop(&c->poll);
	else
		uv_poll_start(&c->poll, events, on_poll);
}

/* ---- output ---- */

/* Whoever takes all, or enough of it, has its whole time again. */
static void
watch_pace(struct conn *c)
{
	if (!c->blocked || c->stall_taken >= CONN_STALL_LEAST)
		c->stall_at = 0;
	if (!c->blocked || c->stall_at != 0)
		return;
	c->stall_at = loop_now_ms(c->loop) + c->limits.stall_ms;
	c->stall_taken = 0;
}

/* Give the kernel what it takes.  -1: the connection is gone. */
static int
send_some(struct conn *c, struct buf *b)
{
	while (b->len > 0 && !c->blocked) {
		ssize_t n = send(c->fd, b->data, b->len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno != EAGAIN) {
			conn_end(c, c->end == CONN_TLS ? CONN_TLS : CONN_RESET,
			    strerror(errno));
			return -1;
		}
		c->blocked = n == -1 || (size_t)n < b->len;
		if (n > 0) {
			c->bytes_out += (uint64_t)n;
			buf_drop(b, (size_t)n);
			c->stall_taken += (size_t)n;
		}
	}
	if (b->len == 0)
		buf_release(b);
	watch_pace(c);
	return 0;
}

/* -1: the connection is gone. */
static int
send_all(struct conn *c)
{
	struct buf *out = conn_outgoing(c);
	bool more;

	if (c->squeeze != NULL && c->out.len > 0)
		squeeze_output(c);
	if (c->tls == NULL)
		return send_some(c, out);
	do {
		engine_run(c);
		if (c->state == CONN_FINISHING && out->len == 0)
			engine_say_bye(c);
		more = out->len > 0 && c->tls->wire.len > 0;
		if (send_some(c, &c->tls->wire) == -1)
			return -1;
	} while (more && !c->blocked);
	if (out->len == 0)
		buf_release(out);
	return 0;
}

static bool
may_go(const struct conn *c)
{
	return conn_pending(c) == 0 && (c->tls == NULL || c->tls->said_bye ||
					   c->tls->state != ENGINE_ESTABLISHED);
}

void
conn_run_flush(struct loop_task *t)
{
	struct conn *c = (struct conn *)((char *)t -
					 offsetof(struct conn, flush));

	if (c->state == CONN_OPEN && c->squeeze != NULL)
		squeeze_input(c);
	if (c->state == CONN_OPEN || c->state == CONN_FINISHING) {
		if (send_all(c) == -1)
			return;
		if (c->tls != NULL && c->tls->state == ENGINE_WAITING &&
		    c->tls->wire.len == 0)
			conn_flush_soon(c); /* begin the handshake */
		if (c->state == CONN_FINISHING && may_go(c))
			linger(c);
	}
	if (c->state == CONN_OPEN && c->loaded &&
	    conn_pending(c) <= c->limits.out_high / 4) {
		c->loaded = false;
		conn_soon(c);
	}
	if (c->in.len == 0 || c->state != CONN_OPEN)
		secret_wipe(&c->in); /* a password may have been in it */
	poll_for_what_matters(c);
	conn_arm(c);
}
