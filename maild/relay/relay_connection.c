/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_session_state.h"

#include <assert.h>
#include <stdio.h>

#include "common/net/conn.h"
#include "maild/relay/relay_count.h"

#define CONNECT_MS 30000

static void
flush(struct relay_session *s)
{
	struct buf *out = smtp_client_output(s->smtp);

	if (out->len > 0 && s->conn != NULL)
		conn_send(s->conn, buf_str(out));
	buf_clear(out);
}

static void
lose(struct relay_session *s, const char *why)
{
	s->lost = true;
	smtp_client_lost(s->smtp, why);
}

/* Take what has arrived, as far as the handshake. */
static void
take_input(struct relay_session *s)
{
	struct str in = s->conn != NULL ? conn_input(s->conn) : STR("");
	size_t had = in.len;
	enum smtp_client_event ev;

	while (!s->handshake &&
	       (ev = smtp_client_step(s->smtp, &in)) != SMTP_CLIENT_NONE)
		relay_session_event(s, ev);
	if (s->conn != NULL)
		conn_consume(s->conn, had - in.len);
}

static void
set_deadline(struct relay_session *s)
{
	if (s->turn == smtp_client_turn(s->smtp))
		return;
	s->turn = smtp_client_turn(s->smtp);
	conn_deadline(s->conn, smtp_client_timeout_ms(s->smtp));
}

static void
hang_up(struct relay_session *s)
{
	flush(s);
	if (s->lost)
		conn_abort(s->conn);
	else
		conn_finish(s->conn);
}

/* Send what the engine and the body have, as long as there is room. */
static void
feed(struct relay_session *s)
{
	flush(s);
	while (smtp_client_wants_body(s->smtp) && conn_has_room(s->conn) &&
	       relay_batch_feed(&s->batch, s->smtp)) {
		s->lost |= s->batch.unreadable;
		flush(s);
	}
}

static void
start_tls(struct relay_session *s)
{
	const struct mx_target *t = relay_target(s);
	struct tls *tls = s->d->relay->d.tls;
	const char *more = s->route.targets.expanded;

	flush(s);
	conn_deadline(s->conn, 0); /* the handshake has its own */
	if (!s->safety.records) {
		conn_start_tls(s->conn, tls, t->literal ? NULL : t->host);
		return;
	}
	conn_start_tls_dane(s->conn, tls, s->base, s->tlsa, s->n_tlsa);
	conn_tls_also(s->conn, s->d->domain);
	if (more[0] != '\0')
		conn_tls_also(s->conn, more);
}

/* One round: input, the next message if it is time, output. */
static void
pump_round(struct relay_session *s)
{
	take_input(s);
	if (s->handshake || s->after != AFTER_NONE)
		return;
	relay_session_message(s);
	if (smtp_client_is_ready(s->smtp) && relay_batch_can_send(&s->batch))
		relay_batch_send(&s->batch, s->smtp);
	else
		relay_session_message(s); /* if the last could not be read */
	feed(s);
}

void
relay_connection_pump(void *arg)
{
	struct relay_session *s = arg;
	unsigned turn;

	if (s->conn == NULL || !s->connected || s->after != AFTER_NONE ||
	    s->handshake || conn_is_over(s->conn))
		return;
	do {
		turn = smtp_client_turn(s->smtp);
		pump_round(s);
	} while (turn != smtp_client_turn(s->smtp) && !s->handshake &&
		 s->after == AFTER_NONE && !conn_is_over(s->conn));
	if (conn_is_over(s->conn))
		return; /* on_closed() comes */
	if (s->after == AFTER_NONE && !s->handshake && conn_eof(s->conn)) {
		lose(s, "the other server closed the connection");
		take_input(s);
	}
	if (s->after != AFTER_NONE)
		hang_up(s);
	else if (s->handshake)
		start_tls(s);
	else
		set_deadline(s);
}

/* What the journey will say of it, and the engine. */
static void
tls_done(struct relay_session *s, const struct conn_tls *tls)
{
	struct buf what;
	struct smtp_client_tls done = {
	    .verified = tls->verified, .problem = tls->problem};

	s->handshake = false;
	buf_init(&what, 1 * KB);
	buf_addf(&what, "%s %s", tls->version, tls->cipher);
	safety_tell(&s->safety, tls->verified, &what);
	snprintf(s->tls, sizeof(s->tls), "%s", what.data);
	if (tls->problem != NULL)
		buf_addf(&what, " (%s)", tls->problem);
	done.what = what.data;
	relay_lesson_tls(s, tls);
	smtp_client_tls_done(s->smtp, &done);
	buf_release(&what);
}

static void
on_ready(void *arg, struct conn *c)
{
	struct relay_session *s = arg;
	const struct conn_tls *tls = conn_tls(c);

	s->connected = true;
	if (s->handshake && tls != NULL)
		tls_done(s, tls);
	relay_connection_pump(s);
}

static void
on_expired(void *arg, struct conn *c)
{
	struct relay_session *s = arg;

	(void)c;
	lose(s, "timed out");
	relay_connection_pump(s);
}

static void
not_connected(struct relay_session *s, const char *why)
{
	smtp_outcome_say(
	    &s->failure, SMTP_TEMP, "4.4.1", "cannot connect: %s", why);
	relay_session_tell(s, "-- %s", s->failure.text.data);
	relay_count(&s->d->relay->d, METRIC_UNREACHABLE);
	s->harsh = false;
	/* not one more connection, but the mail is in good hands */
	s->after = relay_lesson_others_talk(s) && s->batch.n == 0 ? AFTER_END
	                                                          : AFTER_NEXT;
	relay_lesson_failed(s, &s->failure);
}

/* Without TLS only where nobody asks for it. */
static void
tls_failed(struct relay_session *s, const char *why, bool passes)
{
	relay_lesson_unsafe(s, TLS_RESULT_VALIDATION_FAILURE, why);
	relay_lesson_good(s); /* it is there */
	s->handshake = false;
	smtp_client_tls_failed(s->smtp, why);
	if (!relay_session_go_clear(s, why, passes))
		take_input(s);
}

static void
on_closed(void *arg, enum conn_end end, const char *text)
{
	struct relay_session *s = arg;

	s->conn = NULL;
	if (s->after != AFTER_NONE) {
		/* as it was meant to be */
	} else if (!s->connected) {
		not_connected(s, text);
	} else if (s->handshake && end == CONN_ABORTED) {
		s->after = AFTER_END; /* we did it: nothing is wrong there */
	} else if (s->handshake) {
		tls_failed(s, text, end != CONN_TLS);
	} else {
		lose(s, text[0] != '\0' ? text : "the connection broke");
		take_input(s);
	}
	relay_session_set_talking(s, false);
	if (s->d->relay->stopping)
		relay_session_leave(s);
	else
		relay_schedule(s->d->relay); /* relay_session_turn() goes on */
}

static const struct conn_host host = {on_ready, on_closed, on_expired};

/* The first of relay.source that is of the target's kind. */
static const struct address *
choose_source(const struct conf *conf, const struct address *target,
    struct address *source)
{
	const struct conf_list *sources = &conf->relay_source;

	for (size_t i = 0; i < sources->n; i++)
		if (address_from_ip(str_of(sources->items[i]), 0, source) &&
		    address_is_v6(source) == address_is_v6(target))
			return source;
	return NULL;
}

static struct smtp_client *
new_client(const struct relay_session *s)
{
	const struct relay_deps *deps = &s->d->relay->d;
	const struct smtp_client_options o = {
	    .hostname = deps->conf->server_hostname,
	    .tls = deps->tls == NULL || s->clear ? SMTP_TLS_NEVER
	                                         : s->safety.tls,
	    .timeout_ms = deps->conf->relay_timeout,
	    .inside = s->safety.inside,
	    .guessed = s->safety.guessed,
	    .law = safety_who(&s->safety),
	    .login = s->route.login,
	    .password = secret_str(&s->route.password),
	};

	/* never in the clear where a policy stands */
	assert(o.tls != SMTP_TLS_NEVER || s->safety.tls == SMTP_TLS_MAY);
	return smtp_client_new(&o);
}

void
relay_connection_open(struct relay_session *s)
{
	const struct relay_deps *deps = &s->d->relay->d;
	const struct mx_target *t = relay_target(s);
	int64_t timeout_ms = deps->conf->relay_timeout;
	struct conn_limits limits = conn_default_limits();
	struct address source;

	limits.handshake_ms = deps->conf->timeouts_handshake;
	limits.stall_ms = timeout_ms;
	limits.connect_ms = timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS;
	s->connected = s->handshake = s->lost = s->unfit = s->told = false;
	s->lingered = false;
	s->messages = 0;
	s->smtp = new_client(s);
	s->turn = smtp_client_turn(s->smtp) - 1; /* no deadline yet */
	relay_count(deps, METRIC_CONNECTIONS);
	relay_session_tell(s, "-- to %s, port %u%s%s", s->host,
	    address_port(&t->address), s->clear ? ", in the clear: " : "",
	    s->clear ? s->why_clear : "");
	s->conn = conn_connect(deps->loop, &t->address,
	    choose_source(deps->conf, &t->address, &source), &host, s, &limits);
}

void
relay_connection_abandon(struct relay_session *s)
{
	relay_lesson_abandoned(s);
	conn_abandon(s->conn);
	s->conn = NULL;
}
