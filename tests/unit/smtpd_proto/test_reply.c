/* SPDX-License-Identifier: MIT */
/* Every row of the table is a reply as RFC 5321 s4.2 and RFC 2034 want it. */
#include "smtpd/proto/smtp_reply.h"

#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	enum smtp_reply id;
	int code;
	const char *enhanced, *text;
} rows[] = {
#define R(name, code, enhanced, flags, text)                                   \
	{REPLY_##name, code, enhanced, text},
    SMTP_REPLIES(R)
#undef R
};

int
main(void)
{
	struct buf b;

	buf_init(&b, KB);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int code = rows[i].code;

		CHECK(rows[i].id == (enum smtp_reply)i);
		CHECK(smtp_reply_code(rows[i].id) == code);
		CHECK(code / 100 >= 2 && code / 100 <= 5);
		/* RFC 2034 s4: the class is the first digit, 3xx has none */
		if (rows[i].enhanced[0] != '\0')
			CHECK(rows[i].enhanced[0] == '0' + code / 100);
		else
			CHECK(code == 220 || code == 250 || code / 100 == 3);
		if (smtp_reply_flags(rows[i].id) & REPLY_FAULT)
			CHECK(code / 100 == 5);
		buf_clear(&b);
		smtp_reply_add(&b, rows[i].id, STR("~~"));
		CHECK(b.len < 512); /* RFC 5321 s4.5.3.1.5 */
		CHECK(str_ends_nocase(buf_str(&b), STR("\r\n")));
		CHECK(str_is_printable(str_first(buf_str(&b), b.len - 2)));
		CHECK((strchr(rows[i].text, '%') != NULL) ==
		      (strstr(b.data, "~~") != NULL));
	}
	buf_clear(&b);
	smtp_reply_add(&b, REPLY_QUEUED, STR("x1"));
	CHECK_STR(b.data, "250 2.0.0 Ok: queued as x1\r\n");
	buf_clear(&b);
	smtp_reply_add_line(&b, REPLY_HELLO, STR("PIPELINING"), true);
	smtp_reply_add_line(&b, REPLY_HELLO, STR("SMTPUTF8"), false);
	CHECK_STR(b.data, "250-PIPELINING\r\n250 SMTPUTF8\r\n");
	buf_clear(&b);
	smtp_reply_describe(&b, REPLY_NO_SUCH_USER);
	CHECK_STR(b.data, "550 5.1.1 No such mailbox here");
	buf_release(&b);
	return TEST_EXIT();
}
