/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "common/store/store.h"
#include "tests/unit/store/fixture.h"

#define JOBS 500

/* A loop that has nothing but the store. */
struct host {
	struct fixture x;
	struct store *store;
	int wake;
	size_t done; /* jobs */
};

static void
wake(void *arg)
{
	uint64_t one = 1;

	CHECK(write(*(int *)arg, &one, sizeof(one)) == sizeof(one));
}

static void
host_open(struct host *h, size_t max_waiting)
{
	struct store_options o = {.dir = h->x.dir,
	    .readers = 2,
	    .max_waiting = max_waiting,
	    .wake = wake,
	    .wake_arg = &h->wake};
	struct fail f;

	h->done = 0;
	h->wake = eventfd(0, EFD_CLOEXEC);
	h->store = store_open(&o, &f);
	if (h->store == NULL) {
		fprintf(stderr, "%s\n", f.text);
		exit(1);
	}
}

static void
host_wait(struct host *h, size_t jobs)
{
	while (h->done < jobs) {
		uint64_t n;

		CHECK(read(h->wake, &n, sizeof(n)) == sizeof(n));
		store_reap(h->store);
	}
}

static void
host_close(struct host *h)
{
	store_close(h->store);
	close(h->wake);
}

struct job {
	struct store_job job; /* first: cast back */
	struct host *host;
	int number;
	bool fails, prepare_fails;
	bool prepared, ran;
	int64_t seen; /* by a reader */
	pthread_barrier_t *gate;
};

static const char sql_put[] = "INSERT INTO meta (key, value) VALUES (?1, ?2)";
static const char sql_count[] =
    "SELECT count(*) FROM meta WHERE key LIKE 'job%'";

static int
prepare(struct store_job *sj, struct fail *f)
{
	struct job *j = (struct job *)sj;

	CHECK(!j->ran);
	j->prepared = true;
	return j->prepare_fails ? fail(f, FAIL_TEMP, "not prepared") : 0;
}

static int
run(struct db *db, struct store_job *sj, struct fail *f)
{
	struct job *j = (struct job *)sj;
	char key[32];

	if (j->gate != NULL) {
		pthread_barrier_wait(j->gate); /* we are in */
		pthread_barrier_wait(j->gate); /* and may go on */
	}
	j->ran = true;
	CHECK(j->prepared == (sj->prepare != NULL));
	snprintf(key, sizeof(key), "job%d", j->number);
	if (sql_run(db, sql_put, f, "ti", str_of(key), (int64_t)j->number) ==
	    -1)
		return -1;
	/* after it has written: the savepoint must undo it */
	return j->fails ? fail(f, FAIL_PERM, "no %d", j->number) : 0;
}

static int
count(struct db *db, struct store_job *sj, struct fail *f)
{
	return sql_number(db, &((struct job *)sj)->seen, sql_count, f, "") == 1
	           ? 0
	           : -1;
}

static void
done(struct store_job *sj)
{
	((struct job *)sj)->host->done++;
}

static struct job
job(struct host *h, int number)
{
	return (struct job){
	    .host = h,
	    .number = number,
	    .job = {.run = run, .done = done, .weight = 100}
        };
}

static void
groups_and_savepoints(void)
{
	struct host h = {0};
	struct job *jobs = mem_new(JOBS, sizeof(*jobs));
	struct job reader;
	size_t good = 0;

	fixture_init(&h.x);
	host_open(&h, 0);
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = job(&h, i);
		jobs[i].fails = i % 7 == 0;
		jobs[i].prepare_fails = i % 11 == 0;
		if (i % 3 != 0 || jobs[i].prepare_fails)
			jobs[i].job.prepare = prepare;
		good += !jobs[i].fails && !jobs[i].prepare_fails;
		store_write(h.store, &jobs[i].job);
	}
	host_wait(&h, JOBS);
	for (int i = 0; i < JOBS; i++) {
		struct job *j = &jobs[i];
		bool ok = !j->fails && !j->prepare_fails;

		CHECK(j->job.rc == (ok ? 0 : -1));
		CHECK(j->ran == !j->prepare_fails);
		if (j->prepare_fails)
			CHECK_STR(j->job.fail.text, "not prepared");
		else if (j->fails)
			CHECK(j->job.fail.kind == FAIL_PERM);
	}
	reader = job(&h, 0);
	reader.job.run = count;
	store_read(h.store, &reader.job);
	host_wait(&h, JOBS + 1);
	CHECK(reader.job.rc == 0 && reader.seen == (int64_t)good);
	/* a reader does not write */
	reader = job(&h, 100000);
	store_read(h.store, &reader.job);
	host_wait(&h, JOBS + 2);
	CHECK(reader.job.rc == -1);
	CHECK(store_is_sound(h.store));
	CHECK_STR(store_dir(h.store), h.x.dir);
	host_close(&h);
	CHECK(fixture_is_clean(&h.x));
	free(jobs);
	fixture_release(&h.x);
}

static off_t
log_size(struct host *h)
{
	char path[80];
	struct stat st = {0};

	snprintf(path, sizeof(path), "%s/mail.db-wal", h->x.dir);
	CHECK(stat(path, &st) == 0);
	return st.st_size;
}

static void
one_commit_for_a_group(void)
{
	struct host h = {0};
	struct job jobs[51];
	struct job warm;
	pthread_barrier_t gate;
	off_t before;

	fixture_init(&h.x);
	host_open(&h, 0);
	pthread_barrier_init(&gate, NULL, 2);
	/* the first is held in run(), so that the others gather */
	warm = job(&h, 1000);
	warm.gate = &gate;
	store_write(h.store, &warm.job);
	pthread_barrier_wait(&gate);
	for (int i = 0; i < 51; i++) {
		jobs[i] = job(&h, i);
		store_write(h.store, &jobs[i].job);
	}
	before = log_size(&h);
	pthread_barrier_wait(&gate);
	host_wait(&h, 52);
	CHECK(fixture_number(&h.x,
		  "SELECT count(*) FROM meta WHERE key LIKE 'job%'") == 52);
	/* two commits, each writing its few pages once */
	CHECK(log_size(&h) - before < 20 * 4120);
	for (int i = 0; i < 51; i++)
		jobs[i] = job(&h, 2000 + i);
	h.done = 0;
	before = log_size(&h);
	for (int i = 0; i < 51; i++) {
		store_write(h.store, &jobs[i].job);
		host_wait(&h, (size_t)i + 1);
	}
	/* one at a time: at least a page and its header for each */
	CHECK(log_size(&h) - before >= 51 * 4120);
	pthread_barrier_destroy(&gate);
	host_close(&h);
	fixture_release(&h.x);
}

static void
too_many_are_refused(void)
{
	struct host h = {0};
	struct job jobs[10], first;
	pthread_barrier_t gate;
	size_t refused = 0;

	fixture_init(&h.x);
	host_open(&h, 4);
	pthread_barrier_init(&gate, NULL, 2);
	first = job(&h, 100);
	first.gate = &gate;
	store_write(h.store, &first.job);
	pthread_barrier_wait(&gate);
	for (int i = 0; i < 10; i++) {
		jobs[i] = job(&h, i);
		store_write(h.store, &jobs[i].job);
	}
	pthread_barrier_wait(&gate);
	host_wait(&h, 11);
	for (int i = 0; i < 10; i++)
		if (jobs[i].job.rc == -1) {
			refused++;
			CHECK(!jobs[i].ran);
			CHECK(jobs[i].job.fail.kind == FAIL_TEMP);
			CHECK_STR(jobs[i].job.fail.text, "the store is busy");
		}
	CHECK(refused == 6);
	pthread_barrier_destroy(&gate);
	host_close(&h);
	fixture_release(&h.x);
}

static void
resubmit(struct store_job *sj)
{
	struct job *j = (struct job *)sj;

	if (j->host->done++ == 0)
		store_write(j->host->store, sj);
}

static void
closing_finishes_everything(void)
{
	struct host h = {0};
	struct job *jobs = mem_new(JOBS, sizeof(*jobs));
	struct job late;

	fixture_init(&h.x);
	host_open(&h, 0);
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = job(&h, i);
		jobs[i].job.prepare = i % 2 ? prepare : NULL;
		store_write(h.store, &jobs[i].job);
	}
	host_close(&h);
	CHECK(h.done == JOBS);
	for (int i = 0; i < JOBS; i++)
		CHECK(jobs[i].job.rc == 0);
	CHECK(fixture_number(&h.x,
		  "SELECT count(*) FROM meta WHERE key LIKE 'job%'") == JOBS);
	/* what done() submits while closing is refused, and told so */
	host_open(&h, 0);
	late = job(&h, 5000);
	late.job.done = resubmit;
	store_write(h.store, &late.job);
	host_close(&h);
	CHECK(h.done == 2 && late.job.rc == -1);
	CHECK_STR(late.job.fail.text, "the store is closing");
	free(jobs);
	fixture_release(&h.x);
}

/* Light, slow, plain and failing writes in ever other company: whoever is
 * asleep when one comes, it is done without another coming after it. */
static void
nobody_oversleeps(void)
{
	struct host h = {0};
	struct job *jobs = mem_new(JOBS, sizeof(*jobs));
	size_t sent = 0;

	fixture_init(&h.x);
	host_open(&h, 0);
	for (unsigned round = 0; sent < JOBS; round++) {
		size_t n = 1 + round % 4;

		for (size_t i = 0; i < n && sent < JOBS; i++, sent++) {
			unsigned kind = (round / 4 >> 2 * i) & 3;
			struct job *j = &jobs[sent];

			*j = job(&h, (int)sent);
			j->job.light = kind == 1 || kind == 2;
			j->prepare_fails = kind == 2;
			if (kind != 3)
				j->job.prepare = prepare;
			store_write(h.store, &j->job);
			if (round % 5 == 0)
				usleep(50);
		}
		host_wait(&h, sent);
	}
	/* the last one may be under way when the end comes */
	for (int i = 0; i < 4; i++) {
		struct job last = job(&h, JOBS + i);

		last.job.prepare = prepare;
		last.job.light = i % 2 == 0;
		last.prepare_fails = i >= 2;
		store_write(h.store, &last.job);
		host_close(&h);
		CHECK(last.job.rc == (i < 2 ? 0 : -1));
		host_open(&h, 0);
	}
	host_close(&h);
	for (int i = 0; i < JOBS; i++)
		CHECK(jobs[i].job.rc == (jobs[i].prepare_fails ? -1 : 0));
	free(jobs);
	fixture_release(&h.x);
}

static void
open_fails_clearly(void)
{
	struct store_options o = {.dir = "/proc/no/such", .readers = 1};
	struct fail f = {0};

	CHECK(store_open(&o, &f) == NULL);
	CHECK(f.kind == FAIL_TEMP && f.text[0] != '\0');
}

int
main(void)
{
	groups_and_savepoints();
	one_commit_for_a_group();
	too_many_are_refused();
	closing_finishes_everything();
	nobody_oversleeps();
	open_fails_clearly();
	return TEST_EXIT();
}
