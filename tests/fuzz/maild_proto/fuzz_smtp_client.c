/* SPDX-License-Identifier: MIT */
/*
 * Any server at all.  The first byte chooses the host's ways, the rest is what
 * the server says.  Whatever it is: every message gets exactly one DONE,
 * nobody is served without a 25x after the final dot, and what we say is lines
 * we meant to say.
 */
#include <assert.h>

#include "maild/proto/smtp_client.h"

#define MESSAGES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct str to[] = {
    STR("a@e.test"),
    STR("b\r\n@e.test"),
    STR("\xc3\xb6@e.test"),
    STR("d@e.test"),
};

static const struct smtp_wish wishes[] = {
    {DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY, STR("rfc822;a+2B@e.test")   },
    {0,				     STR("")		     },
    {DSN_NOTIFY_NEVER,                      STR("utf-8;\xc3\xb6@e.test")},
    {DSN_NOTIFY_FAILURE,                    STR("rfc822;a\r\nQUIT")     },
};

#define BODY   STR(".x\r\n.\n.\r")
#define BINARY STR(".\r\n..x\r\n")

enum { /* the host's ways: bits of the first byte */
	USES_TLS = 1,
	SPLITS = 2,
	SENDS_BINARY = 16,
	REQUIRES_TLS = 32,
	VERIFIES = 64,
};

struct play {
	struct smtp_client *c;
	size_t sent, done;
	bool dot; /* the end of the body was handed over */
	bool closed;
	bool tls;
	uint8_t ways;
};

static void
on_event(struct play *p, enum smtp_client_event ev)
{
	const struct smtp_message m = {
	    .sender = p->sent == 1 ? STR("") : STR("s@d.test"),
	    .recipients = to,
	    .n = sizeof(to) / sizeof(to[0]),
	    .wishes = wishes,
	    .size = p->ways & SENDS_BINARY ? BINARY.len : 1000,
	    .utf8 = p->sent == 2,
	    .binary = (p->ways & SENDS_BINARY) != 0,
	    .requiretls = (p->ways & REQUIRES_TLS) != 0,
	    .envelope_id = STR("a b="),
	    .ret = DSN_RET_HDRS,
	};

	switch (ev) {
	case SMTP_CLIENT_READY:
		assert(p->sent == p->done);
		p->dot = false;
		if (p->sent == MESSAGES) {
			smtp_client_quit(p->c);
			break;
		}
		p->sent++;
		smtp_client_send(p->c, &m);
		break;
	case SMTP_CLIENT_TLS:
		smtp_client_tls_done(p->c, p->ways & VERIFIES);
		p->tls = true;
		break;
	case SMTP_CLIENT_BODY:
		assert(!(p->ways & REQUIRES_TLS) || p->tls);
		smtp_client_body(p->c, p->ways & SENDS_BINARY ? BINARY : BODY);
		smtp_client_body_end(p->c);
		p->dot = !smtp_client_wants_body(p->c);
		break;
	case SMTP_CLIENT_DONE:
		p->done++;
		assert(p->done == p->sent);
		for (size_t i = 0; i < m.n; i++) {
			const struct smtp_outcome *o = smtp_client_outcome(
			    p->c, i);

			assert(o->enhanced[0] != '\0');
			assert(str_is_printable(buf_str(&o->text)));
			if (o->result == SMTP_SENT)
				assert(p->dot && o->code / 10 == 25);
			if (i == 1)
				assert(o->result == SMTP_PERM);
		}
		break;
	case SMTP_CLIENT_CLOSED:
		assert(!p->closed);
		p->closed = true;
		(void)smtp_client_end(p->c);
		break;
	case SMTP_CLIENT_NONE:
		break;
	}
}

/* Whatever we say is one of these, whole. */
static void
check_output(struct str out)
{
	static const struct str heads[] = {STR("EHLO mx.d.test"),
	    STR("HELO mx.d.test"), STR("STARTTLS"), STR("RSET"),
	    STR("MAIL FROM:<s@d.test>"), STR("MAIL FROM:<>"),
	    STR("RCPT TO:<a@e.test>"), STR("RCPT TO:<\xc3\xb6@e.test>"),
	    STR("RCPT TO:<d@e.test>"), STR("DATA"), STR("QUIT"),
	    STR("BDAT 8 LAST"), STR("..x"), STR(". . "), STR(".")};

	while (out.len > 0) {
		struct str line = str_cut(&out, '\n');
		bool known = false;

		for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
			known |= str_starts(line, heads[i]);
		assert(known && str_ends_nocase(line, STR("\r")));
	}
}

static void
pump(struct play *p, struct str in)
{
	enum smtp_client_event ev;

	do {
		ev = smtp_client_step(p->c, &in);
		on_event(p, ev);
	} while (ev != SMTP_CLIENT_NONE);
	assert(in.len == 0);
	assert(smtp_client_output(p->c)->len < 200 * KB);
	check_output(buf_str(smtp_client_output(p->c)));
	buf_clear(smtp_client_output(p->c));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str in = {(const char *)data, len};
	struct smtp_client_options o = {"mx.d.test", true, 1000};
	struct play p = {0};
	size_t chunk;

	if (len == 0)
		return 0;
	p.ways = data[0];
	o.tls = data[0] & USES_TLS;
	/* a whole line at a time is what most servers send */
	chunk = (data[0] & SPLITS) ? 1 + data[0] / 4 : 0;
	in = str_after(in, 1);
	p.c = smtp_client_new(&o);
	while (in.len > 0 && !p.closed) {
		size_t n = chunk, at;

		if (n == 0)
			n = str_find(in, '\n', &at) ? at + 1 : in.len;
		pump(&p, str_first(in, n));
		in = str_after(in, n);
	}
	smtp_client_lost(p.c, "closed");
	pump(&p, STR(""));
	assert(p.closed && p.sent == p.done);
	smtp_client_free(p.c);
	return 0;
}
