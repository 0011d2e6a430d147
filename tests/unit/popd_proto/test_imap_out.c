/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_out.h"

#include "common/util/mem.h"
#include "popd/proto/imap_arg.h"
#include "popd/proto/imap_caps.h"
#include "tests/test.h"

static void
test_strings(void)
{
	static const struct {
		struct str s;
		bool utf8;
		const char *string, *astring;
	} vectors[] = {
	    {{"abc", 3},      false, "\"abc\"",         "abc"            },
	    {{"", 0},         false, "\"\"",            "\"\""           },
	    {{"nil", 3},      false, "\"nil\"",         "\"nil\""        },
	    {{"a b", 3},      false, "\"a b\"",         "\"a b\""        },
	    {{"a\"\\", 3},    false, "\"a\\\"\\\\\"",   "\"a\\\"\\\\\""  },
	    {{"a]", 2},       false, "\"a]\"",          "a]"             },
	    {{"a*", 2},       false, "\"a*\"",          "\"a*\""         },
	    {{"\xc3\xa9", 2}, true,  "\"\xc3\xa9\"",    "\"\xc3\xa9\""   },
	    {{"\xc3\xa9", 2}, false, "{2}\r\n\xc3\xa9", "{2}\r\n\xc3\xa9"},
	    {{"\xc3", 1},     true,  "{1}\r\n\xc3",     "{1}\r\n\xc3"    },
	    {{"a\r\nb", 4},   true,  "{4}\r\na\r\nb",   "{4}\r\na\r\nb"  },
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&out);
		imap_out_string(&out, vectors[i].s, vectors[i].utf8);
		CHECK_STR(out.data, vectors[i].string);
		buf_clear(&out);
		imap_out_astring(&out, vectors[i].s, vectors[i].utf8);
		CHECK_STR(out.data, vectors[i].astring);
	}
	buf_release(&out);
}

/* Whatever a string has in it, what is sent reads as that again. */
static void
test_round_trip(void)
{
	struct buf out, back;

	buf_init(&out, 1 * KB);
	buf_init(&back, 1 * KB);
	for (unsigned a = 1; a < 256; a++)
		for (unsigned b = 1; b < 256; b += 7) {
			char text[] = {(char)a, (char)b, 'x'};
			struct str s = {text, 3};
			struct imap_args args = {.utf8 = b & 1};

			buf_clear(&out);
			buf_clear(&back);
			imap_out_astring(&out, s, args.utf8);
			args.rest = buf_str(&out);
			CHECK(imap_arg_astring(&args, &back));
			CHECK(imap_arg_end(&args));
			CHECK(str_eq(buf_str(&back), s));
		}
	buf_release(&out);
	buf_release(&back);
}

static void
test_mailboxes(void)
{
	static const struct {
		const char *name;
		bool utf8;
		const char *wire;
	} vectors[] = {
	    {"INBOX",           false, "INBOX"              },
	    {"a b",             false, "\"a b\""            },
	    {"a&b",             false, "a&-b"               },
	    {"a&b",             true,  "a&b"                },
	    {"Entw\xc3\xbcrfe", false, "Entw&APw-rfe"       },
	    {"Entw\xc3\xbcrfe", true,  "\"Entw\xc3\xbcrfe\""},
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&out);
		imap_out_mailbox(
		    &out, str_of(vectors[i].name), vectors[i].utf8);
		CHECK_STR(out.data, vectors[i].wire);
	}
	buf_release(&out);
}

static void
test_flags(void)
{
	struct mirror_facts facts = {.mailbox = 1, .uid_next = 1};
	struct mirror *m = mirror_new(&facts, NULL, 0);
	struct buf out;

	buf_init(&out, 1 * KB);
	mirror_set_keyword(m, 8, STR("$Work"));
	mirror_set_keyword(m, 61, STR("last"));
	imap_out_flags(&out, 0, m, false);
	CHECK(out.len == 0);
	imap_out_flags(&out, 0, m, true);
	CHECK_STR(out.data, "\\Recent");
	buf_clear(&out);
	imap_out_flags(
	    &out, IMAP_SYSTEM | 1 << 8 | 1 << 9 | (uint64_t)1 << 61, m, true);
	CHECK_STR(out.data, "\\Seen \\Answered \\Flagged \\Deleted \\Draft "
			    "$Work last \\Recent");
	buf_clear(&out);
	imap_out_flags(&out, IMAP_SEEN | 1 << 8, NULL, false);
	CHECK_STR(out.data, "\\Seen");
	buf_release(&out);
	mirror_free(m);
}

static void
test_others(void)
{
	struct buf out;

	buf_init(&out, 1 * KB);
	imap_out_date_time(&out, 837596665);
	CHECK_STR(out.data, "\"17-Jul-1996 09:44:25 +0000\"");
	buf_clear(&out);
	imap_out_date_time(&out, 0);
	CHECK_STR(out.data, "\" 1-Jan-1970 00:00:00 +0000\"");
	buf_clear(&out);
	imap_out_objectid(&out, 'M', 32);
	imap_out_objectid(&out, 'F', 0);
	CHECK_STR(out.data, "M10F0");
	buf_release(&out);
}

static void
test_caps(void)
{
	struct str unknown = {NULL, 0};
	struct imap_caps_now now = {.logged_in = false};
	struct buf out;
	imap_caps off;

	CHECK(imap_caps_parse(STR(""), &off, &unknown) && off == 0);
	CHECK(imap_caps_parse(STR(" idle  COMPRESS=DEFLATE"), &off, &unknown));
	CHECK(off == ((imap_caps)1 << IMAP_CAP_IDLE |
			 (imap_caps)1 << IMAP_CAP_COMPRESS));
	CHECK(!imap_caps_parse(STR("IDLE FROB GNU"), &off, &unknown));
	CHECK(str_eq(unknown, STR("FROB")));
	CHECK(off == (imap_caps)1 << IMAP_CAP_IDLE);
	CHECK(imap_caps_of_client(STR("Thunderbird")) == 0);
	CHECK(imap_caps_of_client(STR("")) == 0);
	CHECK(imap_caps_of_client(STR("Microsoft Office 365")) ==
	      (imap_caps)1 << IMAP_CAP_UIDONLY);
	CHECK(imap_caps_of_client(STR("com.apple.email.maild")) ==
	      (imap_caps)1 << IMAP_CAP_COMPRESS);
	CHECK(imap_caps_of_client(STR("iPhone Mail")) ==
	      (imap_caps)1 << IMAP_CAP_COMPRESS);
	buf_init(&out, 4 * KB);
	now.off = (imap_caps)1 << IMAP_CAP_LITERAL_PLUS;
	imap_caps_write(&out, &now);
	CHECK_STR(out.data, "CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR "
			    "ID ENABLE STARTTLS LOGINDISABLED");
	buf_release(&out);
}

int
main(void)
{
	test_strings();
	test_round_trip();
	test_mailboxes();
	test_flags();
	test_others();
	test_caps();
	return TEST_EXIT();
}
