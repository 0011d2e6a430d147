/* SPDX-License-Identifier: MIT */
#include "common/policy/dmarc.h"

#include "common/policy/dmarc_record.h"
#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/policy/zone.h"
#include "tests/test.h"

/* ---- records ---- */

static const struct {
	const char *text;
	bool record, usable;
	const char *p, *sp, *np;
	char flags[6]; /* d and s: strict; t; y or n: psd */
} records[] = {
    {"v=DMARC1; p=none",					   true,  true,  "none",   "none",   "none",   ""  },
    {"v=DMARC1;p=reject",					  true,  true,  "reject", "reject", "reject", ""  },
    {" v = DMARC1 ; P = Reject ; ",                                true,  true,  "reject", "reject", "reject",
     ""													    },
    {"v=DMARC1; rua=mailto:a@b; p=quarantine; sp=none; np=reject", true,  true,
     "quarantine",									 "none",   "reject", ""  },
    {"v=DMARC1; p=none; sp=reject",                                true,  true,  "none",   "reject", "reject", ""  },
    {"v=DMARC1; p=none; np=reject",                                true,  true,  "none",   "none",   "reject", ""  },
    {"v=DMARC1; p=reject; adkim=s; aspf=S",                        true,  true,  "reject", "reject",
     "reject",												 "ds"},
    {"v=DMARC1; p=reject; adkim=r; aspf=x",                        true,  true,  "reject", "reject",
     "reject",												 ""  },
    {"v=DMARC1; p=reject; t=y; psd=y",                             true,  true,  "reject", "reject", "reject",
     "ty"													  },
    {"v=DMARC1; p=reject; t=n; psd=n",                             true,  true,  "reject", "reject", "reject",
     "n"													   },
    {"v=DMARC1; p=reject; psd=u; pct=0",                           true,  true,  "reject", "reject",
     "reject",												 "t" },
    {"v=DMARC1; p=reject; pct=50; x=y; ri=1",                      true,  true,  "reject", "reject",
     "reject",												 ""  },
    {"v=DMARC1; p=reject; adkim=s; adkim=s",                       true,  true,  "reject", "reject",
     "reject",												 ""  },
 /* a policy that cannot be read: none, if reports are asked for */
    {"v=DMARC1",						   true,  false, "none",   "none",   "none",   ""  },
    {"v=DMARC1; ",						 true,  false, "none",   "none",   "none",   ""  },
    {"v=DMARC1; p=bogus",					  true,  false, "none",   "none",   "none",   ""  },
    {"v=DMARC1; p=",					       true,  false, "none",   "none",   "none",   ""  },
    {"v=DMARC1; p=none; p=reject",                                 true,  false, "none",   "none",   "none",   ""  },
    {"v=DMARC1; p=reject; sp=bogus",                               true,  false, "none",   "none",   "none",   ""  },
    {"v=DMARC1; p=reject; np=",				    true,  false, "none",   "none",   "none",   ""  },
    {"v=DMARC1; p=bogus; rua=mailto:a@b",                          true,  true,  "none",   "none",   "none",
     ""													    },
    {"v=DMARC1; sp=reject; rua=x, https://b/c",                    true,  true,  "none",   "none",
     "none",												   ""  },
    {"v=DMARC1; rua=mailto:a",				     true,  false, "none",   "none",   "none",   ""  },
    {"v=DMARC1; rua=:a@b,1x:y,ma il:a@b,https:",                   true,  false, "none",   "none",
     "none",												   ""  },
    {"v=DMARC1; rua=mailto:a@b\r\nX: y",                           true,  false, "none",   "none",   "none",
     ""													    },
    {"v=DMARC1; p=reject; rua=mailto:a@b\r\nX: y",                 true,  true,  "reject",
     "reject",										       "reject", ""  },
    {"v=DMARC1; p=reject\x01",				     true,  false, "none",   "none",   "none",   ""  },
    {"v=DMARC1; ;;=;p=reject;=x;y",                                true,  true,  "reject", "reject", "reject",
     ""													    },
    {"V=DMARC1; p=reject",					 true,  true,  "reject", "reject", "reject", ""  },
 /* no records */
    {"",							   false, false, "none",   "none",   "none",   ""  },
    {"v=dmarc1; p=reject",					 false, false, "none",   "none",   "none",   ""  },
    {"v=DMARC1.0; p=reject",				       false, false, "none",   "none",   "none",   ""  },
    {"v=DMARC10; p=reject",					false, false, "none",   "none",   "none",   ""  },
    {"v=DMARC1 p=reject",					  false, false, "none",   "none",   "none",   ""  },
    {"p=reject; v=DMARC1",					 false, false, "none",   "none",   "none",   ""  },
    {"v=spf1 -all",						false, false, "none",   "none",   "none",   ""  },
    {"DMARC1; p=reject",					   false, false, "none",   "none",   "none",   ""  },
    {"v DMARC1; p=reject",					 false, false, "none",   "none",   "none",   ""  },
};

static void
record_table(void)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct dmarc_record r;
		char flags[6];

		CHECK(dmarc_record_parse(str_of(records[i].text), &r) ==
		      records[i].record);
		if (!records[i].record)
			continue;
		snprintf(flags, sizeof(flags), "%s%s%s%s%s",
		    r.strict_dkim ? "d" : "", r.strict_spf ? "s" : "",
		    r.testing ? "t" : "", r.psd == DMARC_PSD_YES ? "y" : "",
		    r.psd == DMARC_PSD_NO ? "n" : "");
		if (r.usable != records[i].usable)
			fprintf(stderr, "%s\n", records[i].text);
		CHECK(r.usable == records[i].usable);
		CHECK_STR(dmarc_policy_word(r.p), records[i].p);
		CHECK_STR(dmarc_policy_word(r.sp), records[i].sp);
		CHECK_STR(dmarc_policy_word(r.np), records[i].np);
		CHECK_STR(flags, records[i].flags);
	}
}

/* ---- organizations ---- */

static const char world[] =
    "_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine; np=reject\n"
    "example.com A 192.0.2.1\n"
    "www.example.com A 192.0.2.1\n"
    "_dmarc.mail.example.com TXT v=DMARC1; p=none\n"
    "mail.example.com A 192.0.2.1\n"
    "a.mail.example.com A 192.0.2.1\n"
    "_dmarc.dept.example.com TXT v=DMARC1; p=quarantine; psd=n\n"
    "x.dept.example.com A 192.0.2.1\n"
    "_dmarc.gov.test TXT v=DMARC1; p=reject; psd=y; sp=quarantine; np=reject\n"
    "a.city.gov.test A 192.0.2.1\n"
    "_dmarc.town.gov.test TXT v=DMARC1; p=none\n"
    "_dmarc.strict.test TXT v=DMARC1; p=reject; adkim=s; aspf=s\n"
    "_dmarc.dkim.test TXT v=DMARC1; p=reject; adkim=s\n"
    "_dmarc.trial.test TXT v=DMARC1; p=reject; sp=none; t=y\n"
    "_dmarc.trial2.test TXT v=DMARC1; p=quarantine; pct=0\n"
    "_dmarc.two.test TXT v=DMARC1; p=reject\n"
    "_dmarc.two.test TXT v=DMARC1; p=none\n"
    "_dmarc.mixed.test TXT v=spf1 -all\n"
    "_dmarc.mixed.test TXT hello\n"
    "_dmarc.mixed.test TXT v=DMARC1; p=reject\n"
    "_dmarc.junk.test TXT v=DMARC1;p=none;p=reject\n"
    "_dmarc.dead.test TXT TIMEOUT\n"
    "_dmarc.half.test TXT v=DMARC1; p=reject\n"
    "_dmarc.x.half.test TXT TIMEOUT\n"
    "_dmarc.np.test TXT v=DMARC1; p=none; sp=none; np=reject\n"
    "slow.np.test ANY TIMEOUT\n"
    "_dmarc.c.d.e.f.g.deep.test TXT v=DMARC1; p=reject\n"
    "_dmarc.b.c.d.e.f.g.deep.test TXT v=DMARC1; p=none; psd=n\n"
    "plain.test A 192.0.2.1\n";

static void
organizations(void)
{
	static const struct {
		const char *name, *want;
		size_t questions;
	} cases[] = {
	    {"example.com",						    "example.com",           2},
	    {"www.example.com",						"example.com",           3},
	    {"a.mail.example.com",					     "example.com",           4},
	    {"mail.example.com",					       "example.com",           3},
	    {"x.dept.example.com",					     "dept.example.com",      4},
	    {"dept.example.com",					       "dept.example.com",      3},
	    {"gov.test",						       "gov.test",              2},
	    {"city.gov.test",						  "city.gov.test",         3},
	    {"a.city.gov.test",						"city.gov.test",         4},
	    {"town.gov.test",						  "town.gov.test",         3},
	    {"nothing.here.test",					      "nothing.here.test",     3},
	    {"test",							   "test",                  1},
	    {"x.two.test",						     "x.two.test",            3},
	    {"dead.test",						      "dead.test",             2},
 /* over eight labels: the name, then the last seven */
	    {"a.b.c.d.e.f.g.deep.test",					"c.d.e.f.g.deep.test",   8},
	    {"b.c.d.e.f.g.deep.test",					  "b.c.d.e.f.g.deep.test", 8},
	    {"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.example.com",
             "example.com",									     8},
	};
	struct zone *z = zone_of(world);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct facts *f = facts_new();
		size_t asked = 0;
		char out[256];

		while (!dmarc_organization(f, str_of(cases[i].name), out))
			asked += zone_answer(z, f);
		CHECK_STR(out, cases[i].want);
		CHECK(asked == cases[i].questions);
		facts_free(f);
	}
	zone_free(z);
}

/* ---- verdicts ---- */

struct proof {
	const char *domain;
	bool dkim;
};

static const struct {
	const char *author;
	struct proof proofs[3];
	bool unsure;
	const char *result, *policy, *domain, *aligned;
} verdicts[] = {
  /* the same name, and another of the organization */
    {"example.com",        {{"example.com", true}},                             false, "pass",      "reject",
     "example.com",														   "example.com"       },
    {"example.com",        {{"EXAMPLE.com", false}},                            false, "pass",      "reject",
     "example.com",														   "EXAMPLE.com"       },
    {"example.com",        {{"bounce.example.com", false}},                     false, "pass",      "reject",
     "example.com",														   "bounce.example.com"},
    {"www.example.com",    {{"mail.example.com", true}},                        false, "pass",
     "quarantine",												"example.com",      "mail.example.com"  },
    {"example.com",        {{"evil.test", true}, {"x.example.com", true}},      false,
     "pass",											"reject",     "example.com",      "x.example.com"     },
    {"example.com",        {{"x.dept.example.com", true}},                      false, "fail",      "reject",
     "example.com",														   ""                  },
    {"x.dept.example.com", {{"y.dept.example.com", true}},                      false, "pass",
     "quarantine",												"dept.example.com", "y.dept.example.com"},
    {"example.com",        {{"example.com.evil.test", true}},                   false, "fail",      "reject",
     "example.com",														   ""                  },
    {"example.com",        {{"notexample.com", true}},                          false, "fail",      "reject",
     "example.com",														   ""                  },
    {"example.com",        {{"com", true}},				     false, "fail",      "reject",     "example.com",
     ""																		   },
    {"example.com",        {{NULL, false}},				     false, "fail",      "reject",     "example.com",
     ""																		   },
 /* strict */
    {"strict.test",        {{"strict.test", true}},                             false, "pass",      "reject",
     "strict.test",														   "strict.test"       },
    {"strict.test",        {{"a.strict.test", true}, {"a.strict.test", false}}, false,
     "fail",											"reject",     "strict.test",      ""                  },
    {"dkim.test",          {{"a.dkim.test", true}},                             false, "fail",      "reject",     "dkim.test",
     ""																		   },
    {"dkim.test",          {{"a.dkim.test", false}},                            false, "pass",      "reject",
     "dkim.test",														     "a.dkim.test"       },
 /* p, sp, np */
    {"www.example.com",    {{NULL, false}},                                     false, "fail",      "quarantine",
     "example.com",														   ""                  },
    {"gone.example.com",   {{NULL, false}},                                     false, "fail",      "reject",
     "example.com",														   ""                  },
    {"mail.example.com",   {{NULL, false}},                                     false, "fail",      "none",
     "mail.example.com",													      ""                  },
    {"a.mail.example.com", {{NULL, false}},                                     false, "fail",      "quarantine",
     "example.com",														   ""                  },
    {"slow.np.test",       {{NULL, false}},                                     false, "temperror", "reject",     "np.test",
     ""																		   },
    {"slow.np.test",       {{"np.test", true}},                                 false, "pass",      "reject",     "np.test",
     "np.test"																	    },
 /* public suffixes */
    {"a.city.gov.test",    {{"city.gov.test", true}},                           false, "pass",      "quarantine",
     "gov.test",														      "city.gov.test"     },
    {"a.city.gov.test",    {{"gov.test", true}},                                false, "fail",      "quarantine",
     "gov.test",														      ""                  },
    {"none.gov.test",      {{"city.gov.test", true}},                           false, "fail",      "reject",
     "gov.test",														      ""                  },
    {"a.town.gov.test",    {{NULL, false}},                                     false, "fail",      "none",       "town.gov.test",
     ""																		   },
    {"gov.test",           {{NULL, false}},				     false, "fail",      "reject",     "gov.test",         ""                  },
 /* testing */
    {"trial.test",         {{NULL, false}},				     false, "fail",      "quarantine", "trial.test",
     ""																		   },
    {"a.trial.test",       {{NULL, false}},                                     false, "fail",      "none",       "trial.test",       ""                  },
    {"trial2.test",        {{NULL, false}},				     false, "fail",      "none",       "trial2.test",      ""                  },
 /* none, several, junk */
    {"plain.test",         {{"plain.test", true}},                              false, "none",      "none",       "",                 ""                  },
    {"two.test",           {{NULL, false}},				     false, "none",      "none",       "",                 ""                  },
    {"mixed.test",         {{NULL, false}},				     false, "fail",      "reject",     "mixed.test",       ""                  },
    {"junk.test",          {{NULL, false}},				     false, "none",      "none",       "junk.test",        ""                  },
 /* DNS does not say */
    {"dead.test",          {{NULL, false}},				     false, "temperror", "none",       "",                 ""                  },
    {"dead.test",          {{"a.dead.test", true}},                             false, "temperror", "none",       "",                 ""                  },
    {"dead.test",          {{"dead.test", true}},                               false, "pass",      "none",       "",
     "dead.test"																	  },
    {"half.test",          {{"x.half.test", true}},                             false, "temperror", "reject",
     "half.test",														     ""                  },
    {"half.test",          {{"x.half.test", true}, {"half.test", false}},       false, "pass",
     "reject",												    "half.test",        "half.test"         },
    {"example.com",        {{NULL, false}},				     true,  "temperror", "reject",     "example.com",
     ""																		   },
    {"example.com",        {{"example.com", true}},                             true,  "pass",      "reject",
     "example.com",														   "example.com"       },
    {"plain.test",         {{NULL, false}},				     true,  "none",      "none",       "",                 ""                  },
 /* no name */
    {"",		   {{"example.com", true}},                             false, "permerror", "none",       "",                 ""                  },
    {"a..example.com",     {{"example.com", true}},                             false, "permerror", "none",       "",
     ""																		   },
    {"example.com.",       {{"example.com", true}},                             false, "permerror", "none",       "",
     ""																		   },
};

static void
verdict_table(void)
{
	struct zone *z = zone_of(world);

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		struct dmarc_proof proofs[3];
		struct dmarc_input in = {.author = str_of(verdicts[i].author),
		    .proofs = proofs,
		    .unsure = verdicts[i].unsure};
		struct facts *f = facts_new();
		struct dmarc_output out;

		for (; in.n < 3 && verdicts[i].proofs[in.n].domain != NULL;
		     in.n++)
			proofs[in.n] = (struct dmarc_proof){
			    str_of(verdicts[i].proofs[in.n].domain),
			    verdicts[i].proofs[in.n].dkim};
		while (!dmarc_check(f, &in, &out))
			CHECK(zone_answer(z, f) > 0);
		if (strcmp(dmarc_word(out.result), verdicts[i].result) != 0)
			fprintf(stderr, "verdict %zu: %s\n", i, out.why);
		CHECK_STR(dmarc_word(out.result), verdicts[i].result);
		CHECK_STR(dmarc_policy_word(out.policy), verdicts[i].policy);
		CHECK_STR(out.domain, verdicts[i].domain);
		CHECK_STR(out.aligned, verdicts[i].aligned);
		CHECK(out.why[0] != '\0');
		facts_free(f);
	}
	zone_free(z);
}

/* What is told besides the verdict. */
static void
details(void)
{
	struct zone *z = zone_of(world);
	struct facts *f = facts_new();
	struct dmarc_proof proof = {STR("mail.example.com"), true};
	struct dmarc_input in = {STR("www.example.com"), &proof, 1, false};
	struct dmarc_output out;

	while (!dmarc_check(f, &in, &out))
		zone_answer(z, f);
	CHECK_STR(out.organization, "example.com");
	CHECK_STR(out.record, "v=DMARC1; p=reject; sp=quarantine; np=reject");
	CHECK(out.by_dkim);
	CHECK_STR(out.why, "a DKIM signature of mail.example.com is aligned");
	in.author = STR("trial.test");
	while (!dmarc_check(f, &in, &out))
		zone_answer(z, f);
	CHECK(out.published == DMARC_POLICY_REJECT);
	CHECK(out.policy == DMARC_POLICY_QUARANTINE);
	facts_free(f);
	zone_free(z);
}

/* A127, A128: long names, long records, hostile ones. */
static void
hostile(void)
{
	struct zone *z = zone_new();
	struct facts *f = facts_new();
	struct dmarc_input in = {.author = STR("evil.test")};
	struct dmarc_output out;
	struct buf line, name;
	size_t asked = 0;

	buf_init(&line, 64 * KB);
	buf_init(&name, 1 * KB);
	buf_add(&line, STR("_dmarc.evil.test TXT v=DMARC1; p=reject; x="));
	for (size_t i = 0; i < 4096; i++)
		buf_add_char(&line, 'x');
	buf_add(&line, STR("\\255\\010; rua=mailto:a@b\\013\\010"));
	CHECK(zone_add(z, buf_str(&line)));
	while (!dmarc_check(f, &in, &out))
		zone_answer(z, f);
	CHECK(out.result == DMARC_FAIL && out.policy == DMARC_POLICY_REJECT);
	CHECK(strlen(out.record) == sizeof(out.record) - 1);
	CHECK(str_is_printable(str_of(out.record)));

	for (size_t i = 0; i < 120; i++)
		buf_add(&name, STR("a."));
	buf_add(&name, STR("evil.test"));
	in.author = buf_str(&name);
	while (!dmarc_check(f, &in, &out))
		asked += zone_answer(z, f);
	CHECK(asked <= 8);
	CHECK(out.result == DMARC_FAIL);
	CHECK_STR(out.domain, "evil.test");
	CHECK_STR(out.organization, "evil.test");

	/* nothing answers any more */
	facts_free(f);
	f = facts_new();
	facts_give_up(f);
	CHECK(dmarc_check(f, &in, &out));
	CHECK(out.result == DMARC_TEMPERROR);
	buf_release(&name);
	buf_release(&line);
	facts_free(f);
	zone_free(z);
}

int
main(void)
{
	record_table();
	organizations();
	verdict_table();
	details();
	hostile();
	return TEST_EXIT();
}
