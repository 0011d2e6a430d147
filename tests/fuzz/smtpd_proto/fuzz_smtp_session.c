/* SPDX-License-Identifier: MIT */
/*
 * A whole session of any octets, twice: line by line, and in pieces whose size
 * the second octet gives.  Both see the same answers, and the host is asked the
 * same questions, in the same order.  The first octet chooses the service and
 * how answers fall; with its third bit the session is submission under TLS,
 * that begins behind EHLO: what follows is mostly AUTH and mail.
 */
#include <assert.h>

#include "common/util/mem.h"
#include "smtpd/proto/smtp_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LINE_ENDLESS 4000 /* octets: given up on wherever a piece ends */

struct play {
	struct smtp_server *smtp;
	unsigned mood;
	size_t asked;
	bool over;
	struct buf told; /* answers and questions */
};

static bool
says_yes(struct play *p)
{
	return (p->mood >> (p->asked++ % 5) & 1) == 0;
}

static void
tell(struct play *p, const char *what, struct str detail)
{
	buf_addf(&p->told, "<%s %.*s>\n", what, STR_FMT(detail));
}

static void
serve_transaction(
    struct play *p, enum smtp_event ev, const struct smtp_request *req)
{
	struct smtp_server *s = p->smtp;

	if (ev == SMTP_MAIL) {
		tell(p, "mail", req->path.spec);
		tell(p, "envid", req->envelope_id);
		smtp_server_sender(
		    s, says_yes(p) ? REPLY_SENDER_OK : REPLY_TRY_LATER);
	} else if (ev == SMTP_RCPT) {
		tell(p, "rcpt", req->path.spec);
		tell(p, "orcpt", req->original);
		smtp_server_recipient(
		    s, says_yes(p) ? REPLY_RECIPIENT_OK : REPLY_NO_SUCH_USER);
	} else if (ev == SMTP_DATA) {
		tell(p, "data", STR(""));
		smtp_server_data(s, says_yes(p) ? REPLY_OK : REPLY_TRY_LATER);
	} else if (ev == SMTP_MESSAGE) {
		tell(p, "message", STR(""));
		if (says_yes(p))
			smtp_server_accept(s, "id");
		else
			smtp_server_refuse(s, REPLY_LOOP, STR(""));
	} else if (ev == SMTP_RESET) {
		tell(p, "reset", STR(""));
	}
}

static void
serve(struct play *p, enum smtp_event ev, const struct smtp_request *req)
{
	struct smtp_server *s = p->smtp;

	if (ev == SMTP_BODY) {
		buf_add(&p->told, req->body); /* cut as the pieces are */
	} else if (ev == SMTP_AUTH) {
		tell(p, "user", req->user);
		tell(p, "password", req->password);
		smtp_server_authenticated(
		    s, says_yes(p) ? SMTP_AUTH_GOOD
				   : (enum smtp_verdict)(1 + p->asked % 2));
	} else if (ev == SMTP_SCRAM) {
		tell(p, req->scram_plus ? "scram-plus" : "scram", req->scram);
		smtp_server_scram(s,
		    !says_yes(p)       ? SMTP_SCRAM_BAD
		    : req->scram_first ? SMTP_SCRAM_CHALLENGE
				       : SMTP_SCRAM_GOOD,
		    STR("text"));
	} else if (ev == SMTP_STARTTLS || ev == SMTP_CLOSE) {
		/* what the host would throw away depends on the pieces */
		tell(p, "end", STR(""));
		p->over = true;
	} else {
		serve_transaction(p, ev, req);
	}
}

static void
feed(struct play *p, struct str in)
{
	struct buf *out = smtp_server_output(p->smtp);
	struct smtp_request req;
	enum smtp_event ev;

	do {
		ev = smtp_server_step(p->smtp, &in, &req);
		/* an answer stands before the question that follows it */
		buf_add(&p->told, buf_str(out));
		buf_release(out);
		if (ev != SMTP_NONE)
			serve(p, ev, &req);
		buf_add(&p->told, buf_str(out));
		buf_release(out);
	} while (!p->over && (ev != SMTP_NONE || in.len > 0));
}

static void
play(struct play *p, unsigned ways, struct str text, size_t piece)
{
	struct smtp_server_options o = {
	    .hostname = "mx.d.test",
	    .submission = (ways & 1) || (ways & 4),
	    .offers_tls = true,
	    .tls = (ways & 2) || (ways & 4),
	    .max_size = 2000,
	    .max_recipients = 5,
	    .max_errors = 10,
	    .max_hold_s = 1000,
	    .since_s = 1795341600,
	    .mechanisms = "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
	    .binding = true,
	};

	*p = (struct play){.mood = ways >> 3, .smtp = smtp_server_new(&o)};
	buf_init(&p->told, 64 * MB);
	if (ways & 4)
		feed(p, STR("EHLO c.test\r\n"));
	while (text.len > 0 && !p->over) {
		size_t n = piece, lf;

		if (n == 0)
			n = str_find(text, '\n', &lf) ? lf + 1 : text.len;
		feed(p, str_first(text, n));
		text = str_after(text, n);
	}
	smtp_server_free(p->smtp);
}

static bool
has_endless_line(struct str text)
{
	while (text.len > 0)
		if (str_cut(&text, '\n').len >= LINE_ENDLESS)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = {(const char *)data + 2, len - 2};
	struct play lines, pieces;

	if (len < 2 || len > 16 * KB || has_endless_line(text))
		return 0;
	play(&lines, data[0], text, 0);
	play(&pieces, data[0], text, 1 + data[1]);
	assert(str_eq(buf_str(&lines.told), buf_str(&pieces.told)));
	buf_release(&lines.told);
	buf_release(&pieces.told);
	return 0;
}
