/* SPDX-License-Identifier: MIT */
#include "smtpd/judge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/addr.h"
#include "common/store/account.h"
#include "common/store/reputation.h"
#include "common/util/mem.h"
#include "smtpd/judge_state.h"

#define REPUTATION_JUNK  (-50)
#define REPUTATION_NEVER (-101) /* is less than any is */

/* ---- the checks ---- */

/* SPF or a key may have said no only because DNS did not answer. */
static bool
is_unsure(const struct judge *j)
{
	return j->spf.result == SPF_TEMPERROR || j->dkim_temperror;
}

/* Is this domain the author's, or a relative of it? */
static bool
is_aligned(const struct judge *j, struct str domain)
{
	struct str organization = str_of(j->dmarc.organization);

	if (str_eq(domain, str_of(j->author.domain)))
		return true;
	return organization.len > 0 &&
	       (str_eq(domain, organization) ||
		   (str_ends_nocase(domain, organization) &&
		       domain.at[domain.len - organization.len - 1] == '.'));
}

static void
sum_up_dkim(struct judge *j)
{
	for (size_t i = 0; i < dkim_count(j->dkim); i++) {
		const struct dkim_verdict *v = dkim_verdict(j->dkim, i);

		j->dkim_temperror |= v->result == DKIM_TEMPERROR;
		if (v->result != DKIM_PASS || v->partial)
			continue;
		j->dkim_pass = true;
		j->dkim_aligned |= j->has_author &&
		                   is_aligned(j, str_of(v->domain));
	}
}

static size_t
gather_proofs(
    const struct judge *j, struct dmarc_proof proofs[1 + DKIM_SIGNATURES_MAX])
{
	size_t n = 0;

	if (j->spf.result == SPF_PASS)
		proofs[n++] = (struct dmarc_proof){
		    str_of(j->spf.domain), false};
	for (size_t i = 0; i < dkim_count(j->dkim); i++) {
		const struct dkim_verdict *v = dkim_verdict(j->dkim, i);

		/* RFC 6376 s8.2: part of a body proves nothing */
		if (v->result == DKIM_PASS && !v->partial)
			proofs[n++] = (struct dmarc_proof){
			    str_of(v->domain), true};
	}
	return n;
}

static bool
check_spf(struct judge *j)
{
	struct spf_input in = {
	    .helo = str_of(j->helo),
	    .sender = str_of(j->sender),
	    .receiver = str_of(j->d->conf->server_hostname),
	    .now_s = clock_wall_ms(j->d->clock) / 1000,
	};

	in.ip = visit_octets(j->visit, &in.ip_len);
	return spf_check(j->facts, &in, &j->spf);
}

/* With nothing to prove it: the policy's question is asked while the body is
 * still on its way. */
static bool
look_for_record(struct judge *j)
{
	const struct dmarc_input in = {.author = str_of(j->author.domain)};

	return dmarc_check(j->facts, &in, &j->dmarc);
}

static bool
check_dmarc(struct judge *j)
{
	struct dmarc_proof proofs[1 + DKIM_SIGNATURES_MAX];
	const struct dmarc_input in = {
	    .author = str_of(j->author.domain),
	    .proofs = proofs,
	    .n = gather_proofs(j, proofs),
	    .unsure = is_unsure(j),
	};

	return dmarc_check(j->facts, &in, &j->dmarc);
}

/* What needs no more than the header: false while a fact is missing.  The
 * keys are asked for as well, so that they are there when the body is. */
static bool
check_early(struct judge *j)
{
	if (!j->spf_known)
		j->spf_known = check_spf(j);
	if (j->has_author && !j->record_known)
		j->record_known = look_for_record(j);
	if (j->dkim != NULL && !j->ended)
		dkim_check(j->dkim, j->facts);
	return j->spf_known && (!j->has_author || j->record_known);
}

/* The rest.  On the thread: signatures cost a millisecond if they are meant
 * to. */
static bool
check_message(struct judge *j)
{
	if (!j->dkim_known && dkim_check(j->dkim, j->facts)) {
		j->dkim_known = true;
		sum_up_dkim(j);
	}
	if (!j->arc_known)
		j->arc_known = arc_check(j->arc, j->facts);
	if (!j->has_author) /* nobody whose policy could count */
		j->dmarc_known = true;
	if (j->dkim_known && !j->dmarc_known)
		j->dmarc_known = check_dmarc(j);
	return j->dkim_known && j->arc_known && j->dmarc_known;
}

/* ---- the end of it ---- */

static void
decide(struct judge *j)
{
	const struct conf *conf = j->d->conf;
	struct str spf_fail = str_of(conf->policy_spf_fail);
	const struct judgement_law law = {
	    .dmarc_reject = conf->policy_dmarc_reject,
	    .spf_fail_junk = str_eq(spf_fail, STR("junk")),
	    .spf_fail_refuse = str_eq(spf_fail, STR("refuse")),
	    .reputation_junk = conf->policy_reputation ? REPUTATION_JUNK
	                                               : REPUTATION_NEVER,
	    .trusted_sealers = (const char *const *)
	                           conf->policy_trusted_sealers.items,
	};
	const struct judgement_input in = {
	    .spf = j->spf.result,
	    .dkim_pass = j->dkim_pass,
	    .dkim_aligned = j->dkim_aligned,
	    .dkim_temperror = j->dkim_temperror,
	    .dmarc = &j->dmarc,
	    .arc = arc_verdict(j->arc),
	    .author_is_ours = j->author_is_ours,
	    .sender_is_ours = j->sender_is_ours,
	    .reputation = j->reputation,
	};

	judgement_make(&law, &in, &j->result.judgement);
}

/* RFC 5322 s3.6.2: whose message it is must be clear, before anything else is
 * asked about it. */
static void
refuse_unclear(struct judge *j)
{
	struct judgement *g = &j->result.judgement;

	*g = (struct judgement){
	    .action = JUDGE_REFUSE, .enhanced = {5, 7, 1},
                 .setting = ""
        };
	snprintf(g->why, sizeof(g->why), "%s", j->unclear.text);
}

static void
put_off(struct judge *j)
{
	j->result.judgement = (struct judgement){
	    .action = JUDGE_DEFER,
	    .enhanced = {4, 7, 0},
	    .why = "The message cannot be judged now, try again later",
	    .setting = ""
        };
}

static void
finish(struct judge *j)
{
	if (j->job.rc == -1)
		put_off(j);
	else if (!j->has_author && !j->program)
		refuse_unclear(j);
	else
		decide(j);
	j->result.chain = arc_verdict(j->arc)->result;
	judge_report(j);
	j->done(j->arg, &j->result);
}

static int
is_ours(struct db *db, const char *domain, bool *ours, struct fail *f)
{
	int got = domain[0] != '\0' ? domain_find(db, str_of(domain), f) : 0;

	*ours = got == 1;
	return got == -1 ? -1 : 0;
}

/* The name its reputation is kept under: the author where that is proven, else
 * a domain that is. */
static void
name_the_proven(struct judge *j)
{
	struct str domain = STR("");

	if (j->has_author &&
	    (j->dmarc.result == DMARC_PASS || j->dkim_aligned)) {
		snprintf(j->proven_author, sizeof(j->proven_author), "%s",
		    j->author.address);
		domain = str_of(j->author.domain);
	} else if (j->spf.result == SPF_PASS) {
		domain = str_of(j->sender_domain);
	}
	for (size_t i = 0; domain.len == 0 && i < dkim_count(j->dkim); i++) {
		const struct dkim_verdict *v = dkim_verdict(j->dkim, i);

		if (v->result == DKIM_PASS && !v->partial)
			domain = str_of(v->domain);
	}
	snprintf(j->proven_domain, sizeof(j->proven_domain), "%.*s",
	    STR_FMT(domain));
}

/* Signatures need no database. */
static int
check(struct store_job *job, struct fail *f)
{
	struct judge *j = (struct judge *)job;

	(void)f;
	j->complete = check_message(j);
	if (j->complete)
		name_the_proven(j);
	return 0;
}

static int
look_up(struct db *db, struct store_job *job, struct fail *f)
{
	struct judge *j = (struct judge *)job;
	const char *sender = j->sender[0] != '\0' ? j->sender_domain : "";
	const char *author = j->has_author ? j->author.domain : "";

	if (!j->complete)
		return 0;
	if (is_ours(db, author, &j->author_is_ours, f) == -1)
		return -1;
	if (strcmp(sender, author) == 0)
		j->sender_is_ours = j->author_is_ours;
	else if (is_ours(db, sender, &j->sender_is_ours, f) == -1)
		return -1;
	if (!j->d->conf->policy_reputation)
		return 0;
	return reputation_of(db, str_of(j->proven_author),
	    str_of(j->proven_domain), str_of(j->network), j->now_ms,
	    &j->reputation, f);
}

/* ---- asking ---- */

static void
release(struct judge *j)
{
	inquiry_free(j->inquiry);
	dkim_free(j->dkim);
	arc_free(j->arc);
	facts_free(j->facts);
	timer_free(j->soon);
	buf_release(&j->block);
	buf_release(&j->report);
	buf_release(&j->results);
	free(j->helo);
	free(j->sender);
	free(j);
}

/* As far as what is known allows: a round of questions, or the thread. */
static void
go_on(struct judge *j)
{
	bool known;

	do
		known = check_early(j);
	while (inquiry_ask(j->inquiry) && !known);
	if (!known || !j->ended || j->working || facts_open(j->facts) > 0)
		return;
	j->working = true;
	store_read(j->d->store, &j->job);
}

static void
worked(struct store_job *job)
{
	struct judge *j = (struct judge *)job;

	j->working = false;
	if (j->abandoned) {
		release(j);
		return;
	}
	if (job->rc == -1)
		log_error(&j->d->log, "judge: %s", job->fail.text);
	if (job->rc == 0 && !j->complete)
		go_on(j);
	else
		finish(j);
}

static void
tell_sender(struct judge *j)
{
	judge_known *fn = j->on_sender;

	if (fn == NULL || !j->spf_known)
		return;
	j->on_sender = NULL;
	fn(j->sender_arg, &j->spf); /* j may be gone after this */
}

static void
on_facts(void *arg)
{
	struct judge *j = arg;

	go_on(j);
	tell_sender(j);
}

static void
on_soon(void *arg)
{
	tell_sender(arg);
}

/* ---- public ---- */

int
judge_law_check(const struct conf *conf, struct fail *f)
{
	static const char *const words[] = {"accept", "junk", "refuse"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(str_of(conf->policy_spf_fail), str_of(words[i])))
			return 0;
	return conf_refuse(conf, &conf->policy_spf_fail, f,
	    "`%s' is none of accept, junk and refuse", conf->policy_spf_fail);
}

/* The domain SPF speaks for (RFC 7208 s2.4). */
static void
find_sender_domain(struct judge *j)
{
	struct str local, domain = str_of(j->helo);
	struct buf folded;

	if (j->sender[0] != '\0' &&
	    !addr_split(str_of(j->sender), &local, &domain))
		return;
	buf_init(&folded, sizeof(j->sender_domain) - 1);
	if (addr_domain_fold(domain, &folded) && !folded.overrun)
		snprintf(j->sender_domain, sizeof(j->sender_domain), "%.*s",
		    STR_FMT(buf_str(&folded)));
	buf_release(&folded);
}

struct judge *
judge_new(struct smtpd *d, struct visit *v, struct str helo, struct str sender)
{
	struct judge *j = MEM_NEW(struct judge);

	j->job.prepare = check;
	j->job.run = look_up;
	j->job.done = worked;
	j->d = d;
	j->visit = v;
	j->helo = mem_dup(helo);
	j->sender = mem_dup(sender);
	buf_init(&j->block, d->conf->limits_header_size + 64 * KB);
	buf_init(&j->report, REPORT_MAX);
	buf_init(&j->results, 32 * KB);
	find_sender_domain(j);
	snprintf(j->network, sizeof(j->network), "%s", visit_network(v));
	j->result.judgement = (struct judgement){
	    .action = JUDGE_ACCEPT, .setting = "policy.exempt"};
	if (visit_is_exempt(v)) {
		j->spf_known = true;
		return j;
	}
	j->facts = facts_new();
	facts_set_keys(j->facts, d->keys);
	j->inquiry = inquiry_new(d->asker, j->facts, on_facts, j);
	inquiry_deadline(j->inquiry, d->conf->policy_dns_time);
	go_on(j);
	return j;
}

void
judge_free(struct judge *j)
{
	if (j == NULL)
		return;
	if (j->working)
		j->abandoned = true; /* worked() is its end */
	else
		release(j);
}

void
judge_sender(struct judge *j, judge_known *fn, void *arg)
{
	assert(j->on_sender == NULL);
	j->on_sender = fn;
	j->sender_arg = arg;
	if (!j->spf_known)
		return;
	if (j->soon == NULL)
		j->soon = timer_new(j->d->loop, on_soon, j);
	timer_set(j->soon, 0);
}

void
judge_header(struct judge *j, struct str block)
{
	int64_t now_s = clock_wall_ms(j->d->clock) / 1000;

	assert(j->dkim == NULL);
	if (j->facts == NULL)
		return;
	buf_add(&j->block, block);
	assert(!j->block.overrun); /* receive has the same limit */
	block = buf_str(&j->block);
	j->has_author = author_find(block, &j->author, &j->unclear) == 0;
	j->program = !j->has_author && j->sender[0] == '\0' &&
	             author_is_program(block);
	j->dkim = dkim_new(block, now_s);
	j->arc = arc_new(block, now_s);
	go_on(j);
}

void
judge_body(struct judge *j, struct str piece)
{
	if (j->facts == NULL)
		return;
	assert(j->dkim != NULL && !j->ended);
	dkim_body(j->dkim, piece);
	arc_body(j->arc, piece);
}

void
judge_message(struct judge *j, judge_done *fn, void *arg)
{
	assert(!j->ended && j->done == NULL);
	j->done = fn;
	j->arg = arg;
	if (j->facts == NULL) {
		fn(arg, &j->result);
		return;
	}
	assert(j->dkim != NULL);
	dkim_body_end(j->dkim);
	arc_body_end(j->arc);
	j->ended = true;
	j->now_ms = clock_wall_ms(j->d->clock);
	go_on(j);
}
