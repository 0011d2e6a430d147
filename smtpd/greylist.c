/* SPDX-License-Identifier: MIT */
#include "smtpd/greylist.h"

#include <stdlib.h>

#include "common/mime/addr.h"
#include "common/store/greylist.h"
#include "common/store/reputation.h"
#include "common/util/mem.h"

struct question {
	struct store_job job; /* first: done() casts back */
	struct smtpd *d;
	char *ip, *network;
	const char *iprev, *spf;      /* words */
	struct buf sender, recipient; /* folded where they can be */
	int64_t now_ms;
	bool known; /* somebody here knows the sender */
	int score;
	enum greylist_answer answer;
	greylist_judged *fn;
	void *arg;
};

bool
greylist_applies(const struct visit *v)
{
	const struct visit_findings *found = visit_findings(v);

	return visit_smtpd(v)->conf->policy_greylist && !visit_is_exempt(v) &&
	       found != NULL && found->iprev.result != IPREV_PASS &&
	       !visit_is_familiar(v);
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct question *q = (struct question *)job;
	const struct conf *conf = q->d->conf;
	struct greylist_question ask = {
	    .network = str_of(q->network),
	    .sender = buf_str(&q->sender),
	    .recipient = buf_str(&q->recipient),
	    .now_ms = q->now_ms,
	    .wait_ms = conf->policy_greylist_wait,
	    .life_ms = GREYLIST_LIFE_MS,
	};
	struct str local, domain = {0};
	int got = 0;

	q->answer = GREYLIST_PASS;
	if (ask.sender.len > 0) {
		got = correspondent_known(db, 0, ask.sender, f);
		addr_split(ask.sender, &local, &domain);
	}
	if (got == -1 || (conf->policy_reputation &&
			     reputation_of(db, ask.sender, domain, ask.network,
				 q->now_ms, &q->score, f) == -1))
		return -1;
	q->known = got == 1 || q->score > 0;
	return q->known ? 0 : greylist_ask(db, &ask, &q->answer, f);
}

static void
done(struct store_job *job)
{
	struct question *q = (struct question *)job;
	enum smtp_reply r = REPLY_RECIPIENT_OK;

	if (job->rc == -1) {
		log_error(&q->d->log, "greylist: %s", job->fail.text);
		r = REPLY_TRY_LATER;
	} else if (q->answer == GREYLIST_WAIT) {
		r = REPLY_GREYLISTED;
	}
	if (r == REPLY_GREYLISTED)
		log_info(&q->d->log,
		    "greylisted from=<%.*s> to=<%.*s> rip=%s network=%s "
		    "iprev=%s spf=%s reputation=%d",
		    STR_FMT(buf_str(&q->sender)),
		    STR_FMT(buf_str(&q->recipient)), q->ip, q->network,
		    q->iprev, q->spf, q->score);
	q->fn(q->arg, r);
	buf_release(&q->sender);
	buf_release(&q->recipient);
	free(q->ip);
	free(q->network);
	free(q);
}

/* What cannot be folded is compared as it is. */
static void
fold(struct str address, struct buf *out)
{
	buf_init(out, ADDR_MAX);
	if (!addr_fold(address, out))
		buf_add(out, str_first(address, ADDR_MAX));
}

void
greylist_judge(struct visit *v, enum spf_result spf, struct str sender,
    struct str recipient, greylist_judged *fn, void *arg)
{
	struct smtpd *d = visit_smtpd(v);
	struct question *q;

	if (spf == SPF_PASS || !greylist_applies(v)) {
		fn(arg, REPLY_RECIPIENT_OK);
		return;
	}
	q = MEM_NEW(struct question);
	q->job.run = run;
	q->job.done = done;
	q->job.weight = KB;
	q->d = d;
	q->ip = mem_dup(str_of(visit_ip(v)));
	q->network = mem_dup(str_of(visit_network(v)));
	q->iprev = iprev_word(visit_findings(v)->iprev.result);
	q->spf = spf_word(spf);
	fold(sender, &q->sender);
	fold(recipient, &q->recipient);
	q->now_ms = clock_wall_ms(d->clock);
	q->fn = fn;
	q->arg = arg;
	store_write(d->store, &q->job);
}
