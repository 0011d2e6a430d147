/* SPDX-License-Identifier: MIT */
#include "common/net/worker.h"

#include <stdatomic.h>
#include <sys/resource.h>

#include "tests/unit/net/net_test.h"

#define JOBS 1000

struct test {
	struct rig rig;
	struct workers *workers;
	int done, want;
	pthread_mutex_t gate;
	atomic_int at_gate;
	size_t ranks[8]; /* in the order in which they ran: one thread's */
	size_t n_ranks;
	int nice;
};

struct job {
	struct worker_job job; /* first */
	struct test *test;
	pthread_t ran_on;
	int ran;
	size_t rank;
};

static void
run(struct worker_job *j)
{
	struct job *job = (struct job *)j;

	job->ran_on = pthread_self();
	job->ran++;
}

static void
run_at_gate(struct worker_job *j)
{
	struct job *job = (struct job *)j;

	atomic_fetch_add(&job->test->at_gate, 1);
	pthread_mutex_lock(&job->test->gate);
	pthread_mutex_unlock(&job->test->gate);
	run(j);
}

static void
done(struct worker_job *j)
{
	struct job *job = (struct job *)j;

	CHECK(job->ran == 1);
	CHECK(!pthread_equal(job->ran_on, pthread_self()));
	if (++job->test->done == job->test->want)
		loop_stop(job->test->rig.loop);
	free(job);
}

static struct worker_job *
new_job(struct test *t, void (*fn)(struct worker_job *))
{
	struct job *job = MEM_NEW(struct job);

	job->job.run = fn;
	job->job.done = done;
	job->test = t;
	return &job->job;
}

static void
test_many(void)
{
	struct test t = {.want = JOBS};

	rig_open(&t.rig);
	t.workers = workers_new(t.rig.loop, 4, JOBS);
	for (int i = 0; i < JOBS; i++)
		CHECK(workers_submit(t.workers, new_job(&t, run)));
	CHECK(workers_busy(t.workers) == JOBS);
	loop_run(t.rig.loop);
	CHECK(t.done == JOBS);
	CHECK(workers_busy(t.workers) == 0);
	workers_free(t.workers);
	rig_close(&t.rig);
}

/* Full means full, and what was accepted is done even at the end. */
static void
test_full(void)
{
	struct test t = {.gate = PTHREAD_MUTEX_INITIALIZER};
	struct worker_job *over;
	int accepted = 0;

	rig_open(&t.rig);
	t.workers = workers_new(t.rig.loop, 2, 3);
	pthread_mutex_lock(&t.gate);
	for (;;) {
		over = new_job(&t, run_at_gate);
		if (!workers_submit(t.workers, over)) {
			/* two at the gate at most, three waiting */
			if (accepted == 5)
				break;
			free(over);
			usleep(1000);
			continue;
		}
		accepted++;
		CHECK(accepted <= 5);
	}
	CHECK(!workers_submit(t.workers, over));
	free(over);
	CHECK(workers_busy(t.workers) == 5);
	pthread_mutex_unlock(&t.gate);
	workers_free(t.workers);
	CHECK(t.done == 5);
	rig_close(&t.rig);
}

static void
note_rank(struct worker_job *j)
{
	struct job *job = (struct job *)j;
	struct test *t = job->test;

	run_at_gate(j);
	t->nice = getpriority(PRIO_PROCESS, 0);
	t->ranks[t->n_ranks++] = job->rank;
}

static bool
submit_ranked(struct test *t, size_t rank)
{
	struct worker_job *job = new_job(t, note_rank);

	((struct job *)job)->rank = rank;
	if (workers_submit_ranked(t->workers, job, rank))
		return true;
	free(job);
	return false;
}

/* Those of rank 0 go first, a full queue keeps out its own only, and all of it
 * on a thread that stands back. */
static void
test_ranks(void)
{
	static const size_t order[] = {0, 0, 1, 1};
	struct test t = {.gate = PTHREAD_MUTEX_INITIALIZER};
	int ours = getpriority(PRIO_PROCESS, 0);

	rig_open(&t.rig);
	t.workers = workers_new_behind(t.rig.loop, 1, 2);
	pthread_mutex_lock(&t.gate);
	CHECK(workers_submit(t.workers, new_job(&t, run_at_gate)));
	while (atomic_load(&t.at_gate) == 0)
		usleep(1000);
	CHECK(submit_ranked(&t, 1) && submit_ranked(&t, 1));
	CHECK(!submit_ranked(&t, 1));
	CHECK(submit_ranked(&t, 0) && submit_ranked(&t, 0));
	CHECK(!submit_ranked(&t, 0) && workers_busy(t.workers) == 5);
	pthread_mutex_unlock(&t.gate);
	workers_free(t.workers);
	CHECK(t.n_ranks == 4);
	for (size_t i = 0; i < 4; i++)
		CHECK(t.ranks[i] == order[i]);
	CHECK(t.nice > ours || ours >= 19);
	CHECK(getpriority(PRIO_PROCESS, 0) == ours);
	rig_close(&t.rig);
}

int
main(void)
{
	test_many();
	test_full();
	test_ranks();
	workers_free(NULL);
	return TEST_EXIT();
}
