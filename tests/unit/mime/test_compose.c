/* SPDX-License-Identifier: MIT */
#include "common/mime/compose.h"

#include "common/mime/header.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define NOON 1795341600 /* Sun, 22 Nov 2026 10:00:00 +0000 */

static void
check_received(void)
{
	static const struct {
		struct compose_received r;
		const char *text;
	} vectors[] = {
	    {{.helo = STR("c.test"),
		 .peer_name = STR("host.c.test"),
		 .peer_ip = STR("192.0.2.1"),
		 .tls = STR("TLSv1.3 TLS_AES_256_GCM_SHA384"),
		 .extended = true,
		 .authenticated = true},
             "Received: from c.test (host.c.test [192.0.2.1])\r\n"
		"\t(using TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
		"\tby mx.d.test with ESMTPSA id 0abc;\r\n"
		"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"                                                   },
	    {{.helo = STR("c.test"), .peer_ip = STR("2001:db8::1")},
             "Received: from c.test ([IPv6:2001:db8::1])\r\n"
		"\tby mx.d.test with SMTP id 0abc;\r\n"
		"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"                                                   },
	    {{.helo = STR("[IPv6:::1]"),
		 .peer_ip = STR("::1"),
		 .extended = true,
		 .utf8 = true},
             "Received: from [IPv6:::1] ([IPv6:::1])\r\n"
		"\tby mx.d.test with UTF8SMTP id 0abc;\r\n"
		"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"                                                   },
 /* what a peer says of itself is taken only if it is a name */
	    {{.helo = STR("a)\r\nX: y"),
		 .peer_name = STR("e\x1b"),
		 .peer_ip = STR("192.0.2.1"),
		 .tls = STR("a)\r\nX: y(\\")},
             "Received: from [192.0.2.1] ([192.0.2.1])\r\n"
		"\t(using a???X: y?"
		"?)\r\n"
		"\tby mx.d.test with SMTP id 0abc;\r\n"
		"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"                                                   },
	    {{.helo = STR("[192.0.2.1]"), .peer_name = STR("h.test")},
             "Received: from [192.0.2.1]\r\n"
		"\tby mx.d.test with SMTP id 0abc;\r\n"
		"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"                                                   },
	    {{.helo = STR("[x@]"), .peer_ip = STR("192.0.2.1 x")},
             "Received: from localhost\r\n"
		"\tby mx.d.test with SMTP id 0abc;\r\n"
		"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"                                                   },
	    {{.helo = STR("[]"), .peer_ip = STR("192.0.2.1")},
             "Received: from [192.0.2.1] ([192.0.2.1])\r\n"
		"\tby mx.d.test with SMTP id 0abc;\r\n"
		"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"                                                   },
	    {{.helo = STR("a/b"),
		 .peer_name = STR("a{b"),
		 .peer_ip = STR("::1")},
             "Received: from [IPv6:::1] ([IPv6:::1])\r\n"
		"\tby mx.d.test with SMTP id 0abc;\r\n"
		"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"                                                   },
	    {{.helo = STR("a:b"), .tls = STR("a\x7f\xc3\x1f~ b")},
             "Received: from localhost\r\n"
		"\t(using a???~ b)\r\n"
		"\tby mx.d.test with SMTP id 0abc;\r\n"
		"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"                                                   },
	    {{.helo = STR("")},					"Received: from localhost\r\n"
				"\tby mx.d.test with SMTP id 0abc;\r\n"
				"\tSun, 22 Nov 2026 10:00:00 +0000\r\n"    },
	    {{.helo = STR("[x")},				      "Received: from localhost\r\n"
				  "\tby mx.d.test with SMTP id 0abc;\r\n"
				  "\tSun, 22 Nov 2026 10:00:00 +0000\r\n"},
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct compose_received r = vectors[i].r;
		struct header_facts n;
		struct buf out;

		r.by = STR("mx.d.test");
		r.id = STR("0abc");
		r.at_s = NOON;
		buf_init(&out, 4 * KB);
		compose_received(&r, &out);
		CHECK_STR(out.data, vectors[i].text);
		header_survey(buf_str(&out), &n);
		CHECK(n.fields == 1 && n.received == 1 && n.bad == 0);
		CHECK(header_is_clean(buf_str(&out)));
		buf_release(&out);
	}
}

/* A name is taken up to 255 octets, and what is no id of ours is not said. */
static void
check_received_limits(void)
{
	char name[300];
	struct buf out;

	memset(name, 'a', sizeof(name));
	for (size_t len = 254; len < 258; len++) {
		struct compose_received r = {
		    .helo = {name, len},
		    .by = STR("mx.d.test"),
		    .id = STR("a\r\nX: y")
                };
		size_t at;

		buf_init(&out, 4 * KB);
		compose_received(&r, &out);
		CHECK(str_find_str(buf_str(&out), (struct str){name, len},
			  &at) == (len <= 255));
		CHECK(str_find_str(buf_str(&out), STR("localhost"), &at) ==
		      (len > 255));
		CHECK(str_find_str(
		    buf_str(&out), STR("\tby mx.d.test with SMTP;\r\n"), &at));
		buf_release(&out);
	}
}

/* RFC 3848, RFC 6531 s4.3: all eight, and plain SMTP. */
static void
check_protocol(void)
{
	static const char *const names[2][2][2] = {
	    {{"ESMTP", "ESMTPS"},       {"ESMTPA", "ESMTPSA"}      },
	    {{"UTF8SMTP", "UTF8SMTPS"}, {"UTF8SMTPA", "UTF8SMTPSA"}},
	};

	for (int i = 0; i < 8; i++) {
		struct compose_received r = {
		    .extended = true,
		    .utf8 = i >> 2,
		    .authenticated = i >> 1 & 1,
		    .tls = i & 1 ? STR("TLSv1.3") : STR(""),
		};
		CHECK_STR(
		    compose_protocol(&r), names[i >> 2][i >> 1 & 1][i & 1]);
		r.extended = false;
		CHECK_STR(compose_protocol(&r), "SMTP");
	}
}

static void
check_message_id(void)
{
	struct buf out;

	buf_init(&out, 1 * KB);
	compose_message_id(NOON, 0, STR("d.test"), &out);
	CHECK_STR(out.data, "<1ng5f90.0000000000000@d.test>");
	buf_clear(&out);
	compose_message_id(NOON, UINT64_MAX, STR("d.test"), &out);
	CHECK_STR(out.data, "<1ng5f90.fzzzzzzzzzzzz@d.test>");
	buf_release(&out);
}

/* Lines stay short, and unfolding gives the value back. */
static void
check_field(void)
{
	static const char *const values[] = {
	    "short",
	    "",
	    "one two three four five six seven eight nine ten eleven twelve "
	    "thirteen fourteen fifteen sixteen",
	    "wide   gaps          stay                             as they    "
	    "               are                          here",
	    "<a-word-that-is-longer-than-a-line-may-wish-to-be-0123456789-"
	    "0123456789-0123456789@d.test> and more",
	};
	struct buf out, back, huge;

	buf_init(&out, 64 * KB);
	buf_init(&back, 64 * KB);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct header_field f;
		struct str rest, line;

		buf_clear(&out);
		buf_clear(&back);
		compose_field(STR("X-Test"), str_of(values[i]), &out);
		rest = buf_str(&out);
		CHECK(header_next(&rest, &f) && rest.len == 0 && !f.bad);
		header_unfold(f.value, &back);
		CHECK_STR(back.data != NULL ? back.data : "", values[i]);
		for (rest = buf_str(&out); rest.len > 0;) {
			line = str_cut(&rest, '\r');
			str_take(&rest, '\n');
			CHECK(line.len <= 78 || i == 4);
			CHECK(str_trim(line).len > 0);
		}
	}
	buf_clear(&out);
	compose_field(STR("X"), STR("a\r\nY: b\x01\0c\xc3\xa4"), &out);
	CHECK_STR(out.data, "X: a??Y: b??c\xc3\xa4\r\n");

	buf_clear(&out);
	compose_field(STR("X"), STR("a\x7f\x1f b "), &out);
	CHECK_STR(out.data, "X: a?? b\r\n");

	/* no blank at all: broken before 998 */
	buf_init(&huge, 64 * KB);
	for (int i = 0; i < 5000; i++)
		buf_add_char(&huge, 'x');
	buf_clear(&out);
	compose_field(STR("X"), buf_str(&huge), &out);
	for (struct str rest = buf_str(&out); rest.len > 0;) {
		CHECK(str_cut(&rest, '\r').len <= 998);
		str_take(&rest, '\n');
	}
	buf_release(&huge);
	buf_release(&out);
	buf_release(&back);
}

int
main(void)
{
	check_received();
	check_received_limits();
	check_protocol();
	check_message_id();
	check_field();
	return TEST_EXIT();
}
