/* SPDX-License-Identifier: MIT */
#include "common/store/group.h"

#include "common/store/txn.h"

void
group_refuse(struct store_job **jobs, size_t n, const struct fail *why)
{
	for (size_t i = 0; i < n; i++) {
		if (jobs[i]->rc == 0)
			jobs[i]->fail = *why;
		jobs[i]->rc = -1;
	}
}

static int
run_job(struct db *db, void *arg, struct fail *f)
{
	struct store_job *job = arg;

	return job->run(db, job, f);
}

static int
run_all(struct db *db, struct store_job **jobs, size_t n, struct fail *f)
{
	if (txn_begin(db, f) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct store_job *job = jobs[i];

		job->rc = txn_try(db, run_job, job, &job->fail);
		if (!txn_is_lost(db))
			continue;
		/* what went before is gone with it */
		txn_rollback(db);
		if (job->rc == 0)
			return fail(f, FAIL_TEMP,
			    "store: the disk undid the transaction");
		*f = job->fail;
		return -1;
	}
	return txn_commit(db, f);
}

void
group_commit(struct db *db, struct store_job **jobs, size_t n)
{
	struct fail why;

	for (size_t i = 0; i < n; i++)
		jobs[i]->rc = 0;
	if (n > 0 && run_all(db, jobs, n, &why) == -1)
		group_refuse(jobs, n, &why);
}
