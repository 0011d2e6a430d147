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

/* SQLite undid everything while this job ran. */
static int
lost(const struct store_job *job, struct fail *f)
{
	if (job->rc == 0)
		return fail(
		    f, FAIL_TEMP, "store: the disk undid the transaction");
	*f = job->fail;
	return -1;
}

/* The jobs that have not failed, each in a savepoint of its own.  A savepoint
 * keeps what each page was like before it, which is a tenth of the cost of a
 * delivery: so this is for groups in which one has failed. */
static int
run_apart(struct db *db, struct store_job **jobs, size_t n, struct fail *f)
{
	for (size_t i = 0; i < n; i++) {
		struct store_job *job = jobs[i];

		if (job->rc == -1)
			continue;
		job->rc = txn_try(db, run_job, job, &job->fail);
		if (txn_is_lost(db))
			return lost(job, f);
	}
	return 0;
}

/* All that need no savepoint, because what was done before them can be done
 * again: the first, and those behind jobs that are repeatable.  *done: how
 * many.  One that fails and leaves something ends the transaction; then *done
 * is 0, and those before it are to be run again. */
static int
run_together(struct db *db, struct store_job **jobs, size_t n, size_t *done,
    struct fail *f)
{
	*done = 0;
	do {
		struct store_job *job = jobs[*done];
		bool left = false;

		job->rc = txn_run(db, run_job, job, &left, &job->fail);
		if (txn_is_lost(db))
			return lost(job, f);
		if (left) {
			txn_rollback(db);
			*done = 0;
			return txn_begin(db, f);
		}
		++*done;
	} while (*done < n && jobs[*done - 1]->repeatable);
	return 0;
}

static int
run_all(struct db *db, struct store_job **jobs, size_t n, struct fail *f)
{
	size_t done;

	if (txn_begin(db, f) == -1)
		return -1;
	if (run_together(db, jobs, n, &done, f) == -1 ||
	    run_apart(db, jobs + done, n - done, f) == -1) {
		/* what went before is gone with it */
		txn_rollback(db);
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
