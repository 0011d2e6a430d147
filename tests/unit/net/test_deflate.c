/* SPDX-License-Identifier: MIT */
#include "common/net/deflate.h"

#include "common/net/throwaway.h"
#include "common/net/tls.h"
#include "tests/unit/net/side.h"

#define STREAM (1 * MB)

static struct tls *server_tls, *client_tls;

/* Mail-like: lines that repeat, with numbers in them. */
static void
write_text(struct buf *b, size_t len)
{
	for (size_t i = 0; b->len < len; i++)
		buf_addf(b, "* %zu FETCH (UID %zu FLAGS (\\Seen))\r\n", i,
		    i * 7919 % 10007);
	buf_cut(b, len);
}

/* Unpack with input in pieces of `step' octets and room for `room'. */
static enum deflate_result
unpack(struct str packed, size_t step, size_t room, struct buf *out)
{
	struct deflate *d = deflate_new();
	enum deflate_result result = DEFLATE_MORE;

	while (packed.len > 0 &&
	       (result == DEFLATE_MORE || result == DEFLATE_FULL)) {
		struct str piece = str_first(packed, step);

		packed = str_after(packed, piece.len);
		do {
			size_t before = out->len;

			result = deflate_unpack(d, &piece, room, out);
			CHECK(out->len - before <= room);
			CHECK(result != DEFLATE_MORE || piece.len == 0);
		} while (result == DEFLATE_FULL);
	}
	deflate_free(d);
	return result;
}

static void
test_round_trip(size_t len)
{
	static const size_t steps[] = {1, 7, 4096, MB};
	static const size_t rooms[] = {1, 100, 4096, 16 * KB};
	struct deflate *d = deflate_new();
	struct buf text, packed, out;

	buf_init(&text, 3 * MB);
	buf_init(&packed, 2 * MB);
	write_text(&text, len);
	for (struct str rest = buf_str(&text); rest.len > 0;) {
		struct str some = str_first(rest, 1 + rest.len / 3);
		size_t before = packed.len;

		deflate_pack(d, some, &packed);
		/* RFC 1951 s3.2.4: the empty block of a flush */
		CHECK(packed.len - before >= 4 &&
		      memcmp(packed.data + packed.len - 4, "\0\0\xff\xff", 4) ==
			  0);
		rest = str_after(rest, some.len);
	}
	CHECK(len < 10000 || packed.len < len / 2);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++) {
			buf_init(&out, 2 * MB);
			CHECK(unpack(buf_str(&packed), steps[i], rooms[j],
				  &out) == DEFLATE_MORE);
			CHECK(str_eq(buf_str(&out), buf_str(&text)));
			buf_release(&out);
		}
	deflate_free(d);
	buf_release(&text);
	buf_release(&packed);
}

static void
test_nothing(void)
{
	struct deflate *d = deflate_new();
	struct buf out;

	buf_init(&out, KB);
	deflate_pack(d, STR(""), &out);
	CHECK(out.len == 0); /* no flush of nothing */
	deflate_free(d);
	deflate_free(NULL);
	buf_release(&out);
}

static void
test_damage(void)
{
	/* block type 3; a stored block whose length is not what it says */
	static const struct str bad[] = {
	    STR("\xff\xff\xff"), STR("\x00\x05\x00\x00\x00hello")};
	/* a stored block marked as the last one, and what follows */
	const struct str end = STR("\x01\x02\x00\xfd\xffok* more");
	struct deflate *d = deflate_new();
	struct str in = end;
	struct buf out;

	buf_init(&out, KB);
	for (size_t i = 0; i < 2; i++)
		for (size_t step = 1; step <= bad[i].len; step++)
			CHECK(unpack(bad[i], step, 100, &out) == DEFLATE_BAD);
	buf_clear(&out);
	CHECK(deflate_unpack(d, &in, 100, &out) == DEFLATE_END);
	CHECK(str_eq(buf_str(&out), STR("ok")));
	CHECK(deflate_unpack(d, &in, 100, &out) == DEFLATE_END);
	deflate_free(d);
	buf_release(&out);
}

/* ---- connections ---- */

/* One side says GO and compresses, the other does after it has seen that:
 * as in COMPRESS. */
struct pair {
	struct side client, server;
	struct buf text;
	size_t most; /* unread input of the server */
	bool client_packs, server_packs;
};

static void
send_more(struct side *s, const struct buf *text)
{
	while (s->sent < text->len && conn_has_room(s->conn)) {
		struct str rest = str_after(buf_str(text), s->sent);
		size_t n = 1 + next_random(&s->seed) % 20000;

		rest = str_first(rest, n);
		conn_send(s->conn, rest);
		s->sent += rest.len;
	}
}

static void
client_act(struct side *s)
{
	struct pair *p = (struct pair *)s;

	if (!p->client_packs) {
		if (s->got.len < 2)
			return;
		CHECK(str_eq(buf_str(&s->got), STR("GO")));
		buf_clear(&s->got);
		p->client_packs = true;
		conn_start_deflate(s->conn);
	}
	send_more(s, &p->text);
	if (s->got.len == p->text.len)
		conn_finish(s->conn);
}

static void
server_act(struct side *s)
{
	struct pair *p = (struct pair *)(s - 1);

	if (!p->server_packs) {
		p->server_packs = true;
		conn_send(s->conn, STR("GO"));
		conn_start_deflate(s->conn);
	}
	if (conn_input(s->conn).len > p->most)
		p->most = conn_input(s->conn).len;
	while (conn_has_room(s->conn) && conn_input(s->conn).len > 0) {
		struct str in = conn_input(s->conn);

		in = str_first(in, 1 + next_random(&s->seed) % 5000);
		conn_send(s->conn, in);
		conn_consume(s->conn, in.len);
	}
	if (conn_eof(s->conn) && conn_input(s->conn).len == 0)
		conn_finish(s->conn);
}

static void
test_connection(bool tls)
{
	struct conn_limits limits = conn_default_limits();
	struct pair p = {.most = 0};
	struct rig r;
	int fds[2];

	limits.in_limit = 1000;
	limits.out_high = 5000;
	rig_open(&r);
	tcp_pair(fds);
	sides_open(&p.client, &p.server, &r, fds, &limits);
	buf_init(&p.text, STREAM + KB);
	write_text(&p.text, STREAM);
	p.client.act = client_act;
	p.server.act = server_act;
	p.server.hold = true;
	if (tls) {
		conn_start_tls(p.client.conn, client_tls, "mx.d.test");
		conn_start_tls(p.server.conn, server_tls, NULL);
	} else {
		server_act(&p.server);
	}
	loop_run(r.loop);
	CHECK(str_eq(buf_str(&p.client.got), buf_str(&p.text)));
	CHECK(p.client.end == CONN_FINISHED && p.server.end == CONN_FINISHED);
	CHECK(p.server.eof && p.server.eof_clean);
	CHECK(p.most > 0 && p.most <= limits.in_limit);
	buf_release(&p.text);
	side_release(&p.client);
	side_release(&p.server);
	rig_close(&r);
}

/* What a peer sends instead of DEFLATE ends the connection. */
static void
test_damaged_connection(void)
{
	struct side client, server;
	struct rig r;
	int fds[2];

	rig_open(&r);
	tcp_pair(fds);
	sides_open(&client, &server, &r, fds, NULL);
	conn_start_deflate(server.conn);
	conn_send(client.conn, STR("\xff\xff NOOP\r\n"));
	conn_finish(client.conn);
	loop_run(r.loop);
	CHECK(server.end == CONN_RESET);
	CHECK_STR(server.why, "compressed input is damaged");
	CHECK(server.got.len == 0);
	side_release(&client);
	side_release(&server);
	rig_close(&r);
}

/* Two megabytes in two kilobytes: the host sees no more than in_limit at once,
 * and what was packed waits meanwhile. */
static void
bomb_act(struct side *s)
{
	struct str in = conn_input(s->conn);

	CHECK(in.len <= 4 * KB);
	buf_add(&s->got, in);
	conn_consume(s->conn, in.len);
	if (conn_eof(s->conn))
		conn_finish(s->conn);
}

static void
test_bomb(void)
{
	struct conn_limits limits = conn_default_limits();
	struct deflate *d = deflate_new();
	struct side client, server;
	struct buf text, packed;
	struct rig r;
	int fds[2];

	buf_init(&text, 3 * MB);
	buf_init(&packed, 2 * MB);
	memset(buf_reserve(&text, 2 * MB), 'a', 2 * MB);
	buf_added(&text, 2 * MB);
	deflate_pack(d, buf_str(&text), &packed);
	CHECK(packed.len < 4 * KB);
	limits.in_limit = 4 * KB;
	rig_open(&r);
	tcp_pair(fds);
	sides_open(&client, &server, &r, fds, &limits);
	server.act = bomb_act;
	server.hold = true;
	conn_start_deflate(server.conn);
	conn_send(client.conn, buf_str(&packed));
	conn_finish(client.conn);
	loop_run(r.loop);
	CHECK(str_eq(buf_str(&server.got), buf_str(&text)));
	CHECK(server.readies >= 512);
	side_release(&client);
	side_release(&server);
	rig_close(&r);
	deflate_free(d);
	buf_release(&text);
	buf_release(&packed);
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
	test_round_trip(1);
	test_round_trip(100);
	test_round_trip(50000);
	test_nothing();
	test_damage();
	test_connection(false);
	test_connection(true);
	test_damaged_connection();
	test_bomb();
	tls_free(server_tls);
	tls_free(client_tls);
	folder_close(folder);
	return TEST_EXIT();
}
