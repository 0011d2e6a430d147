/* SPDX-License-Identifier: MIT */
#include "common/mime/dsn.h"

#include "common/mime/addr.h"
#include "common/mime/header.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define NOON 1795341600 /* Sun, 22 Nov 2026 10:00:00 +0000 */

static const struct dsn_recipient failed = {
    .action = DSN_FAILED,
    .final = STR("x@remote.test"),
    .original = STR("fwd@d.test"),
    .orcpt = STR("rfc822;f+2Bw+3Dd@d.test"),
    .status = STR("5.1.1"),
    .sentence = STR("There is no such mailbox."),
    .remote_mta = STR("mx.remote.test"),
    .diagnostic = STR("550 5.1.1 no such user here"),
    .tried_s = NOON - 60,
};

static struct dsn
report_of(const struct dsn_recipient *r, size_t n)
{
	return (struct dsn){
	    .host = STR("mx.d.test"),
	    .to = STR("bob@d.test"),
	    .trace = STR("0d1q8zk4m2x7a"),
	    .block = STR("From: bob@d.test\r\nMessage-ID: <1@d.test>\r\n"),
	    .arrived_s = NOON - 3600,
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

/* Cut the next part from *body: what stands before this delimiter. */
static struct str
cut_part(struct str *body, struct str delimiter)
{
	struct str part = *body;
	size_t at = 0;

	CHECK(str_find_str(*body, delimiter, &at));
	*body = str_after(*body, at + delimiter.len);
	return str_first(part, at);
}

struct parts {
	struct str header, text, status, original;
};

/* Take a report to pieces; everything must be where the RFCs want it. */
static struct parts
take_apart(struct str message)
{
	struct parts p = {0};
	struct str body, mark = STR("boundary=\""), rest;
	struct header_field type;
	struct header_facts facts;
	char delimiter[80];
	size_t at = 0;

	header_split(message, &p.header, &body);
	CHECK(header_is_clean(p.header));
	header_survey(p.header, &facts);
	CHECK(facts.bad == 0 && facts.from == 1 && facts.date == 1);
	CHECK(facts.message_id == 1);
	CHECK(header_find(p.header, STR("Content-Type"), &type));
	CHECK(has(type.value, "multipart/report"));
	CHECK(has(type.value, "report-type=delivery-status"));
	CHECK(str_find_str(type.value, mark, &at));
	rest = str_after(type.value, at + mark.len);
	struct str boundary = str_cut(&rest, '"');
	CHECK(boundary.len > 10 && boundary.len <= 70);
	snprintf(delimiter, sizeof(delimiter), "\r\n--%.*s", STR_FMT(boundary));
	CHECK(str_starts(body, str_after(str_of(delimiter), 2)));
	body = str_after(body, strlen(delimiter) - 2);
	p.text = cut_part(&body, str_of(delimiter));
	p.status = cut_part(&body, str_of(delimiter));
	p.original = cut_part(&body, str_of(delimiter));
	CHECK(str_eq(body, STR("--\r\n")));
	CHECK(has(p.text, "\r\nContent-Type: text/plain"));
	CHECK(has(p.status, "\r\nContent-Type: message/delivery-status\r\n"));
	CHECK(has(p.original, "\r\nContent-Type: text/rfc822-headers\r\n"));
	return p;
}

/* The groups of fields of the status part: all well formed (RFC 3464 s2.1). */
static size_t
count_groups(struct str status)
{
	struct str block, body;
	struct header_facts facts;
	size_t n = 0;

	CHECK(!str_has_8bit(status));
	header_split(str_after(status, 2), &block, &body);
	while (body.len > 0) {
		header_split(body, &block, &body);
		if (!str_starts(block, STR("Reporting")) &&
		    !str_starts(block, STR("Original-E")))
			CHECK(
			    header_count(block, STR("Final-Recipient")) == 1 &&
			    header_count(block, STR("Action")) == 1 &&
			    header_count(block, STR("Status")) == 1);
		header_survey(block, &facts);
		CHECK(facts.bad == 0);
		n++;
	}
	return n;
}

static void
check_failed(void)
{
	struct dsn d = report_of(&failed, 1);
	struct parts p;
	struct buf out;

	buf_init(&out, DSN_ROOM(1));
	d.envelope_id = STR("QQ314159");
	dsn_compose(&d, &out);
	CHECK(!out.overrun);
	p = take_apart(buf_str(&out));
	CHECK(has(p.header,
	    "From: Mail Delivery System <mailer-daemon@mx.d.test>\r\n"
	    "To: <bob@d.test>\r\n"));
	CHECK(has(p.header, "\r\nAuto-Submitted: auto-replied\r\n"));
	CHECK(has(p.header, "\r\nMIME-Version: 1.0\r\n"));
	CHECK(has(p.header, "\r\nReferences: <1@d.test>\r\n"));
	CHECK(has(p.text, "<fwd@d.test>"));
	CHECK(has(p.text, "There is no such mailbox."));
	CHECK(has(p.text, "mx.remote.test said: 550 5.1.1 no such user here"));
	CHECK(has(p.text, "0d1q8zk4m2x7a"));
	CHECK(count_groups(p.status) == 2);
	CHECK(has(p.status,
	    "\r\n\r\nOriginal-Envelope-Id: QQ314159\r\n"
	    "Reporting-MTA: dns; mx.d.test\r\n"
	    "Arrival-Date: Sun, 22 Nov 2026 09:00:00 +0000\r\n"
	    "\r\n"
	    "Original-Recipient: rfc822; f+w=d@d.test\r\n"
	    "Final-Recipient: rfc822; x@remote.test\r\n"
	    "Action: failed\r\n"
	    "Status: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.remote.test\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 no such user here\r\n"
	    "Last-Attempt-Date: Sun, 22 Nov 2026 09:59:00 +0000\r\n"));
	CHECK(has(p.original,
	    "\r\n\r\nFrom: bob@d.test\r\nMessage-ID: <1@d.test>\r\n"));
	buf_release(&out);
}

static void
check_delayed(void)
{
	struct dsn_recipient r[2] = {
	    {.action = DSN_DELAYED,
             .final = STR("a@b"),
             .status = STR("4.4.1"),
             .sentence = STR("Nobody answers there."),
             .until_s = NOON + 86400},
	    {.action = DSN_DELAYED, .final = STR("c@d")},
	};
	struct dsn d = report_of(r, 2);
	struct parts p;
	struct buf out;

	buf_init(&out, DSN_ROOM(2));
	dsn_compose(&d, &out);
	p = take_apart(buf_str(&out));
	CHECK(count_groups(p.status) == 3);
	CHECK(has(p.header, "\r\nSubject: Delayed mail"));
	CHECK(has(p.text, "until Mon, 23 Nov 2026 10:00:00 +0000"));
	CHECK(has(p.status, "\r\nAction: delayed\r\nStatus: 4.4.1\r\n"));
	CHECK(has(p.status,
	    "\r\nWill-Retry-Until: Mon, 23 Nov 2026 10:00:00 +0000\r\n"));
	CHECK(has(p.status, "\r\nAction: delayed\r\nStatus: 4.0.0\r\n"));
	CHECK(!has(p.status, "Diagnostic-Code"));
	buf_release(&out);
}

static void
check_status_codes(void)
{
	static const struct {
		struct str given;
		const char *written;
	} vectors[] = {
	    {STR("5.1.1"),         "\r\nStatus: 5.1.1\r\n"    },
	    {STR("5.123.999"),     "\r\nStatus: 5.123.999\r\n"},
	    {STR("4.1.1"),         "\r\nStatus: 5.0.0\r\n"    }, /* it has failed */
	    {STR("5.7"),           "\r\nStatus: 5.0.0\r\n"    },
	    {STR("5.1.1\r\nX: y"), "\r\nStatus: 5.0.0\r\n"    },
	    {STR("5.1.0001"),      "\r\nStatus: 5.0.0\r\n"    },
	    {STR("55.1.1"),        "\r\nStatus: 5.0.0\r\n"    },
	    {STR(""),              "\r\nStatus: 5.0.0\r\n"    },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct dsn_recipient r = failed;
		struct dsn d = report_of(&r, 1);
		struct buf out;

		r.status = vectors[i].given;
		buf_init(&out, DSN_ROOM(1));
		dsn_compose(&d, &out);
		CHECK(has(buf_str(&out), vectors[i].written));
		buf_release(&out);
	}
}

/* A171: whatever the others said, the report is well formed. */
static void
check_hostile(void)
{
	struct dsn_recipient r = failed;
	struct dsn d = report_of(&r, 1);
	char eight_bit[2048];
	struct parts p;
	struct buf out;

	memset(eight_bit, 0xe9, sizeof(eight_bit));
	const struct str said[] = {
	    STR("550 no\x1b[2J\rX: y\r\n"),
	    STR("550-one\r\n550-two\r\n\r\n--=_123456789abcdef0\r\n550 three"),
	    STR("550 5.1.1 <script>"),
	    STR("550 a\0b"),
	    STR("\r\n\r\n"),
	    {eight_bit, sizeof(eight_bit)},
	};
	buf_init(&out, DSN_ROOM(1));
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		r.diagnostic = r.remote_mta = r.sentence = said[i];
		r.final = r.original = d.envelope_id = said[i];
		buf_clear(&out);
		dsn_compose(&d, &out);
		CHECK(!out.overrun);
		CHECK(!str_has_8bit(buf_str(&out)));
		p = take_apart(buf_str(&out));
		CHECK(count_groups(p.status) == 2);
		CHECK(!has(p.status, "\r\nX: y"));
		if (i == 0) {
			CHECK(has(p.status, "smtp; 550 no\\x1b[2J X: y\r\n"));
			CHECK(has(p.text, "550 no\\x1b[2J X: y"));
		}
		if (said[i].len == sizeof(eight_bit)) {
			CHECK(has(p.status, " ...\r\n"));
			CHECK(p.status.len < 8 * KB && p.text.len < 8 * KB);
		}
		if (i == 3)
			CHECK(has(p.status, "smtp; 550 a\\x00b\r\n"));
	}
	buf_release(&out);
}

/* What is not known is not said, and a strange Message-ID not repeated. */
static void
check_sparse(void)
{
	static const struct str blocks[] = {
	    STR(""),
	    STR("Message-ID: no brackets\r\n"),
	    STR("Message-ID: <a\x01@b>\r\n"),
	    STR("Message-ID: <a\r\n @b>\r\n"),
	};
	struct dsn_recipient r = {
	    .action = DSN_DELAYED,
	    .final = STR("a@b"),
	    .diagnostic = STR("450 later"),
	    .until_s = NOON - 1, /* over: not promised to people */
	};
	struct dsn d = report_of(&r, 1);
	struct parts p;
	struct buf out;

	d.trace = STR("");
	d.arrived_s = 0;
	buf_init(&out, DSN_ROOM(1));
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		d.block = blocks[i];
		buf_clear(&out);
		dsn_compose(&d, &out);
		p = take_apart(buf_str(&out));
		CHECK(count_groups(p.status) == 2);
		CHECK(!has(p.header, "References") &&
		      !has(p.header, "In-Reply-To"));
		CHECK(has(p.text, "The other server said: 450 later"));
		CHECK(!has(p.text, "until") && !has(p.text, "number"));
		CHECK(!has(p.status, "Arrival-Date") &&
		      !has(p.status, "Remote-MTA") &&
		      !has(p.status, "Original-Recipient") &&
		      !has(p.status, "Last-Attempt"));
	}
	buf_release(&out);
}

/* Addresses and sentences that are not ASCII (RFC 6533 s3). */
static void
check_utf8(void)
{
	struct dsn_recipient r = failed;
	struct dsn d = report_of(&r, 1);
	struct parts p;
	struct buf out;

	r.original = STR("");
	r.final = STR("j\xc3\xbcrgen+\\@\xe4\xbe\x8b.test");
	d.to = STR("\xc3\xbc@d.test");
	buf_init(&out, DSN_ROOM(1));
	dsn_compose(&d, &out);
	p = take_apart(buf_str(&out));
	CHECK(has(p.status, "\r\nFinal-Recipient: utf-8; "
			    "j\\x{FC}rgen\\x{2B}\\x{5C}@\\x{4F8B}.test\r\n"));
	CHECK(has(p.header, "\r\nTo: <\xc3\xbc@d.test>\r\n"));
	CHECK(has(p.text, "Content-Transfer-Encoding: quoted-printable\r\n"));
	CHECK(has(p.text, "<j=C3=BCrgen+\\@=E4=BE=8B.test>"));
	buf_release(&out);
}

/* Original headers of every kind come through, and are cut when huge. */
static void
check_original(void)
{
	struct dsn d = report_of(&failed, 1);
	struct buf out, block;
	struct parts p;

	buf_init(&out, DSN_ROOM(1));
	d.block = STR("Subject: \xe9\x80\r\nX: a\nb\0c\r\n");
	dsn_compose(&d, &out);
	p = take_apart(buf_str(&out));
	CHECK(has(p.original, "Content-Transfer-Encoding: quoted-printable"));
	CHECK(has(p.original, "\r\nSubject: =E9=80\r\nX: a=0Ab=00c\r\n"));

	buf_init(&block, 1 * MB);
	for (int i = 0; i < 20000; i++)
		buf_add(&block, STR("To: \xff@b\r\n"));
	d.block = buf_str(&block);
	buf_clear(&out);
	dsn_compose(&d, &out);
	CHECK(!out.overrun);
	p = take_apart(buf_str(&out));
	CHECK(p.original.len < 64 * KB);
	CHECK(has(str_after(p.original, p.original.len - 16), "@b\r\n"));
	buf_clear(&out);
	memset(block.data, '=', block.len); /* one line without an end */
	dsn_compose(&d, &out);
	take_apart(buf_str(&out));
	CHECK(!out.overrun);
	buf_release(&block);
	buf_release(&out);
}

/* The whole message goes back: its type and encoding are said before it. */
static void
check_whole(void)
{
	static const struct {
		bool eight_bit, utf8;
		const char *part;
	} rows[] = {
	    {false, false, "Content-Type: message/rfc822\r\n\r\n"},
	    {false, true,  "Content-Type: message/rfc822\r\n\r\n"},
	    {true,  false,
             "Content-Type: message/rfc822\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n"        },
	    {true,  true,
             "Content-Type: message/global\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n"        },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dsn d = report_of(&failed, 1);
		struct str header, body;
		struct buf out;

		d.whole = true;
		d.eight_bit = rows[i].eight_bit;
		d.utf8 = rows[i].utf8;
		buf_init(&out, DSN_ROOM(1));
		dsn_begin(&d, &out);
		CHECK(str_ends_nocase(buf_str(&out), str_of(rows[i].part)));
		CHECK(has(buf_str(&out), "Your message follows."));
		header_split(buf_str(&out), &header, &body);
		CHECK(has(header, "Content-Transfer-Encoding: 8bit\r\n") ==
		      rows[i].eight_bit);
		buf_add(&out, STR("the message\r\n"));
		dsn_end(&d, &out);
		CHECK(has(buf_str(&out), "the message\r\n\r\n--=_"));
		CHECK(str_ends_nocase(buf_str(&out), STR("--\r\n")));
		CHECK(!out.overrun);
		buf_release(&out);
	}
}

/* ORCPT as it came (RFC 3461 s4.2), in a field of its own. */
static void
check_orcpt(void)
{
	static const struct {
		struct str orcpt;
		const char *field;
	} rows[] = {
	    {STR("rfc822;a+40b@d.test"),
             "Original-Recipient: rfc822; a@b@d.test\r\n"      },
	    {STR("x.400;c=de+3b+20x"),
             "Original-Recipient: x.400; c=de+3b+20x\r\n"      },
	    {STR("utf-8;j\xc3\xbcrg@d.test"),
             "Original-Recipient: utf-8; j\\x{FC}rg@d.test\r\n"},
	    {STR("rfc822;j+C3+BCrg@d.test"),
             "Original-Recipient: utf-8; j\\x{FC}rg@d.test\r\n"},
	    {STR("rfc822;\xff@d.test"),
             "Original-Recipient: rfc822; \\xff@d.test\r\n"    },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dsn_recipient r = failed;
		struct dsn d = report_of(&r, 1);
		struct parts p;
		struct buf out;

		r.orcpt = rows[i].orcpt;
		buf_init(&out, DSN_ROOM(1));
		dsn_compose(&d, &out);
		p = take_apart(buf_str(&out));
		CHECK(has(p.status, rows[i].field));
		CHECK(count_groups(p.status) == 2);
		buf_release(&out);
	}
}

/* What could be done about it, in a paragraph of its own. */
static void
check_advice(void)
{
	struct dsn_recipient r = failed;
	struct dsn d = report_of(&r, 1);
	struct parts p;
	struct buf out;

	r.advice = STR("Ask her \r\n for another address.");
	buf_init(&out, DSN_ROOM(1));
	dsn_compose(&d, &out);
	p = take_apart(buf_str(&out));
	CHECK(has(p.text, "no such user here\r\n"
			  "    Ask her for another address.\r\n\r\n"));
	CHECK(!has(p.text, "more of its recipients"));
	d.others = 7;
	buf_clear(&out);
	dsn_compose(&d, &out);
	p = take_apart(buf_str(&out));
	CHECK(has(p.text, "address.\r\n\r\n"
			  "The same is true of 7 more of its recipients.\r\n"));
	CHECK(count_groups(p.status) == 2);
	buf_release(&out);
}

/* RFC 3461 s4.1: not said is FAILURE and DELAY. */
static void
check_wanted(void)
{
	static const enum dsn_notify all[] = {
	    DSN_NOTIFY_SUCCESS, DSN_NOTIFY_FAILURE, DSN_NOTIFY_DELAY};

	for (size_t i = 0; i < 3; i++) {
		CHECK(dsn_wanted(0, all[i]) == (i > 0));
		CHECK(!dsn_wanted(DSN_NOTIFY_NEVER, all[i]));
		CHECK(!dsn_wanted(DSN_NOTIFY_NEVER | all[i], all[i]));
		for (size_t k = 0; k < 3; k++)
			CHECK(dsn_wanted(all[i], all[k]) == (i == k));
	}
}

int
main(void)
{
	check_failed();
	check_delayed();
	check_status_codes();
	check_hostile();
	check_sparse();
	check_utf8();
	check_original();
	check_whole();
	check_orcpt();
	check_advice();
	check_wanted();
	return TEST_EXIT();
}
