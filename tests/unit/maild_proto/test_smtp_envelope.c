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
    STR(""),
    STR("bob"),
    STR("@d.test"),
    STR("bob@"),
    STR("a b@d.test"),
    STR("a\rb@d.test"),
    STR("a\nb@d.test"),
    STR("\"a\r\nRCPT TO:<v@x>\"@remote.test"),
    STR("\"a\\\r\"@d.test"),
    STR("\"a\\\n\"@d.test"),
    STR("a\0b@d.test"),
    STR("a\tb@d.test"),
    STR("a\x7f@d.test"),
    STR("a>@d.test"),
    STR("<a@d.test"),
    STR("a@d.test>"),
    STR("\"a@d.test"),
    STR("\"a\\\"@d.test"),
    STR("a@d.test\r\nDATA"),
    STR("a@d.test\\"),
};

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
	const struct smtp_envelope_params all = {true, true, true, 12345};
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
	buf_init(&out, 4 * KB);
	smtp_envelope_mail(&out, STR(""), &none);
	smtp_envelope_mail(&out, STR("b@d.test"), &all);
	smtp_envelope_rcpt(&out, STR("a@e.test"));
	CHECK_STR(out.data,
	    "MAIL FROM:<>\r\n"
	    "MAIL FROM:<b@d.test> SIZE=12345 BODY=8BITMIME SMTPUTF8\r\n"
	    "RCPT TO:<a@e.test>\r\n");
	buf_release(&out);
	return TEST_EXIT();
}
