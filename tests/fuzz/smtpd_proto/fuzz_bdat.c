/* SPDX-License-Identifier: MIT */
/*
 * A message in chunks of any octets, in pieces of any size.  The first octet
 * says whether it is text, the second where the pieces are cut; then come the
 * chunks, each with its length before it.
 *
 * The host gets the octets of the chunks, no more and no less; every command
 * has one answer, and none of the octets is a command; text is refused for what
 * it may not have, and for that only.
 */
#include <assert.h>

#include "common/util/mem.h"
#include "smtpd/proto/smtp_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MAX_SIZE 600

struct run {
	struct smtp_server *smtp;
	struct buf stream; /* what the client sends */
	struct buf sent;   /* octets of chunks that must arrive */
	struct buf got;
	size_t commands, replies, messages, refusals;
	bool binary, over;
	enum smtp_reply why;
};

/* The oracle: bare CR or LF, or NUL, seen in all of it at once. */
static bool
is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool cr = i > 0 && s.at[i - 1] == '\r';

		if (s.at[i] == '\0' || (s.at[i] == '\n') != cr)
			return false;
	}
	return s.len == 0 || s.at[s.len - 1] != '\r';
}

static void
add_chunk(struct run *r, struct str octets, bool last)
{
	buf_addf(&r->stream, "BDAT %zu%s\r\n", octets.len, last ? " LAST" : "");
	buf_add(&r->stream, octets);
	r->commands++;
	r->over |= r->sent.len + octets.len > MAX_SIZE;
	if (!r->over)
		buf_add(&r->sent, octets);
}

static void
build(struct run *r, struct str data)
{
	buf_addf(&r->stream,
	    "HELO c.test\r\nMAIL FROM:<a@b.test>%s\r\nRCPT TO:<c@d.test>\r\n",
	    r->binary ? " BODY=BINARYMIME" : "");
	r->commands = 3;
	do {
		/* none of nothing but the last: they are junk, and end it */
		size_t n = data.len > 1 ? 1 + (unsigned char)data.at[0] : 0;
		struct str octets = str_first(str_after(data, 1), n);

		data = str_after(data, 1 + n);
		add_chunk(r, octets, data.len == 0);
	} while (data.len > 0);
	buf_add(&r->stream, STR("QUIT\r\n"));
	r->commands++;
}

static void
serve(struct run *r, enum smtp_event ev, const struct smtp_request *req)
{
	switch (ev) {
	case SMTP_MAIL:
		assert(req->binary == r->binary);
		smtp_server_sender(r->smtp, REPLY_SENDER_OK);
		break;
	case SMTP_RCPT:
		smtp_server_recipient(r->smtp, REPLY_RECIPIENT_OK);
		break;
	case SMTP_DATA:
		smtp_server_data(r->smtp, REPLY_OK);
		break;
	case SMTP_BODY:
		assert(req->body.len > 0);
		buf_add(&r->got, req->body);
		break;
	case SMTP_MESSAGE:
		r->messages++;
		smtp_server_accept(r->smtp, "id");
		break;
	case SMTP_RESET:
		r->refusals++;
		r->why = req->why;
		break;
	default:
		assert(ev == SMTP_CLOSE && req->why == REPLY_BYE);
	}
}

static void
play(struct run *r, unsigned cut)
{
	struct str rest = buf_str(&r->stream);
	enum smtp_event ev = SMTP_NONE;

	while (rest.len > 0 && ev != SMTP_CLOSE) {
		struct str in = str_first(rest, 1 + cut % 61);
		struct smtp_request req;

		cut = cut * 1103515245 + 12345;
		rest = str_after(rest, in.len);
		do {
			struct buf *out = smtp_server_output(r->smtp);

			ev = smtp_server_step(r->smtp, &in, &req);
			if (ev != SMTP_NONE)
				serve(r, ev, &req);
			assert(!out->overrun);
			for (size_t i = 0; i < out->len; i++)
				r->replies += out->data[i] == '\n';
			buf_release(out);
		} while (ev != SMTP_CLOSE && (ev != SMTP_NONE || in.len > 0));
	}
	assert(ev == SMTP_CLOSE && rest.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct smtp_server_options o = {
	    .hostname = "mx.d.test",
	    .max_size = MAX_SIZE,
	    .max_recipients = 5,
	    .max_errors = 10000,
	};
	struct run r = {0};
	bool clean;

	if (len < 2 || len > 4000)
		return 0;
	r.binary = data[0] & 1;
	buf_init(&r.stream, 1 * MB);
	buf_init(&r.sent, MAX_SIZE);
	buf_init(&r.got, MAX_SIZE);
	build(&r, (struct str){(const char *)data + 2, len - 2});
	r.smtp = smtp_server_new(&o);
	play(&r, data[1]);
	clean = r.binary || is_clean(buf_str(&r.sent));
	assert(r.replies == r.commands + 1);
	assert(!r.got.overrun && str_eq(buf_str(&r.got), buf_str(&r.sent)));
	assert(r.messages == (clean && !r.over ? 1 : 0));
	assert(r.refusals == 1 - r.messages);
	assert(!r.over || r.why == REPLY_TOO_BIG);
	smtp_server_free(r.smtp);
	buf_release(&r.stream);
	buf_release(&r.sent);
	buf_release(&r.got);
	return 0;
}
