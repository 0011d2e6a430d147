/* SPDX-License-Identifier: MIT */
#include "common/policy/tags.h"

#include "tests/test.h"

static const struct {
	const char *text;
	const char *want; /* "name=value|..."; NULL: no such list */
} lists[] = {
    {"v=1",			   "v=1|"		   },
    {"v=1;",			  "v=1|"		   },
    {"v=DKIM1; p=; ",                 "v=DKIM1|p=|"            },
    {" v = 1 ;\r\n\ta=rsa-sha256 ; ", "v=1|a=rsa-sha256|"      },
    {"b=ab\r\n cd\r\n\tef \r\n ;x=",  "b=ab\r\n cd\r\n\tef|x=|"},
    {"k=a=b==;_=c",                   NULL                     },
    {"k=a=b==;X_9=c",                 "k=a=b==|X_9=c|"         },
    {"v=1;V=2",		       "v=1|V=2|"               }, /* names have case */
    {"n=h\303\251",                   "n=h\303\251|"           },
    {"",			      NULL		     },
    {";",			     NULL		     },
    {" ",			     NULL		     },
    {"v",			     NULL		     },
    {"v=1;;a=2",		      NULL		     },
    {"v=1; ;a=2",		     NULL                     },
    {";v=1",			  NULL		     },
    {"=1",			    NULL		     },
    {"1v=1",			  NULL		     },
    {"v-1=1",			 NULL		     },
    {"v w=1",			 NULL		     },
    {"v=1;v=1",		       NULL		     },
    {"v=\001",			NULL		     },
    {"v=\177",			NULL		     },
    {"v=\302\205",		    NULL                     }, /* NEL, a control */
    {"v=\377",			NULL		     },
    {"v=1\n a=2",		     NULL                     }, /* no fold without CR */
    {"v=1\r\n",		       NULL		     }, /* nor without a space */
    {"v=1\r\na=2",		    NULL                     },
    {"v=1\r a",		       NULL		     },
};

static void
test_lists(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct tags t;
		struct buf got;
		bool ok = tags_parse(str_of(lists[i].text), &t);

		buf_init(&got, 1000);
		buf_add(&got, STR(""));
		for (size_t k = 0; ok && k < t.n; k++)
			buf_addf(&got, "%.*s=%.*s|", STR_FMT(t.at[k].name),
			    STR_FMT(t.at[k].value));
		CHECK_STR(ok ? got.data : "(none)",
		    lists[i].want != NULL ? lists[i].want : "(none)");
		buf_release(&got);
	}
}

static void
test_many(void)
{
	struct buf text;
	struct tags t;

	buf_init(&text, 10000);
	for (int i = 0; i < TAGS_MAX; i++)
		buf_addf(&text, "t%d=%d;", i, i);
	CHECK(tags_parse(buf_str(&text), &t) && t.n == TAGS_MAX);
	buf_addf(&text, "more=1");
	CHECK(!tags_parse(buf_str(&text), &t));
	buf_release(&text);
}

static void
test_find(void)
{
	struct tags t;
	struct str value;
	struct buf out;

	CHECK(tags_parse(STR("a=1; b=x y\r\n\tz ; c="), &t));
	CHECK(tags_find(&t, "b", &value));
	CHECK(str_eq(value, STR("x y\r\n\tz")));
	buf_init(&out, 100);
	tags_squeeze(value, &out);
	CHECK_STR(out.data, "xyz");
	buf_release(&out);
	CHECK(tags_find(&t, "c", &value) && value.len == 0);
	CHECK(!tags_find(&t, "B", &value));
	CHECK(!tags_find(&t, "d", &value));
}

int
main(void)
{
	test_lists();
	test_many();
	test_find();
	return TEST_EXIT();
}
