/* SPDX-License-Identifier: MIT */
#include "common/policy/judgement.h"

#include <stdio.h>
#include <string.h>

/* What the rules look at, each worked out once. */
struct view {
	const struct judgement_law *law;
	const struct judgement_input *in;
	enum dmarc_result dmarc;
	enum dmarc_policy policy;
	bool policy_known; /* false: DNS did not say what the domain asks for */
	bool ours_shown;   /* From is ours, and it was shown to be from us */
	bool unsure;       /* some check had a temporary error */
	bool vouched;      /* a trusted sealer says that DMARC passed there */
};

static bool
own_author_unsure(const struct view *v)
{
	return v->in->author_is_ours && !v->ours_shown && !v->vouched &&
	       v->unsure;
}

static bool
own_author_forged(const struct view *v)
{
	return v->in->author_is_ours && !v->ours_shown && !v->vouched;
}

/* Who forwards and leaves the sender as it was has our author in it too. */
static bool
own_sender_unsure(const struct view *v)
{
	return v->in->sender_is_ours && v->in->spf == SPF_TEMPERROR &&
	       !v->ours_shown && !v->vouched;
}

static bool
own_sender_forged(const struct view *v)
{
	return v->in->sender_is_ours && v->in->spf != SPF_PASS &&
	       !v->ours_shown && !v->vouched;
}

static bool
dmarc_unsure(const struct view *v)
{
	return v->dmarc == DMARC_TEMPERROR && !v->vouched &&
	       (!v->policy_known || v->policy != DMARC_POLICY_NONE);
}

static bool
dmarc_fails(const struct view *v, enum dmarc_policy policy)
{
	return v->dmarc == DMARC_FAIL && v->policy == policy && !v->vouched;
}

static bool
dmarc_asks_refuse(const struct view *v)
{
	return dmarc_fails(v, DMARC_POLICY_REJECT) && v->law->dmarc_reject;
}

static bool
dmarc_asks_refuse_softly(const struct view *v)
{
	return dmarc_fails(v, DMARC_POLICY_REJECT) && !v->law->dmarc_reject;
}

static bool
dmarc_asks_quarantine(const struct view *v)
{
	return dmarc_fails(v, DMARC_POLICY_QUARANTINE);
}

/* Any good signature speaks for a message that came another way than its
 * domain's own: forwarding. */
static bool
spf_fails_alone(const struct view *v)
{
	return v->in->spf == SPF_FAIL && !v->in->dkim_pass &&
	       v->dmarc != DMARC_PASS && !v->vouched;
}

static bool
spf_refused(const struct view *v)
{
	return spf_fails_alone(v) && v->law->spf_fail_refuse;
}

static bool
spf_junk(const struct view *v)
{
	return spf_fails_alone(v) && v->law->spf_fail_junk;
}

static bool
reputation_bad(const struct view *v)
{
	return v->in->reputation != 0 &&
	       v->in->reputation <= v->law->reputation_junk;
}

static bool
sealer_trusted(const struct view *v)
{
	return v->vouched &&
	       (v->dmarc == DMARC_FAIL || v->dmarc == DMARC_TEMPERROR ||
		   v->in->author_is_ours || v->in->sender_is_ours);
}

static bool
nothing_against(const struct view *v)
{
	return v != NULL;
}

/* What is told behind the sentence. */
enum detail {
	NOTHING,
	DMARC_DOMAIN, /* whose policy it is, and what was found */
	SEALER
};

/* The first rule that holds decides.  A125, A126: nothing that DNS kept from us
 * passes for proof. */
/* clang-format off */
static const struct rule {
	bool (*holds)(const struct view *v);
	enum judgement_action action;
	int enhanced[3];
	enum detail detail;
	const char *setting;
	const char *sentence;
} rules[] = {
	{own_author_unsure, JUDGE_DEFER, {4, 7, 0}, NOTHING, "",
	    "The domain in From is ours, and DNS does not answer whether you "
	    "may use it; please try again later"},
	{own_author_forged, JUDGE_REFUSE, {5, 7, 1}, NOTHING, "",
	    "The domain in From is ours: log in to send from it, or sign with "
	    "its key"},
	{own_sender_unsure, JUDGE_DEFER, {4, 7, 24}, NOTHING, "",
	    "The sender's domain is ours, and DNS does not answer whether you "
	    "may use it; please try again later"},
	{own_sender_forged, JUDGE_REFUSE, {5, 7, 1}, NOTHING, "",
	    "The sender's domain is ours: log in to send from it, or add your "
	    "address to its SPF record"},
	{dmarc_unsure, JUDGE_DEFER, {4, 7, 0}, DMARC_DOMAIN, "",
	    "DMARC cannot be decided now, please try again later"},
	{dmarc_asks_refuse, JUDGE_REFUSE, {5, 7, 1}, DMARC_DOMAIN,
	    "policy.dmarc_reject=yes",
	    "The domain in From asks us to refuse what fails DMARC"},
	{dmarc_asks_refuse_softly, JUDGE_JUNK, {2, 0, 0}, DMARC_DOMAIN,
	    "policy.dmarc_reject=no",
	    "It fails DMARC, and its domain asks to refuse it"},
	{dmarc_asks_quarantine, JUDGE_JUNK, {2, 0, 0}, DMARC_DOMAIN, "",
	    "It fails DMARC, and its domain asks to set it apart"},
	{spf_refused, JUDGE_REFUSE, {5, 7, 23}, NOTHING,
	    "policy.spf_fail=refuse",
	    "The sender's domain does not let your address send (SPF), and "
	    "nothing else speaks for this message"},
	{spf_junk, JUDGE_JUNK, {2, 0, 0}, NOTHING, "policy.spf_fail=junk",
	    "SPF fails, and nothing else speaks for it"},
	{reputation_bad, JUDGE_JUNK, {2, 0, 0}, NOTHING,
	    "policy.reputation=yes",
	    "People here moved mail from this sender to Junk"},
	{sealer_trusted, JUDGE_ACCEPT, {2, 0, 0}, SEALER,
	    "policy.trusted_sealers",
	    "A trusted forwarder says that it passed DMARC there"},
	{nothing_against, JUDGE_ACCEPT, {2, 0, 0}, NOTHING, "",
	    "Nothing speaks against it"},
};
/* clang-format on */

static bool
is_trusted(const struct judgement_law *law, const char *sealer)
{
	if (law->trusted_sealers == NULL || sealer[0] == '\0')
		return false;
	for (size_t i = 0; law->trusted_sealers[i] != NULL; i++)
		if (str_eq_nocase(
			str_of(law->trusted_sealers[i]), str_of(sealer)))
			return true;
	return false;
}

static struct view
look(const struct judgement_law *law, const struct judgement_input *in)
{
	struct view v = {.law = law, .in = in, .dmarc = DMARC_NONE};

	if (in->dmarc != NULL) {
		v.dmarc = in->dmarc->result;
		v.policy = in->dmarc->policy;
		v.policy_known = in->dmarc->domain[0] != '\0';
	}
	v.ours_shown = in->author_is_ours &&
	               (v.dmarc == DMARC_PASS ||
			   (in->dkim_pass && in->dkim_aligned) ||
			   (in->spf == SPF_PASS && in->sender_is_ours));
	/* where a policy was found, it decides about alignment */
	if (v.dmarc == DMARC_FAIL)
		v.ours_shown = false;
	v.unsure = v.dmarc == DMARC_TEMPERROR || in->spf == SPF_TEMPERROR ||
	           in->dkim_temperror;
	v.vouched = in->arc != NULL && in->arc->result == ARC_PASS &&
	            in->arc->dmarc_pass && is_trusted(law, in->arc->sealer);
	return v;
}

static void
say(const struct rule *rule, const struct judgement_input *in,
    struct judgement *out)
{
	const char *a = "", *b = "";

	if (rule->detail == DMARC_DOMAIN && in->dmarc != NULL) {
		a = in->dmarc->domain;
		b = in->dmarc->why;
	} else if (rule->detail == SEALER && in->arc != NULL) {
		a = in->arc->sealer;
	}
	snprintf(out->why, sizeof(out->why), "%s%s%.100s%s%.100s%s",
	    rule->sentence, a[0] != '\0' || b[0] != '\0' ? " (" : "", a,
	    a[0] != '\0' && b[0] != '\0' ? ": " : "", b,
	    a[0] != '\0' || b[0] != '\0' ? ")" : "");
	for (char *c = out->why; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

void
judgement_make(const struct judgement_law *law,
    const struct judgement_input *in, struct judgement *out)
{
	struct view v = look(law, in);
	const struct rule *rule = rules;

	while (!rule->holds(&v)) /* the last one always does */
		rule++;
	*out = (struct judgement){
	    .action = rule->action, .setting = rule->setting};
	memcpy(out->enhanced, rule->enhanced, sizeof(out->enhanced));
	say(rule, in, out);
}

const char *
judgement_word(enum judgement_action a)
{
	static const char *const words[] = {
	    [JUDGE_ACCEPT] = "accept",
	    [JUDGE_JUNK] = "junk",
	    [JUDGE_DEFER] = "defer",
	    [JUDGE_REFUSE] = "refuse",
	};

	return words[a];
}
