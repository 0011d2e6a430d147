/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/authority/gate.h"
#include "common/authority/login.h"
#include "common/util/mem.h"
#include "popd/pop3_session_state.h"

#define NAME_KEPT 320 /* octets of a name, for the log */

static void
begin_tls(struct pop3_session *s)
{
	pop3_session_flush(s);
	if (conn_input(s->conn).len > 0) { /* RFC 2595 s4: none may be */
		log_warn(&s->popd->log, "bytes behind STLS rip=%s", s->ip);
		pop3_session_finish(s);
		return;
	}
	s->securing = s->stls = true;
	conn_start_tls(s->conn, s->popd->pop3_tls, NULL);
}

static void
refuse(struct pop3_session *s, enum pop3_refusal why)
{
	if (s->conn != NULL)
		pop3_refused(s->pop3, why);
	pop3_session_resume(s);
}

static void
maildrop_read(void *arg, const struct fail *f)
{
	struct pop3_session *s = arg;

	if (f != NULL) {
		log_error(&s->popd->log, "maildrop of %s: %s",
		    maildrop_login(s->drop), f->text);
		maildrop_free(s->drop);
		s->drop = NULL;
		refuse(s, POP3_UNAVAILABLE);
		return;
	}
	if (s->conn != NULL) {
		s->logged_in = true;
		pop3_logged_in(s->pop3, maildrop_pop3(s->drop));
	}
	pop3_session_resume(s);
}

static void
login_checked(void *arg, const struct login_answer *a)
{
	static const enum pop3_refusal refusals[] = {
	    [LOGIN_WRONG] = POP3_WRONG,
	    [LOGIN_DISABLED] = POP3_FORBIDDEN,
	    [LOGIN_LATER] = POP3_UNAVAILABLE,
	};
	struct pop3_session *s = arg;

	gate_learn(s->popd->gate, s->ip, a, loop_now_ms(s->popd->loop));
	if (s->conn == NULL) {
		pop3_session_resume(s);
		return;
	}
	if (a->result != LOGIN_GOOD) {
		login_log_failure(
		    &s->popd->log, "pop3", s->ip, a->reason, str_of(s->tried));
		refuse(s, refusals[a->result]);
		return;
	}
	if (!crowd_admit(&s->member, a->account)) {
		log_warn(&s->popd->log,
		    "too many connections rip=%s user=\"%s\"", s->ip, a->login);
		refuse(s, POP3_UNAVAILABLE);
		return;
	}
	s->drop = maildrop_open(
	    s->popd, a->account, a->login, s->ip, maildrop_read, s);
	if (s->drop == NULL) {
		log_info(&s->popd->log, "in use proto=pop3 rip=%s user=\"%s\"",
		    s->ip, a->login);
		refuse(s, POP3_IN_USE);
	}
}

static void
begin_login(struct pop3_session *s, const struct pop3_request *req)
{
	free(s->tried);
	s->tried = mem_dup(str_first(req->user, NAME_KEPT));
	s->busy = true;
	login_ask(s->popd->authority, req->user, req->password, s->ip, "pop3",
	    login_checked, s);
}

static void
drop_feed(struct pop3_session *s)
{
	feed_free(s->feed);
	s->feed = NULL;
	s->feed_waits = false;
}

static void
end_body(struct pop3_session *s)
{
	drop_feed(s);
	if (pop3_body_end(s->pop3)) {
		maildrop_fetched(s->drop, s->index);
		s->n_fetched++;
	}
	pop3_session_resume(s);
}

/* The message cannot be read, at all or any further. */
static void
body_failed(struct pop3_session *s, bool gone, const char *text)
{
	if (!gone)
		log_error(&s->popd->log, "message of %s: %s",
		    maildrop_login(s->drop), text);
	drop_feed(s);
	if (s->begun) /* no way to say so in POP3 but to break off */
		pop3_session_abort(s);
	else
		pop3_body_failed(s->pop3, gone);
	pop3_session_resume(s);
}

void
pop3_serve_feed(struct pop3_session *s)
{
	if (s->feed_waits && conn_has_room(s->conn)) {
		s->feed_waits = false;
		feed_next(s->feed, feed_at(s->feed), FEED_PIECE);
	}
}

static void
body_piece(
    void *arg, enum feed_result result, struct str piece, const char *text)
{
	struct pop3_session *s = arg;
	bool more;

	if (s->conn == NULL) {
		drop_feed(s);
		pop3_session_resume(s);
		return;
	}
	if (result == FEED_GONE || result == FEED_FAILED) {
		body_failed(s, result == FEED_GONE, text);
		return;
	}
	if (!s->begun) {
		s->begun = true;
		pop3_body_begin(s->pop3);
	}
	more = pop3_body(s->pop3, piece);
	pop3_session_flush(s);
	if (result == FEED_END || !more) {
		end_body(s);
		return;
	}
	s->feed_waits = true;
	pop3_serve_feed(s);
}

void
pop3_serve_alone(struct pop3_session *s)
{
	s->feed = feed_open(s->popd->store, s->popd->workers,
	    maildrop_body(s->drop, s->index), 0, FEED_PIECE, body_piece, s);
}

void
pop3_serve_ahead(struct pop3_session *s, struct str text)
{
	pop3_session_flush(s); /* the engine has room for a piece then */
	pop3_body_begin(s->pop3);
	pop3_body(s->pop3, text);
	end_body(s);
}

static void
begin_body(struct pop3_session *s, size_t index)
{
	bool follows = index == 0 || index == s->index + 1;
	struct str text;

	s->index = index;
	s->busy = true;
	s->begun = false;
	s->feed_waits = false;
	switch (pop3_ahead_take(s, index, &text)) {
	case POP3_AHEAD_NONE:
		pop3_serve_alone(s);
		if (follows)
			pop3_ahead_begin(s, index + 1);
		break;
	case POP3_AHEAD_HERE:
		pop3_serve_ahead(s, text);
		break;
	case POP3_AHEAD_SOON:
		break;
	}
}

static void
committed(void *arg, const struct fail *f)
{
	struct pop3_session *s = arg;

	if (f != NULL) {
		log_error(&s->popd->log, "nothing of %s is deleted: %s",
		    maildrop_login(s->drop), f->text);
		s->n_deleted = 0;
	}
	if (s->conn != NULL)
		pop3_committed(s->pop3, f == NULL);
	pop3_session_resume(s);
}

static void
begin_commit(struct pop3_session *s)
{
	const struct pop3_maildrop *drop = maildrop_pop3(s->drop);

	for (size_t i = 0; i < drop->n; i++)
		s->n_deleted += drop->messages[i].deleted;
	s->busy = maildrop_save(s->drop, committed, s);
	if (!s->busy)
		pop3_committed(s->pop3, true);
}

void
pop3_serve(
    struct pop3_session *s, enum pop3_event ev, const struct pop3_request *req)
{
	switch (ev) {
	case POP3_NONE:
	case POP3_DRAIN:
		break;
	case POP3_TLS:
		begin_tls(s);
		break;
	case POP3_LOGIN:
		begin_login(s, req);
		break;
	case POP3_BODY:
		begin_body(s, req->index);
		break;
	case POP3_COMMIT:
		begin_commit(s);
		break;
	case POP3_CLOSE:
		pop3_session_finish(s);
		break;
	}
}
