/* SPDX-License-Identifier: MIT */
#include "common/policy/judgement.h"

#include "tests/test.h"

#define T true

static const char *const sealers[] = {"list.example", "Other.Example", NULL};

static const struct judgement_law usual = {
    .dmarc_reject = true,
    .spf_fail_junk = true,
    .reputation_junk = -50,
    .trusted_sealers = sealers,
};

/* What is not named is: SPF none, no signature, no policy, no chain, not ours,
 * nothing known. */
struct scene {
	const char *name;
	enum spf_result spf;
	bool dkim_pass, dkim_aligned, dkim_temperror;
	enum dmarc_result dmarc;
	enum dmarc_policy policy;
	bool no_record;
	const char *sealer; /* of a chain that passes */
	enum arc_result arc;
	bool arc_denies; /* the chain does not say dmarc=pass */
	bool author_ours, sender_ours;
	int reputation;
	bool softly, spf_refuse, spf_accept; /* other settings */
	enum judgement_action want;
	int subject, detail; /* enhanced */
	const char *setting;
};

#define NONE DMARC_POLICY_NONE
#define QUAR DMARC_POLICY_QUARANTINE
#define REJ  DMARC_POLICY_REJECT

/* clang-format off */
static const struct scene scenes[] = {
    {.name = "nothing known"},
    {.name = "spf pass", .spf = SPF_PASS},
    {.name = "all pass", .spf = SPF_PASS, .dkim_pass = T, .dkim_aligned = T,
     .dmarc = DMARC_PASS, .policy = REJ},
    {.name = "pass by forwarding", .spf = SPF_FAIL, .dkim_pass = T,
     .dmarc = DMARC_PASS, .policy = REJ},
    /* the domain's policy */
    {.name = "reject", .dmarc = DMARC_FAIL, .policy = REJ,
     .want = JUDGE_REFUSE, .subject = 7, .detail = 1,
     .setting = "policy.dmarc_reject=yes"},
    {.name = "reject, any signature", .dmarc = DMARC_FAIL, .policy = REJ,
     .dkim_pass = T, .spf = SPF_PASS, .want = JUDGE_REFUSE, .subject = 7,
     .detail = 1, .setting = "policy.dmarc_reject=yes"},
    {.name = "reject softly", .dmarc = DMARC_FAIL, .policy = REJ, .softly = T,
     .want = JUDGE_JUNK, .setting = "policy.dmarc_reject=no"},
    {.name = "quarantine", .dmarc = DMARC_FAIL, .policy = QUAR,
     .want = JUDGE_JUNK},
    {.name = "none", .dmarc = DMARC_FAIL, .policy = NONE},
    {.name = "permerror", .dmarc = DMARC_PERMERROR},
    /* DNS does not say (A125) */
    {.name = "temperror, reject", .dmarc = DMARC_TEMPERROR, .policy = REJ,
     .want = JUDGE_DEFER, .subject = 7, .detail = 0},
    {.name = "temperror, quarantine", .dmarc = DMARC_TEMPERROR, .policy = QUAR,
     .want = JUDGE_DEFER, .subject = 7, .detail = 0},
    {.name = "temperror, none", .dmarc = DMARC_TEMPERROR, .policy = NONE},
    {.name = "temperror, no policy known", .dmarc = DMARC_TEMPERROR,
     .no_record = T, .want = JUDGE_DEFER, .subject = 7, .detail = 0},
    {.name = "spf temperror alone", .spf = SPF_TEMPERROR},
    /* trusted forwarders */
    {.name = "vouched", .dmarc = DMARC_FAIL, .policy = REJ,
     .sealer = "list.example", .arc = ARC_PASS,
     .setting = "policy.trusted_sealers"},
    {.name = "vouched, case", .dmarc = DMARC_FAIL, .policy = QUAR,
     .sealer = "OTHER.example", .arc = ARC_PASS,
     .setting = "policy.trusted_sealers"},
    {.name = "vouched, dns dead", .dmarc = DMARC_TEMPERROR, .no_record = T,
     .sealer = "list.example", .arc = ARC_PASS,
     .setting = "policy.trusted_sealers"},
    {.name = "vouched, spf fail", .spf = SPF_FAIL, .dmarc = DMARC_FAIL,
     .policy = REJ, .sealer = "list.example", .arc = ARC_PASS,
     .setting = "policy.trusted_sealers"},
    {.name = "vouched, but bad people", .dmarc = DMARC_FAIL, .policy = REJ,
     .sealer = "list.example", .arc = ARC_PASS, .reputation = -99,
     .want = JUDGE_JUNK, .setting = "policy.reputation=yes"},
    {.name = "unknown sealer", .dmarc = DMARC_FAIL, .policy = REJ,
     .sealer = "evil.example", .arc = ARC_PASS, .want = JUDGE_REFUSE,
     .subject = 7, .detail = 1, .setting = "policy.dmarc_reject=yes"},
    {.name = "sealer below", .dmarc = DMARC_FAIL, .policy = REJ,
     .sealer = "x.list.example", .arc = ARC_PASS, .want = JUDGE_REFUSE,
     .subject = 7, .detail = 1, .setting = "policy.dmarc_reject=yes"},
    {.name = "chain fails", .dmarc = DMARC_FAIL, .policy = REJ,
     .sealer = "list.example", .arc = ARC_FAIL, .want = JUDGE_REFUSE,
     .subject = 7, .detail = 1, .setting = "policy.dmarc_reject=yes"},
    {.name = "chain unknown", .dmarc = DMARC_FAIL, .policy = REJ,
     .sealer = "list.example", .arc = ARC_TEMPERROR, .want = JUDGE_REFUSE,
     .subject = 7, .detail = 1, .setting = "policy.dmarc_reject=yes"},
    {.name = "failed there too", .dmarc = DMARC_FAIL, .policy = REJ,
     .sealer = "list.example", .arc = ARC_PASS, .arc_denies = T,
     .want = JUDGE_REFUSE, .subject = 7, .detail = 1,
     .setting = "policy.dmarc_reject=yes"},
    /* SPF alone */
    {.name = "spf fail", .spf = SPF_FAIL, .want = JUDGE_JUNK,
     .setting = "policy.spf_fail=junk"},
    {.name = "spf fail, p=none", .spf = SPF_FAIL, .dmarc = DMARC_FAIL,
     .policy = NONE, .want = JUDGE_JUNK, .setting = "policy.spf_fail=junk"},
    {.name = "spf fail, refuse", .spf = SPF_FAIL, .spf_refuse = T,
     .want = JUDGE_REFUSE, .subject = 7, .detail = 23,
     .setting = "policy.spf_fail=refuse"},
    {.name = "spf fail, accept", .spf = SPF_FAIL, .spf_accept = T},
    {.name = "spf fail, signed", .spf = SPF_FAIL, .dkim_pass = T,
     .spf_refuse = T},
    {.name = "spf softfail", .spf = SPF_SOFTFAIL, .spf_refuse = T},
    {.name = "spf permerror", .spf = SPF_PERMERROR, .spf_refuse = T},
    /* people */
    {.name = "bad name", .reputation = -50, .want = JUDGE_JUNK,
     .setting = "policy.reputation=yes"},
    {.name = "not so bad", .reputation = -49},
    {.name = "good name", .reputation = 100},
    {.name = "bad name, dmarc pass", .dmarc = DMARC_PASS, .policy = REJ,
     .reputation = -100, .want = JUDGE_JUNK,
     .setting = "policy.reputation=yes"},
    /* our own name (A126) */
    {.name = "ours, nothing", .author_ours = T, .want = JUDGE_REFUSE,
     .subject = 7, .detail = 1},
    {.name = "ours, p=none", .author_ours = T, .dmarc = DMARC_FAIL,
     .policy = NONE, .want = JUDGE_REFUSE, .subject = 7, .detail = 1},
    {.name = "ours, p=reject, softly", .author_ours = T, .dmarc = DMARC_FAIL,
     .policy = REJ, .softly = T, .want = JUDGE_REFUSE, .subject = 7,
     .detail = 1},
    {.name = "ours, another's spf", .author_ours = T, .spf = SPF_PASS,
     .want = JUDGE_REFUSE, .subject = 7, .detail = 1},
    {.name = "ours, another's signature", .author_ours = T, .dkim_pass = T,
     .want = JUDGE_REFUSE, .subject = 7, .detail = 1},
    {.name = "ours, sub-domain not aligned", .author_ours = T,
     .sender_ours = T, .spf = SPF_PASS, .dmarc = DMARC_FAIL, .policy = REJ,
     .want = JUDGE_REFUSE, .subject = 7, .detail = 1},
    {.name = "ours, signed by us", .author_ours = T, .dkim_pass = T,
     .dkim_aligned = T},
    {.name = "ours, our spf", .author_ours = T, .sender_ours = T,
     .spf = SPF_PASS},
    {.name = "ours, dmarc pass", .author_ours = T, .dmarc = DMARC_PASS,
     .policy = REJ},
    {.name = "ours, dns dead", .author_ours = T, .dmarc = DMARC_TEMPERROR,
     .no_record = T, .want = JUDGE_DEFER, .subject = 7, .detail = 0},
    {.name = "ours, key unknown", .author_ours = T, .dkim_temperror = T,
     .want = JUDGE_DEFER, .subject = 7, .detail = 0},
    {.name = "ours, spf unknown", .author_ours = T, .spf = SPF_TEMPERROR,
     .want = JUDGE_DEFER, .subject = 7, .detail = 0},
    {.name = "ours, by a list we trust", .author_ours = T,
     .dmarc = DMARC_FAIL, .policy = REJ, .sealer = "list.example",
     .arc = ARC_PASS, .setting = "policy.trusted_sealers"},
    {.name = "our sender, another author", .sender_ours = T,
     .dmarc = DMARC_PASS, .policy = REJ, .spf = SPF_FAIL, .dkim_pass = T,
     .dkim_aligned = T, .want = JUDGE_REFUSE, .subject = 7, .detail = 1},
    {.name = "our sender, no record", .sender_ours = T, .want = JUDGE_REFUSE,
     .subject = 7, .detail = 1},
    {.name = "our sender, spf pass", .sender_ours = T, .spf = SPF_PASS},
    {.name = "our sender, spf unknown", .sender_ours = T,
     .spf = SPF_TEMPERROR, .want = JUDGE_DEFER, .subject = 7, .detail = 24},
    {.name = "ours, forwarded as it was", .sender_ours = T, .author_ours = T,
     .spf = SPF_FAIL, .dkim_pass = T, .dkim_aligned = T,
     .dmarc = DMARC_PASS, .policy = REJ},
};
/* clang-format on */

static void
judge(const struct scene *s, struct judgement *out)
{
	struct judgement_law law = usual;
	struct dmarc_output dmarc = {
	    .result = s->dmarc, .policy = s->policy, .why = "w\xc3\xa9\tx"};
	struct arc_verdict arc = {
	    .result = s->arc, .dmarc_pass = !s->arc_denies};
	struct judgement_input in = {
	    .spf = s->spf,
	    .dkim_pass = s->dkim_pass,
	    .dkim_aligned = s->dkim_aligned,
	    .dkim_temperror = s->dkim_temperror,
	    .dmarc = &dmarc,
	    .arc = s->sealer != NULL ? &arc : NULL,
	    .author_is_ours = s->author_ours,
	    .sender_is_ours = s->sender_ours,
	    .reputation = s->reputation,
	};

	law.dmarc_reject = !s->softly;
	law.spf_fail_refuse = s->spf_refuse;
	law.spf_fail_junk = !s->spf_refuse && !s->spf_accept;
	if (!s->no_record && s->dmarc != DMARC_NONE)
		snprintf(dmarc.domain, sizeof(dmarc.domain), "a.example");
	if (s->sealer != NULL)
		snprintf(arc.sealer, sizeof(arc.sealer), "%s", s->sealer);
	judgement_make(&law, &in, out);
}

static void
table(void)
{
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		const struct scene *s = &scenes[i];
		const char *setting = s->setting != NULL ? s->setting : "";
		int class = s->want == JUDGE_REFUSE  ? 5
		            : s->want == JUDGE_DEFER ? 4
		                                     : 2;
		struct judgement j;

		judge(s, &j);
		if (j.action != s->want || strcmp(j.setting, setting) != 0 ||
		    j.enhanced[0] != class || j.enhanced[1] != s->subject ||
		    j.enhanced[2] != s->detail)
			fprintf(stderr, "scene: %s\n", s->name);
		CHECK_STR(judgement_word(j.action), judgement_word(s->want));
		CHECK_STR(j.setting, setting);
		CHECK(j.enhanced[0] == class);
		CHECK(j.enhanced[1] == s->subject);
		CHECK(j.enhanced[2] == s->detail);
		CHECK(j.why[0] != '\0' && str_is_printable(str_of(j.why)));
	}
}

static void
sentences(void)
{
	struct dmarc_output dmarc = {
	    .result = DMARC_FAIL, .policy = DMARC_POLICY_REJECT};
	struct judgement_input in = {.dmarc = &dmarc};
	struct judgement_law law = {.dmarc_reject = true};
	struct judgement j;

	snprintf(dmarc.domain, sizeof(dmarc.domain), "a.example");
	snprintf(dmarc.why, sizeof(dmarc.why), "nothing is aligned");
	judgement_make(&law, &in, &j);
	CHECK_STR(j.why, "The domain in From asks us to refuse what fails "
			 "DMARC (a.example: nothing is aligned)");
	memset(dmarc.why, 'x', sizeof(dmarc.why) - 1);
	memset(dmarc.domain, 'y', sizeof(dmarc.domain) - 1);
	judgement_make(&law, &in, &j);
	CHECK(strlen(j.why) < sizeof(j.why));
	CHECK(str_ends_nocase(str_of(j.why), STR("x)")));

	/* no DMARC at all: nothing known */
	in.dmarc = NULL;
	judgement_make(&law, &in, &j);
	CHECK(j.action == JUDGE_ACCEPT);
}

int
main(void)
{
	table();
	sentences();
	CHECK_STR(judgement_word(JUDGE_JUNK), "junk");
	return TEST_EXIT();
}
