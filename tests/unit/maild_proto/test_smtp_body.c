/* SPDX-License-Identifier: MIT */
/* What leaves after 354, at every split of the message. */
#include "maild/proto/smtp_body.h"

#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	const char *in, *out;
} bodies[] = {
    {"",		  ".\r\n"		   },
    {"a",		 "a\r\n.\r\n"              },
    {"a\r\n",             "a\r\n.\r\n"              },
    {".\r\n",             "..\r\n.\r\n"             },
    {".",		 "..\r\n.\r\n"             },
    {"a\r\n.b\r\n..\r\n", "a\r\n..b\r\n...\r\n.\r\n"},
    {"a\n.\nb",           "a . b\r\n.\r\n"          },
    {"a\r.\rb",           "a . b\r\n.\r\n"          },
    {"a\r",	       "a \r\n.\r\n"             },
    {"a\n",	       "a \r\n.\r\n"             },
    {"a\r\r\n.\r\n",      "a \r\n..\r\n.\r\n"       },
    {"a\r\n\n.\r\n",      "a\r\n .\r\n.\r\n"        },
    {"a\n\r\n.\r\n",      "a \r\n..\r\n.\r\n"       },
    {"\r\n\r\n.\r\n",     "\r\n\r\n..\r\n.\r\n"     },
    {"\n.\r\nQUIT\r\n",   " .\r\nQUIT\r\n.\r\n"     },
    {"\r.\r\n",           " .\r\n.\r\n"             },
};

/* A piece of nothing changes nothing, in the middle of a CRLF too. */
static void
nothing_in_between(void)
{
	struct smtp_body b;
	struct buf out;

	smtp_body_init(&b);
	buf_init(&out, 1 * KB);
	smtp_body_add(&b, STR("a\r"), &out);
	smtp_body_add(&b, STR(""), &out);
	smtp_body_add(&b, STR("\n.b"), &out);
	smtp_body_end(&b, &out);
	CHECK_STR(out.data, "a\r\n..b\r\n.\r\n");
	buf_release(&out);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		for (size_t chunk = strlen(bodies[i].in) + 1; chunk > 0;
		     chunk--) {
			struct smtp_body b;
			struct buf out;
			struct str in = str_of(bodies[i].in);

			smtp_body_init(&b);
			buf_init(&out, 1 * KB);
			while (in.len > 0) {
				smtp_body_add(&b, str_first(in, chunk), &out);
				in = str_after(in, chunk);
			}
			smtp_body_end(&b, &out);
			CHECK_STR(out.data, bodies[i].out);
			buf_release(&out);
		}
	nothing_in_between();
	return TEST_EXIT();
}
