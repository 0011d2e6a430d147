/* SPDX-License-Identifier: MIT */
/*
 * Plays tests/conv/smtp (port 25) and tests/conv/submission (587) against the
 * SMTP server engine with a host that knows the accounts of the fixture.
 *
 * Options: tls (from the first octet), no-tls (none to be had),
 * allow-plaintext, needs-tls, max-size N, max-recipients N, max-errors N,
 * max-hold N, extensions-off WORDS, mechanisms WORDS, binding, store-fails,
 * data-refused, early (input is there before the greeting), texts (some
 * refusals say why in words of their own).
 *
 * Its SCRAM knows the forms of the messages and no keys: who ends with p=good
 * is in.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "smtpd/proto/smtp_server.h"
#include "tests/conv/conv.h"
#include "tests/test.h"

struct host {
	struct smtp_server_options options;
	struct smtp_server *smtp;
	struct buf in;
	struct buf out;
	bool store_fails, data_refused, early, texts;
	bool handshake; /* 220 was said; nothing may come before TLS */
	bool closed;
	bool bad_header;
	uint64_t octets;
	char login[64];
	char extensions_off[128], mechanisms[128];
};

static const struct {
	const char *login, *password;
} accounts[] = {
    {"alice@d.test", "pw-alice-Xyz123"},
    {"bob@d.test",   "pw-bob-Xyz123"  },
    {"carol@e.test", "pw-carol-Xyz123"},
};

static const struct {
	const char *address;
	enum smtp_reply reply;
} addresses[] = {
    {"alice@d.test", REPLY_RECIPIENT_OK},
    {"bob@d.test",   REPLY_RECIPIENT_OK},
    {"carol@e.test", REPLY_RECIPIENT_OK},
    {"team@d.test",  REPLY_RECIPIENT_OK},
    {"postmaster",   REPLY_RECIPIENT_OK},
    {"quota@d.test", REPLY_MAILBOX_FULL},
    {"loop1@d.test", REPLY_ALIAS_LOOP  },
};

static bool
set_flag(struct host *h, struct str name)
{
	const struct {
		const char *name;
		bool *flag;
		bool value;
	} flags[] = {
	    {"tls",             &h->options.tls,             true },
	    {"no-tls",          &h->options.offers_tls,      false},
	    {"allow-plaintext", &h->options.allow_plaintext, true },
	    {"needs-tls",       &h->options.needs_tls,       true },
	    {"binding",         &h->options.binding,         true },
	    {"store-fails",     &h->store_fails,             true },
	    {"data-refused",    &h->data_refused,            true },
	    {"early",           &h->early,                   true },
	    {"texts",           &h->texts,                   true },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (str_eq(name, str_of(flags[i].name))) {
			*flags[i].flag = flags[i].value;
			return true;
		}
	return false;
}

static bool
set_option(struct host *h, struct str option)
{
	struct str name = str_cut(&option, ' ');
	uint64_t n = 0;
	bool has_number = str_to_u64(option, UINT64_MAX, &n);

	if (set_flag(h, name))
		return option.len == 0;
	if (has_number && str_eq(name, STR("max-size")))
		h->options.max_size = n;
	else if (has_number && str_eq(name, STR("max-recipients")))
		h->options.max_recipients = n;
	else if (has_number && str_eq(name, STR("max-errors")))
		h->options.max_errors = n;
	else if (has_number && str_eq(name, STR("max-hold")))
		h->options.max_hold_s = n;
	else if (str_eq(name, STR("extensions-off")))
		snprintf(h->extensions_off, sizeof(h->extensions_off), "%.*s",
		    STR_FMT(option));
	else if (str_eq(name, STR("mechanisms")))
		snprintf(h->mechanisms, sizeof(h->mechanisms), "%.*s",
		    STR_FMT(option));
	else
		return false;
	return true;
}

static void *
open_host(struct str options, bool submission)
{
	struct host *h = MEM_NEW(struct host);

	buf_init(&h->in, 64 * MB);
	buf_init(&h->out, 64 * MB);
	h->options = (struct smtp_server_options){
	    .hostname = "mx.d.test",
	    .submission = submission,
	    .offers_tls = true,
	    .max_size = 10485760,
	    .max_recipients = 100,
	    .max_errors = 10,
	    .max_hold_s = 604800,
	    .since_s = 1795341600, /* 2026-11-22T10:00:00Z */
	    .extensions_off = h->extensions_off,
	};
	while (options.len > 0)
		CHECK(set_option(h, str_cut(&options, '\n')));
	if (h->mechanisms[0] != '\0')
		h->options.mechanisms = h->mechanisms;
	h->options.silent = h->early;
	h->smtp = smtp_server_new(&h->options);
	return h;
}

static void *
open_smtp(struct str options)
{
	return open_host(options, false);
}

static void *
open_submission(struct str options)
{
	return open_host(options, true);
}

static void
log_in(struct host *h, const struct smtp_request *req)
{
	if (str_eq(req->user, STR("busy@d.test"))) {
		smtp_server_authenticated(h->smtp, SMTP_AUTH_LATER);
		return;
	}
	for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++)
		if (str_eq(req->user, str_of(accounts[i].login)) &&
		    str_eq(req->password, str_of(accounts[i].password))) {
			snprintf(h->login, sizeof(h->login), "%s",
			    accounts[i].login);
			smtp_server_authenticated(h->smtp, SMTP_AUTH_GOOD);
			return;
		}
	smtp_server_authenticated(h->smtp, SMTP_AUTH_BAD);
}

static void
scram(struct host *h, const struct smtp_request *req)
{
	struct smtp_server *s = h->smtp;
	struct str m = req->scram;

	if (str_eq(m, STR("n,,n=busy@d.test,r=x")))
		smtp_server_scram(s, SMTP_SCRAM_LATER, STR(""));
	else if (req->scram_first &&
		 str_starts(m, req->scram_plus ? STR("p=tls-exporter,,n=")
					       : STR("n,,n=")))
		smtp_server_scram(
		    s, SMTP_SCRAM_CHALLENGE, STR("r=xy,s=c2FsdA==,i=4096"));
	else if (!req->scram_first && str_ends_nocase(m, STR(",p=good")))
		smtp_server_scram(s, SMTP_SCRAM_GOOD, STR("v=c2ln"));
	else if (!req->scram_first && str_ends_nocase(m, STR(",p=bad")))
		smtp_server_scram(s, SMTP_SCRAM_BAD, STR(""));
	else
		smtp_server_scram(s, SMTP_SCRAM_MALFORMED, STR(""));
}

static enum smtp_reply
judge_sender(const struct host *h, const struct smtp_path *path)
{
	if (h->store_fails)
		return REPLY_TRY_LATER;
	if (!h->options.submission)
		return REPLY_SENDER_OK;
	if (path->spec.len == 0)
		return REPLY_NULL_SENDER;
	return str_eq_nocase(path->spec, str_of(h->login))
	           ? REPLY_SENDER_OK
	           : REPLY_NOT_YOUR_SENDER;
}

static enum smtp_reply
judge_recipient(const struct host *h, const struct smtp_path *path)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (str_eq_nocase(path->spec, str_of(addresses[i].address)))
			return addresses[i].reply;
	if (str_eq_nocase(path->domain, STR("d.test")) ||
	    str_eq_nocase(path->domain, STR("e.test")))
		return REPLY_NO_SUCH_USER;
	if (h->login[0] == '\0')
		return REPLY_NO_RELAY;
	return path->literal ? REPLY_NO_LITERAL : REPLY_RECIPIENT_OK;
}

static void
serve(struct host *h, enum smtp_event ev, const struct smtp_request *req)
{
	switch (ev) {
	case SMTP_STARTTLS:
		h->handshake = true;
		break;
	case SMTP_AUTH:
		log_in(h, req);
		break;
	case SMTP_SCRAM:
		scram(h, req);
		break;
	case SMTP_MAIL:
		if (h->texts && str_eq(req->path.spec, STR("spf@bad.test")))
			smtp_server_refuse_with(h->smtp, REPLY_SPF_REFUSED,
			    STR("bad.test forbids it"));
		else
			smtp_server_sender(
			    h->smtp, judge_sender(h, &req->path));
		break;
	case SMTP_RCPT:
		if (h->texts && str_eq(req->path.spec, STR("listed@d.test")))
			smtp_server_refuse_with(
			    h->smtp, REPLY_LISTED, STR("Listed by bl.test"));
		else
			smtp_server_recipient(
			    h->smtp, judge_recipient(h, &req->path));
		break;
	case SMTP_DATA:
		h->octets = 0;
		h->bad_header = false;
		if (h->data_refused)
			smtp_server_refuse_with(
			    h->smtp, REPLY_DEFERRED, STR("Not today"));
		else
			smtp_server_data(h->smtp, REPLY_OK);
		break;
	case SMTP_BODY:
		CHECK(req->body.len > 0);
		if (h->octets == 0)
			h->bad_header = req->body.at[0] == ' ';
		h->octets += req->body.len;
		CHECK(h->octets <= h->options.max_size);
		break;
	case SMTP_MESSAGE:
		if (h->bad_header)
			smtp_server_refuse(h->smtp, REPLY_HEADER_BAD, STR(""));
		else
			smtp_server_accept(h->smtp, "0d1q8zk4m2x7a");
		break;
	case SMTP_RESET:
		break;
	case SMTP_CLOSE:
		h->closed = true;
		break;
	case SMTP_NONE:
		assert(false);
	}
}

/* As session.c does it, without the waiting. */
static void
pump(struct host *h)
{
	while (!h->closed && !h->handshake) {
		struct str in = buf_str(&h->in);
		size_t before = in.len;
		struct smtp_request req;
		enum smtp_event ev = smtp_server_step(h->smtp, &in, &req);
		struct buf *out = smtp_server_output(h->smtp);

		CHECK(!out->overrun);
		if (ev != SMTP_NONE)
			serve(h, ev, &req);
		buf_add(&h->out, buf_str(out));
		buf_release(out);
		buf_drop(&h->in, before - in.len);
		if (ev == SMTP_STARTTLS && in.len > 0)
			h->closed = true; /* RFC 3207 s4.2 */
		if (ev == SMTP_NONE && in.len == 0)
			break;
	}
}

static void
feed(void *p, struct str bytes)
{
	struct host *h = p;

	if (h->handshake) {
		h->closed = true; /* in the clear, after 220 */
		return;
	}
	if (h->early && bytes.len > 0)
		smtp_server_end(h->smtp, REPLY_TALKS_EARLY);
	buf_add(&h->in, bytes);
	pump(h);
}

static void
start_tls(void *p)
{
	struct host *h = p;

	CHECK(h->handshake);
	h->handshake = false;
	smtp_server_tls_started(h->smtp);
	pump(h);
}

static void
end_input(void *p)
{
	((struct host *)p)->closed = true; /* nothing is under way here */
}

static struct str
output(void *p)
{
	struct host *h = p;
	struct buf *out = smtp_server_output(h->smtp);

	buf_add(&h->out, buf_str(out)); /* the greeting, before any input */
	buf_release(out);
	return buf_str(&h->out);
}

static void
drop(void *p, size_t n)
{
	buf_drop(&((struct host *)p)->out, n);
}

static bool
is_closed(void *p)
{
	return ((struct host *)p)->closed;
}

static void
free_host(void *p)
{
	struct host *h = p;

	smtp_server_free(h->smtp);
	buf_release(&h->in);
	buf_release(&h->out);
	free(h);
}

int
main(void)
{
	struct conv_peer peer = {
	    .open = open_smtp,
	    .feed = feed,
	    .tls = start_tls,
	    .eof = end_input,
	    .output = output,
	    .drop = drop,
	    .closed = is_closed,
	    .free = free_host,
	};

	CHECK(conv_run_dir("tests/conv/smtp", &peer) == 0);
	peer.open = open_submission;
	CHECK(conv_run_dir("tests/conv/submission", &peer) == 0);
	return TEST_EXIT();
}
