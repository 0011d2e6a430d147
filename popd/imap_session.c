/* SPDX-License-Identifier: MIT */
#include "popd/imap_session.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/imap_session_state.h"

#define IN_LIMIT    (64 * KB) /* APPEND comes in large pieces */
#define OUT_HIGH    (64 * KB)
#define STRANGER_MS 60000 /* from the greeting to a good login */
#define PROGRESS    (64 * KB)

static void
session_free(struct imap_session *s)
{
	crowd_leave(&s->member);
	if (s->listens)
		mailboxes_deaf(s->popd->mailboxes, &s->listener);
	if (s->login != NULL)
		log_info(&s->popd->log,
		    "session proto=imap rip=%s fetched=%zu commands=%zu "
		    "user=\"%s\"",
		    s->ip, s->n_fetched, imap_commands(s->imap), s->login);
	imap_body_drop(s);
	imap_ahead_drop(s);
	imap_job_unstage(s);
	imap_free(s->imap);
	free(s->tried);
	free(s->login);
	free(s);
}

void
imap_session_flush(struct imap_session *s)
{
	struct buf *out = imap_output(s->imap);

	if (out->len > 0 && !s->ending)
		conn_send(s->conn, buf_str(out));
	buf_clear(out);
}

void
imap_session_finish(struct imap_session *s)
{
	if (s->ending)
		return;
	imap_session_flush(s);
	s->ending = true;
	conn_finish(s->conn);
}

void
imap_session_abort(struct imap_session *s)
{
	if (s->ending)
		return;
	s->ending = true;
	conn_abort(s->conn);
}

/* Whole commands, and pieces of messages, are progress; single octets and
 * what a stranger says are none. */
static void
set_deadline(struct imap_session *s)
{
	uint64_t progress = imap_commands(s->imap) + s->octets / PROGRESS;
	int64_t delay_ms = s->popd->conf->timeouts_imap_idle;

	if (s->busy || s->securing || imap_is_idling(s->imap) ||
	    !conn_has_room(s->conn)) {
		if (s->timed)
			conn_deadline(s->conn, 0);
		s->timed = false;
		return;
	}
	if (s->timed && (s->login == NULL || progress == s->progress))
		return;
	if (s->login == NULL && delay_ms > STRANGER_MS)
		delay_ms = STRANGER_MS;
	conn_deadline(s->conn, delay_ms);
	s->timed = true;
	s->progress = progress;
}

/* What became of the last command, for others. */
static void
report(struct imap_session *s)
{
	struct fetched_by by = {s->login, s->ip, imap_client(s->imap)};
	const int64_t *traces;
	size_t n;

	if (s->login == NULL || s->popd->fetched == NULL)
		return; /* or nothing can be written any more */
	traces = imap_read_traces(s->imap, &n);
	fetched_add(s->popd->fetched, &by, traces, n);
	s->n_fetched += n;
	s->listener.mailbox = imap_selected(s->imap);
	s->listener.all = imap_wants_news(s->imap);
}

/* The engine has come to rest: what now? */
static void
settle(struct imap_session *s, bool input_used)
{
	bool stopping = s->popd->crowd.stopping;

	report(s);
	if (s->ending)
		return;
	if (!s->busy && !s->securing) {
		if (stopping)
			imap_goodbye(s->imap, IMAP_SHUTDOWN);
		if (stopping || (input_used && conn_eof(s->conn))) {
			imap_session_finish(s);
			return;
		}
		buf_release(imap_output(s->imap)); /* idle ones keep little */
		if (imap_is_idling(s->imap))
			imap_body_drop(s);
	}
	set_deadline(s);
}

static void
pump(struct imap_session *s)
{
	enum imap_event ev = IMAP_DRAIN;

	s->pumping = true;
	while (ev != IMAP_NONE && !s->busy && !s->securing && !s->ending &&
	       !s->popd->crowd.stopping && conn_has_room(s->conn)) {
		struct str in = conn_input(s->conn);
		size_t unread = in.len;

		ev = imap_step(
		    s->imap, clock_wall_ms(s->popd->clock) / 1000, &in);
		if (ev == IMAP_OCTETS) /* they may be of the input */
			imap_job_octets(s);
		conn_consume(s->conn, unread - in.len);
		imap_serve(s, ev);
		if (s->conn != NULL)
			imap_session_flush(s);
	}
	s->pumping = false;
	settle(s, ev == IMAP_NONE);
}

void
imap_session_resume(struct imap_session *s)
{
	s->busy = false;
	if (s->conn == NULL) {
		report(s);
		session_free(s);
		return;
	}
	imap_session_flush(s);
	if (!s->pumping) /* else the pump goes on by itself */
		pump(s);
}

static void
hear(void *arg, const struct imap_news *news)
{
	struct imap_session *s = arg;

	if (s->conn == NULL || s->ending)
		return;
	imap_poke(s->imap, news);
	if (!s->busy && !s->pumping && !s->securing)
		pump(s);
}

void
imap_session_listen(struct imap_session *s, int64_t account)
{
	s->listener.account = account;
	s->listener.hear = hear;
	s->listener.arg = s;
	s->listens = true;
	mailboxes_listen(s->popd->mailboxes, &s->listener);
}

static void
ready(void *arg, struct conn *c)
{
	struct imap_session *s = arg;

	if (s->securing && conn_tls(c) != NULL) {
		s->securing = false;
		log_debug(
		    &s->popd->log, "%s from %s", conn_tls(c)->version, s->ip);
		if (s->starttls)
			imap_secured(s->imap);
	}
	imap_body_go_on(s);
	if (!s->securing && !s->busy)
		pump(s);
}

static void
closed(void *arg, enum conn_end end, const char *text)
{
	struct imap_session *s = arg;

	if (end != CONN_FINISHED && end != CONN_ABORTED)
		log_debug(&s->popd->log, "lost %s: %s", s->ip, text);
	s->conn = NULL;
	s->ending = true;
	if (s->feed_waits) /* no job of it is under way */
		s->busy = false;
	if (!s->busy)
		session_free(s);
}

static void
expired(void *arg, struct conn *c)
{
	struct imap_session *s = arg;

	(void)c;
	if (s->ending)
		return;
	imap_goodbye(s->imap, IMAP_IDLE_TOO_LONG);
	imap_session_finish(s);
}

static const struct conn_host host = {ready, closed, expired};

static void
turn_away(struct popd *popd, int fd, const char *ip, bool tls)
{
	static const struct str says = STR(
	    "* BYE [UNAVAILABLE] too many connections, try again later\r\n");

	log_warn(&popd->log, "too many connections rip=%s", ip);
	crowd_turn_away(fd, tls ? STR("") : says);
}

static void
say_goodbye(struct crowd_member *m)
{
	struct imap_session *s = (struct imap_session *)m;

	if (s->conn == NULL || s->ending)
		return;
	if (s->securing)
		imap_session_abort(s);
	else
		settle(s, false);
}

static void
end_now(struct crowd_member *m)
{
	struct imap_session *s = (struct imap_session *)m;

	if (s->conn != NULL)
		conn_abort(s->conn);
	s->ending = true;
}

static const struct crowd_manners manners = {say_goodbye, end_now};

static struct imap *
new_engine(const struct popd *popd, bool tls)
{
	const struct conf *conf = popd->conf;
	struct imap_options o = {.hostname = conf->server_hostname,
	    .tls = tls,
	    .allow_plaintext = conf->test_allow_plaintext,
	    .max_errors = (unsigned)conf->limits_errors,
	    .message_max = conf->limits_message_size,
	    .off = conf->imap_capabilities_off};

	return imap_new(&o);
}

void
imap_session_start(struct popd *popd, int fd, const struct address *peer,
    bool tls, bool crowded)
{
	struct conn_limits limits = conn_default_limits();
	struct imap_session *s = MEM_NEW(struct imap_session);
	char ip[ADDRESS_TEXT_MAX];

	s->member.manners = &manners;
	if (crowded || !crowd_enter(&popd->crowd, &s->member, peer)) {
		free(s);
		turn_away(popd, fd, address_ip_text(peer, ip), tls);
		return;
	}
	s->popd = popd;
	address_ip_text(peer, s->ip);
	s->imap = new_engine(popd, tls);
	limits.in_limit = IN_LIMIT;
	limits.out_high = OUT_HIGH;
	limits.stall_ms = popd->conf->timeouts_stall;
	limits.handshake_ms = popd->conf->timeouts_handshake;
	s->conn = conn_new(popd->loop, fd, &host, s, &limits);
	if (tls) {
		s->securing = true;
		conn_start_tls(s->conn, popd->imap_tls, NULL);
	} else {
		pump(s);
	}
}
