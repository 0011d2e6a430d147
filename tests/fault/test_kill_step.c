/* SPDX-License-Identifier: MIT */
/*
 * A process dies in the middle of each act: by SIGKILL before each operation on
 * the disk; by itself, with one line, when it gets no memory (mem.h), at each
 * allocation.  What it had acknowledged is there, the step it was at is there
 * whole or not at all, and the store goes on.
 *
 *	fault_kill_step [--all] [--stride N] [--seed N] [--act NAME]
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/fault/acts.h"
#include "tests/fault/failing_mem.h"
#include "tests/fault/faulty_vfs.h"
#include "tests/fault/points.h"

#define STRIDE 32 /* unless told otherwise: what ctest has time for */

/* ---- no memory: between common/util and the C library ---- */

void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	return failing_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return failing_now() ? NULL : __real_reallocarray(old, n, size);
}

/* ---- deaths ---- */

static void
kill_before(int n)
{
	faulty_arm(n, FAULTY_KILL);
}

static void
starve(int n)
{
	failing_arm(n, true);
}

static const struct death {
	const char *name;
	int signal;
	void (*arm)(int n);
} deaths[] = {
    {"killed",    SIGKILL, kill_before},
    {"no memory", SIGABRT, starve     },
};

struct walk {
	const struct death *death;
	const struct act *act;
	struct world model;
	struct world_history history;
	struct points points;
	int *said; /* shared with the child */
	int dead, halfway;
};

static void
tell(void *arg, int said)
{
	*(volatile int *)arg = said;
}

/* The child: dies at the n-th operation, or ends with 0. */
static void
act_until(struct walk *k, struct world *w, int n, int words)
{
	struct fail f = {0};

	dup2(words, STDERR_FILENO);

	w->say = tell;
	w->say_arg = k->said;
	if (!k->act->opens && world_open(w, &f) == -1)
		_exit(1);
	k->death->arm(n);
	if (k->act->run(w, &f) == -1)
		_exit(1);
	_exit(0);
}

/* SIGKILL leaves no word, want of memory one line. */
static void
check_words(const struct death *death, const char *words)
{
	const char *end = strchr(words, '\n');

	if (death->signal == SIGKILL)
		CHECK(words[0] == '\0');
	else
		CHECK(strncmp(words, "out of memory: ", 15) == 0 &&
		      end != NULL && end[1] == '\0');
}

static bool
has_died(const struct death *death, pid_t pid, int words)
{
	char text[1000];
	size_t n = 0;
	ssize_t got;
	int status = 0;

	while (n + 1 < sizeof(text) &&
	       (got = read(words, text + n, sizeof(text) - n - 1)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(words);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == death->signal) {
		check_words(death, text);
		return true;
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	if (test_failures > 0)
		fprintf(stderr, "%s", text);
	return false;
}

static int
note(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite, "INSERT INTO meta VALUES ('after', 1)", f);
}

/* False when the act came to its end. */
static bool
die_at(struct walk *k, int n)
{
	char words[WORLD_WHY_MAX] = "";
	struct world w;
	int pipes[2];
	bool dead;
	pid_t pid;

	world_copy(&k->model, &w);
	*k->said = 0;
	CHECK(pipe(pipes) == 0);
	pid = fork();
	if (pid == 0)
		act_until(k, &w, n, pipes[1]);
	close(pipes[1]);
	dead = has_died(k->death, pid, pipes[0]);
	/* a restore that died is run again before anything opens */
	MUST(world_open_again(&w, k->act, &why));
	if (!dead)
		CHECK(*k->said == k->history.steps);
	CHECK(world_judge(&w, k->act, &k->history, *k->said, dead, words));
	k->dead += dead;
	if (*k->said < k->history.steps)
		k->halfway += !world_judge(
		    &w, k->act, &k->history, *k->said, false, words);
	MUST(db_write(w.x.db, note, NULL, &why));
	world_remove(&w);
	if (test_failures > 0)
		fprintf(stderr,
		    "%s, %s at operation %d, %d acknowledged: "
		    "%s\n",
		    k->act->name, k->death->name, n, *k->said, words);
	return dead;
}

static void
walk(struct walk *k, const struct act *act)
{
	int n = points_after(&k->points, 0);

	k->act = act;
	world_begin(&k->model, act);
	world_learn(act, &k->model, &k->history);
	while (test_failures == 0 && die_at(k, n))
		n = points_after(&k->points, n);
	world_remove(&k->model);
	printf("%-28s %-10s last at %5d, %d deaths so far\n", act->name,
	    k->death->name, n, k->dead);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct walk k = {.points = points_from(argc, argv, STRIDE)};

	world_in_memory();
	faulty_install();
	k.said = mmap(NULL, sizeof(*k.said), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(k.said != MAP_FAILED);
	for (size_t i = 0; i < acts_n && test_failures == 0; i++)
		for (size_t d = 0; d < sizeof(deaths) / sizeof(deaths[0]); d++)
			if (points_want(&k.points, acts[i].name)) {
				k.death = &deaths[d];
				walk(&k, &acts[i]);
			}
	printf("%d deaths; the step they fell into was there after %d\n",
	    k.dead, k.halfway);
	CHECK(k.dead > 0);
	return TEST_EXIT();
}
