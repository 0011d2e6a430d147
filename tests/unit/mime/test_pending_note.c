/* SPDX-License-Identifier: MIT */
#include "common/mime/pending_note.h"

#include "common/mime/cte.h"
#include "common/mime/encword.h"
#include "common/mime/header.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"
#include "tests/test.h"

#define NOON 1795341600 /* Sun, 22 Nov 2026 10:00:00 +0000 */

static const struct pending_note_recipient waits = {
    .state = PENDING_NOTE_WAITS,
    .address = STR("x@remote.test"),
    .tries = 3,
    .tried_s = NOON - 60,
    .next_s = NOON + 600,
    .until_s = NOON + 86400,
    .said = true,
    .reply = STR("451 4.3.0 come back later"),
    .host = STR("mx.remote.test [192.0.2.1]"),
};

#define BLOCK                                                                  \
	"From: Bob <bob@d.test>\r\n"                                           \
	"To: x@remote.test, \"Y, Z\" <y@remote.test>\r\n"                      \
	"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= to you\r\n"                      \
	"Message-ID: <1@d.test>\r\n"
#define MESSAGE BLOCK "\r\nThe text.\r\n"

static struct pending_note
note_of(const struct pending_note_recipient *r, size_t n)
{
	return (struct pending_note){
	    .host = STR("mx.d.test"),
	    .sender = STR("bob@d.test"),
	    .id = STR("0d1q8zk4m2x7a"),
	    .block = STR(BLOCK),
	    .message = STR(MESSAGE),
	    .now_s = NOON,
	    .random = 0x123456789abcdef0,
	    .recipients = r,
	    .n = n,
	};
}

static bool
has(struct str text, const char *what)
{
	size_t at;

	return str_find_str(text, str_of(what), &at);
}

/* A note taken to pieces. */
struct pieces {
	struct buf all, text; /* text: decoded, each line break a space */
	struct str header, attached_header, attached;
};

static struct str
cut_part(struct str *body, struct str delimiter)
{
	struct str part = *body;
	size_t at = 0;

	CHECK(str_find_str(*body, delimiter, &at));
	*body = str_after(*body, at + delimiter.len);
	return str_first(part, at);
}

static void
read_text(struct pieces *p, struct str part)
{
	struct str header, body;
	struct header_field field;
	struct cte_decoder d;
	struct buf plain;
	bool quoted;

	header_split(part, &header, &body);
	CHECK(header_is_clean(header));
	CHECK(has(header, "text/plain; charset=utf-8"));
	quoted = header_find(header, STR("Content-Transfer-Encoding"), &field);
	buf_init(&plain, 4 * MB);
	cte_decoder_init(&d, quoted ? PART_QUOTED : PART_PLAIN);
	cte_decode(&d, body, &plain);
	cte_decode_end(&d, &plain);
	CHECK(quoted || cte_is_7bit(buf_str(&plain)));
	CHECK(utf8_valid(buf_str(&plain)));
	for (size_t i = 0; i < plain.len; i++) {
		bool gap = plain.data[i] == ' ' || plain.data[i] == '\n';
		bool before = p->text.len > 0 &&
		              p->text.data[p->text.len - 1] == ' ';

		if (plain.data[i] != '\r' && !(gap && before))
			buf_add_char(&p->text, gap ? ' ' : plain.data[i]);
	}
	buf_release(&plain);
}

/* Everything must be where RFC 2046 wants it, whatever went in. */
static void
take_apart(const struct pending_note *note, struct pieces *p)
{
	struct str body, mark = STR("boundary=\""), rest, part;
	struct header_facts facts;
	struct header_field type;
	char delimiter[80];
	size_t at = 0;

	buf_init(&p->all, pending_note_room(note));
	buf_init(&p->text, 4 * MB);
	pending_note_compose(note, &p->all);
	CHECK(!p->all.overrun);
	header_split(buf_str(&p->all), &p->header, &body);
	CHECK(header_is_clean(p->header));
	header_survey(p->header, &facts);
	CHECK(facts.bad == 0 && facts.from == 1 && facts.date == 1);
	CHECK(facts.message_id == 1);
	CHECK(header_count(p->header, STR("To")) == 1);
	CHECK(header_count(p->header, STR("Subject")) == 1);
	CHECK(header_count(p->header, STR("Content-Type")) == 1);
	CHECK(header_find(p->header, STR("Content-Type"), &type));
	CHECK(has(type.value, "multipart/mixed"));
	CHECK(str_find_str(type.value, mark, &at));
	rest = str_after(type.value, at + mark.len);
	rest = str_cut(&rest, '"');
	CHECK(rest.len > 20 && rest.len <= 70);
	snprintf(delimiter, sizeof(delimiter), "\r\n--%.*s", STR_FMT(rest));
	CHECK(cut_part(&body, str_of(delimiter + 2)).len == 0);
	read_text(p, str_after(cut_part(&body, str_of(delimiter)), 2));
	part = str_after(cut_part(&body, str_of(delimiter)), 2);
	CHECK(str_eq(body, STR("--\r\n")));
	header_split(part, &p->attached_header, &p->attached);
	CHECK(header_is_clean(p->attached_header));
}

static void
release(struct pieces *p)
{
	buf_release(&p->all);
	buf_release(&p->text);
}

static void
subject_is(const struct pieces *p, const char *want)
{
	struct header_field field = {.bad = false};
	struct buf plain;

	buf_init(&plain, 64 * KB);
	CHECK(header_find(p->header, STR("Subject"), &field));
	encword_decode(field.value, &plain);
	CHECK_STR(plain.len > 0 ? plain.data : "", want);
	buf_release(&plain);
}

static void
what_waits(void)
{
	struct pending_note note = note_of(&waits, 1);
	struct pieces p;

	take_apart(&note, &p);
	CHECK(has(p.header, "From: Bob <bob@d.test>\r\n"));
	CHECK(has(p.header, "To: x@remote.test, \"Y, Z\" <y@remote.test>\r\n"));
	CHECK(has(p.header,
	    "Subject: Waiting: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= to you\r\n"));
	CHECK(has(p.header, "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"));
	CHECK(has(p.header, "References: <1@d.test>\r\n"));
	CHECK(has(p.header, "Auto-Submitted: auto-generated\r\n"));
	subject_is(&p, "Waiting: Gr\xc3\xbc\xc3\x9f"
		       "e to you");
	CHECK(has(buf_str(&p.text),
	    "<x@remote.test> Tried 3 times, last on Sun, 22 Nov 2026 09:59:00 "
	    "+0000. mx.remote.test [192.0.2.1] said: 451 4.3.0 come back later "
	    "The next attempt is on Sun, 22 Nov 2026 10:10:00 +0000. We shall "
	    "try until Mon, 23 Nov 2026 10:00:00 +0000."));
	CHECK(has(buf_str(&p.text), "To take it back, delete this note"));
	CHECK(has(buf_str(&p.text), "`mailctl queue recall 0d1q8zk4m2x7a'"));
	CHECK(!has(buf_str(&p.text), " more."));
	CHECK(has(p.attached_header, "Content-Type: message/rfc822\r\n"));
	CHECK(str_eq(p.attached, STR(MESSAGE)));
	release(&p);
}

static void
every_state(void)
{
	struct pending_note_recipient r[5] = {
	    waits, waits, waits, waits, waits};
	struct pending_note note = note_of(r, 5);
	struct pieces p;

	r[0].state = PENDING_NOTE_HELD;
	r[1].state = PENDING_NOTE_PAUSED;
	r[1].tries = 0;
	r[1].reply = STR("");
	r[2].state = PENDING_NOTE_SCHEDULED;
	r[2].tries = 0;
	r[3].next_s = NOON;
	r[3].tries = 1;
	r[4].said = false;
	r[4].reply = STR("no route to host");
	note.more = 12;
	take_apart(&note, &p);
	CHECK(has(buf_str(&p.text), "It is held back by those who run"));
	CHECK(has(buf_str(&p.text),
	    "<x@remote.test> Those who run this server have stopped mail"));
	CHECK(has(buf_str(&p.text),
	    "<x@remote.test> It is kept until Sun, 22 Nov 2026 10:10:00 +0000, "
	    "and goes then. <"));
	CHECK(has(buf_str(&p.text), "Tried 1 time, last on"));
	CHECK(has(buf_str(&p.text), "It is to go now."));
	CHECK(has(buf_str(&p.text), "What went wrong: no route to host"));
	CHECK(has(buf_str(&p.text), "and 12 more."));
	release(&p);
}

static void
only_its_header(void)
{
	struct pending_note note = note_of(&waits, 1);
	struct pieces p;

	note.message = STR("");
	take_apart(&note, &p);
	CHECK(has(p.attached_header, "Content-Type: text/rfc822-headers\r\n"));
	CHECK(str_eq(p.attached, STR(BLOCK)));
	release(&p);
}

static void
eight_bits(void)
{
	struct pending_note note = note_of(&waits, 1);
	struct pieces p;

	note.block = STR("From: J\xc3\xb6rg <bob@d.test>\r\n"
			 "Subject: Gr\xc3\xbc\xc3\x9f"
			 "e\r\n");
	note.message = STR("From: J\xc3\xb6rg <bob@d.test>\r\n\r\n\xe4\r\n");
	take_apart(&note, &p);
	CHECK(has(p.header, "From: J\xc3\xb6rg <bob@d.test>\r\n"));
	CHECK(has(p.header, "To: undisclosed-recipients:;\r\n"));
	CHECK(has(p.header, "Content-Transfer-Encoding: 8bit\r\n"));
	CHECK(has(p.header, "Subject: Waiting: =?UTF-8?B?"));
	subject_is(&p, "Waiting: Gr\xc3\xbc\xc3\x9f"
		       "e");
	CHECK(has(p.attached_header, "Content-Type: message/global\r\n"));
	CHECK(has(p.attached_header, "Content-Transfer-Encoding: 8bit\r\n"));
	release(&p);
}

/* When the last attempt was is not always known. */
static void
tried_without_a_date(void)
{
	struct pending_note_recipient r[2] = {waits, waits};
	struct pending_note note = note_of(r, 2);
	struct pieces p;

	r[0].tried_s = r[1].tried_s = 0;
	r[0].tries = 1;
	r[0].reply = STR("");
	r[1].host = STR("");
	take_apart(&note, &p);
	CHECK(has(buf_str(&p.text),
	    "<x@remote.test> Tried 1 time. The next attempt"));
	CHECK(has(buf_str(&p.text),
	    "Tried 3 times. The other server said: 451 4.3.0 come back"));
	release(&p);
}

/* Only an id in brackets is one to refer to, and a subject that is no field is
 * none. */
static void
no_references(void)
{
	static const char *const blocks[] = {
	    "Message-ID: 1@d.test\r\n",
	    "Message-ID: <\x01>\r\n",
	    " Subject: not a field\r\n",
	    "X: y\r\n",
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct pending_note note = note_of(&waits, 1);
		struct pieces p;

		note.block = str_of(blocks[i]);
		take_apart(&note, &p);
		CHECK(header_count(p.header, STR("References")) == 0);
		subject_is(&p, "Waiting:");
		release(&p);
	}
}

/* A header that is too long is attached as far as its lines are whole. */
static void
cut_header(void)
{
	struct pending_note note = note_of(&waits, 1);
	struct buf block;
	struct pieces p;

	buf_init(&block, MB);
	for (int i = 0; i < 10000; i++)
		buf_addf(&block, "X-%d: y\r\n", i);
	note.block = buf_str(&block);
	note.message = STR("");
	take_apart(&note, &p);
	CHECK(p.attached.len <= 32 * KB && p.attached.len > 31 * KB);
	CHECK(str_starts(buf_str(&block), p.attached));
	CHECK(str_ends_nocase(p.attached, STR(": y\r\n")));
	release(&p);
	memset(block.data, 'x', block.len); /* one line without an end */
	take_apart(&note, &p);
	CHECK(p.attached.len == 0);
	release(&p);
	buf_release(&block);
}

/* Headers and replies made to break it. */
static void
hostile(void)
{
	static const char *const blocks[] = {
	    "",
	    "From\r\n",
	    "From: \r\nTo: \r\nSubject: \r\n",
	    "From: \xff\xfe <a@b\r\nTo: ,,,(((\r\nSubject: \xff\xff\r\n",
	    "From: a@d.test\r\rBcc: evil@x\r\nSubject: a\rTo: b\r\n",
	    "Subject: x\r\n\t\r\n \r\n\ty\x01z\r\n",
	    "From: bob@d.test,\r\nTo: <<>>\r\nSubject: =?utf-8?B?broken\r\n",
	    "To: a@b.test\r\nTo: c@d.test\r\nSubject: 1\r\nSubject: 2\r\n",
	    ": no name\r\n  lost\r\nSubject : spaced\r\nMessage-ID: <a>\n<b>",
	    "Message-ID: <\x01>\r\nContent-Type: text/html\r\n",
	};
	static const char *const replies[] = {
	    "",
	    "450 \r\n\r\n--=_123456789abcdef0\r\nContent-Type: text/html\r\n",
	    "\xff\x01\x1b[31m",
	    "%s%n%d",
	};
	struct pending_note_recipient r = waits;

	for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b++)
		for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]);
		     i++) {
			struct pending_note note = note_of(&r, 1);
			struct pieces p;

			r.reply = str_of(replies[i]);
			r.host = str_of(replies[i]);
			r.address = str_of(replies[i]);
			note.sender = str_of(replies[i]);
			note.block = str_of(blocks[b]);
			note.message = str_of(i % 2 == 0 ? "" : blocks[b]);
			take_apart(&note, &p);
			CHECK(header_count(p.header, STR("Bcc")) == 0);
			release(&p);
		}
}

/* Long ones are cut, and stay within what was promised. */
static void
long_ones(void)
{
	struct pending_note_recipient r[3] = {waits, waits, waits};
	struct pending_note note = note_of(r, 3);
	struct buf block, words;
	struct pieces p;

	buf_init(&block, MB);
	buf_init(&words, MB);
	for (int i = 0; i < 3000; i++)
		buf_add(&words, STR("\xc3\xbc\xff "));
	buf_addf(&block, "From: %.*s\r\nSubject: %.*s\r\nTo: a@b.test",
	    STR_FMT(buf_str(&words)), STR_FMT(buf_str(&words)));
	for (int i = 0; i < 3000; i++)
		buf_add(&block, STR(",\r\n\ta@b.test"));
	buf_add(&block, STR("\r\n"));
	for (size_t i = 0; i < 3; i++)
		r[i].reply = r[i].host = r[i].address = buf_str(&words);
	note.block = buf_str(&block);
	note.message = STR("");
	take_apart(&note, &p);
	CHECK(has(p.header, "From: bob@d.test\r\n"));
	CHECK(has(p.header, "To: undisclosed-recipients:;\r\n"));
	CHECK(p.header.len < 8 * KB);
	release(&p);
	buf_release(&words);
	buf_release(&block);
}

int
main(void)
{
	what_waits();
	every_state();
	only_its_header();
	eight_bits();
	tried_without_a_date();
	no_references();
	cut_header();
	hostile();
	long_ones();
	return TEST_EXIT();
}
