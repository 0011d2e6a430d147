/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_server.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "smtpd/proto/smtp_engine.h"

#define OUTPUT_MAX    (64 * KB)
#define BODY_MAX      (16 * KB)
#define LINE_PATIENCE (16 * KB) /* of a line that is too long already */

struct smtp_server *
smtp_server_new(const struct smtp_server_options *o)
{
	struct smtp_server *s = MEM_NEW(struct smtp_server);

	assert(o->hostname != NULL && (o->offers_tls || !o->tls));
	s->o = *o;
	s->has = smtp_extensions(o);
	s->tls = o->tls;
	s->state = IN_SILENT;
	line_init(&s->line, o->submission ? SASL_RESPONSE_MAX : COMMAND_MAX);
	buf_init(&s->out, OUTPUT_MAX);
	buf_init(&s->helo, KB);
	buf_init(&s->held, COMMAND_MAX);
	buf_init(&s->envelope_id, KB);
	buf_init(&s->body, BODY_MAX);
	buf_init(&s->skip.text, KB);
	buf_init(&s->scram_message, SASL_RESPONSE_MAX);
	smtp_reset_transaction(s);
	if (!o->silent)
		smtp_server_greet(s);
	return s;
}

void
smtp_server_free(struct smtp_server *s)
{
	if (s == NULL)
		return;
	smtp_drop_login(s);
	line_release(&s->line);
	buf_release(&s->out);
	buf_release(&s->helo);
	buf_release(&s->held);
	buf_release(&s->envelope_id);
	buf_release(&s->body);
	buf_release(&s->skip.text);
	free(s);
}

void
smtp_server_greet(struct smtp_server *s)
{
	if (s->state == IN_CLOSED)
		return;
	smtp_enter(s, IN_GREET);
	smtp_say_with(s, REPLY_GREETING, str_of(s->o.hostname));
}

/* TLS, RDP and their like begin with an octet that no command begins with. */
static bool
is_binary(char c)
{
	return (c < ' ' && c != '\r' && c != '\n' && c != '\t') || c == 0x7f;
}

/* A line went by that cannot be used. */
static void
spoilt(struct smtp_server *s, enum smtp_reply r, enum smtp_reply in_login)
{
	s->progress++;
	if (s->state == IN_LOGIN)
		smtp_login_failed(s, in_login);
	else
		smtp_say(s, r);
}

static enum smtp_event
step_line(struct smtp_server *s, struct str *in, struct smtp_request *req)
{
	struct str line;

	if (line_seen(&s->line) == 0 && is_binary(in->at[0])) {
		smtp_server_end(s, REPLY_NOT_SMTP);
		return SMTP_NONE;
	}
	switch (line_take(&s->line, in, &line)) {
	case LINE_MORE:
		if (line_seen(&s->line) > s->line.max + LINE_PATIENCE)
			smtp_server_end(s, REPLY_LONG_LINE);
		break;
	case LINE_BAD:
		spoilt(s, REPLY_BAD_LINE, REPLY_BAD_LINE);
		break;
	case LINE_TOO_LONG:
		spoilt(s, REPLY_LONG_LINE, REPLY_LONG_AUTH_LINE);
		break;
	case LINE_READY:
		s->progress++;
		if (s->state == IN_LOGIN)
			return smtp_login_line(s, line, req);
		return smtp_command(s, line, req);
	}
	return SMTP_NONE;
}

/* What we have against the message, now that its real end is there: it came
 * by DATA or by BDAT, and the other has nothing to say. */
static bool
is_refused(const struct smtp_server *s, enum smtp_reply *why)
{
	if (s->size > s->o.max_size)
		*why = REPLY_TOO_BIG; /* RFC 1870 s6.3 */
	else if (s->dot.bare || s->text.bare || s->text.after_cr)
		*why = REPLY_BARE_NEWLINE; /* RFC 5321 s2.3.8 */
	else if (s->dot.nul || s->text.nul)
		*why = REPLY_HAS_NUL;
	else if (s->dot.longest > TEXT_LINE_MAX ||
		 s->text.longest > TEXT_LINE_MAX)
		*why = REPLY_LONG_TEXT_LINE;
	else
		return false;
	return true;
}

static enum smtp_event
end_of_data(struct smtp_server *s, struct smtp_request *req)
{
	enum smtp_reply why;
	char limit[24];

	s->progress++;
	if (!is_refused(s, &why))
		return SMTP_MESSAGE;
	snprintf(
	    limit, sizeof(limit), "%llu", (unsigned long long)s->o.max_size);
	smtp_reset_transaction(s);
	smtp_say_with(s, why, str_of(limit));
	req->why = why;
	return SMTP_RESET;
}

static enum smtp_event
step_data(struct smtp_server *s, struct str *in, struct smtp_request *req)
{
	size_t before = in->len;

	buf_clear(&s->body);
	/* at once: it would grow line by line */
	buf_reserve(&s->body, in->len < BODY_MAX ? in->len : BODY_MAX);
	s->ended = dot_read(&s->dot, in, &s->body) == DOT_END;
	s->size += s->body.len;
	smtp_count_progress(s, before - in->len);
	if (s->body.len == 0 || s->size > s->o.max_size)
		return SMTP_NONE;
	req->body = buf_str(&s->body);
	return SMTP_BODY;
}

static bool
needs_answer(enum smtp_event ev)
{
	return ev != SMTP_BODY && ev != SMTP_RESET && ev != SMTP_CLOSE;
}

/* One event, or NONE for something that makes none.  False: input or room for
 * output is needed first. */
static bool
advance(struct smtp_server *s, struct str *in, struct smtp_request *req,
    enum smtp_event *ev)
{
	*ev = SMTP_NONE;
	if (s->state == IN_CLOSED) {
		req->why = s->last;
		*ev = SMTP_CLOSE;
	} else if (s->dropped) {
		s->dropped = false;
		*ev = SMTP_RESET;
	} else if (s->ended) {
		s->ended = false;
		*ev = end_of_data(s, req);
	} else if (s->out.len > SMTP_OUTPUT_HIGH || s->state == IN_SILENT) {
		return false;
	} else if (s->skip.pending) {
		return smtp_bdat_skip(s, in);
	} else if (s->state == IN_CHUNK) {
		return smtp_bdat_step(s, in, req, ev);
	} else if (in->len == 0) {
		return false;
	} else if (s->state == IN_DATA) {
		*ev = step_data(s, in, req);
	} else {
		*ev = step_line(s, in, req);
	}
	return true;
}

enum smtp_event
smtp_server_step(
    struct smtp_server *s, struct str *in, struct smtp_request *req)
{
	enum smtp_event ev = SMTP_NONE;

	assert(s->waiting == SMTP_NONE);
	*req = (struct smtp_request){0};
	while (ev == SMTP_NONE)
		if (!advance(s, in, req, &ev))
			return SMTP_NONE;
	if (needs_answer(ev))
		s->waiting = ev;
	return ev;
}

struct buf *
smtp_server_output(struct smtp_server *s)
{
	return &s->out;
}

static void
answered(struct smtp_server *s, enum smtp_event ev)
{
	assert(s->waiting == ev);
	s->waiting = SMTP_NONE;
}

void
smtp_server_tls_started(struct smtp_server *s)
{
	answered(s, SMTP_STARTTLS);
	/* RFC 3207 s4.2: what the client said before is discarded */
	s->tls = true;
	s->esmtp = false;
	s->errors = s->junk = 0;
	buf_release(&s->helo);
	line_release(&s->line);
	smtp_enter(s, IN_GREET);
}

void
smtp_server_binding(struct smtp_server *s, bool can)
{
	s->o.binding = can;
}

bool
smtp_server_offers(const struct smtp_server *s, struct str mechanism)
{
	return smtp_mechanism_offered(&s->o, s->tls, mechanism);
}

void
smtp_server_authenticated(struct smtp_server *s, enum smtp_verdict v)
{
	answered(s, SMTP_AUTH);
	switch (v) {
	case SMTP_AUTH_GOOD:
		smtp_login_done(s);
		return;
	case SMTP_AUTH_BAD:
		smtp_login_failed(s, REPLY_AUTH_BAD);
		return;
	case SMTP_AUTH_LATER:
		smtp_drop_login(s);
		smtp_say(s, REPLY_AUTH_TEMPORARY);
		return;
	}
}

void
smtp_server_scram(
    struct smtp_server *s, enum smtp_scram answer, struct str text)
{
	answered(s, SMTP_SCRAM);
	assert(text.len <= SMTP_SCRAM_TEXT_MAX);
	switch (answer) {
	case SMTP_SCRAM_CHALLENGE:
	case SMTP_SCRAM_GOOD:
		smtp_login_ask(s, text, answer == SMTP_SCRAM_GOOD);
		return;
	case SMTP_SCRAM_BAD:
		smtp_login_failed(s, REPLY_AUTH_BAD);
		return;
	case SMTP_SCRAM_MALFORMED:
		smtp_login_failed(s, REPLY_BAD_BASE64);
		return;
	case SMTP_SCRAM_LATER:
		smtp_drop_login(s);
		smtp_say(s, REPLY_AUTH_TEMPORARY);
		return;
	}
}

static void
answer_sender(struct smtp_server *s, enum smtp_reply r, struct str text)
{
	answered(s, SMTP_MAIL);
	if (r == REPLY_SENDER_OK)
		smtp_enter(s, IN_MAIL);
	else
		smtp_reset_transaction(s);
	smtp_say_with(s, r, text);
}

static void
answer_recipient(struct smtp_server *s, enum smtp_reply r, struct str text)
{
	answered(s, SMTP_RCPT);
	if (r == REPLY_RECIPIENT_OK) {
		s->recipients++;
		if (s->state == IN_MAIL)
			smtp_enter(s, IN_RCPT);
	}
	smtp_say_with(s, r, text);
}

static void
answer_data(struct smtp_server *s, enum smtp_reply r, struct str text)
{
	answered(s, SMTP_DATA);
	if (s->chunk.begun) {
		if (r == REPLY_OK)
			smtp_enter(s, IN_CHUNK);
		else
			smtp_bdat_refused(s, r, text);
		return;
	}
	if (r == REPLY_OK) {
		smtp_enter(s, IN_DATA);
		r = REPLY_DATA_GO_AHEAD;
	}
	smtp_say_with(s, r, text);
}

void
smtp_server_sender(struct smtp_server *s, enum smtp_reply r)
{
	answer_sender(s, r, STR(""));
}

void
smtp_server_recipient(struct smtp_server *s, enum smtp_reply r)
{
	answer_recipient(s, r, STR(""));
}

void
smtp_server_data(struct smtp_server *s, enum smtp_reply r)
{
	answer_data(s, r, STR(""));
}

void
smtp_server_accept(struct smtp_server *s, const char *id)
{
	answered(s, SMTP_MESSAGE);
	smtp_reset_transaction(s);
	s->errors = s->junk = 0;
	smtp_say_with(s, REPLY_QUEUED, str_of(id));
}

void
smtp_server_refuse(struct smtp_server *s, enum smtp_reply r, struct str text)
{
	answered(s, SMTP_MESSAGE);
	smtp_reset_transaction(s);
	smtp_say_with(s, r, text);
}

void
smtp_server_end(struct smtp_server *s, enum smtp_reply r)
{
	s->waiting = SMTP_NONE;
	s->skip.pending = false;
	smtp_drop_login(s);
	smtp_reset_transaction(s);
	if (s->state == IN_CLOSED)
		return;
	smtp_say_with(s, r, str_of(s->o.hostname));
	if (s->state != IN_CLOSED)
		smtp_enter(s, IN_CLOSED);
}

bool
smtp_server_in_data(const struct smtp_server *s)
{
	return (s->state & (IN_DATA | IN_CHUNK | IN_CHUNKS)) != 0;
}

bool
smtp_server_in_middle(const struct smtp_server *s)
{
	return smtp_server_in_data(s) || s->skip.pending ||
	       line_seen(&s->line) > 0;
}

uint64_t
smtp_server_progress(const struct smtp_server *s)
{
	return s->progress;
}

size_t
smtp_server_errors(const struct smtp_server *s)
{
	return s->errors;
}

struct str
smtp_server_helo(const struct smtp_server *s)
{
	return buf_str(&s->helo);
}

void
smtp_server_refuse_with(
    struct smtp_server *s, enum smtp_reply r, struct str text)
{
	assert(smtp_reply_code(r) >= 400);
	if (s->waiting == SMTP_MAIL)
		answer_sender(s, r, text);
	else if (s->waiting == SMTP_RCPT)
		answer_recipient(s, r, text);
	else
		answer_data(s, r, text);
}

bool
smtp_server_extended(const struct smtp_server *s)
{
	return s->esmtp;
}
