/* SPDX-License-Identifier: MIT */
/*
 * A process delivers from twenty producers and says which messages it has
 * acknowledged; it is killed at a random moment; then every message it
 * acknowledged is there once and the checker finds nothing.
 *
 *	test_crash [KILLS [SEED]]	30 kills
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>

#include "common/store/store.h"
#include "tests/unit/store/fixture.h"

#define PRODUCERS 20
#define LARGE     150000

struct sender {
	struct store *store;
	struct trace_source traces;
	int64_t accounts[3];
	int wake, tell;
	char *noise;
};

struct producer {
	struct store_job job; /* first: cast back */
	struct sender *s;
	struct stage *stage;
	struct delivery d;
	struct delivery_target targets[4];
};

static void
wake(void *arg)
{
	uint64_t one = 1;

	if (write(*(int *)arg, &one, sizeof(one)) == -1)
		_exit(1);
}

static int
seal(struct store_job *job, struct fail *f)
{
	return stage_seal(
	    ((struct producer *)job)->stage, STR("Return-Path: <>\r\n"), f);
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	return delivery_run(db, &((struct producer *)job)->d, NULL, NULL, f);
}

/* What a trace's message is like follows from the trace. */
static size_t
locals_of(int64_t trace)
{
	return trace % 5 == 0 ? 3 : 1;
}

static bool
is_large(int64_t trace)
{
	return trace % 10 == 3;
}

static void
start(struct producer *p)
{
	static const char *const logins[] = {
	    "alice@d.test", "bob@d.test", "carol@e.test"};
	struct sender *s = p->s;
	int64_t trace = hop_new_trace(&s->traces);
	size_t n = locals_of(trace);
	char text[40];

	for (size_t i = 0; i < n; i++)
		p->targets[i] = (struct delivery_target){
		    s->accounts[i], str_of(logins[i]), .original = STR("")};
	if (n > 1)
		p->targets[n++] = (struct delivery_target){
		    0, STR("x@remote.test"), .original = STR("")};
	p->stage = stage_new(store_dir(s->store));
	snprintf(text, sizeof(text), "%lld\r\n", (long long)trace);
	stage_add(p->stage, str_of(text));
	if (is_large(trace))
		stage_add(p->stage, (struct str){s->noise, LARGE});
	p->d = fixture_delivery(trace, p->stage, p->targets, n);
	store_write(s->store, &p->job);
}

/* Tell first, as smtpd says 250; a pipe takes eight bytes whole. */
static void
done(struct store_job *job)
{
	struct producer *p = (struct producer *)job;

	if (job->rc != 0) {
		fprintf(stderr, "delivery: %s\n", job->fail.text);
		_exit(1);
	}
	if (write(p->s->tell, &p->d.trace, sizeof(p->d.trace)) == -1)
		_exit(1);
	stage_free(p->stage);
	start(p);
}

static void
send_for_ever(struct fixture *x, int tell)
{
	struct sender s = {
	    .traces = {.clock = &clock_system},
	    .accounts = { x->alice, x->bob, x->carol},
	    .tell = tell
        };
	struct store_options o = {
	    .dir = x->dir, .readers = 1, .wake = wake, .wake_arg = &s.wake};
	struct producer *p = mem_new(PRODUCERS, sizeof(*p));
	struct fail f;

	s.noise = fixture_noise(LARGE, 1);
	s.wake = eventfd(0, 0);
	s.store = store_open(&o, &f);
	if (s.store == NULL) {
		fprintf(stderr, "%s\n", f.text);
		_exit(1);
	}
	for (size_t i = 0; i < PRODUCERS; i++) {
		p[i].s = &s;
		p[i].job = (struct store_job){
		    .prepare = seal, .run = run, .done = done, .weight = 4096};
		start(&p[i]);
	}
	for (;;) {
		uint64_t n;

		if (read(s.wake, &n, sizeof(n)) == -1)
			_exit(1);
		store_reap(s.store);
	}
}

struct acks {
	int64_t *traces;
	size_t n, room;
};

static void
gather(struct acks *a, int fd)
{
	int64_t trace;

	while (read(fd, &trace, sizeof(trace)) == sizeof(trace)) {
		if (a->n == a->room) {
			a->room = a->room > 0 ? 2 * a->room : 1024;
			a->traces = mem_grow(
			    a->traces, a->room, sizeof(*a->traces));
		}
		a->traces[a->n++] = trace;
	}
}

/* Run a sender for a while and kill it; its last words are in the pipe. */
static void
one_kill(struct fixture *x, int after_ms, struct acks *acks)
{
	int words[2], status = 0;
	pid_t pid;

	CHECK(pipe(words) == 0);
	/* a pipe that is full would hold the sender, not lose anything */
	fcntl(words[1], F_SETPIPE_SZ, 1 << 20);
	pid = fork();
	if (pid == 0) {
		close(words[0]);
		send_for_ever(x, words[1]);
	}
	close(words[1]);
	nanosleep(
	    &(struct timespec){after_ms / 1000, (after_ms % 1000) * 1000000L},
	    NULL);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	gather(acks, words[0]);
	close(words[0]);
}

static int
put_ack(struct db *db, void *arg, struct fail *f)
{
	static const char sql[] =
	    "INSERT INTO ack (trace, copies) VALUES (?1, ?2)";
	struct acks *a = arg;

	if (sql_exec(db->sqlite,
		"CREATE TABLE ack (trace INTEGER PRIMARY KEY,"
		" copies INTEGER)",
		f) == -1)
		return -1;
	for (size_t i = 0; i < a->n; i++)
		if (sql_run(db, sql, f, "ii", a->traces[i],
			(int64_t)locals_of(a->traces[i])) == -1)
			return -1;
	return 0;
}

static int
drop_acks(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite, "DROP TABLE ack", f);
}

static int
sweep(struct db *db, void *arg, struct fail *f)
{
	return body_sweep_files(db, arg, f);
}

static void
check(struct fixture *x, struct acks *acks)
{
	size_t orphans = 0;

	fixture_open(x);
	MUST(db_write(x->db, sweep, &orphans, &why));
	MUST(db_write(x->db, put_ack, acks, &why));
	/* each acknowledged one once in each mailbox it was for */
	CHECK(fixture_number(x,
		  "WITH got (trace, n) AS (SELECT trace, count(*) FROM message"
		  " GROUP BY trace) SELECT count(*) FROM ack a LEFT JOIN got g"
		  " ON g.trace = a.trace WHERE a.copies IS NOT g.n") == 0);
	CHECK(fixture_number(x,
		  "SELECT count(*) FROM ack a WHERE a.copies > 1 AND NOT EXISTS"
		  " (SELECT 1 FROM recipient r WHERE r.trace = a.trace)") == 0);
	/* the others whole: as many copies as their journey tells */
	CHECK(fixture_number(x,
		  "WITH got (trace, n) AS (SELECT trace, count(*) FROM message"
		  " GROUP BY trace), told (trace, n) AS (SELECT trace, count(*)"
		  " FROM hop WHERE kind = 3 GROUP BY trace)"
		  " SELECT count(*) FROM told t LEFT JOIN got g"
		  " ON g.trace = t.trace WHERE t.n IS NOT g.n"
		  " OR t.n <> iif(t.trace % 5 = 0, 3, 1)") == 0);
	CHECK(
	    fixture_objects(x) == fixture_number(x, "SELECT count(*) FROM body"
						    " WHERE file IS NOT NULL"));
	MUST(db_write(x->db, drop_acks, NULL, &why));
	CHECK(fixture_is_clean(x));
	db_close(x->db);
	x->db = NULL;
}

int
main(int argc, char **argv)
{
	struct fixture x;
	struct acks acks = {0};
	uint64_t kills = 30, seed = (uint64_t)time(NULL);

	if ((argc > 1 && !str_to_u64(str_of(argv[1]), 1000000, &kills)) ||
	    (argc > 2 && !str_to_u64(str_of(argv[2]), UINT64_MAX, &seed)))
		return 64;
	printf("seed %llu\n", (unsigned long long)seed);
	fixture_init(&x);
	db_close(x.db);
	x.db = NULL;
	/* a slow machine gets longer ones, until it was really under load */
	for (uint64_t i = 0;
	     (i < kills || acks.n <= i) && i < 4 * kills && test_failures == 0;
	     i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		one_kill(
		    &x, (int)((seed >> 33) % (250 * (1 + i / kills))), &acks);
		check(&x, &acks);
	}
	printf("%llu kills, %zu acknowledged\n", (unsigned long long)kills,
	    acks.n);
	CHECK(acks.n > kills);
	free(acks.traces);
	fixture_release(&x);
	return TEST_EXIT();
}
