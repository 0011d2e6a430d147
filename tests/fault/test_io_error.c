/* SPDX-License-Identifier: MIT */
/*
 * The n-th operation on the disk fails, for every n until an act passes
 * untouched, in every way it can fail, for every act; each time all of the
 * rules of trial.h hold.
 *
 *	fault_io_error [--all | --points N] [--act NAME] [--mode NAME]
 *	    [--seed N] [--json]
 *
 * Without --all N operations (1) of each act fail in each mode, one drawn from
 * each N-th of it.
 */
#include <time.h>

#include "common/store/store.h"
#include "tests/fault/acts.h"
#include "tests/fault/faulty_vfs.h"
#include "tests/fault/trial.h"

struct point {
	int n;
	enum faulty_mode mode;
};

static void
break_one(void *arg)
{
	const struct point *p = arg;

	faulty_arm(p->n, p->mode);
}

static void
break_all(void *arg)
{
	(void)arg;
	faulty_arm(1, FAULTY_EVER);
}

static void
mend(void *arg)
{
	(void)arg;
	faulty_heal();
}

struct tally {
	int points, refused, unsound, resurrected, wrong;
};

struct options {
	bool json;
	uint64_t points, seed; /* points 0: all */
	const char *act, *mode;
};

static bool
is_harmless(enum faulty_mode mode)
{
	return mode == FAULTY_INTERRUPT || mode == FAULTY_PART;
}

static bool
right_words(const struct trial *t, enum faulty_mode mode)
{
	bool full = mode == FAULTY_FULL || mode == FAULTY_FULL_ONCE;

	if (t->rc == 0)
		return true;
	if (is_harmless(mode))
		return false;
	/* search.db says FAIL_PERM of itself; opening has words of its own */
	if (t->act->search || t->act->opens || t->act->account)
		return true;
	return t->fail.kind == (full ? FAIL_DISK : FAIL_TEMP);
}

static void
one_point(struct trial *t, struct point *p, struct tally *tally)
{
	bool fine = trial_run(t);

	if (fine && !right_words(t, p->mode))
		fine = false, snprintf(t->why, sizeof(t->why),
				  "refused with other words: %d %.200s",
				  (int)t->fail.kind, t->fail.text);
	tally->points++;
	tally->refused += t->rc == -1;
	tally->unsound += t->unsound;
	tally->resurrected += t->rc == -1 && t->resurrected;
	if (fine)
		return;
	tally->wrong++;
	test_failures++;
	fprintf(stderr, "%s, %s, operation %d (%s): %s\n", t->act->name,
	    faulty_mode_name(p->mode), p->n,
	    faulty_struck() != NULL ? faulty_struck() : "none", t->why);
}

/* How many operations each mode can strike in the act. */
static void
count_points(const struct act *act, const struct world *model,
    int points[FAULTY_MODES_N])
{
	struct world w;
	struct fail f = {0};

	world_copy(model, &w);
	if (!act->opens)
		MUST(world_open(&w, &why));
	faulty_arm(1000000000, FAULTY_ONCE);
	CHECK(act->run(&w, &f) == 0);
	faulty_heal();
	for (enum faulty_mode m = 0; m < FAULTY_MODES_N; m++)
		points[m] = faulty_points(m);
	world_remove(&w);
}

static void
add(struct tally *to, const struct tally *one)
{
	to->points += one->points;
	to->refused += one->refused;
	to->unsound += one->unsound;
	to->resurrected += one->resurrected;
	to->wrong += one->wrong;
}

static void
print(const struct options *o, const char *act, const char *mode,
    const struct tally *t)
{
	printf(o->json ? "{\"act\": \"%s\", \"mode\": \"%s\", \"points\": %d,"
			 " \"refused\": %d, \"commit_failed\": %d,"
			 " \"would_come_back\": %d, \"wrong\": %d}\n"
		       : "%-28s %-22s %5d points, %5d refused, %4d at"
			 " COMMIT, %3d would come back, %d wrong\n",
	    act, mode, t->points, t->refused, t->unsound, t->resurrected,
	    t->wrong);
	fflush(stdout);
}

static void
every_point(const struct act *act, const struct world *model,
    const struct world_history *h, enum faulty_mode mode, uint64_t n,
    struct options *o, struct tally *sum)
{
	struct point p = {.mode = mode};
	struct trial t = {.act = act,
	    .model = model,
	    .history = h,
	    .begin = break_one,
	    .end = mend,
	    .break_all = break_all,
	    .arg = &p};
	struct tally tally = {0};
	/* one act always wholly, so that every kind of end is seen */
	bool all = o->points == 0 || o->points > n ||
	           (act == &acts[0] && mode == FAULTY_ONCE);
	uint64_t parts = all ? n : o->points;

	for (uint64_t i = 0; i < parts; i++) {
		uint64_t from = n * i / parts, to = n * (i + 1) / parts;

		o->seed = o->seed * 6364136223846793005ULL +
		          1442695040888963407ULL;
		p.n = (int)(from + (o->seed >> 33) % (to - from)) + 1;
		one_point(&t, &p, &tally);
	}
	print(o, act->name, faulty_mode_name(mode), &tally);
	add(sum, &tally);
}

static void
one_act(const struct act *act, struct options *o, struct tally *sum)
{
	struct world_history *h = MEM_NEW(struct world_history);
	int points[FAULTY_MODES_N];
	struct world model;

	world_begin(&model, act);
	world_learn(act, &model, h);
	count_points(act, &model, points);
	for (enum faulty_mode m = 0; m < FAULTY_KILL; m++)
		if (o->mode == NULL ||
		    strcmp(o->mode, faulty_mode_name(m)) == 0)
			every_point(
			    act, &model, h, m, (uint64_t)points[m], o, sum);
	world_remove(&model);
	free(h);
}

static void
every_act(struct options *o, struct tally *sum)
{
	for (size_t i = 0; i < acts_n; i++)
		if (o->act == NULL || strcmp(o->act, acts[i].name) == 0)
			one_act(&acts[i], o, sum);
}

/* ---- the store on its threads ---- */

struct job {
	struct store_job job; /* first: cast back */
	struct delivery d;
	bool done;
};

static int
run_job(struct db *db, struct store_job *job, struct fail *f)
{
	return delivery_run(db, &((struct job *)job)->d, NULL, NULL, f);
}

static void
job_done(struct store_job *job)
{
	((struct job *)job)->done = true;
}

static int
write_now(struct store *s, struct world *w)
{
	struct delivery_target alice = {
	    w->x.alice, STR("alice@d.test"), .original = STR("")};
	struct job j = {
	    .job = {.run = run_job, .done = job_done, .weight = 1}
        };
	struct stage *stage = stage_new(w->x.dir);
	int rc;

	stage_add(stage, STR("Subject: now\r\n\r\n"));
	MUST(stage_seal(stage, STR(""), &why));
	j.d = fixture_delivery(w->x.trace, stage, &alice, 1);
	store_write(s, &j.job);
	while (!j.done) {
		nanosleep(&(struct timespec){0, 1000000}, NULL);
		store_reap(s);
	}
	rc = j.job.rc;
	if (rc == -1)
		CHECK(j.job.fail.kind == FAIL_TEMP);
	w->x.trace += rc == 0;
	stage_free(stage);
	return rc;
}

/* After an I/O error at COMMIT the store takes nothing until a write of its
 * own has succeeded; it finds out by itself when the disk is well again. */
static void
the_store_knows(void)
{
	struct world w;
	struct store_options o = {.readers = 1};
	struct store *s;
	struct fail f;

	world_begin(&w, acts_find("deliver"));
	o.dir = w.x.dir;
	s = store_open(&o, &f);
	CHECK(s != NULL && store_is_sound(s));
	/* the first write is the COMMIT's */
	faulty_arm(1, FAULTY_WRITES);
	CHECK(write_now(s, &w) == -1);
	CHECK(!store_is_sound(s));
	CHECK(write_now(s, &w) == -1);
	CHECK(!store_is_sound(s));
	/* its own proofs fail too */
	nanosleep(&(struct timespec){1, 300000000}, NULL);
	CHECK(!store_is_sound(s));
	faulty_heal();
	for (int i = 0; i < 600 && !store_is_sound(s); i++)
		nanosleep(&(struct timespec){0, 100000000}, NULL);
	CHECK(store_is_sound(s));
	CHECK(write_now(s, &w) == 0);
	/* or the next job proves it, without waiting */
	faulty_arm(1, FAULTY_SHORT);
	CHECK(write_now(s, &w) == -1);
	CHECK(!store_is_sound(s));
	CHECK(write_now(s, &w) == 0);
	CHECK(store_is_sound(s));
	faulty_heal();
	store_close(s);
	MUST(world_open(&w, &why));
	CHECK(fixture_number(&w.x, "SELECT count(*) FROM message"
				   " WHERE trace IN (5000, 5001)") == 2);
	CHECK(fixture_is_clean(&w.x));
	world_remove(&w);
}

static uint64_t
number(const char *text)
{
	uint64_t n = 0;

	if (text == NULL || !str_to_u64(str_of(text), UINT64_MAX, &n)) {
		fprintf(stderr, "a number is missing\n");
		exit(64);
	}
	return n;
}

static void
read_options(struct options *o, char **argv)
{
	for (argv++; *argv != NULL; argv++) {
		if (strcmp(*argv, "--all") == 0)
			o->points = 0;
		else if (strcmp(*argv, "--json") == 0)
			o->json = true;
		else if (strcmp(*argv, "--points") == 0)
			o->points = number(*++argv);
		else if (strcmp(*argv, "--seed") == 0)
			o->seed = number(*++argv);
		else if (strcmp(*argv, "--act") == 0)
			o->act = *++argv;
		else if (strcmp(*argv, "--mode") == 0)
			o->mode = *++argv;
		else
			exit(64);
		if (*argv == NULL)
			exit(64);
	}
}

static void
print_operations(const struct options *o)
{
	for (enum faulty_op op = 0; op < FAULTY_OPS_N; op++)
		printf(o->json ? "{\"operation\": \"%s\", \"met\": %lu}\n"
			       : "%-28s met %lu times\n",
		    faulty_op_name(op), faulty_met(op));
}

int
main(int argc, char **argv)
{
	struct options o = {.points = 1, .seed = 1};
	struct tally sum = {0};

	(void)argc;
	read_options(&o, argv);
	fprintf(stderr, "seed %llu\n", (unsigned long long)o.seed);
	world_in_memory();
	faulty_install();
	every_act(&o, &sum);
	if (o.act == NULL && o.mode == NULL) {
		/* a sync failed after all was written: a crash right then
		 * brings the refused act back, so the proof is needed */
		CHECK(sum.resurrected > 0);
		CHECK(sum.unsound > 0);
		the_store_knows();
	}
	print_operations(&o);
	print(&o, "all", "all", &sum);
	return TEST_EXIT();
}
