/* SPDX-License-Identifier: MIT */
/*
 * side: one end of a connection as the tests of conn see it: collects what
 * comes, remembers how it ended, does what its `act' says.
 */
#ifndef TESTS_NET_SIDE_H
#define TESTS_NET_SIDE_H

#include "tests/unit/net/net_test.h"

struct side {
	struct rig *rig;
	struct conn *conn;           /* NULL once closed */
	struct buf got;              /* everything received */
	void (*act)(struct side *s); /* at each ready(), after collecting */
	bool hold;                   /* leave input where it is */
	int readies, expiries, closes;
	enum conn_end end;
	char why[256];
	bool secure; /* TLS was established when we looked last */
	bool eof, eof_clean;
	struct side *other; /* the loop stops when both are closed */
	size_t sent;
	uint32_t seed;
};

static inline void
side_ready(void *arg, struct conn *c)
{
	struct side *s = arg;

	CHECK(s->closes == 0 && c == s->conn);
	s->readies++;
	s->secure = conn_tls(c) != NULL;
	s->eof = conn_eof(c);
	s->eof_clean = conn_eof_clean(c);
	if (!s->hold) {
		buf_add(&s->got, conn_input(c));
		conn_consume(c, conn_input(c).len);
	}
	if (s->act != NULL)
		s->act(s);
}

static inline void
side_closed(void *arg, enum conn_end end, const char *text)
{
	struct side *s = arg;

	CHECK(text != NULL);
	s->closes++;
	s->end = end;
	snprintf(s->why, sizeof(s->why), "%s", text);
	s->conn = NULL;
	if (s->other == NULL || s->other->conn == NULL)
		loop_stop(s->rig->loop);
}

static inline void
side_expired(void *arg, struct conn *c)
{
	struct side *s = arg;

	CHECK(c == s->conn);
	s->expiries++;
	conn_abort(c);
}

static const struct conn_host side_host = {
    side_ready, side_closed, side_expired};

static inline void
side_init(struct side *s, struct rig *r)
{
	*s = (struct side){.rig = r, .seed = 1};
	buf_init(&s->got, 64 * MB);
}

static inline void
side_open(
    struct side *s, struct rig *r, int fd, const struct conn_limits *limits)
{
	side_init(s, r);
	s->conn = conn_new(r->loop, fd, &side_host, s, limits);
}

static inline void
sides_open(struct side *a, struct side *b, struct rig *r, int fds[2],
    const struct conn_limits *limits)
{
	side_open(a, r, fds[0], limits);
	side_open(b, r, fds[1], limits);
	a->other = b;
	b->other = a;
}

static inline void
side_release(struct side *s)
{
	buf_release(&s->got);
}

#endif
