/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/conn.h"
#include "common/store/attempt.h"
#include "common/util/mem.h"
#include "maild/relay/relay_count.h"
#include "maild/relay/relay_session_state.h"

#define MESSAGES_MAX 100 /* over one connection */
#define AGAIN_MAX    3   /* the same host, by what was learned of it before */
#define BEHIND_MAX   256 /* records on their way: as many may come twice */

static_assert((int)SMTP_DIALOGUE_MAX <= (int)ATTEMPT_DIALOGUE_MAX,
    "the store keeps what the engine does");

/* Append lines, the oldest make room. */
static void
add_story(struct buf *story, struct str lines)
{
	size_t at;

	buf_add(story, lines);
	assert(!story->overrun);
	while (story->len > ATTEMPT_DIALOGUE_MAX &&
	       str_find(buf_str(story), '\n', &at))
		buf_drop(story, at + 1);
}

void
relay_session_tell(struct relay_session *s, const char *fmt, ...)
{
	struct buf line;
	va_list ap;

	buf_init(&line, 2 * KB);
	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	buf_add_char(&line, '\n');
	if (!line.overrun)
		add_story(&s->story, buf_str(&line));
	buf_release(&line);
}

static struct attempt
attempt(struct relay_session *s)
{
	buf_clear(&s->told_story);
	add_story(&s->told_story, buf_str(&s->story));
	if (s->smtp != NULL)
		add_story(&s->told_story, smtp_client_dialogue(s->smtp));
	return (struct attempt){
	    .host = str_of(s->host),
	    .tls = str_of(s->tls),
	    .clear = s->plain,
	    .why_clear = str_of(s->why_clear),
	    .law = s->law && !s->batch.waived,
	    .dsn = s->smtp != NULL && smtp_client_has_dsn(s->smtp),
	    .dialogue = buf_str(&s->told_story),
	    .at_ms = clock_wall_ms(s->d->relay->d.clock),
	};
}

static void
set_idle(struct relay_session *s, bool idle)
{
	if (idle != s->idle)
		s->d->relay->n_idle += idle ? 1 : (size_t)-1;
	s->idle = idle;
	s->lingered |= idle;
	if (!idle)
		timer_clear(s->linger);
}

void
relay_session_set_talking(struct relay_session *s, bool talking)
{
	if (talking != s->talking)
		s->d->talking += talking ? 1 : (size_t)-1;
	s->talking = talking;
}

void
relay_session_leave(struct relay_session *s)
{
	assert(s->conn == NULL);
	relay_batch_release(&s->batch);
	relay_session_set_talking(s, false);
	set_idle(s, false);
	s->d->sessions--;
	s->d->relay->n_sessions--;
	*s->self = s->next;
	if (s->next != NULL)
		s->next->self = s->self;
	relay_schedule(s->d->relay);
	relay_route_release(&s->route);
	dane_free(s->dane);
	smtp_client_free(s->smtp);
	smtp_outcome_release(&s->failure);
	timer_free(s->linger);
	buf_release(&s->tlsa_data);
	buf_release(&s->story);
	buf_release(&s->told_story);
	free(s);
}

void
relay_session_give_up(struct relay_session *s)
{
	struct attempt a = attempt(s);
	bool all = !s->heard && s->d->talking == 0;

	/* one host that might have taken it is reason enough to come back */
	if (s->failure.result != SMTP_TEMP && !s->harsh) {
		s->failure.result = SMTP_TEMP;
		s->failure.enhanced[0] = '4';
		if (s->failure.code == 0) /* our own words */
			s->failure.text.data[0] = '4';
	}
	s->failure.elsewhere = false;
	/* what no policy holds up goes by the next session */
	if (all && a.law && s->batch.n > 0 && s->batch.items[0]->e.tls_optional)
		relay_batch_release(&s->batch);
	relay_batch_settle(&s->batch, &s->failure, &a);
	if (all)
		destination_condemn(s->d, &s->failure, &a);
	relay_session_leave(s);
}

static void
say_quit(struct relay_session *s)
{
	set_idle(s, s->batch.n == 0);
	timer_clear(s->linger);
	smtp_client_quit(s->smtp);
}

/* Nothing is left to send: wait for more, or go. */
static void
rest(struct relay_session *s)
{
	const struct relay *r = s->d->relay;
	int64_t linger_ms = r->d.conf->relay_linger;

	if (s->idle)
		return; /* the timer is set */
	/* never in the place of those who have mail */
	if (linger_ms == 0 ||
	    r->n_sessions > r->d.conf->relay_connections / 2 ||
	    2 * relay_route_beside(&s->route) >
		r->d.conf->relay_connections_per_destination) {
		say_quit(s);
		return;
	}
	set_idle(s, true);
	timer_set(s->linger, linger_ms);
}

void
relay_session_message(struct relay_session *s)
{
	if (!smtp_client_is_ready(s->smtp) || s->batch.body != NULL)
		return;
	if (s->unfit) { /* RFC 8689 s4.2.1: QUIT, and the next host */
		say_quit(s);
	} else if (s->d->relay->stopping || s->parting ||
		   s->messages >= MESSAGES_MAX) {
		relay_batch_release(&s->batch);
		say_quit(s);
	} else if (s->batch.n == 0 && s->d->relay->n_records >= BEHIND_MAX) {
		return; /* relay_session_turn() comes when the store has */
	} else if (s->batch.n > 0 || relay_batch_take(&s->batch)) {
		set_idle(s, false);
		relay_batch_open(&s->batch, relay_connection_pump, s);
	} else if (s->batch.waived) { /* what waits is for others */
		say_quit(s);
	} else if (s->d->load == NULL && !s->d->more) {
		rest(s);
	}
}

static void
on_linger(void *arg)
{
	struct relay_session *s = arg;

	relay_session_dismiss(s);
}

bool
relay_session_is_idle(const struct relay_session *s)
{
	return s->idle;
}

bool
relay_session_lingers(const struct relay_session *s)
{
	return s->idle && s->conn != NULL && smtp_client_is_ready(s->smtp);
}

bool
relay_session_is_at(
    const struct relay_session *s, const struct smarthost_door *door)
{
	return s->route.door == door;
}

void
relay_session_dismiss(struct relay_session *s)
{
	if (!relay_session_lingers(s))
		return;
	say_quit(s);
	relay_connection_pump(s);
}

void
relay_session_part(struct relay_session *s)
{
	s->parting = true;
	relay_session_dismiss(s);
}

bool
relay_session_go_clear(struct relay_session *s, const char *why, bool passes)
{
	if (s->safety.tls != SMTP_TLS_MAY)
		return false;
	snprintf(s->why_clear, sizeof(s->why_clear), "TLS failed: %s", why);
	log_info(s->d->relay->d.log, "relay mx=%s goes on in the clear: %s",
	    s->host, s->why_clear);
	relay_lesson_unsafe(s, TLS_RESULT_VALIDATION_FAILURE, s->why_clear);
	relay_lesson_good(s); /* it is there */
	s->clear_passes = passes;
	s->after = AFTER_CLEAR;
	return true;
}

/* Of our own words, without their code. */
static const char *
after_code(const struct smtp_outcome *o)
{
	const char *space = strchr(o->text.data, ' ');

	return o->code == 0 && space != NULL ? space + 1 : o->text.data;
}

/* The connection broke, which tells nothing of how the server is set up. */
static bool
is_lost(const struct smtp_outcome *o)
{
	return o->code == 0 && str_eq(str_of(o->enhanced), STR("4.4.2"));
}

/* The message in hand, if there is one, is not judged: who is asked next? */
static enum after
after_failure(const struct relay_session *s)
{
	if (smtp_client_is_shut_out(s->smtp))
		return AFTER_NOBODY; /* the login is the same everywhere */
	if (s->messages == 0 && !s->lingered)
		return AFTER_NEXT;
	/* the way there may be another one by and by */
	return s->again < AGAIN_MAX ? AFTER_SAME : AFTER_END;
}

/* The engine is through with this connection: why, and what follows? */
static void
decide(struct relay_session *s)
{
	const struct smtp_outcome *end = smtp_client_end(s->smtp);
	bool others = relay_lesson_others_talk(s);

	if (end->result == SMTP_SENT) { /* QUIT */
		s->after = s->unfit ? AFTER_NEXT : AFTER_END;
		return;
	}
	if (smtp_client_is_unsafe(s->smtp)) {
		relay_count(&s->d->relay->d, METRIC_TLS_REFUSED);
		/* whatever else it may have been is noted already */
		relay_lesson_unsafe(
		    s, TLS_RESULT_STARTTLS_NOT_SUPPORTED, end->text.data);
		s->law = true;
	}
	if (s->idle) { /* it may hang up while nothing is under way */
		s->after = AFTER_END;
		return;
	}
	if (smtp_client_is_tls_broken(s->smtp) &&
	    relay_session_go_clear(s, after_code(end), is_lost(end)))
		return;
	relay_lesson_failed(s, end);
	if (smtp_client_is_shut_out(s->smtp) && !others && !s->parting)
		relay_route_login(&s->route, end);
	if (!s->talking && others && s->batch.n == 0) {
		/* not one more connection, but the mail is in good hands */
		s->after = AFTER_END;
		return;
	}
	/* A server that ends it before it was given anything has failed all the
	 * same: some message must be put off, or we are back at once. */
	if (s->messages == 0 && s->batch.n == 0)
		relay_batch_take(&s->batch);
	if (s->batch.n > 0 || !s->talking) {
		smtp_outcome_copy(&s->failure, end);
		s->harsh &= end->result == SMTP_PERM && !s->talking;
		s->after = after_failure(s);
	} else {
		s->after = AFTER_END;
	}
}

/* RFC 8689 s4.2.1 has a message that needs TLS returned where there is none;
 * where only the connection broke, or TLS was refused for now, it may be there
 * the next time. */
static void
put_off_unfit(struct relay_session *s)
{
	s->harsh = false;
	smtp_outcome_say(&s->failure, SMTP_TEMP, "4.7.10",
	    "the message must be sent under TLS: %s", s->why_clear);
	s->failure.elsewhere = true;
}

/* Whom it has not judged because it is not safe enough goes to the next host;
 * if that was the last this is why. */
static void
judged(struct relay_session *s)
{
	struct attempt a = attempt(s);
	const struct smtp_outcome *why = NULL;

	for (size_t i = 0; i < s->batch.n; i++)
		if (smtp_client_outcome(s->smtp, i)->elsewhere &&
		    smtp_client_outcome(s->smtp, i)->result == SMTP_PERM)
			why = smtp_client_outcome(s->smtp, i);
	relay_lesson_judged(s);
	s->messages += relay_batch_judged(&s->batch, s->smtp, &a);
	if (s->batch.n == 0)
		buf_clear(&s->story);
	if (why == NULL || s->batch.n == 0)
		return;
	s->unfit = true;
	smtp_outcome_copy(&s->failure, why);
	if (s->plain && (s->clear ? s->clear_passes
				  : smtp_client_is_clear_for_now(s->smtp)))
		put_off_unfit(s);
}

/* The server takes commands. */
static void
ready(struct relay_session *s)
{
	s->heard = true;
	s->plain = s->tls[0] == '\0';
	relay_route_login(&s->route, NULL);
	relay_lesson_good(s);
	if (s->plain && !s->clear)
		snprintf(s->why_clear, sizeof(s->why_clear), "%s",
		    smtp_client_why_clear(s->smtp));
	if (s->plain)
		relay_lesson_clear(s);
	relay_session_set_talking(s, true);
	relay_schedule(s->d->relay);
}

void
relay_session_event(struct relay_session *s, enum smtp_client_event ev)
{
	switch (ev) {
	case SMTP_CLIENT_READY:
		ready(s);
		break;
	case SMTP_CLIENT_DONE:
		judged(s);
		break;
	case SMTP_CLIENT_CLOSED:
		decide(s);
		break;
	case SMTP_CLIENT_TLS:
		s->handshake = true;
		break;
	case SMTP_CLIENT_BODY: /* fed by the caller */
	case SMTP_CLIENT_NONE:
		break;
	}
}

static void
on_route(void *arg)
{
	struct relay_session *s = arg;
	struct attempt nobody = {0};

	s->routed = true;
	if (s->route.targets.n > 0 && !s->d->relay->stopping) {
		relay_target_try(s);
		return;
	}
	if (s->route.targets.n == 0 && s->d->talking == 0)
		destination_condemn(s->d, &s->route.failure, &nobody);
	else if (s->route.targets.n == 0) /* those who talk are enough */
		destination_pace(s->d, PACE_REFUSED);
	relay_session_leave(s);
}

/* The connection is gone: do what was decided. */
static void
go_on(struct relay_session *s)
{
	enum after after = s->after;

	s->after = AFTER_NONE;
	relay_batch_close(&s->batch);
	add_story(&s->story, smtp_client_dialogue(s->smtp));
	smtp_client_free(s->smtp);
	s->smtp = NULL;
	if (after == AFTER_END || s->d->relay->stopping) {
		relay_session_leave(s);
		return;
	}
	if (after == AFTER_NOBODY) {
		relay_session_give_up(s);
		return;
	}
	s->clear |= after == AFTER_CLEAR;
	s->again += after == AFTER_SAME;
	if (after == AFTER_NEXT)
		relay_target_next(s);
	relay_target_try(s);
}

void
relay_session_start(struct destination *d)
{
	struct relay *r = d->relay;
	struct relay_session *s = MEM_NEW(struct relay_session);

	s->d = d;
	s->harsh = true;
	smtp_outcome_init(&s->failure);
	s->linger = timer_new(r->d.loop, on_linger, s);
	buf_init(&s->tlsa_data, TLSA_MAX * TLSA_DATA_MAX);
	buf_init(&s->story, 4 * ATTEMPT_DIALOGUE_MAX);
	buf_init(&s->told_story, 4 * ATTEMPT_DIALOGUE_MAX);
	relay_batch_init(&s->batch, d);
	s->batch.waived = destination_is_waived(d);
	s->next = r->sessions;
	s->self = &r->sessions;
	if (s->next != NULL)
		s->next->self = &s->next;
	r->sessions = s;
	r->n_sessions++;
	d->sessions++;
	s->route.found = on_route;
	s->route.arg = s;
	relay_route_find(&s->route, &r->d, r->self, d->domain);
}

void
relay_session_turn(struct relay_session *s)
{
	if (s->conn == NULL && s->after != AFTER_NONE) {
		go_on(s);
	} else if (s->d->relay->stopping && (!s->routed || s->dane != NULL)) {
		relay_session_leave(s);
	} else if (s->d->relay->stopping && s->conn != NULL && !s->talking) {
		s->after = AFTER_END; /* nothing is at stake */
		conn_abort(s->conn);
	} else {
		relay_connection_pump(s);
	}
}

bool
relay_session_is_for(const struct relay_session *s, const struct destination *d)
{
	return s->d == d;
}

struct relay_session *
relay_session_next(const struct relay_session *s)
{
	return s->next;
}

void
relay_session_free(struct relay_session *s)
{
	if (s->conn != NULL)
		relay_connection_abandon(s);
	relay_session_leave(s);
}
