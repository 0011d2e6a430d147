/* SPDX-License-Identifier: MIT */
#include "common/mime/pending_note.h"

#include <assert.h>

#include "common/mime/addr.h"
#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/mime/encword.h"
#include "common/mime/header.h"
#include "common/mime/people.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

#define SAID_MAX    500       /* octets of a remote's words that are shown */
#define HOST_MAX    256       /* of its name */
#define ADDRESS_MAX 320       /* of an address */
#define LIST_MAX    (16 * KB) /* of a From or To field */
#define SUBJECT_MAX KB        /* octets of a subject */
#define WORD_OCTETS 42        /* of text in an encoded word: RFC 2047 s2 */
#define BLOCK_MAX   (32 * KB) /* of the header that is attached */

#define PREFIX      "Waiting: "

size_t
pending_note_room(const struct pending_note *p)
{
	return 256 * KB + p->n * 16 * KB + p->message.len;
}

/* ---- the header ---- */

/* Is it a list of addresses, and not too long? */
static bool
is_list(struct str value)
{
	struct addr *one = MEM_NEW(struct addr);
	size_t n = 0;
	int got;

	while ((got = addr_next(&value, one)) == 1)
		n++;
	free(one);
	return got == 0 && n > 0;
}

/* The original's first field of this name, if it can be shown as it is. */
static bool
add_list(const struct pending_note *p, const char *name, struct buf *out)
{
	struct header_field field;
	struct buf value;
	bool good = false;

	if (!header_find(p->block, str_of(name), &field) || field.bad ||
	    field.value.len > LIST_MAX)
		return false;
	buf_init(&value, 2 * LIST_MAX);
	header_unfold(field.value, &value);
	if (utf8_valid(buf_str(&value)) && is_list(buf_str(&value))) {
		compose_field(str_of(name), buf_str(&value), out);
		good = true;
	}
	buf_release(&value);
	return good;
}

static void
add_from(const struct pending_note *p, struct buf *out)
{
	struct str sender = p->sender;
	struct buf value;

	if (add_list(p, "From", out))
		return;
	buf_init(&value, 2 * KB);
	if (utf8_valid(sender) && is_list(sender))
		buf_add(&value, sender);
	else
		buf_addf(&value, "postmaster@%.*s", STR_FMT(p->host));
	compose_field(STR("From"), buf_str(&value), out);
	buf_release(&value);
}

/* Text as encoded words, of whole characters each (RFC 2047 s5). */
static void
add_encoded(struct str text, struct buf *out)
{
	while (text.len > 0) {
		struct str some = utf8_first(text, WORD_OCTETS);

		buf_add(out, STR(" =?UTF-8?B?"));
		enc_base64(some, out);
		buf_add(out, STR("?="));
		text = str_after(text, some.len);
	}
}

/* As it stands where it is plain, its own encoded words with it. */
static void
add_subject(const struct pending_note *p, struct buf *out)
{
	struct header_field field;
	struct buf plain, value;

	buf_init(&plain, 2 * p->block.len + KB);
	buf_init(&value, 8 * KB);
	buf_add(&value, STR(PREFIX));
	if (header_find(p->block, STR("Subject"), &field) && !field.bad)
		header_unfold(field.value, &plain);
	if (plain.len <= SUBJECT_MAX && str_is_printable(buf_str(&plain))) {
		buf_add(&value, buf_str(&plain));
	} else {
		buf_clear(&plain);
		encword_decode(field.value, &plain);
		buf_cut(&value, value.len - 1); /* each word brings a space */
		add_encoded(
		    utf8_first(str_trim(buf_str(&plain)), SUBJECT_MAX), &value);
	}
	compose_field(STR("Subject"), buf_str(&value), out);
	buf_release(&value);
	buf_release(&plain);
}

/* "=_" is in no quoted-printable text, and nobody knows the rest */
static void
add_boundary(const struct pending_note *p, struct buf *out)
{
	buf_addf(out, "=_%016llx%08llx", (unsigned long long)p->random,
	    (unsigned long long)p->now_s);
}

static void
add_header(const struct pending_note *p, struct buf *out)
{
	char date[DATE_TEXT_MAX];
	struct str id;

	add_from(p, out);
	/* RFC 5322 s3.4: a group without members */
	if (!add_list(p, "To", out))
		buf_add(out, STR("To: undisclosed-recipients:;\r\n"));
	add_subject(p, out);
	buf_addf(out, "Date: %s\r\nMessage-ID: ", date_text(p->now_s, date));
	compose_message_id(p->now_s, p->random, p->host, out);
	buf_add(out, STR("\r\n"));
	if (header_message_id(p->block, &id) && str_is_printable(id) &&
	    str_starts(id, STR("<")))
		compose_field(STR("References"), id, out);
	buf_add(out, STR("Auto-Submitted: auto-generated\r\n" /* RFC 3834 */
			 "MIME-Version: 1.0\r\n"));
	/* RFC 2045 s6.4: as what is inside */
	if (str_has_8bit(p->message))
		buf_add(out, STR("Content-Transfer-Encoding: 8bit\r\n"));
	buf_add(out, STR("Content-Type: multipart/mixed;\r\n\tboundary=\""));
	add_boundary(p, out);
	buf_add(out, STR("\"\r\n"));
}

/* ---- the text ---- */

/* What happened so far. */
static void
tell_tries(const struct pending_note_recipient *r, struct buf *out)
{
	char date[DATE_TEXT_MAX];
	struct buf line;

	if (r->tries == 0)
		return;
	buf_init(&line, 8 * KB);
	if (r->tried_s > 0)
		buf_addf(&line, "Tried %d time%s, last on %s.", r->tries,
		    r->tries == 1 ? "" : "s", date_text(r->tried_s, date));
	else
		buf_addf(&line, "Tried %d time%s.", r->tries,
		    r->tries == 1 ? "" : "s");
	people_paragraph("    ", buf_str(&line), out);
	buf_clear(&line);
	if (r->said && r->host.len > 0)
		people_words(r->host, HOST_MAX, false, &line);
	else
		buf_add(&line,
		    r->said ? STR("The other server") : STR("What went wrong"));
	buf_add(&line, r->said ? STR(" said: ") : STR(": "));
	people_words(r->reply, SAID_MAX, true, &line);
	if (r->reply.len > 0)
		people_paragraph("    ", buf_str(&line), out);
	buf_release(&line);
}

/* What will happen. */
static void
tell_plan(const struct pending_note *p, const struct pending_note_recipient *r,
    struct buf *out)
{
	char next[DATE_TEXT_MAX], until[DATE_TEXT_MAX];
	struct buf line;

	buf_init(&line, KB);
	date_text(r->next_s, next);
	date_text(r->until_s, until);
	switch (r->state) {
	case PENDING_NOTE_HELD:
		buf_add(&line, STR("It is held back by those who run this "
				   "server, until they let it go."));
		break;
	case PENDING_NOTE_PAUSED:
		buf_add(&line, STR("Those who run this server have stopped "
				   "mail for this domain for now."));
		break;
	case PENDING_NOTE_SCHEDULED:
	case PENDING_NOTE_WAITS:
		if (r->next_s <= p->now_s)
			buf_add(&line, STR("It is to go now."));
		else if (r->state == PENDING_NOTE_SCHEDULED)
			buf_addf(
			    &line, "It is kept until %s, and goes then.", next);
		else
			buf_addf(&line, "The next attempt is on %s.", next);
		break;
	}
	if (r->state != PENDING_NOTE_SCHEDULED)
		buf_addf(&line, " We shall try until %s.", until);
	people_paragraph("    ", buf_str(&line), out);
	buf_release(&line);
}

static void
add_recipient(const struct pending_note *p,
    const struct pending_note_recipient *r, struct buf *out)
{
	struct buf line;

	buf_init(&line, 4 * KB);
	buf_add_char(&line, '<');
	people_words(r->address, ADDRESS_MAX, true, &line);
	buf_add_char(&line, '>');
	people_paragraph("  ", buf_str(&line), out);
	buf_release(&line);
	tell_tries(r, out);
	tell_plan(p, r, out);
	buf_add(out, STR("\r\n"));
}

static void
add_text_part(const struct pending_note *p, struct buf *out)
{
	struct buf text, line;

	buf_init(&text, pending_note_room(p));
	buf_init(&line, 2 * KB);
	buf_addf(&line,
	    "Your message has not gone yet, or not to everybody. It waits at "
	    "the mail server %.*s for:",
	    STR_FMT(p->host));
	people_paragraph("", buf_str(&line), &text);
	buf_add(&text, STR("\r\n"));
	for (size_t i = 0; i < p->n; i++)
		add_recipient(p, &p->recipients[i], &text);
	if (p->more > 0)
		buf_addf(&text, "  and %zu more.\r\n\r\n", p->more);
	buf_clear(&line);
	buf_addf(&line,
	    "To take it back, delete this note: whoever does not have the "
	    "message yet will not get it then; what is being sent at that "
	    "moment may still arrive, and the message's journey tells. "
	    "`mailctl queue recall %.*s' does the same. You need not send it "
	    "again: we go on trying, and "
	    "this note goes when it has gone. Your message is attached.",
	    STR_FMT(p->id));
	people_paragraph("", buf_str(&line), &text);
	buf_add(out, STR("Content-Type: text/plain; charset=utf-8\r\n"));
	people_part(buf_str(&text), out);
	buf_release(&line);
	buf_release(&text);
}

/* ---- what is attached ---- */

static void
add_message_part(const struct pending_note *p, struct buf *out)
{
	/* RFC 6532 s3.7 */
	buf_addf(out, "Content-Type: %s\r\n",
	    str_has_8bit(p->block) ? "message/global" : "message/rfc822");
	if (str_has_8bit(p->message))
		buf_add(out, STR("Content-Transfer-Encoding: 8bit\r\n"));
	buf_add(out, STR("Content-Disposition: attachment;"
			 " filename=\"message.eml\"\r\n\r\n"));
	buf_add(out, p->message);
}

/* Cut behind a line. */
static void
add_block_part(const struct pending_note *p, struct buf *out)
{
	struct str block = str_first(p->block, BLOCK_MAX);
	size_t lf;

	if (block.len < p->block.len)
		block = str_find_last(block, '\n', &lf)
		            ? str_first(block, lf + 1)
		            : str_first(block, 0);
	buf_add(out, STR("Content-Type: text/rfc822-headers\r\n"));
	people_part(block, out);
}

static void
add_delimiter(const struct pending_note *p, const char *end, struct buf *out)
{
	buf_add(out, STR("\r\n--"));
	add_boundary(p, out);
	buf_addf(out, "%s\r\n", end);
}

void
pending_note_compose(const struct pending_note *p, struct buf *out)
{
	assert(p->n > 0 && p->host.len > 0);
	add_header(p, out);
	add_delimiter(p, "", out);
	add_text_part(p, out);
	add_delimiter(p, "", out);
	if (p->message.len > 0)
		add_message_part(p, out);
	else
		add_block_part(p, out);
	add_delimiter(p, "--", out);
}
