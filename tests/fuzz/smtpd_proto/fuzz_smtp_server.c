/* SPDX-License-Identifier: MIT */
/*
 * A whole session of any octets.  The first octet chooses the service and
 * how its answers fall; the rest is fed in pieces whose size the second
 * octet gives.  Held throughout: output bounded and whole lines only, one
 * `queued' for each message accepted, nothing but the message in BODY.
 */
#include <assert.h>
#include <stdint.h>

#include "smtpd/proto/smtp_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MAX_HOLD_S 1000

struct host {
	struct smtp_server *smtp;
	unsigned mood; /* which answers are given */
	bool in_transaction, closed;
	size_t asked, accepted, queued;
	uint64_t octets, max_size;
};

static bool
says_yes(struct host *h)
{
	return (h->mood >> (h->asked++ % 5) & 1) == 0;
}

static void
serve_scram(struct host *h, const struct smtp_request *req)
{
	enum smtp_scram good = req->scram_first ? SMTP_SCRAM_CHALLENGE
	                                        : SMTP_SCRAM_GOOD;

	smtp_server_scram(h->smtp,
	    says_yes(h) ? good
			: (enum smtp_scram)(SMTP_SCRAM_BAD + h->asked % 3),
	    STR("text"));
}

static void
serve(struct host *h, enum smtp_event ev, const struct smtp_request *req)
{
	struct smtp_server *s = h->smtp;

	switch (ev) {
	case SMTP_STARTTLS:
		h->in_transaction = false;
		smtp_server_tls_started(s);
		break;
	case SMTP_AUTH:
		smtp_server_authenticated(
		    s, says_yes(h) ? SMTP_AUTH_GOOD
				   : (enum smtp_verdict)(1 + h->asked % 2));
		break;
	case SMTP_SCRAM:
		serve_scram(h, req);
		break;
	case SMTP_MAIL:
		assert(req->envelope_id.len <= 100);
		assert(str_is_printable(req->envelope_id));
		assert(req->hold_for_s <= MAX_HOLD_S);
		assert(!h->in_transaction);
		h->in_transaction = says_yes(h);
		smtp_server_sender(
		    s, h->in_transaction ? REPLY_SENDER_OK : REPLY_TRY_LATER);
		break;
	case SMTP_RCPT:
		assert(h->in_transaction && req->path.spec.len > 0);
		assert(req->original.len <= 500 && req->notify < 16);
		assert(!(req->notify & DSN_NOTIFY_NEVER) ||
		       req->notify == DSN_NOTIFY_NEVER);
		smtp_server_recipient(
		    s, says_yes(h) ? REPLY_RECIPIENT_OK : REPLY_NO_SUCH_USER);
		break;
	case SMTP_DATA:
		assert(h->in_transaction);
		h->octets = 0;
		smtp_server_data(s, says_yes(h) ? REPLY_OK : REPLY_TRY_LATER);
		break;
	case SMTP_BODY:
		assert(smtp_server_in_data(s) && req->body.len > 0);
		h->octets += req->body.len;
		assert(h->octets <= h->max_size);
		break;
	case SMTP_MESSAGE:
		h->in_transaction = false;
		if (says_yes(h)) {
			h->accepted++;
			smtp_server_accept(s, "id");
		} else {
			smtp_server_refuse(s, REPLY_LOOP, STR(""));
		}
		break;
	case SMTP_RESET:
		assert(h->in_transaction);
		h->in_transaction = false;
		break;
	case SMTP_CLOSE:
		h->closed = true;
		break;
	case SMTP_NONE:
		break;
	}
}

static void
check_output(struct host *h)
{
	struct buf *out = smtp_server_output(h->smtp);
	struct str rest = buf_str(out);

	assert(!out->overrun && out->len < SMTP_OUTPUT_HIGH + 1024);
	assert(out->len == 0 || str_ends_nocase(rest, STR("\r\n")));
	while (rest.len > 0) {
		struct str line = str_cut(&rest, '\n');

		assert(line.len >= 5 && line.at[line.len - 1] == '\r');
		assert(str_is_printable(str_first(line, line.len - 1)));
		h->queued += str_starts(line, STR("250 2.0.0 Ok: queued"));
	}
	buf_release(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct smtp_server_options o = {
	    .hostname = "mx.d.test",
	    .offers_tls = true,
	    .max_size = 300,
	    .max_recipients = 5,
	    .max_errors = 10,
	    .max_hold_s = MAX_HOLD_S,
	    .since_s = 1795341600,
	    .mechanisms = "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
	    .binding = true,
	};
	struct host h = {.max_size = o.max_size};
	struct str text;
	size_t chunk;

	if (len < 2)
		return 0;
	o.submission = data[0] & 1;
	o.tls = data[0] & 2;
	o.allow_plaintext = data[0] & 4;
	h.mood = data[0] >> 3;
	chunk = data[1] + 1;
	text = (struct str){(const char *)data + 2, len - 2};
	h.smtp = smtp_server_new(&o);
	while (text.len > 0 && !h.closed) {
		struct str in = str_first(text, chunk);
		struct smtp_request req;
		enum smtp_event ev;

		text = str_after(text, in.len);
		do {
			ev = smtp_server_step(h.smtp, &in, &req);
			serve(&h, ev, &req);
			check_output(&h);
		} while (!h.closed && (ev != SMTP_NONE || in.len > 0));
	}
	assert(h.queued == h.accepted);
	smtp_server_free(h.smtp);
	return 0;
}
