/* SPDX-License-Identifier: MIT */
/* Processes and threads that write at once, under the lock. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "tests/unit/store/fixture.h"

#define PROCESSES 3
#define EACH      150

/* Takes the lock and looks whether anybody else has it too. */
struct taker {
	const char *dir, *name;
	atomic_int *inside; /* how many are in; atomic only for ThreadSanitizer,
	                     * which does not know flock() */
};

static void *
take_often(void *arg)
{
	struct taker *t = arg;
	struct fail f;
	struct lock *l = lock_new(t->dir, t->name, &f);

	CHECK(l != NULL);
	for (int i = 0; i < 2000; i++) {
		CHECK(lock_take(l, &f) == 0);
		CHECK(atomic_fetch_add(t->inside, 1) == 0);
		CHECK(atomic_fetch_sub(t->inside, 1) == 1);
		lock_give(l);
	}
	lock_free(l);
	return NULL;
}

static void
the_lock_excludes_threads(void)
{
	char dir[64];
	atomic_int inside = 0;
	pthread_t threads[4];
	struct taker t = {dir, "lock", &inside};
	struct lock *other;
	struct fail f;

	fixture_dir(dir);
	/* one of another name is in nobody's way */
	other = lock_new(dir, "search.lock", &f);
	CHECK(other != NULL && lock_take(other, &f) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, take_often, &t) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	lock_give(other);
	lock_free(other);
	fixture_remove_dir(dir);
}

/* The kernel gives back what a dead process held. */
static void
the_lock_of_the_dead(void)
{
	char dir[64];
	struct fail f;
	struct lock *l;
	int ready[2], status;
	char c;
	pid_t pid;

	fixture_dir(dir);
	CHECK(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		l = lock_new(dir, "lock", &f);
		if (l == NULL || lock_take(l, &f) == -1 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	CHECK(read(ready[0], &c, 1) == 1);
	CHECK(kill(pid, SIGKILL) == 0);
	l = lock_new(dir, "lock", &f);
	CHECK(l != NULL && lock_take(l, &f) == 0);
	lock_give(l);
	lock_free(l);
	CHECK(waitpid(pid, &status, 0) == pid);
	close(ready[0]);
	close(ready[1]);
	fixture_remove_dir(dir);
}

static int
checkpoint_often(struct fixture *x, int i)
{
	struct fail f;
	int rc;

	if (i % 5 != 0)
		return 0;
	if (txn_lock(x->db, &f) == -1)
		return -1;
	/* as a log of 4 MB would make it */
	x->db->log_pages = x->db->copied_pages + 5000;
	rc = txn_checkpoint(x->db, true, &f);
	txn_unlock(x->db);
	return rc;
}

static int
write_often(const char *dir, int who)
{
	struct fixture x = {.trace = 100000 * (who + 1)};
	struct delivery_target t = {
	    1, STR("alice@d.test"), .original = STR("")};
	char text[200];
	struct fail f;

	snprintf(x.dir, sizeof(x.dir), "%s", dir);
	x.db = db_open(dir, DB_MAIL, DB_WRITER, &f);
	if (x.db == NULL)
		return 1;
	for (int i = 0; i < EACH; i++) {
		snprintf(text, sizeof(text), "from %d, number %d\r\n", who, i);
		if (fixture_deliver(&x, str_of(text), &t, 1, &f) == -1 ||
		    checkpoint_often(&x, i) == -1) {
			fprintf(stderr, "%s\n", f.text);
			return 1;
		}
	}
	db_close(x.db);
	return 0;
}

static void
processes_write_at_once(void)
{
	struct fixture x;
	pid_t pids[PROCESSES];

	fixture_init(&x);
	db_close(x.db);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(write_often(x.dir, i));
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
	}
	fixture_open(&x);
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") ==
	      PROCESSES * EACH);
	CHECK(fixture_number(&x, "SELECT count(DISTINCT trace) FROM message") ==
	      PROCESSES * EACH);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

int
main(void)
{
	the_lock_excludes_threads();
	the_lock_of_the_dead();
	processes_write_at_once();
	return TEST_EXIT();
}
