/* SPDX-License-Identifier: MIT */
#include "common/mime/param.h"

#include "common/util/mem.h"
#include "tests/test.h"

/* Shown as name=value|name=value */
static const struct {
	const char *value, *want;
} vectors[] = {
    {"",					     ""		     },
    {"; a=b",					"a=b"                  },
    {";a=b;c=\"d e\"",			       "a=b|c=d e"            },
    {"; a=\"b\\\"c\\\\\"",			   "a=b\"c\\"             },
    {"; a (x) = b (y); c=d",                         "a=b|c=d"              },
    {"; a",					  ""		     },
    {"; a; b=c; d=e",				"d=e"                  },
    {"garbage; b=c",				 "b=c"                  },
    {"; a=\"never ends",			     ""                     },
    {"; n==?utf-8?q?x?=; b=c",                       "n==?utf-8?q?x?=|b=c"  },
    {"; t*0=ab; t*1=cd",			     "t=abcd"               },
    {"; t*1=cd; t*0=ab; z=1",                        "z=1|t=abcd"           },
    {"; t*0*=utf-8''a%20; t*1=\"b%c\"; t*2*=%C3%BC",
     "t*=utf-8''a%20b%25c%C3%BC"					    },
    {"; t*0=a%b; t*1*=c%20d",                        "t*=''a%25bc%20d"      },
    {"; t*=utf-8'en'%e2%82%ac",                      "t*=utf-8'en'%e2%82%ac"},
    {"; t*0=a; t*2=c",			       "t*0=a|t*2=c"          }, /* a gap */
    {"; t*x=a",				      "t*x=a"                },
    {"; b*1=2; a*1=y; a*0=x; b*0=1",                 "a=xy|b=12"            },
    {"; a*0=1; A*1=2",			       "a=12"                 },
    {"; a*0=1; b*1=2",			       "a=1|b*1=2"            },
    {"; A*0=1; B*0=3; a*1=2",                        "A=12|B=3"             },
    {"; a**=1",				      "a**=1"                },
    {"; n==?x ?=;\tb==?y\t?=; c==?z",                "n==?x|b==?y|c==?z"    },
    {"; a=(",					""		     },
    {"; a=; b=c",				    "a=|b=c"               },
    {"; name=a/b.txt",			       "name=a"               },
};

static void
check_decode(const char *value, const char *want)
{
	struct buf out;

	buf_init(&out, 1 * KB);
	param_decode(str_of(value), &out);
	CHECK_STR(out.data, want);
	buf_release(&out);
}

/* Not more than PARAM_MAX, however many there are. */
static void
check_flood(void)
{
	struct buf many;
	struct param_list *list;

	buf_init(&many, 64 * KB);
	for (unsigned i = 0; i < 2000; i++)
		buf_addf(&many, "; a*%u=b", 1999 - i);
	list = param_parse(buf_str(&many));
	CHECK(param_count(list) <= PARAM_MAX);
	param_free(list);
	buf_release(&many);
}

int
main(void)
{
	struct str value;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct param_list *list = param_parse(str_of(vectors[i].value));
		struct buf out;

		buf_init(&out, 4 * KB);
		for (size_t k = 0; k < param_count(list); k++)
			buf_addf(&out, "%s%.*s=%.*s", k > 0 ? "|" : "",
			    STR_FMT(param_name(list, k)),
			    STR_FMT(param_value(list, k)));
		CHECK_STR(out.data != NULL ? out.data : "", vectors[i].want);
		CHECK(!param_find(list, STR("absent"), &value));
		buf_release(&out);
		param_free(list);
	}
	check_decode("utf-8'en'%e2%82%ac%zz", "\xe2\x82\xac%zz");
	check_decode("iso-8859-1''%FC", "\xc3\xbc");
	check_decode("''a%20b", "a b");
	check_decode("no quotes", "no quotes");
	check_decode("utf-8'one only", "utf-8'one only");
	check_decode("''%2", "%2");
	check_decode("''a%", "a%");
	check_flood();
	return TEST_EXIT();
}
