/* SPDX-License-Identifier: MIT */
#include "common/mime/maildir_name.h"

#include "common/util/mem.h"
#include "tests/test.h"

enum { /* bits as of enum message_flag */
	SEEN = 1 << 0,
	ANSWERED = 1 << 1,
	FLAGGED = 1 << 2,
	DELETED = 1 << 3,
	DRAFT = 1 << 4,
};

#define BIT(n) ((uint64_t)1 << (n))

static const struct {
	const char *name;
	struct maildir_name want;
} names[] = {
    {"",					     {0}						   },
    {"1700000000.M1P2.host",                         {0}						   },
    {"1700000000.M1P2.host:2,",                      {0}						   },
    {"1.host:2,DFRST",			       {.flags = DRAFT | FLAGGED | ANSWERED | SEEN | DELETED}},
    {"1.host:2,TS",				  {.flags = SEEN | DELETED}                             },
    {"1.host:2,PSab",
     {.flags = SEEN, .forwarded = true, .keywords = BIT(0) | BIT(1)}                                       },
    {"1.host:2,Xz1",				 {.keywords = BIT(25)}                                 },
 /* another kind of info, and none that is ours */
    {"1.host:1,S",				   {0}						   },
    {"1.host,S=100,W=110:2,F",                       {.flags = FLAGGED}                                    },
 /* keywords beyond the letters */
    {"1.host,S=100,K=26.31,W=1:2,b",                 {.keywords = BIT(1) | BIT(26) | BIT(31)}              },
    {"1.host,K=63:2,",			       {.keywords = BIT(63)}                                 },
    {"1.host,K=25.64.x..99999999999999999999.40:2,", {.keywords = BIT(40)}                                 },
    {"1.host,K=30",				  {0}						   },
};

static void
check_parse(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct maildir_name *want = &names[i].want;
		struct maildir_name m = {.flags = 77, .forwarded = true};

		maildir_name_parse(str_of(names[i].name), &m);
		CHECK(m.flags == want->flags);
		CHECK(m.forwarded == want->forwarded);
		CHECK(m.keywords == want->keywords);
	}
	/* of the letters alone, the others are nobody's */
	CHECK(maildir_name_flags(STR("FPSa"), NULL) == (FLAGGED | SEEN));
}

/* What is written is read again. */
static void
check_write(void)
{
	static const struct {
		unsigned flags;
		uint64_t keywords;
		const char *extra, *letters;
	} rows[] = {
	    {0,					   0,			  "",         ""  },
	    {SEEN | ANSWERED | FLAGGED | DELETED | DRAFT, BIT(0) | BIT(25),           "",
             "DFRSTaz"										},
	    {SEEN,					BIT(1) | BIT(26) | BIT(31), ",K=26.31", "Sb"},
	    {0,					   BIT(63),                    ",K=63",    ""  },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct maildir_name m;
		struct buf out;

		buf_init(&out, 1 * KB);
		buf_add(&out, STR("1.host"));
		maildir_name_extra(rows[i].keywords, &out);
		CHECK_STR(out.data + 6, rows[i].extra);
		buf_add(&out, STR(":2,"));
		maildir_name_letters(rows[i].flags, rows[i].keywords, &out);
		CHECK(str_ends_nocase(buf_str(&out), str_of(rows[i].letters)));
		maildir_name_parse(buf_str(&out), &m);
		CHECK(m.flags == rows[i].flags);
		CHECK(m.keywords == rows[i].keywords);
		buf_release(&out);
	}
}

int
main(void)
{
	check_parse();
	check_write();
	return TEST_EXIT();
}
