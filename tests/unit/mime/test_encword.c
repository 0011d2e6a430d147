/* SPDX-License-Identifier: MIT */
#include "common/mime/encword.h"

#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	const char *value, *want;
} vectors[] = {
    {"plain text",					"plain text"               },
    {" a  b ",					    "a  b"		     },
    {"a\r\n b",					   "a b"		      },
    {"a\r\n\tb",					  "a b"		      },
    {"=?utf-8?q?gr=C3=BC=C3=9F?=",                        "gr\xc3\xbc\xc3\x9f"       },
    {"=?UTF-8?B?Z3LDvMOf?=",			      "gr\xc3\xbc\xc3\x9f"       },
    {"=?iso-8859-1?Q?a_b=20c?=",                          "a b c"                    },
    {"=?us-ascii?q?a?= =?us-ascii?q?b?=",                 "ab"                       }, /* RFC 2047 s8 */
    {"=?us-ascii?q?a?=\r\n  =?us-ascii?q?b?=",            "ab"                       },
    {"=?us-ascii?q?a_?= =?us-ascii?q?b?=",                "a b"                      },
    {"=?us-ascii?q?a?= b",				"a b"                      },
    {"(=?us-ascii?q?a?=)",				"(a)"                      },
    {"x =?us-ascii*en?q?a?= y",                           "x a y"                    }, /* RFC 2231 s5 */
    {"=?utf-8?b?w7w=?= =?utf-8?b?w58=?=",                 "\xc3\xbc\xc3\x9f"         },
    {"=?utf-8?q?=C3?= =?utf-8?q?=BC?=",                   "\xc3\xbc"                 }, /* split character */
    {"=?utf-8?b?ww==?= =?UTF-8?q?=BC?=",                  "\xc3\xbc"                 },
    {"=?utf-8?q?=C3?= =?iso-8859-1?q?=FC?=",              "\xef\xbf\xbd\xc3\xbc"     },
    {"=?utf-8?q?a\r\n b?= c",                             "=?utf-8?q?a b?= c"        },
    {"=?utf-8?q?a\n b?= =?utf-8?q?c?=",                   "=?utf-8?q?a b?= c"        },
    {"=?utf-8?q?a =?utf-8?q?b?= =?utf-8?q?c",             "a =?utf-8?q?b =?utf-8?q?c"},
    {"=?utf-8?q?a",				       "=?utf-8?q?a"              },
    {"=?utf-8?x?a?=",				     "=?utf-8?x?a?="            },
    {"=??q?a?=",					  "=??q?a?="                 },
    {"=?utf-8?q?a=4?=",				   "a=4"                      },
    {"raw gr\xfc\xdf",				    "raw gr\xc3\xbc\xc3\x9f"   },
    {"raw gr\xc3\xbc\xc3\x9f",                            "raw gr\xc3\xbc\xc3\x9f"   },
    {"=?utf-8?q?a=0D=0Ab=00?=",                           "a  b "                    },
    {"=?utf-8?Q?=e2=82=ac?= 5",                           "\xe2\x82\xac 5"           },
    {"\"=?utf-8?q?a?=\" <a@b>",                           "\"a\" <a@b>"              },
    {"=?utf-8?qq?a?=",				    "=?utf-8?qq?a?="           },
    {"=?0123456789012345678901234567890123456789x?q?a?=",
     "=?0123456789012345678901234567890123456789x?q?a?="                             },
    {"=?utf-8",					   "=?utf-8"                  },
    {"=?utf-8?q",					 "=?utf-8?q"                },
    {"=?utf-8?q?=4x=x4?=",				"=4x=x4"                   },
    {"=?utf-8?q?a=7F?= \x7f",                             "a   "                     },
    {"=?utf-8?q?"
     "?= =?utf-8?q?a?=",			     "a"			},
    {"",						  ""			 },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf out;

		buf_init(&out, 4 * KB);
		encword_decode(str_of(vectors[i].value), &out);
		CHECK_STR(out.data != NULL ? out.data : "", vectors[i].want);
		buf_release(&out);
	}
	return TEST_EXIT();
}
