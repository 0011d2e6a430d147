/* SPDX-License-Identifier: MIT */
#include "tests/unit/maild/mx_actor.h"

#include <assert.h>
#include <stdlib.h>

#include "common/net/conn.h"
#include "common/net/listen.h"
#include "common/util/mem.h"
#include "common/wire/dot.h"
#include "common/wire/line.h"

#define DRIP_MS 20

struct talk {
	struct actor *a;
	struct conn **at; /* among the open ones, or NULL */
	bool silent;      /* hangs */
	bool data, secure, upgrading, chunk;
	uint64_t left; /* of the chunk */
	size_t recipients;
	struct line line;
	struct dot_reader dot;
	struct buf body;
	bool took[8];
};

static bool
say(struct talk *t, struct conn *c, enum actor_step step, const char *usual)
{
	const char *reply = t->a->on[step] != NULL ? t->a->on[step] : usual;

	if (str_eq(str_of(reply), STR(ACTOR_HANG))) {
		t->silent = true;
		return false;
	}
	if (str_eq(str_of(reply), STR(ACTOR_DRIP))) {
		t->silent = true;
		conn_send(c, STR("250-"));
		conn_deadline(c, DRIP_MS);
		return false;
	}
	if (str_eq(str_of(reply), STR(ACTOR_CLOSE))) {
		t->silent = true;
		conn_abort(c);
		return false;
	}
	conn_send(c, str_of(reply));
	return reply[0] == '2' || reply[0] == '3';
}

static void
on_rcpt(struct talk *t, struct conn *c, struct str line)
{
	struct actor *a = t->a;

	buf_add(&a->rcpts, line);
	buf_add_char(&a->rcpts, '\n');
	line = str_after(line, 9);
	line = str_cut(&line, '>');
	for (size_t i = 0; i < 8; i++)
		if (a->rcpt[i].address != NULL &&
		    str_eq(line, str_of(a->rcpt[i].address))) {
			t->took[i] = true;
			if (a->rcpt[i].reply == NULL)
				break;
			conn_send(c, str_of(a->rcpt[i].reply));
			t->took[i] = a->rcpt[i].reply[0] == '2';
			t->recipients += t->took[i];
			return;
		}
	t->recipients += say(t, c, ACTOR_RCPT, "250 2.1.5 ok\r\n");
}

static void
on_command(struct talk *t, struct conn *c, struct str line)
{
	struct actor *a = t->a;

	if (str_starts(line, STR("EHLO "))) {
		a->ehlos++;
		if (a->offers != NULL && a->on[ACTOR_EHLO] == NULL) {
			conn_send(c, STR("250-mx\r\n"));
			conn_send(c, str_of(a->offers));
		}
		say(t, c, ACTOR_EHLO,
		    a->tls != NULL && !t->secure
			? "250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
			: "250-mx\r\n250-PIPELINING\r\n250 SIZE 99999999\r\n");
	} else if (str_starts(line, STR("STARTTLS"))) {
		t->upgrading = say(t, c, ACTOR_STARTTLS, "220 go\r\n") &&
		               a->on[ACTOR_STARTTLS] == NULL;
	} else if (str_starts(line, STR("AUTH "))) {
		buf_add(&a->auths, line);
		buf_add_char(&a->auths, '\n');
		say(t, c, ACTOR_AUTH, "235 2.7.0 welcome\r\n");
	} else if (str_starts(line, STR("MAIL "))) {
		t->recipients = 0;
		for (size_t i = 0; i < 8; i++)
			t->took[i] = false;
		buf_add(&a->mails, line);
		buf_add_char(&a->mails, '\n');
		say(t, c, ACTOR_MAIL, "250 2.1.0 ok\r\n");
	} else if (str_starts(line, STR("RCPT "))) {
		on_rcpt(t, c, line);
	} else if (str_starts(line, STR("DATA"))) {
		if (t->recipients == 0) {
			conn_send(c, STR("503 5.5.1 nobody\r\n"));
		} else if (say(t, c, ACTOR_DATA, "354 go\r\n")) {
			t->data = true;
			dot_reader_init(&t->dot);
			buf_clear(&t->body);
		}
	} else if (str_starts(line, STR("BDAT "))) {
		line = str_after(line, 5);
		t->chunk = str_to_u64(
		    str_cut(&line, ' '), UINT64_MAX, &t->left);
		assert(t->chunk && str_eq(line, STR("LAST")));
		buf_clear(&t->body);
	} else if (str_starts(line, STR("RSET"))) {
		say(t, c, ACTOR_RSET, "250 2.0.0 ok\r\n");
	} else if (str_starts(line, STR("QUIT"))) {
		a->quits++;
		if (say(t, c, ACTOR_QUIT, "221 2.0.0 bye\r\n")) {
			t->silent = true;
			conn_finish(c);
		}
	} else {
		conn_send(c, STR("500 5.5.2 what?\r\n"));
	}
}

static void
on_dot(struct talk *t, struct conn *c)
{
	struct actor *a = t->a;

	a->last_chunk = t->chunk;
	t->data = t->chunk = false;
	a->dots++;
	if (!say(t, c, ACTOR_DOT, "250 2.0.0 Ok: queued as REMOTE1\r\n"))
		return;
	if (a->messages++ == 0)
		a->first_ms = loop_now_ms(a->loop);
	a->recipients += t->recipients;
	if (t->recipients > a->most_recipients)
		a->most_recipients = t->recipients;
	for (size_t i = 0; i < 8; i++)
		a->accepted[i] += t->took[i];
	buf_clear(&a->last);
	buf_add(&a->last, buf_str(&t->body));
	a->last_secure = t->secure;
}

static void
on_ready(void *arg, struct conn *c)
{
	struct talk *t = arg;
	struct str in = conn_input(c), line;
	size_t had = in.len;

	if (t->upgrading && conn_tls(c) != NULL) {
		t->upgrading = false;
		t->secure = true;
		if (t->a->inside)
			say(t, c, ACTOR_GREETING, "220 mx ESMTP\r\n");
	}
	while (in.len > 0 && !t->silent && !t->upgrading) {
		if (t->data) {
			assert(!t->body.overrun);
			if (dot_read(&t->dot, &in, &t->body) == DOT_END)
				on_dot(t, c);
		} else if (t->chunk) {
			struct str piece = str_first(
			    in, t->left < in.len ? (size_t)t->left : in.len);

			buf_add(&t->body, piece);
			in = str_after(in, piece.len);
			t->left -= piece.len;
			if (t->left == 0)
				on_dot(t, c);
		} else if (line_take(&t->line, &in, &line) == LINE_READY) {
			on_command(t, c, line);
		}
	}
	if (t->silent && t->a->on[ACTOR_QUIT] == NULL &&
	    in.len == had) /* a hanging server does not even read */
		return;
	conn_consume(c, had - in.len);
	if (t->upgrading && conn_tls(c) == NULL && !t->a->inside)
		conn_start_tls(c, t->a->tls, NULL);
	else if (conn_eof(c) && !t->silent) {
		t->silent = true;
		conn_finish(c);
	}
}

static void
on_closed(void *arg, enum conn_end end, const char *text)
{
	struct talk *t = arg;

	(void)end;
	(void)text;
	t->a->now--;
	if (t->at != NULL)
		*t->at = NULL;
	line_release(&t->line);
	buf_release(&t->body);
	free(t);
}

static void
on_expired(void *arg, struct conn *c)
{
	(void)arg;
	conn_send(c, STR("x"));
	conn_deadline(c, DRIP_MS);
}

static void
on_accept(void *arg, int fd, const struct address *peer, bool refuse)
{
	static const struct conn_host host = {on_ready, on_closed, on_expired};
	struct conn_limits limits = conn_default_limits();
	struct talk *t = MEM_NEW(struct talk);
	struct conn *c;

	(void)peer;
	(void)refuse;
	t->a = arg;
	t->a->connections++;
	if (++t->a->now > t->a->most_at_once)
		t->a->most_at_once = t->a->now;
	line_init(&t->line, 2 * KB);
	buf_init(&t->body, 64 * MB);
	c = conn_new(t->a->loop, fd, &host, t, &limits);
	for (size_t i = 0; i < 8; i++)
		if (t->a->open[i] == NULL) {
			t->a->open[i] = c;
			t->at = &t->a->open[i];
			break;
		}
	t->upgrading = t->a->inside;
	if (t->a->inside)
		conn_start_tls(c, t->a->tls, NULL);
	else
		say(t, c, ACTOR_GREETING, "220 mx ESMTP\r\n");
}

void
actor_say(struct actor *a, const char *bye)
{
	for (size_t i = 0; i < 8; i++) {
		if (a->open[i] == NULL)
			continue;
		if (bye == NULL)
			conn_abort(a->open[i]);
		else
			conn_send(a->open[i], str_of(bye));
	}
}

uint16_t
actor_start(struct actor *a, struct loop *l, const char *ip, uint16_t port)
{
	struct address at;
	struct fail f = {0};
	int fd;

	a->loop = l;
	buf_init(&a->last, 64 * MB);
	buf_init(&a->mails, 1 * MB);
	buf_init(&a->rcpts, 1 * MB);
	buf_init(&a->auths, 1 * MB);
	assert(address_from_ip(str_of(ip), port, &at));
	fd = listen_bind(&at, &f);
	if (fd == -1)
		return 0;
	a->listener = listener_new(l, fd, on_accept, a);
	return address_port(listener_address(a->listener));
}

void
actor_stop(struct actor *a)
{
	if (a->listener != NULL)
		listener_free(a->listener);
	a->listener = NULL;
	buf_release(&a->last);
	buf_release(&a->mails);
	buf_release(&a->rcpts);
	buf_release(&a->auths);
}
