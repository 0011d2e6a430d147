/* SPDX-License-Identifier: MIT */
#include "maild/relay/sts_store.h"

#include <stdlib.h>

#include "common/policy/mtasts.h"
#include "common/util/mem.h"

struct load {
	struct store_job job;  /* first: cast back */
	const struct log *log; /* borrowed */
	char *domain;
	int64_t now_ms;
	struct sts_policy policy;
	struct buf text; /* what its strings are in */
	int found;
	sts_loaded *loaded;
	void *arg; /* borrowed */
};

struct save {
	struct store_job job;  /* first: cast back */
	const struct log *log; /* borrowed */
	struct sts_policy policy;
	char *domain, *id, *text;
};

static int
run_load(struct db *db, struct store_job *job, struct fail *f)
{
	struct load *l = (struct load *)job;

	l->found = sts_policy_find(
	    db, str_of(l->domain), l->now_ms, &l->policy, &l->text, f);
	return l->found == -1 ? -1 : 0;
}

static void
done_load(struct store_job *job)
{
	struct load *l = (struct load *)job;

	if (job->rc == -1)
		log_warn(l->log, "MTA-STS policy of %s cannot be read: %s",
		    l->domain, job->fail.text);
	l->loaded(l->arg, job->rc == 0,
	    job->rc == 0 && l->found == 1 && !l->text.overrun ? &l->policy
							      : NULL);
	buf_release(&l->text);
	free(l->domain);
	free(l);
}

void
sts_load(struct store *s, const struct log *log, struct str domain,
    int64_t now_ms, sts_loaded *loaded, void *arg)
{
	struct load *l = MEM_NEW(struct load);

	l->job.run = run_load;
	l->job.done = done_load;
	l->log = log;
	l->domain = mem_dup(domain);
	l->now_ms = now_ms;
	l->loaded = loaded;
	l->arg = arg;
	buf_init(&l->text, MTASTS_TEXT_MAX + MTASTS_ID_MAX);
	store_read(s, &l->job);
}

static int
run_save(struct db *db, struct store_job *job, struct fail *f)
{
	return sts_policy_put(db, &((struct save *)job)->policy, f);
}

static void
done_save(struct store_job *job)
{
	struct save *v = (struct save *)job;

	if (job->rc == -1)
		log_warn(v->log, "MTA-STS policy of %s cannot be kept: %s",
		    v->domain, job->fail.text);
	free(v->domain);
	free(v->id);
	free(v->text);
	free(v);
}

void
sts_save(struct store *s, const struct log *log, const struct sts_policy *p)
{
	struct save *v = MEM_NEW(struct save);

	v->job.run = run_save;
	v->job.done = done_save;
	v->job.weight = p->text.len + KB;
	v->log = log;
	v->policy = *p;
	v->policy.domain = str_of(v->domain = mem_dup(p->domain));
	v->policy.id = str_of(v->id = mem_dup(p->id));
	v->policy.text = str_of(v->text = mem_dup(p->text));
	store_write(s, &v->job);
}
