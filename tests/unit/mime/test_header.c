/* SPDX-License-Identifier: MIT */
#include "common/mime/header.h"

#include "common/util/mem.h"
#include "tests/test.h"

/* Fields written as name=value; bad ones with a `!' before. */
static void
show(struct str block, struct buf *out)
{
	struct header_field f;
	struct str rest = block;
	size_t total = 0;

	while (header_next(&rest, &f)) {
		if (f.bad)
			buf_add_char(out, '!');
		buf_add(out, f.name);
		buf_add_char(out, '=');
		buf_add(out, f.value);
		buf_add_char(out, ';');
		CHECK(f.whole.at == block.at + total);
		total += f.whole.len;
	}
	CHECK(total == block.len); /* no octet belongs to no field */
}

static void
check_fields(void)
{
	static const struct {
		struct str block;
		const char *shown;
	} vectors[] = {
	    {STR(""),			    ""                     },
	    {STR("A: b\r\n"),                    "A= b;"                },
	    {STR("A: b\r\nC:d\r\n"),             "A= b;C=d;"            },
	    {STR("A:\r\n b\r\n\tc\r\nD: e\r\n"), "A=\r\n b\r\n\tc;D= e;"},
	    {STR("A: b"),                        "A= b;"                },
	    {STR("A: b\r\n c"),                  "A= b\r\n c;"          },
	    {STR("A: b\nC: d\r\n"),              "A= b\nC: d;"          }, /* a bare LF ends nothing */
	    {STR("A: b\r\n \r\nC: d\r\n"),       "A= b\r\n ;C= d;"      }, /* A103 */
	    {STR("From : x\r\n"),                "From= x;"             }, /* RFC 5322 s4.5.8 */
	    {STR("From\t : x\r\n"),              "From= x;"             },
	    {STR(" From: x\r\n"),                "!From= x;"            }, /* A103, A112 */
	    {STR(" From: a\r\nFrom: b\r\n"),     "!From= a;From= b;"    },
	    {STR("From\r\n : x\r\n"),            "!From= : x;"          }, /* A112 */
	    {STR("no colon\r\n"),                "!no colon=;"          },
	    {STR("X Y: z\r\n"),                  "!X Y= z;"             },
	    {STR("X\xc3\xa4: z\r\n"),            "!X\xc3\xa4= z;"       },
	    {STR("X\x01: z\r\n"),                "!X\x01= z;"           },
	    {STR(": z\r\n"),                     "!= z;"                },
	    {STR(":"),			   "!=;"                  },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf out;

		buf_init(&out, 1 * KB);
		show(vectors[i].block, &out);
		CHECK_STR(out.data != NULL ? out.data : "", vectors[i].shown);
		buf_release(&out);
	}
}

static void
check_find(void)
{
	struct str block = STR("Received: 1\r\nfrom: a\r\nRECEIVED: 2\r\n"
			       "From : b\r\nReceivedx: 3\r\n");
	struct header_field f;

	CHECK(header_count(block, STR("received")) == 2);
	CHECK(header_count(block, STR("From")) == 2);
	CHECK(header_count(block, STR("To")) == 0);
	CHECK(header_find(block, STR("From"), &f));
	CHECK(str_eq(f.value, STR(" a")));
	CHECK(!header_find(block, STR("Rec"), &f));
}

static void
check_split(void)
{
	static const struct {
		struct str message, block, body;
	} vectors[] = {
	    {STR("A: b\r\n\r\nbody"),  STR("A: b\r\n"),     STR("body") },
	    {STR("A: b\r\n\r\n"),      STR("A: b\r\n"),     STR("")     },
	    {STR("A: b\r\n"),          STR("A: b\r\n"),     STR("")     },
	    {STR("\r\nbody"),          STR(""),             STR("body") },
	    {STR("A: b\r\n\r\n\r\nx"), STR("A: b\r\n"),     STR("\r\nx")},
	    {STR("A: b\n\nbody"),      STR("A: b\n\nbody"), STR("")     },
	    {STR(""),                  STR(""),             STR("")     },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct str block, body;

		header_split(vectors[i].message, &block, &body);
		CHECK(str_eq(block, vectors[i].block));
		CHECK(str_eq(body, vectors[i].body));
	}
}

static void
check_survey(void)
{
	struct header_facts n;
	struct str block = STR("Received: a\r\nReceived: b\r\nFrom: x@y\r\n"
			       "sender: x@y\r\nDate: now\r\nMessage-Id: <1>\r\n"
			       "oops\r\nTo: z\r\n From: w\r\n");

	header_survey(block, &n);
	CHECK(n.fields == 8 && n.bad == 1 && n.received == 2);
	CHECK(n.from == 1 && n.sender == 1 && n.date == 1);
	CHECK(n.message_id == 1);

	/* spellings another reader might take for a second From (A112) */
	header_survey(STR("From: a\r\nfrom : b\r\n"), &n);
	CHECK(n.from == 2 && n.bad == 0);
	header_survey(STR(" From: a\r\nFrom: b\r\n"), &n);
	CHECK(n.from == 2 && n.bad == 1);
	header_survey(STR("From: a\r\nFrom\r\n : b\r\n"), &n);
	CHECK(n.from == 2 && n.bad == 1);
}

static void
check_message_id(void)
{
	static const struct {
		struct str block;
		const char *id; /* NULL: none */
	} vectors[] = {
	    {STR("Message-ID: <a@b>\r\n"),       "<a@b>"},
	    {STR("MESSAGE-ID:\r\n <a@b>\r\n"),   "<a@b>"},
	    {STR("Message-ID: <a@b> (c)\r\n"),   "<a@b>"},
	    {STR("Message-ID: <a@b> <c@d>\r\n"), "<a@b>"},
	    {STR("Message-ID: a@b \r\n"),        "a@b"  },
	    {STR("Message-ID: >a<\r\n"),         ">a<"  },
	    {STR("Message-ID: \r\n"),            NULL   },
	    {STR("To: x\r\n"),                   NULL   },
	};
	struct buf long_id;
	struct str id;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		bool found = header_message_id(vectors[i].block, &id);

		CHECK(found == (vectors[i].id != NULL));
		if (found)
			CHECK(str_eq(id, str_of(vectors[i].id)));
	}
	buf_init(&long_id, 200 * KB);
	buf_addf(&long_id, "Message-ID: <%0100000d@x>\r\n", 1); /* A107 */
	CHECK(!header_message_id(buf_str(&long_id), &id));
	buf_release(&long_id);
}

static void
check_clean(void)
{
	CHECK(header_is_clean(STR("")));
	CHECK(header_is_clean(STR("A: b\r\n c\r\n")));
	CHECK(!header_is_clean(STR("A: b")));
	CHECK(!header_is_clean(STR("A: b\nc\r\n")));
	CHECK(!header_is_clean(STR("A: b\rc\r\n")));
	CHECK(!header_is_clean(STR("A: b\r\r\n")));
	CHECK(!header_is_clean(STR("A: \0b\r\n")));
}

static void
check_unfold(void)
{
	struct buf out;

	buf_init(&out, 1 * KB);
	header_unfold(STR("\t one\r\n two\r\n\tthree "), &out);
	CHECK_STR(out.data, "one two\tthree");
	buf_release(&out);
}

/* A092, A093: time grows with the octets, not with their square. */
static void
check_many(void)
{
	struct header_facts n;
	struct buf block;

	buf_init(&block, 8 * MB);
	for (int i = 0; i < 200000; i++)
		buf_add(&block, STR("To: a@b.c\r\n"));
	header_survey(buf_str(&block), &n);
	CHECK(n.fields == 200000);
	buf_clear(&block);
	buf_add(&block, STR("To: a\r\n"));
	for (int i = 0; i < 100000; i++)
		buf_add(&block, STR(" b@c,\r\n"));
	header_survey(buf_str(&block), &n);
	CHECK(n.fields == 1);
	buf_clear(&block);
	for (int i = 0; i < 500000; i++)
		buf_add(&block, STR("a:b\n"));
	header_survey(buf_str(&block), &n);
	CHECK(n.fields == 1);
	buf_release(&block);
}

int
main(void)
{
	check_fields();
	check_find();
	check_split();
	check_survey();
	check_message_id();
	check_clean();
	check_unfold();
	check_many();
	return TEST_EXIT();
}
