/* SPDX-License-Identifier: MIT */
#include "common/store/group.h"

#include "tests/unit/store/fixture.h"

static const char sql_put[] = "INSERT INTO meta (key, value) VALUES (?1, ?2)";
static const char sql_count[] =
    "SELECT count(*) FROM meta WHERE key LIKE 'job.%'";

enum way {
	WELL,
	FAILS_CLEAN,
	FAILS_DIRTY
};

struct work {
	struct store_job job; /* first: cast back */
	enum way way;
	int runs;
	char key[32];
};

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct work *w = (struct work *)job;

	w->runs++;
	if (w->way != FAILS_CLEAN &&
	    sql_run(db, sql_put, f, "ti", str_of(w->key), (int64_t)w->runs) ==
		-1)
		return -1;
	return w->way == WELL ? 0 : fail(f, FAIL_QUOTA, "no");
}

/* One letter for each job: w, c, d as in enum way, in capitals if it may not be
 * repeated; runs: how often each is to be run. */
static void
check(struct fixture *x, const char *jobs, const char *runs)
{
	size_t n = strlen(jobs);
	struct work w[8] = {0};
	struct store_job *group[8];
	int64_t rows = 0, want = 0;

	for (size_t i = 0; i < n; i++) {
		char way = str_lower(jobs[i]);

		w[i].way = way == 'w'   ? WELL
		           : way == 'c' ? FAILS_CLEAN
		                        : FAILS_DIRTY;
		w[i].job.run = run;
		w[i].job.repeatable = jobs[i] == way;
		snprintf(w[i].key, sizeof(w[i].key), "job.%zu", i);
		group[i] = &w[i].job;
	}
	MUST(txn_lock(x->db, &why));
	group_commit(x->db, group, n);
	txn_unlock(x->db);
	for (size_t i = 0; i < n; i++) {
		CHECK(w[i].job.rc == (w[i].way == WELL ? 0 : -1));
		CHECK(w[i].way == WELL || w[i].job.fail.kind == FAIL_QUOTA);
		CHECK(w[i].runs == runs[i] - '0');
		want += w[i].way == WELL;
	}
	MUST(sql_number(x->db, &rows, sql_count, &why, ""));
	CHECK(rows == want);
	MUST(txn_lock(x->db, &why));
	MUST(txn_begin(x->db, &why));
	MUST(sql_run(
	    x->db, "DELETE FROM meta WHERE key LIKE 'job.%'", &why, ""));
	MUST(txn_commit(x->db, &why));
	txn_unlock(x->db);
}

int
main(void)
{
	struct fixture x;

	fixture_init(&x);
	check(&x, "w", "1");
	check(&x, "d", "1");
	check(&x, "wwww", "1111");
	check(&x, "wcww", "1111");
	check(&x, "dwdw", "1111"); /* nothing before it is lost */
	check(&x, "wwdw", "2211");
	check(&x, "wcdwdw", "211111");
	check(&x, "WWdW", "1111"); /* apart from the second on */
	check(&x, "wWwd", "1111");
	check(&x, "wwDw", "2211");
	fixture_release(&x);
	return TEST_EXIT();
}
