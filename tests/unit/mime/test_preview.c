/* SPDX-License-Identifier: MIT */
#include "common/mime/preview.h"

#include "common/util/mem.h"
#include "tests/test.h"

/* White space of every kind, and what is not seen: first, last, beside. */
static const struct {
	uint32_t code;
	bool space, unseen;
} codes[] = {
    {0x20,   true,  false},
    {0x21,   false, false},
    {0x7e,   false, false},
    {0x7f,   true,  false},
    {0xa0,   true,  false},
    {0xa1,   false, false},
    {0xad,   false, true },
    {0x34f,  false, true },
    {0x61c,  false, true },
    {0x1fff, false, false},
    {0x2000, true,  false},
    {0x200a, true,  false},
    {0x200b, false, true },
    {0x200f, false, true },
    {0x2010, false, false},
    {0x2028, true,  false},
    {0x2029, true,  false},
    {0x202a, false, true },
    {0x202e, false, true },
    {0x202f, true,  false},
    {0x2030, false, false},
    {0x205f, true,  false},
    {0x2060, false, true },
    {0x2069, false, true },
    {0x206a, false, false},
    {0x3000, true,  false},
    {0x3001, false, false},
    {0xfefe, false, false},
    {0xfeff, false, true },
};

static void
add_code(uint32_t code, struct buf *out)
{
	if (code < 0x80) {
		buf_add_char(out, (char)code);
	} else if (code < 0x800) {
		buf_add_char(out, (char)(0xc0 | code >> 6));
		buf_add_char(out, (char)(0x80 | (code & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xe0 | code >> 12));
		buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (code & 0x3f)));
	}
}

/* a, the character, b */
static void
check_codes(void)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct buf text, out, want;

		buf_init(&text, 1 * KB);
		buf_init(&out, 1 * KB);
		buf_init(&want, 1 * KB);
		buf_add_char(&text, 'a');
		add_code(codes[i].code, &text);
		buf_add(&want, codes[i].space    ? STR("a ")
			       : codes[i].unseen ? STR("a")
						 : buf_str(&text));
		buf_add_char(&text, 'b');
		buf_add_char(&want, 'b');
		preview_make(buf_str(&text), false, 20, &out);
		CHECK_STR(out.data, want.data);
		buf_release(&text);
		buf_release(&out);
		buf_release(&want);
	}
}

static const struct {
	const char *text;
	bool html;
	size_t max;
	const char *want;
} vectors[] = {
    {"",				      false, 20, ""                },
    {"  hello \r\n\r\n world\t!",             false, 20, "hello world !"   },
    {"hello world",			   false, 5,  "hello"           },
    {"hello world",			   false, 6,  "hello"           },
    {"hello world",			   false, 7,  "hello w"         },
    {"\xc3\xbc\xc3\xbc\xc3\xbc",              false, 2,  "\xc3\xbc\xc3\xbc"},
    {"a\xe2\x80\x8b\xc2\xa0"
     "b",				false, 20, "a b"             },
    {"On Monday A wrote:\n> old\n> old\nnew", false, 40,
     "On Monday A wrote: new"					      },
    {"> only\n> this",			false, 40, "> only > this"   },
    {"a\x01\x7f"
     "b",				false, 20, "a b"             },
    {"<p>a</p><p>b &amp; c</p>",              true,  20, "a b & c"         },
    {"<style>x{}</style>hi",                  true,  20, "hi"              },
    {"a\xff\xc3 z",			   false, 20, "a z"             },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf out;

		buf_init(&out, 1 * KB);
		preview_make(str_of(vectors[i].text), vectors[i].html,
		    vectors[i].max, &out);
		CHECK_STR(out.data != NULL ? out.data : "", vectors[i].want);
		buf_release(&out);
	}
	check_codes();
	return TEST_EXIT();
}
