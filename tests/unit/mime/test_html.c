/* SPDX-License-Identifier: MIT */
#include "common/mime/text.h"
#include "tests/test.h"

static const struct {
	const char *html, *want;
} vectors[] = {
    {"plain",				"plain"			       },
    {"<b>a</b>b",			    "ab"				  },
    {"a<br>b<br/>c",			 "a\nb\nc"                             },
    {"<p>a</p>\n<p>b</p>",                   "a\n\nb\n"                            },
    {"<!-- <p>x</p> -->a",                   "a"				   },
    {"<!DOCTYPE html><?xml x?>a",            "a"                                   },
    {"<script>if (a<b) x()</script>a",       "a"                                   },
    {"<STYLE type=x>p{}</STYLE >a",          "a"                                   },
    {"<head><title>t</title><p>a",           "a"                                   }, /* </head> may be left out */
    {"<td>a</td><td>b",                      "a\nb"				},
    {"<p don't>a</p>b'c>d",                  "a\nb'c>d"                            },
    {"<a href = 'x>y'>z",                    "z"				   },
    {"<head><title>t</title></head><body>a", "a"                                   },
    {"<script>never ends",                   ""				    },
    {"<a title=\"x>y\" href='>'>z</a>",      "z"                                   },
    {"a < b <3 c",			   "a < b "			      },
    {"&lt;&amp;&gt;&quot;&nbsp;",            "<&>\"\xc2\xa0"                       },
    {"&#8364;&#x20AC;&#x20ac",               "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"},
    {"&#0;&#xd800;&#1114112;",               "&#0;&#1114112;"                      },
    {"&nobody; & &",			 "&nobody; & &"                        },
    {"&#38;&#x26;&#X26;&#228;&#128512;",     "&&&\xc3\xa4\xf0\x9f\x98\x80"         },
    {"&#9;&#31;&#32;",		       "&#9;&#31; "                          },
    {"&#;&#x;&#12g;&#1a;&#xg;&#",            "&#;&#x;&#12g;&#1a;&#xg;&#"           },
    {"&amp&lt ;&ampx;",                      "&< ;&ampx;"                          },
    {"&frac12;&AMP;&abcdefghijk;&x",         "&frac12;&AMP;&abcdefghijk;&x"        },
    {"<1>a<@>b<{>c<[>",                      "a<@>b<{>c<[>"                        },
    {"<!-- never ends",                      ""				    },
    {"<p title\n=\t'>'\n>a",                 "a"				   },
    {"<p title= never ends",                 ""				    },
    {"a</script>b</b>c",                     "abc"				 },
    {"<style>a</b><style ></style>b",        "b"                                   },
    {"<script>a < b / c</scrip></script>b",  "b"                                   },
    {"a<",				   "a<"				  },
    {"a<b",				  "a"				   },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf out;

		buf_init(&out, 1 * KB);
		text_of_html(str_of(vectors[i].html), &out);
		CHECK_STR(out.data != NULL ? out.data : "", vectors[i].want);
		buf_release(&out);
	}
	return TEST_EXIT();
}
