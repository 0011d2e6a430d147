/* SPDX-License-Identifier: MIT */
#include "common/net/conn.h"

#include "common/net/throwaway.h"
#include "common/net/tls.h"
#include "tests/unit/net/side.h"

#define STREAM (3 * MB)
#define FLOOD  (40 * 1000 * 1000)

/* How a pair of sides is connected. */
static const struct way {
	void (*pair)(int fds[2]);
	bool tls;
} ways[] = {
    {tcp_pair,  false},
    {unix_pair, false},
    {tcp_pair,  true },
    {unix_pair, true },
};

static struct tls *server_tls, *client_tls;

static void
connect_sides(struct side *client, struct side *server, struct rig *r,
    const struct way *way, const struct conn_limits *limits)
{
	int fds[2];

	way->pair(fds);
	sides_open(client, server, r, fds, limits);
	if (way->tls) {
		conn_start_tls(client->conn, client_tls, "mx.d.test");
		conn_start_tls(server->conn, server_tls, NULL);
	}
}

/* ---- echo at random chunks ---- */

static char
stream_byte(size_t i)
{
	return (char)(i * 7 + i / 251);
}

static void
send_stream(struct side *s)
{
	static char chunk[70000];

	while (s->sent < STREAM && conn_has_room(s->conn)) {
		size_t n = 1 + next_random(&s->seed) % sizeof(chunk);

		if (next_random(&s->seed) % 4 != 0)
			n = 1 + n % 100;
		if (n > STREAM - s->sent)
			n = STREAM - s->sent;
		for (size_t i = 0; i < n; i++)
			chunk[i] = stream_byte(s->sent + i);
		conn_send(s->conn, (struct str){chunk, n});
		s->sent += n;
	}
	if (s->got.len == STREAM)
		conn_finish(s->conn);
}

static void
echo(struct side *s)
{
	while (conn_has_room(s->conn) && conn_input(s->conn).len > 0) {
		struct str in = conn_input(s->conn);
		size_t n = 1 + next_random(&s->seed) % 5000;

		in = str_first(in, n);
		conn_send(s->conn, in);
		conn_consume(s->conn, in.len);
	}
	if (conn_eof(s->conn) && conn_input(s->conn).len == 0)
		conn_finish(s->conn);
}

static void
test_echo(const struct way *way)
{
	struct rig r;
	struct side client, server;
	size_t wrong = 0;

	rig_open(&r);
	connect_sides(&client, &server, &r, way, NULL);
	client.act = send_stream;
	server.act = echo;
	server.hold = true;
	if (!way->tls) /* else the first ready() says so */
		send_stream(&client);
	loop_run(r.loop);
	CHECK(client.got.len == STREAM);
	for (size_t i = 0; i < client.got.len; i++)
		wrong += client.got.data[i] != stream_byte(i);
	CHECK(wrong == 0);
	CHECK(client.end == CONN_FINISHED && server.end == CONN_FINISHED);
	CHECK(client.closes == 1 && server.closes == 1);
	CHECK(server.eof && server.eof_clean);
	side_release(&client);
	side_release(&server);
	rig_close(&r);
}

/* ---- a slow reader ---- */

struct slow {
	struct side client, server;
	struct timer *timer;
	size_t most_pending, most_input;
	int ticks;
};

static void
send_for_ever(struct side *s)
{
	static const char chunk[1000];

	while (conn_has_room(s->conn) && s->sent < FLOOD) {
		conn_send(s->conn, (struct str){chunk, sizeof(chunk)});
		s->sent += sizeof(chunk);
	}
}

static void
on_tick(void *arg)
{
	struct slow *t = arg;
	size_t pending = conn_pending(t->server.conn);
	size_t input = conn_input(t->client.conn).len;

	if (pending > t->most_pending)
		t->most_pending = pending;
	if (input > t->most_input)
		t->most_input = input;
	if (++t->ticks == 20) { /* now read on: all must arrive */
		CHECK(pending > 0);
		t->client.hold = false;
		conn_resume(t->client.conn);
		side_ready(&t->client, t->client.conn);
	}
	if (t->client.got.len == FLOOD)
		loop_stop(t->client.rig->loop);
	else
		timer_set(t->timer, 10);
}

static void
test_back_pressure(const struct way *way)
{
	struct conn_limits limits = conn_default_limits();
	struct rig r;
	struct slow t = {0};

	rig_open(&r);
	limits.out_high = 100 * KB;
	limits.in_limit = 20 * KB;
	connect_sides(&t.client, &t.server, &r, way, &limits);
	t.client.hold = true;
	t.server.act = send_for_ever;
	if (way->tls)
		t.client.act = NULL;
	else
		send_for_ever(&t.server);
	t.timer = timer_new(r.loop, on_tick, &t);
	timer_set(t.timer, 10);
	/* one held by its limit, then one held by conn_pause() */
	if (way->pair == unix_pair)
		conn_pause(t.client.conn);
	loop_run(r.loop);
	CHECK(t.client.got.len == FLOOD);
	/* TLS: what is encrypted is a little more than what was said */
	CHECK(t.most_pending <= 100 * KB + 1000 + 4 * KB);
	CHECK(t.most_input <= 20 * KB);
	CHECK(t.client.closes == 1 && t.client.end == CONN_ABORTED);
	timer_free(t.timer);
	side_release(&t.client);
	side_release(&t.server);
	rig_close(&r);
}

static void
test_hold_and_resume(void)
{
	struct rig r;
	struct slow t = {0};

	rig_open(&r);
	connect_sides(&t.client, &t.server, &r, &ways[0], NULL);
	conn_pause(t.client.conn);
	conn_resume(t.client.conn);
	conn_send(t.server.conn, STR("hello"));
	conn_finish(t.server.conn);
	t.client.act = echo;
	loop_run(r.loop);
	CHECK(t.client.got.len == 5);
	CHECK(t.client.eof);
	side_release(&t.client);
	side_release(&t.server);
	rig_close(&r);
}

/* ---- time ---- */

static void
test_stall(const struct way *way)
{
	struct conn_limits limits = conn_default_limits();
	struct rig r;
	struct side client, server;
	int64_t began;

	rig_open(&r);
	began = loop_now_ms(r.loop);
	limits.stall_ms = 200;
	connect_sides(&client, &server, &r, way, &limits);
	server.act = send_for_ever;
	server.other = NULL;
	client.hold = true;
	if (!way->tls)
		send_for_ever(&server);
	loop_run(r.loop);
	CHECK(server.end == CONN_STALLED);
	CHECK(loop_now_ms(r.loop) - began >= 200);
	side_release(&client);
	side_release(&server);
	rig_close(&r);
}

#define BITES    150
#define BITE_MS  20
#define STALL_MS 1500

/* One who reads so many octets in each 20 ms: is that enough? */
struct dripper {
	struct side server;
	struct timer *timer;
	int fd;
	size_t bite, taken;
	int bites;
};

static void
bite(void *arg)
{
	static char mouth[64 * KB];
	struct dripper *d = arg;
	ssize_t n = recv(d->fd, mouth, d->bite, MSG_DONTWAIT);

	if (n > 0)
		d->taken += (size_t)n;
	if (++d->bites == BITES && d->server.conn != NULL)
		conn_abort(d->server.conn);
	else
		timer_set(d->timer, BITE_MS);
}

/* A reader has to take 16 KiB in the 75 bites of a stall. */
static void
test_pace(size_t size, enum conn_end end)
{
	struct conn_limits limits = conn_default_limits();
	struct dripper d = {.bite = size};
	int fds[2], small = 4 * KB;
	struct rig r;
	int64_t began;

	rig_open(&r);
	began = loop_now_ms(r.loop);
	unix_pair(fds); /* its kernel side takes small bites, too */
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	limits.stall_ms = STALL_MS;
	d.fd = fds[0];
	side_open(&d.server, &r, fds[1], &limits);
	d.server.act = send_for_ever;
	send_for_ever(&d.server);
	d.timer = timer_new(r.loop, bite, &d);
	timer_set(d.timer, BITE_MS);
	loop_run(r.loop);
	CHECK(d.server.end == end);
	CHECK(d.taken > 0 && loop_now_ms(r.loop) - began >= STALL_MS);
	CHECK((d.bites == BITES) == (end == CONN_ABORTED));
	timer_free(d.timer);
	close(d.fd);
	side_release(&d.server);
	rig_close(&r);
}

static void
test_deadline(void)
{
	static const char some[40 * KB];
	struct rig r;
	struct side a, b;
	int64_t began;
	int fds[2];

	rig_open(&r);
	unix_pair(fds);
	sides_open(&a, &b, &r, fds, NULL);
	a.other = NULL;
	conn_deadline(b.conn, 10);
	conn_deadline(b.conn, 0);
	conn_deadline(a.conn, 10);
	conn_deadline(a.conn, 100);
	conn_send(a.conn, (struct str){some, sizeof(some)});
	began = loop_now_ms(r.loop);
	loop_run(r.loop);
	CHECK(a.expiries == 1 && a.end == CONN_ABORTED);
	CHECK(loop_now_ms(r.loop) - began >= 100);
	CHECK(b.expiries == 0 && b.got.len == sizeof(some));
	CHECK(a.readies <= 2); /* an idle one is left alone */
	side_release(&a);
	side_release(&b);
	rig_close(&r);
}

/* ---- ends ---- */

static void
finish_at_eof(struct side *s)
{
	if (s->eof)
		conn_finish(s->conn);
}

static void
say_and_abort(struct side *s)
{
	if (s->sent == 0)
		conn_send(s->conn, STR("half a mess"));
	else if (conn_pending(s->conn) == 0)
		conn_abort(s->conn);
	s->sent++;
	conn_resume(s->conn);
}

/* Ready is not called when the last byte has gone: look for it. */
struct cut {
	struct side *client, *server;
	struct timer *timer;
	int rounds; /* since it arrived: what comes back is read first */
};

static void
abort_when_heard(void *arg)
{
	struct cut *c = arg;

	if (c->client->conn == NULL)
		return;
	if (c->server->got.len > 0 && ++c->rounds == 3)
		conn_abort(c->client->conn);
	else
		timer_set(c->timer, 10);
}

/* A bare FIN is a clean end in the clear, a possible truncation under TLS. */
static void
test_cut(const struct way *way)
{
	struct rig r;
	struct side client, server;
	struct cut cut = {.client = &client, .server = &server};

	rig_open(&r);
	connect_sides(&client, &server, &r, way, NULL);
	server.act = finish_at_eof;
	client.act = say_and_abort;
	cut.timer = timer_new(r.loop, abort_when_heard, &cut);
	timer_set(cut.timer, 10);
	if (!way->tls)
		say_and_abort(&client);
	loop_run(r.loop);
	CHECK(server.got.len == strlen("half a mess"));
	CHECK(server.eof);
	CHECK(server.eof_clean == !way->tls);
	CHECK(client.end == CONN_ABORTED);
	timer_free(cut.timer);
	side_release(&client);
	side_release(&server);
	rig_close(&r);
}

static void
test_reset(void)
{
	struct linger off = {1, 0};
	struct rig r;
	struct side s;
	int fds[2];

	rig_open(&r);
	tcp_pair(fds);
	side_open(&s, &r, fds[0], NULL);
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	close(fds[1]);
	loop_run(r.loop);
	CHECK(s.end == CONN_RESET && s.closes == 1);
	CHECK_STR(s.why, strerror(ECONNRESET));
	side_release(&s);
	rig_close(&r);
}

/* The peer learns why, although it has sent a lot that nobody read. */
static void
talk_past(void *arg)
{
	static const char noise[300 * KB];
	char got[100];
	size_t len = 0;
	ssize_t n;
	int fd = *(int *)arg;

	CHECK(send(fd, noise, sizeof(noise), MSG_NOSIGNAL) > 0);
	usleep(100000);
	while ((n = recv(fd, got + len, sizeof(got) - len, 0)) > 0)
		len += (size_t)n;
	CHECK(n == 0);
	CHECK(len == 9 && memcmp(got, "421 bye\r\n", 9) == 0);
	send(fd, noise, 1, MSG_NOSIGNAL);
	close(fd);
}

static void
say_bye(struct side *s)
{
	struct str in = conn_input(s->conn);

	conn_send(s->conn, STR("421 bye\r\n"));
	conn_finish(s->conn);
	/* a host in the middle of its loop */
	CHECK(in.len > 0 && in.at[in.len - 1] == 0);
	conn_consume(s->conn, in.len);
	conn_send(s->conn, STR("too late"));
	CHECK(!conn_has_room(s->conn));
}

static void
test_last_words(void)
{
	struct rig r;
	struct side s;
	int fds[2];

	rig_open(&r);
	tcp_pair(fds);
	side_open(&s, &r, fds[1], NULL);
	s.act = say_bye;
	s.hold = true;
	r.wait_for = &s.closes;
	rig_play(&r, talk_past, &fds[0]);
	CHECK(s.closes == 1 && s.readies == 1);
	CHECK(s.end == CONN_FINISHED);
	side_release(&s);
	rig_close(&r);
}

/* ---- connecting ---- */

static void
test_refused(void)
{
	struct rig r;
	struct side s;
	struct address at;
	int fds[2];
	socklen_t len = sizeof(at.sa);

	rig_open(&r);
	tcp_pair(fds);
	memset(&at, 0, sizeof(at));
	getsockname(fds[0], (struct sockaddr *)&at.sa, &len);
	close(fds[0]);
	close(fds[1]); /* nobody listens on that port */
	side_init(&s, &r);
	s.conn = conn_connect(r.loop, &at, NULL, &side_host, &s, NULL);
	loop_run(r.loop);
	CHECK(s.end == CONN_REFUSED && s.closes == 1 && s.readies == 0);
	CHECK_STR(s.why, strerror(ECONNREFUSED));

	/* fails at once, is told later all the same */
	CHECK(address_from_path("/nonexistent/socket", &at));
	s.closes = 0;
	s.conn = conn_connect(r.loop, &at, NULL, &side_host, &s, NULL);
	CHECK(s.closes == 0);
	loop_run(r.loop);
	CHECK(s.end == CONN_REFUSED && s.closes == 1);
	side_release(&s);
	rig_close(&r);
}

/* A door with a full queue: the handshake of TCP itself never ends. */
static void
test_connect_too_long(void)
{
	struct conn_limits limits = conn_default_limits();
	struct rig r;
	struct side s;
	struct address at;
	socklen_t len = sizeof(at.sa);
	int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[4];

	rig_open(&r);
	limits.connect_ms = 200;
	CHECK(address_parse(STR("127.0.0.1:0"), &at));
	CHECK(bind(door, (struct sockaddr *)&at.sa, address_len(&at)) == 0);
	CHECK(listen(door, 0) == 0);
	getsockname(door, (struct sockaddr *)&at.sa, &len);
	for (int i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fds[i], (struct sockaddr *)&at.sa, len);
	}
	side_init(&s, &r);
	s.conn = conn_connect(r.loop, &at, NULL, &side_host, &s, &limits);
	loop_run(r.loop);
	CHECK(s.end == CONN_DEADLINE && s.readies == 0);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	close(door);
	side_release(&s);
	rig_close(&r);
}

/* What the peer said before it reset the connection is heard. */
static void
test_words_before_reset(void)
{
	struct linger off = {1, 0};
	struct rig r;
	struct side s;
	int fds[2];

	rig_open(&r);
	tcp_pair(fds);
	side_open(&s, &r, fds[0], NULL);
	CHECK(send(fds[1], "554 go away\r\n", 13, MSG_NOSIGNAL) == 13);
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	close(fds[1]);
	loop_run(r.loop);
	CHECK(s.end == CONN_RESET && s.got.len == 13);
	side_release(&s);
	rig_close(&r);
}

/* closed() is told for what is open when the loop ends. */
static void
test_left_open(void)
{
	struct rig r;
	struct side a, b;
	int fds[2];

	rig_open(&r);
	unix_pair(fds);
	sides_open(&a, &b, &r, fds, NULL);
	loop_stop(r.loop);
	loop_run(r.loop);
	CHECK(a.closes == 1 && a.end == CONN_ABORTED && b.closes == 1);
	unix_pair(fds);
	sides_open(&a, &b, &r, fds, NULL); /* and without a run */
	rig_close(&r);
	CHECK(a.closes == 1 && b.closes == 1);
	side_release(&a);
	side_release(&b);
}

struct door {
	struct rig rig;
	struct side client, server;
};

static void
on_accept(void *arg, int fd, const struct address *peer, bool refuse)
{
	struct door *d = arg;

	CHECK(!refuse);
	CHECK(address_is_loopback(peer));
	side_open(&d->server, &d->rig, fd, NULL);
	d->server.other = &d->client;
	d->client.other = &d->server;
	d->server.act = finish_at_eof;
	conn_send(d->server.conn, STR("hello"));
}

static void
finish_after_hello(struct side *s)
{
	if (s->got.len == 5)
		conn_finish(s->conn);
}

static void
test_connect(void)
{
	struct door d;
	struct address at, source;
	struct fail f;
	struct listener *listener;
	int fd;

	rig_open(&d.rig);
	CHECK(address_parse(STR("127.0.0.1:0"), &at));
	CHECK(address_parse(STR("127.0.0.9:0"), &source));
	fd = listen_bind(&at, &f);
	CHECK(fd >= 0);
	listener = listener_new(d.rig.loop, fd, on_accept, &d);
	side_init(&d.client, &d.rig);
	d.client.act = finish_after_hello;
	d.client.conn = conn_connect(d.rig.loop, listener_address(listener),
	    &source, &side_host, &d.client, NULL);
	/* may be said before we are connected */
	conn_send(d.client.conn, STR("x"));
	loop_run(d.rig.loop);
	CHECK(d.client.end == CONN_FINISHED && d.client.got.len == 5);
	CHECK(d.server.end == CONN_FINISHED && d.server.got.len == 1);
	side_release(&d.client);
	side_release(&d.server);
	rig_close(&d.rig); /* closes the listener */
}

static void
keep_addresses(struct side *s)
{
	char text[ADDRESS_TEXT_MAX];

	CHECK_STR(address_ip_text(conn_peer(s->conn), text), "127.0.0.1");
	CHECK_STR(address_ip_text(conn_local(s->conn), text), "127.0.0.1");
	CHECK(address_port(conn_peer(s->conn)) != 0);
	CHECK(conn_bytes_in(s->conn) == 3);
	conn_send(s->conn, STR("four"));
	conn_finish(s->conn);
}

static void
test_facts(void)
{
	struct rig r;
	struct side a, b;
	int fds[2];

	rig_open(&r);
	tcp_pair(fds);
	sides_open(&a, &b, &r, fds, NULL);
	b.act = keep_addresses;
	a.act = finish_at_eof;
	conn_send(a.conn, STR("abc"));
	CHECK(conn_pending(a.conn) == 3); /* gathered, not written at once */
	loop_run(r.loop);
	CHECK(a.got.len == 4);
	side_release(&a);
	side_release(&b);
	rig_close(&r);
}

int
main(void)
{
	const char *names[] = {"mx.d.test"};
	char folder[64], cert[128], key[128], ca[128];
	struct fail f;

	folder_open(folder);
	CHECK(throwaway_ca(folder, names, 1, &f) == 0);
	server_tls = tls_server_new(in_folder(cert, folder, "cert.pem"),
	    in_folder(key, folder, "key.pem"), NULL, &f);
	client_tls = tls_client_new(in_folder(ca, folder, "ca.pem"), &f);
	CHECK(server_tls != NULL && client_tls != NULL);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		test_echo(&ways[i]);
		test_back_pressure(&ways[i]);
		test_stall(&ways[i]);
		test_cut(&ways[i]);
	}
	test_hold_and_resume();
	test_pace(150, CONN_STALLED);
	test_pace(32 * KB, CONN_ABORTED);
	test_deadline();
	test_reset();
	test_last_words();
	test_words_before_reset();
	test_left_open();
	test_refused();
	test_connect_too_long();
	test_connect();
	test_facts();
	tls_free(server_tls);
	tls_free(client_tls);
	folder_close(folder);
	return TEST_EXIT();
}
