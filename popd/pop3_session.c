/* SPDX-License-Identifier: MIT */
#include "popd/pop3_session.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/pop3_session_state.h"

#define IN_LIMIT (16 * KB)
#define OUT_HIGH (64 * KB)

/* Give the maildrop back.  Not left to the end of the connection, which may
 * linger: a client that has its +OK to QUIT may come again at once. */
static void
leave_maildrop(struct pop3_session *s)
{
	if (s->logged_in)
		log_info(&s->popd->log,
		    "session proto=pop3 rip=%s fetched=%zu deleted=%zu "
		    "user=\"%s\"",
		    s->ip, s->n_fetched, s->n_deleted, maildrop_login(s->drop));
	s->logged_in = false;
	maildrop_free(s->drop);
	s->drop = NULL;
}

static void
session_free(struct pop3_session *s)
{
	crowd_leave(&s->member);
	feed_free(s->feed);
	pop3_ahead_drop(s);
	pop3_free(s->pop3);
	leave_maildrop(s);
	free(s->tried);
	free(s);
}

void
pop3_session_flush(struct pop3_session *s)
{
	struct buf *out = pop3_output(s->pop3);

	if (out->len > 0 && !s->ending)
		conn_send(s->conn, buf_str(out));
	buf_clear(out);
}

void
pop3_session_finish(struct pop3_session *s)
{
	if (s->ending)
		return;
	pop3_session_flush(s);
	s->ending = true;
	conn_finish(s->conn);
	leave_maildrop(s);
}

void
pop3_session_abort(struct pop3_session *s)
{
	if (s->ending)
		return;
	s->ending = true;
	conn_abort(s->conn);
	leave_maildrop(s);
}

/* The deadline runs while the client is expected to speak.  Octets do not set
 * it anew, only whole commands do, and before login not even these: who
 * drips, or never logs in, is gone after one. */
static void
set_deadline(struct pop3_session *s)
{
	size_t lines = pop3_lines(s->pop3);

	if (s->busy || s->securing || !conn_has_room(s->conn)) {
		if (s->timed)
			conn_deadline(s->conn, 0);
		s->timed = false;
	} else if (!s->timed || (s->logged_in && lines != s->lines)) {
		conn_deadline(s->conn, s->popd->conf->timeouts_pop3_idle);
		s->timed = true;
		s->lines = lines;
	}
}

/* The engine has come to rest: what now? */
static void
settle(struct pop3_session *s, bool input_used)
{
	if (s->ending)
		return;
	if (!s->busy && !s->securing) {
		if (s->popd->crowd.stopping)
			pop3_goodbye(s->pop3, POP3_SHUTDOWN);
		if (s->popd->crowd.stopping ||
		    (input_used && conn_eof(s->conn))) {
			pop3_session_finish(s);
			return;
		}
		buf_release(pop3_output(s->pop3)); /* idle ones keep little */
	}
	set_deadline(s);
}

static void
pump(struct pop3_session *s)
{
	enum pop3_event ev = POP3_DRAIN;

	s->pumping = true;
	while (ev != POP3_NONE && !s->busy && !s->securing && !s->ending &&
	       !s->popd->crowd.stopping && conn_has_room(s->conn)) {
		struct str in = conn_input(s->conn);
		size_t unread = in.len;
		struct pop3_request req;

		ev = pop3_step(s->pop3, &in, &req);
		conn_consume(s->conn, unread - in.len);
		pop3_serve(s, ev, &req);
		pop3_session_flush(s);
	}
	s->pumping = false;
	settle(s, ev == POP3_NONE);
}

void
pop3_session_resume(struct pop3_session *s)
{
	s->busy = false;
	if (s->conn == NULL) {
		session_free(s);
		return;
	}
	pop3_session_flush(s);
	if (!s->pumping) /* else the pump goes on by itself */
		pump(s);
}

static void
ready(void *arg, struct conn *c)
{
	struct pop3_session *s = arg;

	if (s->securing && conn_tls(c) != NULL) {
		s->securing = false;
		log_debug(
		    &s->popd->log, "%s from %s", conn_tls(c)->version, s->ip);
		if (s->stls)
			pop3_secured(s->pop3);
	}
	if (s->feed != NULL)
		pop3_serve_feed(s);
	if (!s->securing)
		pump(s);
}

static void
closed(void *arg, enum conn_end end, const char *text)
{
	struct pop3_session *s = arg;

	if (end != CONN_FINISHED && end != CONN_ABORTED)
		log_debug(&s->popd->log, "lost %s: %s", s->ip, text);
	s->conn = NULL;
	s->ending = true;
	if (s->feed != NULL)
		leave_maildrop(s); /* no job of it is under way */
	if (s->feed_waits)
		s->busy = false;
	if (!s->busy)
		session_free(s);
}

static void
expired(void *arg, struct conn *c)
{
	struct pop3_session *s = arg;

	(void)c;
	if (s->ending)
		return;
	pop3_goodbye(s->pop3, POP3_IDLE);
	pop3_session_finish(s);
}

static const struct conn_host host = {ready, closed, expired};

static void
turn_away(struct popd *popd, int fd, const char *ip, bool tls)
{
	static const struct str says = STR(
	    "-ERR [SYS/TEMP] too many connections, try again later\r\n");

	log_warn(&popd->log, "too many connections rip=%s", ip);
	crowd_turn_away(fd, tls ? STR("") : says);
}

static void
say_goodbye(struct crowd_member *m)
{
	struct pop3_session *s = (struct pop3_session *)m;

	if (s->conn == NULL || s->ending)
		return;
	if (s->securing)
		pop3_session_abort(s);
	else
		settle(s, false);
}

static void
end_now(struct crowd_member *m)
{
	struct pop3_session *s = (struct pop3_session *)m;

	if (s->conn != NULL)
		conn_abort(s->conn);
	s->ending = true;
}

static const struct crowd_manners manners = {say_goodbye, end_now};

void
pop3_session_start(struct popd *popd, int fd, const struct address *peer,
    bool tls, bool crowded)
{
	struct pop3_options options = {popd->conf->server_hostname, tls,
	    popd->conf->test_allow_plaintext,
	    (unsigned)popd->conf->limits_errors};
	struct conn_limits limits = conn_default_limits();
	struct pop3_session *s = MEM_NEW(struct pop3_session);
	char ip[ADDRESS_TEXT_MAX];

	s->member.manners = &manners;
	if (crowded || !crowd_enter(&popd->crowd, &s->member, peer)) {
		free(s);
		turn_away(popd, fd, address_ip_text(peer, ip), tls);
		return;
	}
	s->popd = popd;
	address_ip_text(peer, s->ip);
	s->pop3 = pop3_new(&options);
	limits.in_limit = IN_LIMIT;
	limits.out_high = OUT_HIGH;
	limits.stall_ms = popd->conf->timeouts_stall;
	limits.handshake_ms = popd->conf->timeouts_handshake;
	s->conn = conn_new(popd->loop, fd, &host, s, &limits);
	if (tls) {
		s->securing = true;
		conn_start_tls(s->conn, popd->pop3_tls, NULL);
	} else {
		pump(s);
	}
}
