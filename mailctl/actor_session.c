/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mime/date.h"
#include "common/net/conn.h"
#include "mailctl/actor.h"
#include "mailctl/actors_internal.h"

#define WINDOW_MS    10               /* between two bites of rules->window */
#define WINDOW_LEAST 2048             /* SO_RCVBUF: the kernel's own least */
#define STUCK_MS     (10 * 60 * 1000) /* one that reads nothing more */
#define PATH_ROOM    4600

/* What is done when all output has gone. */
enum after {
	GO_ON,
	START_TLS,
	CLOSE,
	HANG,
};

struct actor_session {
	struct actor_server *server;
	struct conn *conn;
	struct actor *actor;
	struct timer *timer; /* delay, drip, window */
	struct buf out;      /* not sent yet */
	enum after after;
	bool in_body, waiting, hung, ended, securing;
	size_t credit; /* octets that may be taken now, with a window */
	struct actor_session *next;
	char peer[ADDRESS_TEXT_MAX];
	char path[PATH_ROOM]; /* of the message that arrives */
	FILE *file;           /* NULL: none arrives */
};

/* ---- the message ---- */

static void
complain(const struct actor_session *s, const char *path)
{
	log_warn(s->server->o->log, "%s: %s", path, strerror(errno));
}

static void
begin_message(struct actor_session *s)
{
	snprintf(s->path, sizeof(s->path), "%s/incoming-%zu", s->server->dir,
	    ++s->server->files);
	s->file = fopen(s->path, "we");
	if (s->file == NULL)
		complain(s, s->path);
}

static void
leave_message(struct actor_session *s)
{
	if (s->file == NULL)
		return;
	fclose(s->file);
	s->file = NULL;
	unlink(s->path);
}

static json_t *
text(const char *bytes)
{
	json_t *t = json_string(bytes);

	return t != NULL ? t : json_string("(not UTF-8)");
}

static json_t *
describe_message(const struct actor_session *s)
{
	const struct conn_tls *tls = conn_tls(s->conn);
	const struct actor_words *to = actor_recipients(s->actor);
	int64_t now = clock_wall_ms(s->server->o->clock);
	json_t *recipients = json_array();
	char at[DATE_TEXT_MAX];

	date_iso(now / 1000, at);
	for (size_t i = 0; i < to->n; i++)
		json_array_append_new(recipients, text(to->at[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "at", at, "peer",
	    s->peer, "client", text(actor_client(s->actor)), "tls",
	    tls != NULL ? json_string(tls->version) : json_null(), "sender",
	    text(actor_sender(s->actor)), "recipients", recipients);
}

/* First the envelope: who sees the message finds that too. */
static void
keep_message(struct actor_session *s)
{
	char path[PATH_ROOM + 32];
	size_t n = s->server->messages + 1;
	json_t *envelope;

	if (s->file == NULL)
		return;
	fclose(s->file);
	s->file = NULL;
	s->server->messages = n;
	envelope = describe_message(s);
	snprintf(path, sizeof(path), "%s/%zu.json", s->server->dir, n);
	if (json_dump_file(envelope, path, JSON_INDENT(1)) == -1)
		complain(s, path);
	json_decref(envelope);
	snprintf(path, sizeof(path), "%s/%zu.eml", s->server->dir, n);
	if (rename(s->path, path) == -1)
		complain(s, path);
}

/* ---- the session ---- */

static void
after_output(struct actor_session *s)
{
	const struct actor_rules *rules = s->server->rules;
	enum after after = s->after;

	s->after = GO_ON;
	if (after == START_TLS && s->server->tls != NULL) {
		/* what came with STARTTLS is nobody's (RFC 3207 s4.2) */
		conn_consume(s->conn, conn_input(s->conn).len);
		if (conn_input(s->conn).len > 0) { /* it is going anyhow */
			s->ended = true;
			return;
		}
		s->securing = true;
		conn_start_tls(s->conn, s->server->tls, NULL);
		return;
	}
	if (after == START_TLS && rules->tls == ACTOR_TLS_BROKEN) {
		conn_send(s->conn, STR("this is no TLS\r\n"));
		after = CLOSE;
	} else if (after == START_TLS) {
		after = HANG;
	}
	if (after == CLOSE) {
		s->ended = true;
		conn_finish(s->conn);
	}
	s->hung |= after == HANG;
	if (s->hung && s->in_body) {
		/* the peer's octets pile up on its own side */
		conn_pause(s->conn);
		conn_deadline(s->conn, STUCK_MS);
	}
}

/* Send what may go now.  With delay or drip that is not all. */
static void
send_output(struct actor_session *s)
{
	const struct actor_rules *rules = s->server->rules;
	size_t n = rules->drip_ms > 0 && s->out.len > 1 ? 1 : s->out.len;

	conn_send(s->conn, str_first(buf_str(&s->out), n));
	buf_drop(&s->out, n);
	s->waiting = s->out.len > 0;
	if (s->waiting)
		timer_set(s->timer, rules->drip_ms);
	else
		after_output(s);
}

static void
take_output(struct actor_session *s)
{
	const struct actor_rules *rules = s->server->rules;
	struct buf *said = actor_output(s->actor);

	if (said->len == 0) {
		if (s->after != GO_ON)
			after_output(s);
		return;
	}
	buf_add(&s->out, buf_str(said));
	buf_clear(said);
	s->waiting = rules->delay_ms > 0;
	if (s->waiting)
		timer_set(s->timer, rules->delay_ms);
	else
		send_output(s);
}

static void
serve(struct actor_session *s, enum actor_event ev)
{
	switch (ev) {
	case ACTOR_MORE:
		break;
	case ACTOR_TLS:
		s->after = START_TLS;
		break;
	case ACTOR_BEGIN:
		s->in_body = true;
		begin_message(s);
		break;
	case ACTOR_CHUNK:
		if (s->file != NULL)
			fwrite(actor_chunk(s->actor).at, 1,
			    actor_chunk(s->actor).len, s->file);
		break;
	case ACTOR_KEEP:
		s->in_body = false;
		keep_message(s);
		break;
	case ACTOR_LEAVE:
		s->in_body = false;
		leave_message(s);
		break;
	case ACTOR_HANG:
		s->after = HANG;
		break;
	case ACTOR_DROP:
		s->ended = true;
		conn_abort(s->conn);
		break;
	case ACTOR_CLOSE:
		s->after = CLOSE;
		break;
	}
}

/* False if the connection is going: nothing is taken off it any more. */
static bool
consume(struct actor_session *s, size_t n)
{
	size_t before = conn_input(s->conn).len;

	conn_consume(s->conn, n);
	s->ended |= n > 0 && conn_input(s->conn).len == before;
	if (s->server->rules->window > 0)
		s->credit -= n;
	return !s->ended;
}

/* What may be looked at now: with a window, no more than it has room for. */
static struct str
input(struct actor_session *s)
{
	struct str in = conn_input(s->conn);

	return s->server->rules->window > 0 ? str_first(in, s->credit) : in;
}

static bool
is_free(const struct actor_session *s)
{
	return !s->ended && !s->waiting && !s->hung && !s->securing;
}

static void
pump(struct actor_session *s)
{
	enum actor_event ev = ACTOR_CHUNK;
	struct str in = input(s);

	while (is_free(s) && (ev != ACTOR_MORE || in.len > 0)) {
		size_t before = in.len;

		ev = actor_step(s->actor, &in);
		serve(s, ev);
		if (!s->ended && consume(s, before - in.len))
			take_output(s);
		if (!s->ended)
			in = input(s);
	}
	if (s->ended)
		return;
	if (s->hung && !s->in_body)
		conn_consume(s->conn, conn_input(s->conn).len);
	if (conn_eof(s->conn) && conn_input(s->conn).len == 0) {
		s->ended = true;
		conn_finish(s->conn);
	} else if (is_free(s) && s->server->rules->window > 0 &&
		   s->credit == 0) {
		timer_set(s->timer, WINDOW_MS);
	}
}

static void
on_timer(void *arg)
{
	struct actor_session *s = arg;

	if (s->ended)
		return;
	if (s->waiting)
		send_output(s);
	else
		s->credit = s->server->rules->window;
	pump(s);
}

static void
on_ready(void *arg, struct conn *c)
{
	struct actor_session *s = arg;

	if (s->ended)
		return;
	if (s->securing && conn_tls(c) != NULL) {
		s->securing = false;
		actor_secured(s->actor);
	}
	pump(s);
}

static void
on_closed(void *arg, enum conn_end end, const char *why)
{
	struct actor_session *s = arg;
	struct actor_session **at = &s->server->sessions;

	(void)end;
	(void)why;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->server->n_sessions--;
	leave_message(s);
	actor_free(s->actor);
	timer_free(s->timer);
	buf_release(&s->out);
	free(s);
}

static void
on_expired(void *arg, struct conn *c)
{
	struct actor_session *s = arg;

	s->ended = true;
	conn_abort(c);
}

static const struct conn_host host = {on_ready, on_closed, on_expired};

void
actor_session_start(
    struct actor_server *server, int fd, const struct address *peer)
{
	struct conn_limits limits = conn_default_limits();
	const struct actor_rules *rules = server->rules;
	struct actor_session *s;
	int room = WINDOW_LEAST;

	if (server->n_sessions == ACTOR_SESSIONS_MAX) {
		close(fd);
		return;
	}
	if (rules->window > 0) {
		/* no more than the kernel has to: what fails is not needed */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
		limits.in_limit = rules->window;
	}
	s = MEM_NEW(struct actor_session);
	s->server = server;
	s->credit = rules->window;
	address_ip_text(peer, s->peer);
	s->actor = actor_new(server->rules, server->o->clock, s->peer,
	    rules->tls != ACTOR_TLS_NONE);
	buf_init(&s->out, MB);
	s->timer = timer_new(server->o->loop, on_timer, s);
	s->conn = conn_new(server->o->loop, fd, &host, s, &limits);
	s->next = server->sessions;
	server->sessions = s;
	server->n_sessions++;
	timer_set(s->timer, 0); /* the greeting */
}

void
actor_session_end(struct actor_session *s)
{
	s->ended = true;
	conn_abort(s->conn);
}

struct actor_session *
actor_session_next(const struct actor_session *s)
{
	return s->next;
}
