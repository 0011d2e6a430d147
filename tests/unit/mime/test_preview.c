/* SPDX-License-Identifier: MIT */
#include "common/mime/preview.h"

#include "common/util/mem.h"
#include "tests/test.h"

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
	return TEST_EXIT();
}
