/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "common/util/mem.h"
#include "smtpd/proto/smtp_engine.h"

#define NOTHING_MAX (64 * MB) /* read past in any case; see patience() */

/* Octets that are read past: a client cannot know better than to send twice
 * what we take, but one that announces a year of them wants something else. */
static uint64_t
patience(const struct smtp_server *s)
{
	return s->o.max_size < NOTHING_MAX / 2 ? NOTHING_MAX
	                                       : s->o.max_size * 2;
}

static struct str
limit_text(const struct smtp_server *s, char out[24])
{
	snprintf(out, 24, "%llu", (unsigned long long)s->o.max_size);
	return str_of(out);
}

/* Whether these octets are for us or not, they are no commands. */
static void
skip(struct smtp_server *s, uint64_t octets, enum smtp_reply r, struct str text)
{
	if (octets > patience(s)) {
		smtp_say_with(s, r, text);
		smtp_enter(s, IN_CLOSED);
		return;
	}
	s->skip.pending = true;
	s->skip.left = octets;
	s->skip.reply = r;
	buf_clear(&s->skip.text);
	buf_add(&s->skip.text, text);
}

/* RFC 3030 s2: what is left of the message would be something else */
static enum smtp_event
refuse(struct smtp_server *s, uint64_t octets, enum smtp_reply r,
    struct smtp_request *req)
{
	bool had = (s->state & IN_TRANSACTION) != 0;
	char limit[24];

	smtp_reset_transaction(s);
	skip(s, octets, r, limit_text(s, limit));
	req->why = r;
	return had && s->state != IN_CLOSED ? SMTP_RESET : SMTP_NONE;
}

/* How many octets follow, commands or not, nobody knows. */
static enum smtp_event
give_up(struct smtp_server *s, enum smtp_reply r)
{
	smtp_say(s, r);
	smtp_enter(s, IN_CLOSED);
	return SMTP_NONE;
}

enum smtp_event
smtp_bdat_refuse(struct smtp_server *s, struct str arg, enum smtp_reply r,
    struct smtp_request *req)
{
	uint64_t octets;
	bool last;

	if (!(s->has & SMTP_EXT_CHUNKING))
		return give_up(s, REPLY_NO_CHUNKING);
	if (!smtp_chunk_parse(arg, &octets, &last))
		return give_up(s, REPLY_BAD_CHUNK);
	return refuse(s, octets, r, req);
}

enum smtp_event
smtp_bdat_begin(struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	struct chunk c = {.begun = true};

	if (!smtp_chunk_parse(arg, &c.octets, &c.last))
		return give_up(s, REPLY_BAD_CHUNK);
	if (s->state == IN_MAIL)
		return refuse(s, c.octets, REPLY_NO_VALID_RECIPIENTS, req);
	assert(s->size <= s->o.max_size);
	if (c.octets > s->o.max_size - s->size) /* RFC 1870 s6.3 */
		return refuse(s, c.octets, REPLY_TOO_BIG, req);
	if (c.octets == 0 && !c.last && ++s->junk > JUNK_MAX) {
		smtp_say(s, REPLY_TOO_MUCH_JUNK);
		return SMTP_NONE;
	}
	c.left = c.octets;
	s->chunk = c;
	if (s->state == IN_RCPT)
		return SMTP_DATA;
	smtp_enter(s, IN_CHUNK);
	return SMTP_NONE;
}

void
smtp_bdat_refused(struct smtp_server *s, enum smtp_reply r, struct str text)
{
	uint64_t octets = s->chunk.octets;

	smtp_reset_transaction(s);
	s->dropped = true;
	skip(s, octets, r, text);
}

/* All octets of a chunk are there. */
static void
end_chunk(struct smtp_server *s)
{
	char octets[24];

	s->progress++;
	if (s->chunk.last) {
		s->ended = true;
		return;
	}
	snprintf(octets, sizeof(octets), "%llu",
	    (unsigned long long)s->chunk.octets);
	smtp_enter(s, IN_CHUNKS);
	smtp_say_with(s, REPLY_CHUNK_TAKEN, str_of(octets));
}

bool
smtp_bdat_step(struct smtp_server *s, struct str *in, struct smtp_request *req,
    enum smtp_event *ev)
{
	struct str piece = *in;

	if (s->chunk.left == 0) {
		end_chunk(s);
		return true;
	}
	if (in->len == 0)
		return false;
	if (piece.len > s->body.limit)
		piece = str_first(piece, s->body.limit);
	if (piece.len > s->chunk.left)
		piece = str_first(piece, (size_t)s->chunk.left);
	*in = str_after(*in, piece.len);
	s->chunk.left -= piece.len;
	s->size += piece.len;
	smtp_count_progress(s, piece.len);
	if (!s->binary)
		smtp_text_look(&s->text, piece);
	buf_clear(&s->body);
	buf_add(&s->body, piece);
	req->body = buf_str(&s->body);
	*ev = SMTP_BODY;
	return true;
}

bool
smtp_bdat_skip(struct smtp_server *s, struct str *in)
{
	size_t octets = in->len;

	if (s->skip.left > 0 && octets == 0)
		return false;
	if (octets > s->skip.left)
		octets = (size_t)s->skip.left;
	*in = str_after(*in, octets);
	s->skip.left -= octets;
	smtp_count_progress(s, octets);
	if (s->skip.left == 0) {
		s->skip.pending = false;
		smtp_say_with(s, s->skip.reply, buf_str(&s->skip.text));
		buf_release(&s->skip.text);
	}
	return true;
}
