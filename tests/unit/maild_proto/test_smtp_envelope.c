/* SPDX-License-Identifier: MIT */
/* Addresses that may leave, and those that never do (ATTACKS A175). */
#include "maild/proto/smtp_envelope.h"

#include "common/util/mem.h"
#include "tests/test.h"

static const struct str good[] = {
    STR("bob@d.test"),
    STR("bob+x=y/z@d.test"),
    STR("\"a<b>c\"@d.test"),
    STR("\"a\\\"b\"@d.test"),
    STR("\"a@b\"@d.test"),
    STR("\"a b\"@d.test"), /* RFC 5321 s4.1.2: qtextSMTP */
    STR("x@[192.0.2.1]"),
    STR("x@[IPv6:2001:db8::1]"),
    STR("j\xc3\xb6rg@d.test"),
};

static const struct str bad[] = {
    STR(""), STR("bob"), STR("@d.test"), STR("bob@"), STR("a b@d.test"),
    STR("a\rb@d.test"), STR("a\nb@d.test"),
    STR("\"a\r\nRCPT TO:<v@x>\"@remote.test"), STR("\"a\\\r\"@d.test"),
    STR("\"a\\\n\"@d.test"), STR("a\0b@d.test"), STR("a\tb@d.test"),
    STR("a\x7f@d.test"), STR("a>@d.test"), STR("<a@d.test"), STR("a@d.test>"),
    STR("\"a@d.test"), STR("\"a\\\"@d.test"), STR("a@d.test\r\nDATA"),
    STR("a@d.test\\"), STR("\"a\\\x7f\"@d.test"),
    STR("a@\"d\\"),  /* nothing behind the backslash */
    STR("\"a\\@\""), /* the only @ is of the local part */
};

/* What may leave as ORCPT: a type, and text that ends no parameter. */
static void
test_originals(void)
{
	static const struct {
		struct str text;
		bool good;
	} rows[] = {
	    {STR("rfc822;a"),     true },
	    {STR("X-400;a"),      true },
	    {STR("a9;b~"),        true },
	    {STR(";a"),           false},
	    {STR("a:b;c"),        false},
	    {STR("a/b;c"),        false},
	    {STR("a{b;c"),        false},
	    {STR("a@b;c"),        false},
	    {STR("rfc822;a\x7f"), false},
	    {STR("rfc822;a\x01"), false},
	};
	char longest[SMTP_ENVELOPE_ORIGINAL_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(smtp_envelope_is_original(rows[i].text) == rows[i].good);
	memset(longest, 'a', sizeof(longest));
	longest[1] = ';';
	CHECK(smtp_envelope_is_original(
	    (struct str){longest, sizeof(longest) - 1}));
	CHECK(
	    !smtp_envelope_is_original((struct str){longest, sizeof(longest)}));
}

static void
test_length(void)
{
	char address[SMTP_ENVELOPE_ADDRESS_MAX + 2];

	memset(address, 'a', sizeof(address));
	address[64] = '@';
	CHECK(smtp_envelope_is_address(
	    (struct str){address, SMTP_ENVELOPE_ADDRESS_MAX}));
	CHECK(!smtp_envelope_is_address(
	    (struct str){address, SMTP_ENVELOPE_ADDRESS_MAX + 1}));
}

int
main(void)
{
	const struct smtp_envelope_params all = {
	    .size = true, .eight_bit = true, .utf8 = true, .octets = 12345};
	const struct smtp_envelope_params more = {.binary = true,
	    .eight_bit = true,
	    .requiretls = true,
	    .ret = DSN_RET_HDRS,
	    .envelope_id = STR("a b=c+")};
	const struct smtp_envelope_params none = {0};
	struct buf out;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(smtp_envelope_is_address(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (smtp_envelope_is_address(bad[i])) {
			fprintf(stderr, "row %zu\n", i);
			CHECK(!"refused");
		}
	test_length();
	test_originals();
	buf_init(&out, 4 * KB);
	smtp_envelope_mail(&out, STR(""), &none);
	smtp_envelope_mail(&out, STR("b@d.test"), &all);
	smtp_envelope_rcpt(&out, STR("a@e.test"), 0, STR(""));
	smtp_envelope_mail(&out, STR(""), &more);
	smtp_envelope_rcpt(&out, STR("a@e.test"),
	    DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY, STR("rfc822;a+2Bb@d.test"));
	smtp_envelope_rcpt(&out, STR("a@e.test"), DSN_NOTIFY_NEVER | 6,
	    STR("utf-8;\xc3\xa4@d.test"));
	/* nothing that would begin a parameter or a command of its own */
	smtp_envelope_rcpt(
	    &out, STR("a@e.test"), DSN_NOTIFY_FAILURE, STR("rfc822;a b"));
	CHECK(!smtp_envelope_is_original(STR("rfc822;a\r\nQUIT")));
	CHECK(!smtp_envelope_is_original(STR("rfc822;a=b")));
	CHECK(!smtp_envelope_is_original(STR("rfc 822;a")));
	CHECK(!smtp_envelope_is_original(STR("a@b")));
	CHECK(!smtp_envelope_is_original(STR("rfc822;")));
	CHECK(!smtp_envelope_is_original(STR("utf-8;\xff")));
	CHECK_STR(out.data,
	    "MAIL FROM:<>\r\n"
	    "MAIL FROM:<b@d.test> SIZE=12345 BODY=8BITMIME SMTPUTF8\r\n"
	    "RCPT TO:<a@e.test>\r\n"
	    "MAIL FROM:<> BODY=BINARYMIME REQUIRETLS RET=HDRS"
	    " ENVID=a+20b+3Dc+2B\r\n"
	    "RCPT TO:<a@e.test> NOTIFY=SUCCESS,DELAY"
	    " ORCPT=rfc822;a+2Bb@d.test\r\n"
	    "RCPT TO:<a@e.test> NOTIFY=NEVER ORCPT=utf-8;\\x{E4}@d.test\r\n"
	    "RCPT TO:<a@e.test> NOTIFY=FAILURE\r\n");
	buf_release(&out);
	return TEST_EXIT();
}
