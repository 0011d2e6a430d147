/* SPDX-License-Identifier: MIT */
#include "common/net/worker.h"

#include <stdatomic.h>

#include "tests/unit/net/net_test.h"

#define JOBS 1000

struct test {
	struct rig rig;
	struct workers *workers;
	int done, want;
	pthread_mutex_t gate;
};

struct job {
	struct worker_job job; /* first */
	struct test *test;
	pthread_t ran_on;
	int ran;
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

int
main(void)
{
	test_many();
	test_full();
	workers_free(NULL);
	return TEST_EXIT();
}
