/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_section.h"
#include "tests/test.h"

/* What is taken of a text, as a response has it; "BAD" if it is none. */
static const char *
label(const char *text, bool binary, char out[1000])
{
	struct imap_args a = {str_of(text), false};
	struct imap_section s = {0};
	struct buf l;

	buf_init(&l, 1 * MB);
	if (imap_section_take(&a, binary, &s, &l) && a.rest.len == 0)
		snprintf(out, 1000, "%.*s", STR_FMT(buf_str(&l)));
	else
		snprintf(out, 1000, "BAD");
	imap_section_release(&s);
	buf_release(&l);
	return out;
}

/* RFC 9051 s9 section */
static void
test_grammar(void)
{
	static const struct {
		const char *text, *plain, *binary;
	} v[] = {
	    {"[]",			      "[]",			  "[]"          },
	    {"[1]",			     "[1]",                         "[1]"         },
	    {"[4.2.2.1]",                       "[4.2.2.1]",                   "[4.2.2.1]"   },
	    {"[4294967295]",                    "[4294967295]",                "[4294967295]"},
	    {"[header]",                        "[HEADER]",                    "BAD"         },
	    {"[Text]",			  "[TEXT]",                      "BAD"         },
	    {"[1.MIME]",                        "[1.MIME]",                    "BAD"         },
	    {"[1.2.HEADER]",                    "[1.2.HEADER]",                "BAD"         },
	    {"[HEADER.FIELDS (DATE From)]",     "[HEADER.FIELDS (DATE From)]",
             "BAD"									   },
	    {"[HEADER.FIELDS.NOT (x)]",         "[HEADER.FIELDS.NOT (x)]",     "BAD"         },
	    {"[3.header.fields (\"a b\")]",     "[3.HEADER.FIELDS (\"a b\")]",
             "BAD"									   },
	    {"[HEADER.FIELDS ({4}\r\nDate)]",   "[HEADER.FIELDS (Date)]",      "BAD"         },
	    {"[MIME]",			  "BAD",                         "BAD"         },
	    {"[0]",			     "BAD",                         "BAD"         },
	    {"[1.0]",			   "BAD",                         "BAD"         },
	    {"[4294967296]",                    "BAD",                         "BAD"         },
	    {"[1.]",			    "BAD",                         "BAD"         },
	    {"[.1]",			    "BAD",                         "BAD"         },
	    {"[1..1]",			  "BAD",                         "BAD"         },
	    {"[HEADER.FIELDS]",                 "BAD",                         "BAD"         },
	    {"[HEADER.FIELDS ()]",              "BAD",                         "BAD"         },
	    {"[HEADER.FIELDS (A]",              "BAD",                         "BAD"         },
	    {"[HEADER.FIELDS (A )]",            "BAD",                         "BAD"         },
	    {"[HEADER.FIELDS  (A)]",            "BAD",                         "BAD"         },
	    {"[HEADER.FIELDS (\"a\r\nb\")]",    "BAD",                         "BAD"         },
	    {"[HEADER.FIELDS ({4}\r\na\r\nb)]", "BAD",                         "BAD"         },
	    {"[HEADERS]",                       "BAD",                         "BAD"         },
	    {"[TEXT.1]",                        "BAD",                         "BAD"         },
	    {"[",			       "BAD",			 "BAD"         },
	    {"",				"BAD",			 "BAD"         },
	    {"[1",			      "BAD",                         "BAD"         },
	    {"[-1]",			    "BAD",                         "BAD"         },
	};
	char got[1000];

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		CHECK_STR(label(v[i].text, false, got), v[i].plain);
		CHECK_STR(label(v[i].text, true, got), v[i].binary);
	}
}

/*
 * The message that RFC 9051 s6.4.5.1 has as its example, cut down: a header of
 * 100 octets, then
 *	1	text, quoted-printable, 200 octets, 150 decoded
 *	2	base64, 400 octets, 300 decoded
 *	3	a message: header of 50 octets, and a multipart in it
 *	3.1	text in an unknown encoding
 *	4	a multipart with one part
 *	4.1	text
 */
static void
pack(struct buf *out)
{
	static const struct part parts[] = {
	    {PART_MULTIPART, PART_PLAIN,            0, 0,    100, 100,  1900, 1900, 90},
	    {PART_TEXT,      PART_QUOTED,           1, 110,  30,  140,  200,  150,  10},
	    {PART_OTHER,     PART_BASE64,           1, 350,  30,  380,  400,  300,  10},
	    {PART_MESSAGE,   PART_PLAIN,            1, 790,  30,  820,  500,  500,  10},
	    {PART_MULTIPART, PART_PLAIN,            2, 820,  50,  870,  450,  450,  10},
	    {PART_TEXT,      PART_UNKNOWN_ENCODING, 3, 880,  20,  900,  300,  300,  10},
	    {PART_MULTIPART, PART_PLAIN,            1, 1330, 30,  1360, 600,  600,  10},
	    {PART_TEXT,      PART_PLAIN,            2, 1370, 20,  1390, 400,  400,  10},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		parts_pack(&parts[i], out);
}

static void
test_find(void)
{
	static const struct {
		const char *text;
		bool found;
		uint64_t at, len, decoded;
		enum part_encoding encoding;
	} v[] = {
	    {"[]",		    true,  0,    2000, 2000, PART_PLAIN           },
	    {"[HEADER]",              true,  0,    100,  0,    PART_PLAIN           },
	    {"[TEXT]",                true,  100,  1900, 0,    PART_PLAIN           },
	    {"[1]",                   true,  140,  200,  150,  PART_QUOTED          },
	    {"[1.MIME]",              true,  110,  30,   0,    PART_PLAIN           },
	    {"[2]",                   true,  380,  400,  300,  PART_BASE64          },
	    {"[3]",                   true,  820,  500,  500,  PART_PLAIN           },
	    {"[3.MIME]",              true,  790,  30,   0,    PART_PLAIN           },
	    {"[3.HEADER]",            true,  820,  50,   0,    PART_PLAIN           },
	    {"[3.TEXT]",              true,  870,  450,  0,    PART_PLAIN           },
	    {"[3.1]",                 true,  900,  300,  300,  PART_UNKNOWN_ENCODING},
	    {"[4]",                   true,  1360, 600,  600,  PART_PLAIN           },
	    {"[4.1]",                 true,  1390, 400,  400,  PART_PLAIN           },
	    {"[4.1.MIME]",            true,  1370, 20,   0,    PART_PLAIN           },
	    {"[5]",                   false, 0,    0,    0,    PART_PLAIN           },
	    {"[1.1]",                 false, 0,    0,    0,    PART_PLAIN           },
	    {"[1.HEADER]",            false, 0,    0,    0,    PART_PLAIN           },
	    {"[4.TEXT]",              false, 0,    0,    0,    PART_PLAIN           },
	    {"[4.HEADER.FIELDS (A)]", false, 0,    0,    0,    PART_PLAIN           },
	    {"[3.2]",                 false, 0,    0,    0,    PART_PLAIN           },
	};
	struct buf parts;

	buf_init(&parts, 10 * KB);
	pack(&parts);
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct imap_args a = {str_of(v[i].text), false};
		struct imap_section s = {0};
		struct imap_span span;
		struct buf l;

		buf_init(&l, 1 * MB);
		CHECK(imap_section_take(&a, false, &s, &l));
		CHECK(imap_section_find(&s, buf_str(&parts), 2000, &span) ==
		      v[i].found);
		if (v[i].found) {
			CHECK(span.at == v[i].at && span.len == v[i].len);
			CHECK(span.encoding == v[i].encoding);
			CHECK(v[i].decoded == 0 ||
			      span.decoded_len == v[i].decoded);
		}
		/* parts that say more than there is lead nowhere */
		if (imap_section_needs_parts(&s) && span.len > 0)
			CHECK(!imap_section_find(
				  &s, buf_str(&parts), 90, &span) ||
			      span.at + span.len <= 90);
		imap_section_release(&s);
		buf_release(&l);
	}
	buf_release(&parts);
}

/* A thousand levels: no message has them, and none is read for them. */
static void
test_deep(void)
{
	struct imap_section s = {0};
	struct imap_span span;
	struct buf text, l, parts;
	struct imap_args a = {
	    {NULL, 0},
            false
        };

	buf_init(&text, 10 * KB);
	buf_init(&l, 10 * KB);
	buf_init(&parts, 10 * KB);
	pack(&parts);
	buf_add(&text, STR("[1"));
	for (int i = 1; i < 1000; i++)
		buf_add(&text, STR(".1"));
	buf_add(&text, STR("]"));
	a.rest = buf_str(&text);
	CHECK(imap_section_take(&a, false, &s, &l));
	CHECK_STR(l.data, text.data);
	CHECK(!imap_section_find(&s, buf_str(&parts), 2000, &span));
	imap_section_release(&s);
	buf_release(&text);
	buf_release(&l);
	buf_release(&parts);
}

#define HEADER                                                                 \
	"Received: a\r\n\tb\r\nDate: d\r\nSUBJECT : s\r\n t\r\n u\r\n"         \
	"no colon\r\nFrom: f\r\nDate: e\r\n\r\n"

static void
test_filter(void)
{
	static const struct {
		const char *text, *header, *want;
	} v[] = {
	    {"[HEADER.FIELDS (date)]",                        HEADER,                    "Date: d\r\nDate: e\r\n\r\n"},
	    {"[HEADER.FIELDS (subject RECEIVED)]",            HEADER,
             "Received: a\r\n\tb\r\nSUBJECT : s\r\n t\r\n u\r\n\r\n"                                                 },
	    {"[HEADER.FIELDS (x)]",                           HEADER,                    "\r\n"                      },
	    {"[HEADER.FIELDS (\"\")]",                        HEADER,                    "\r\n"                      },
	    {"[HEADER.FIELDS.NOT (Received Subject x from)]", HEADER,
             "Date: d\r\nno colon\r\nDate: e\r\n\r\n"								},
	    {"[HEADER.FIELDS.NOT (x)]",                       HEADER,                    HEADER                      },
 /* no empty line, no body (RFC 9051 s6.4.5.1) */
	    {"[HEADER.FIELDS (a)]",                           "A: 1\r\nB: 2\r\n",        "A: 1\r\n"                  },
	    {"[HEADER.FIELDS (b)]",                           "A: 1\r\nB: 2",            "B: 2"                      },
	    {"[HEADER.FIELDS (a)]",                           "",                        ""                          },
 /* line ends stay what they are */
	    {"[HEADER.FIELDS (b)]",                           "A: 1\nB: 2\n 3\n\n",      "B: 2\n 3\n\n"              },
	    {"[HEADER.FIELDS (a)]",                           " folded\r\nA: 1\r\n\r\n", "A: 1\r\n\r\n"              },
	    {"[HEADER.FIELDS.NOT (a)]",                       " folded\r\nA: 1\r\n\r\n",
             " folded\r\n\r\n"										       },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct imap_args a = {str_of(v[i].text), false};
		struct imap_section s = {0};
		struct buf l, out;

		buf_init(&l, 1 * KB);
		buf_init(&out, 1 * KB);
		buf_add(&out, STR(""));
		CHECK(imap_section_take(&a, false, &s, &l));
		imap_section_filter(&s, str_of(v[i].header), &out);
		CHECK_STR(out.data != NULL ? out.data : "", v[i].want);
		imap_section_release(&s);
		buf_release(&l);
		buf_release(&out);
	}
}

/* Ten thousand names are found as fast as one. */
static void
test_many_names(void)
{
	struct imap_section s = {0};
	struct imap_args a = {
	    {NULL, 0},
            false
        };
	struct buf text, l, out;

	buf_init(&text, 1 * MB);
	buf_init(&l, 1 * MB);
	buf_init(&out, 1 * MB);
	buf_add(&text, STR("[HEADER.FIELDS ("));
	for (int i = 0; i < 10000; i++)
		buf_addf(&text, "%sX-%d", i > 0 ? " " : "", 7919 * i % 10000);
	buf_add(&text, STR(")]"));
	a.rest = buf_str(&text);
	CHECK(imap_section_take(&a, false, &s, &l));
	CHECK(s.n_fields == 10000);
	CHECK_STR(l.data, text.data);
	for (int i = 0; i < 10100; i += 100) {
		char line[40];

		snprintf(line, sizeof(line), "x-%d: y\r\n", i);
		buf_clear(&out);
		imap_section_filter(&s, str_of(line), &out);
		CHECK((out.len > 0) == (i < 10000));
	}
	imap_section_release(&s);
	buf_release(&text);
	buf_release(&l);
	buf_release(&out);
}

/* A copy is all its own. */
static void
test_copy(void)
{
	struct imap_args a = {STR("[2.HEADER.FIELDS (Date \"x\")]"), false};
	struct imap_section s = {0}, plain = {0}, copy;
	struct buf l, out;

	buf_init(&l, 1 * KB);
	buf_init(&out, 1 * KB);
	CHECK(imap_section_take(&a, false, &s, &l));
	imap_section_copy(&s, &copy);
	imap_section_release(&s);
	CHECK(copy.what == IMAP_SECTION_FIELDS && copy.n == 1 &&
	      copy.numbers[0] == 2 && copy.n_fields == 2);
	imap_section_filter(
	    &copy, STR("To: t\r\nX: y\r\nDate: d\r\n\r\n"), &out);
	CHECK_STR(out.data, "X: y\r\nDate: d\r\n\r\n");
	imap_section_release(&copy);
	imap_section_copy(&plain, &copy);
	CHECK(copy.what == IMAP_SECTION_ALL && copy.n_fields == 0);
	imap_section_release(&copy);
	buf_release(&l);
	buf_release(&out);
}

int
main(void)
{
	test_copy();
	test_grammar();
	test_find();
	test_deep();
	test_filter();
	test_many_names();
	return TEST_EXIT();
}
