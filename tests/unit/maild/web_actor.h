/* SPDX-License-Identifier: MIT */
/* web_actor: a web server for tests on the world's loop: takes a request, says
 * what it was told to, closes. */
#ifndef TESTS_UNIT_MAILD_WEB_ACTOR_H
#define TESTS_UNIT_MAILD_WEB_ACTOR_H

#include "common/net/conn.h"
#include "common/net/listen.h"
#include "common/net/throwaway.h"
#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/unit/maild/world.h"

struct web_actor {
	struct loop *loop;
	struct listener *listener;
	struct tls *tls;
	const char *answer; /* NULL: nothing, for ever */
	const char *end;    /* of a request */
	size_t requests;
	struct buf got;
	char folder[64], ca[96];
	uint16_t port;
};

static inline void
web_actor_ready(void *arg, struct conn *c)
{
	struct web_actor *a = arg;
	size_t at;

	buf_add(&a->got, conn_input(c));
	conn_consume(c, conn_input(c).len);
	if (!str_find_str(buf_str(&a->got), str_of(a->end), &at))
		return;
	a->requests++;
	if (a->answer == NULL) {
		buf_clear(&a->got);
		return;
	}
	conn_send(c, str_of(a->answer));
	conn_finish(c);
}

static inline void
web_actor_closed(void *arg, enum conn_end end, const char *text)
{
	(void)arg;
	(void)end;
	(void)text;
}

static const struct conn_host web_actor_host = {
    web_actor_ready, web_actor_closed, NULL};

static inline void
web_actor_accept(void *arg, int fd, const struct address *peer, bool refuse)
{
	struct web_actor *a = arg;
	struct conn *c = conn_new(a->loop, fd, &web_actor_host, a, NULL);

	(void)peer;
	CHECK(!refuse);
	buf_clear(&a->got);
	conn_start_tls(c, a->tls, NULL);
}

/* On a free port of 127.0.0.1, with a certificate for name; ca says who signed
 * it. */
static inline void
web_actor_open(struct web_actor *a, struct loop *l, const char *name)
{
	char cert[96], key[96];
	struct address at;

	*a = (struct web_actor){.loop = l, .end = "\r\n\r\n"};
	snprintf(a->folder, sizeof(a->folder), "/tmp/web-actor-XXXXXX");
	CHECK(mkdtemp(a->folder) != NULL);
	snprintf(cert, sizeof(cert), "%s/cert.pem", a->folder);
	snprintf(key, sizeof(key), "%s/key.pem", a->folder);
	snprintf(a->ca, sizeof(a->ca), "%s/ca.pem", a->folder);
	buf_init(&a->got, 16 * MB);
	CHECK(address_parse(STR("127.0.0.1:0"), &at));
	MUST(throwaway_ca(a->folder, &name, 1, &f));
	MUST((a->tls = tls_server_new(cert, key, "http/1.1", &f)) == NULL ? -1
									  : 0);
	struct fail f = {0};
	a->listener = listener_new(
	    l, listen_bind(&at, &f), web_actor_accept, a);
	a->port = address_port(listener_address(a->listener));
}

static inline void
web_actor_close(struct web_actor *a)
{
	static const char *const files[] = {"ca.pem", "cert.pem", "key.pem"};
	char path[96];

	listener_free(a->listener);
	tls_free(a->tls);
	buf_release(&a->got);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", a->folder, files[i]);
		remove(path);
	}
	remove(a->folder);
}

#endif
