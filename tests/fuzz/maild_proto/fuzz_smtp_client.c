/* SPDX-License-Identifier: MIT */
/*
 * Any server at all.  The first two bytes choose the host's ways, the rest is
 * what the server says.  Whatever it is: every message gets exactly one DONE,
 * nobody is served without a 25x after the final dot, what we say is lines we
 * meant to say; where TLS is wanted nothing of a message and no password is
 * said before it is there as wanted; and what is told of it all is printable,
 * bounded, and without the password.
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

enum {             /* of the second */
	LEVEL = 3, /* enum smtp_tls, where TLS is used */
	INSIDE = 4,
	LOGS_IN = 8,
	GUESSES = 16,
	FAILS = 32, /* the handshake does */
};

#define LOGIN    "ann"
#define PASSWORD STR("sesame")

struct play {
	struct smtp_client *c;
	size_t sent, done;
	bool dot; /* the end of the body was handed over */
	bool closed;
	bool tls, login;
	enum smtp_tls level;
	uint8_t ways, policy;
};

static bool
is_safe(const struct play *p)
{
	if (p->level == SMTP_TLS_VERIFY)
		return p->tls && (p->ways & VERIFIES);
	return p->level != SMTP_TLS_MUST || p->tls;
}

static void
start_tls(struct play *p)
{
	const struct smtp_client_tls tls = {.what = "TLS 1.3",
	    .verified = (p->ways & VERIFIES) != 0,
	    .problem = p->policy & GUESSES ? "it has\x80 expired" : NULL};

	assert(p->level != SMTP_TLS_NEVER);
	if (p->policy & FAILS) {
		smtp_client_tls_failed(p->c, "no shared\tcipher");
		return;
	}
	p->tls = true;
	smtp_client_tls_done(p->c, &tls);
}

static void
check_end(const struct play *p)
{
	const struct smtp_outcome *end = smtp_client_end(p->c);

	if (smtp_client_is_unsafe(p->c)) {
		assert(p->level >= SMTP_TLS_MUST && end->result == SMTP_TEMP);
		assert(str_starts(str_of(end->enhanced), STR("4.7.")));
		assert(p->sent == 0);
	}
}

static void
check_dialogue(const struct play *p)
{
	struct str text = smtp_client_dialogue(p->c);
	size_t at;

	static const struct str secrets[] = {
	    PASSWORD, STR("c2VzYW1l"), STR("AGFubgBzZXNhbWU=")};

	assert(text.len <= SMTP_DIALOGUE_MAX);
	while (text.len > 0) {
		struct str line = str_cut(&text, '\n');

		assert(str_is_printable(line));
		if (!str_starts(line, STR("C: ")))
			continue; /* a server may say what it likes */
		for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]);
		     i++)
			assert(!str_find_str(line, secrets[i], &at));
	}
}

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
		start_tls(p);
		break;
	case SMTP_CLIENT_BODY:
		assert(!(p->ways & REQUIRES_TLS) || p->tls);
		assert(is_safe(p));
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
		check_end(p);
		break;
	case SMTP_CLIENT_NONE:
		break;
	}
}

/* Whatever we say is one of these, whole. */
static void
check_output(const struct play *p, struct str out)
{
	static const struct str heads[] = {STR("EHLO mx.d.test"),
	    STR("HELO mx.d.test"), STR("STARTTLS"), STR("RSET"),
	    STR("MAIL FROM:<s@d.test>"), STR("MAIL FROM:<>"),
	    STR("RCPT TO:<a@e.test>"), STR("RCPT TO:<\xc3\xb6@e.test>"),
	    STR("RCPT TO:<d@e.test>"), STR("DATA"), STR("QUIT"),
	    STR("BDAT 8 LAST"), STR("..x"), STR(". . "), STR(".")};
	static const struct str secrets[] = {STR("AUTH PLAIN AGFubgBzZXNhbWU="),
	    STR("AUTH LOGIN"), STR("YW5u\r"), STR("c2VzYW1l\r")};

	while (out.len > 0) {
		struct str line = str_cut(&out, '\n');
		bool known = false;

		for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
			known |= str_starts(line, heads[i]);
		for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]);
		     i++)
			if (str_starts(line, secrets[i])) {
				known = true;
				assert(p->login && is_safe(p));
			}
		assert(is_safe(p) || !str_starts(line, STR("MAIL")));
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
	check_output(p, buf_str(smtp_client_output(p->c)));
	check_dialogue(p);
	buf_clear(smtp_client_output(p->c));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str in = {(const char *)data, len};
	struct smtp_client_options o = {
	    .hostname = "mx.d.test", .timeout_ms = 1000, .law = "DANE"};
	struct play p = {0};
	size_t chunk;

	if (len < 2)
		return 0;
	p.ways = data[0];
	p.policy = data[1];
	if (p.ways & USES_TLS)
		p.level = (enum smtp_tls)(p.policy & LEVEL);
	p.login = p.level == SMTP_TLS_VERIFY && (p.policy & LOGS_IN);
	o.tls = p.level;
	o.inside = p.level >= SMTP_TLS_MUST && (p.policy & INSIDE);
	o.guessed = (p.policy & GUESSES) != 0;
	o.login = p.login ? LOGIN : NULL;
	o.password = PASSWORD;
	/* a whole line at a time is what most servers send */
	chunk = (data[0] & SPLITS) ? 1 + data[0] / 4 : 0;
	in = str_after(in, 2);
	p.c = smtp_client_new(&o);
	pump(&p, STR(""));
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
