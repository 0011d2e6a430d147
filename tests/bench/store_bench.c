/* SPDX-License-Identifier: MIT */
/*
 * store_bench: durable deliveries a second through the store, at 1, 10 and
 * 100 producers.
 *
 *	store_bench [DIRECTORY [SECONDS [PRODUCERS [RECIPIENTS [SIZE]]]]]
 *
 * PRODUCERS: as many alone.  A message has SIZE octets (10240) and goes to
 * RECIPIENTS accounts of 100 (1).
 *
 * A producer stages, seals (hash, zstd) and delivers one message, and starts
 *the next when the commit that holds it is on disk: what a session of smtpd
 *does between DATA and 250.  Messages differ, and are about as compressible as
 *mail.  Beside it: how many fdatasync() a second the same directory takes for
 *appended 4 KiB.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/store/account.h"
#include "common/store/delivery.h"
#include "common/store/store.h"
#include "common/util/clock.h"
#include "common/util/mem.h"

#define ACCOUNTS 100

struct bench {
	struct store *store;
	struct trace_source traces;
	int64_t accounts[ACCOUNTS];
	int wake;
	int64_t until_ms;
	uint64_t seed, size, recipients;
	size_t active;
	size_t delivered, failed;
};

struct producer {
	struct store_job job; /* first: cast back */
	struct bench *bench;
	size_t account;
	struct stage *stage;
	struct delivery d;
	struct delivery_target targets[ACCOUNTS];
	struct hop hops[2];
	char message_id[40];
	char *text;
};

static void
die(const char *what, const struct fail *f)
{
	fprintf(stderr, "store_bench: %s: %s\n", what, f->text);
	exit(1);
}

/* Words, with some base64 among them: zstd halves it. */
static void
compose(struct producer *p)
{
	static const char *const words[] = {"the ", "mail ", "server ", "and ",
	    "letter ", "of ", "Alice ", "to ", "Bob ", "which ", "arrived ",
	    "early\r\n", "morning ", "with ", "kind ", "regards\r\n"};
	uint64_t r = p->bench->seed;
	size_t size = p->bench->size, at = 0;

	while (at < size) {
		r = r * 6364136223846793005ULL + 1442695040888963407ULL;
		if ((r >> 40) % 5 < 2) {
			for (int i = 0; i < 8 && at < size; i++)
				p->text[at++] = (char)('A' +
						       ((r >> (8 * i)) & 31));
			continue;
		}
		for (const char *w = words[r >> 60]; *w != '\0' && at < size;)
			p->text[at++] = *w++;
	}
	p->bench->seed = r;
}

static int
prepare(struct store_job *job, struct fail *f)
{
	struct producer *p = (struct producer *)job;

	return stage_seal_with(p->stage, job->press,
	    STR("Return-Path: <bob@remote.test>\r\n"
		"Received: from mx.remote.test (mx.remote.test [192.0.2.1])\r\n"
		"\tby mx.d.test with ESMTPS id 0d1q8zk4m2x7a;\r\n"
		"\tSun, 22 Nov 2026 04:00:00 +0000\r\n"),
	    f);
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	return delivery_run(db, &((struct producer *)job)->d, NULL, NULL, f);
}

static void
start(struct producer *p)
{
	struct bench *b = p->bench;
	int64_t trace = hop_new_trace(&b->traces);

	compose(p);
	p->stage = stage_new(store_dir(b->store));
	stage_add(p->stage, STR("From: Bob <bob@remote.test>\r\n"
				"To: Alice <alice@d.test>\r\n"
				"Subject: morning\r\n"
				"Date: Sun, 22 Nov 2026 04:00:00 +0000\r\n"
				"MIME-Version: 1.0\r\n"
				"Content-Type: text/plain; charset=utf-8\r\n"
				"\r\n"));
	stage_add(p->stage, (struct str){p->text, b->size});
	snprintf(p->message_id, sizeof(p->message_id), "<%lld@remote.test>",
	    (long long)trace);
	for (size_t i = 0; i < b->recipients; i++)
		p->targets[i] = (struct delivery_target){
		    b->accounts[(p->account + i) % ACCOUNTS],
		    STR("alice@d.test"), .original = STR("")};
	p->hops[0] = (struct hop){.at_ms = trace >> 21,
	    .daemon = HOP_SMTPD,
	    .kind = HOP_RECEIVED,
	    .peer = STR("mx.remote.test [192.0.2.1]"),
	    .detail = STR("ESMTPS TLSv1.3 TLS_AES_256_GCM_SHA384")};
	p->hops[1] = (struct hop){.at_ms = trace >> 21,
	    .daemon = HOP_SMTPD,
	    .kind = HOP_ROUTED,
	    .recipient = STR("alice+x@d.test"),
	    .detail = STR("alice@d.test")};
	p->d = (struct delivery){.trace = trace,
	    .stage = p->stage,
	    .sender = STR("bob@remote.test"),
	    .message_id = str_of(p->message_id),
	    .now_ms = clock_wall_ms(&clock_system),
	    .daemon = HOP_SMTPD,
	    .targets = p->targets,
	    .n_targets = b->recipients,
	    .hops = p->hops,
	    .n_hops = 2};
	store_write(b->store, &p->job);
}

static void
done(struct store_job *job)
{
	struct producer *p = (struct producer *)job;
	struct bench *b = p->bench;

	stage_free(p->stage);
	b->delivered += job->rc == 0;
	b->failed += job->rc != 0;
	if (clock_mono_ms(&clock_system) < b->until_ms)
		start(p);
	else
		b->active--;
}

static void
wake(void *arg)
{
	uint64_t one = 1;

	if (write(*(int *)arg, &one, sizeof(one)) == -1)
		perror("eventfd");
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
measure(struct bench *b, size_t producers, int seconds)
{
	struct producer *p = mem_new(producers, sizeof(*p));
	int64_t began = clock_mono_ms(&clock_system) + 1000, took;
	bool warm = false;
	double cpu = 0;

	b->failed = 0;
	b->active = producers;
	b->until_ms = began + seconds * 1000;
	for (size_t i = 0; i < producers; i++) {
		p[i].job = (struct store_job){.prepare = prepare,
		    .run = run,
		    .done = done,
		    .weight = b->size < 64 * KB ? b->size : 2 * KB,
		    .repeatable = true,
		    .light = b->size < 64 * KB};
		p[i].bench = b;
		p[i].text = mem_new(b->size, 1);
		p[i].account = i % ACCOUNTS;
		start(&p[i]);
	}
	while (b->active > 0) {
		struct pollfd fd = {b->wake, POLLIN, 0};
		uint64_t count;

		poll(&fd, 1, -1);
		if (read(b->wake, &count, sizeof(count)) == -1)
			perror("eventfd");
		store_reap(b->store);
		if (warm || clock_mono_ms(&clock_system) < began)
			continue;
		warm = true;
		began = clock_mono_ms(&clock_system);
		cpu = cpu_s();
		b->delivered = 0;
	}
	took = clock_mono_ms(&clock_system) - began;
	cpu = cpu_s() - cpu;
	printf("%4zu producers  %8.0f msgs/s  %.3f ms CPU each%s\n", producers,
	    (double)b->delivered * 1000 / (double)took,
	    b->delivered > 0 ? cpu * 1000 / (double)b->delivered : 0,
	    b->failed > 0 ? "  SOME FAILED" : "");
	fflush(stdout);
	for (size_t i = 0; i < producers; i++)
		free(p[i].text);
	free(p);
}

static int
people(struct db *db, void *arg, struct fail *f)
{
	struct bench *b = arg;

	if (domain_add(db, STR("d.test"), 0, f) == -1)
		return -1;
	for (size_t i = 0; i < ACCOUNTS; i++) {
		char login[32];

		snprintf(login, sizeof(login), "user%zu@d.test", i);
		if (account_add(db, str_of(login), 0, 0, &b->accounts[i], f) ==
		    -1)
			return -1;
	}
	return 0;
}

static void
sync_limit(const char *dir)
{
	char path[300], page[4096] = {1};
	int64_t began;
	size_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/sync", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	began = clock_mono_ms(&clock_system);
	while (clock_mono_ms(&clock_system) < began + 1000) {
		if (write(fd, page, sizeof(page)) == -1 || fdatasync(fd) == -1)
			perror(path);
		n++;
	}
	close(fd);
	unlink(path);
	printf("     fdatasync  %8zu /s (4 KiB appended each)\n", n);
}

/* The number at this place of the arguments, or the one there is. */
static bool
number(int argc, char **argv, int at, uint64_t max, uint64_t *n)
{
	return argc <= at || (str_to_u64(str_of(argv[at]), max, n) && *n > 0);
}

static void
make_store(struct bench *b, char *dir)
{
	struct fail f;
	struct db *db;

	if (mkdtemp(dir) == NULL) {
		perror(dir);
		exit(71);
	}
	db = db_open(dir, DB_MAIL, DB_WRITER, &f);
	if (db == NULL || db_write(db, people, b, &f) == -1)
		die(dir, &f);
	db_close(db);
}

int
main(int argc, char **argv)
{
	struct bench b = {.traces = {.clock = &clock_system},
	    .seed = 1,
	    .size = 10240,
	    .recipients = 1};
	struct store_options o = {
	    .readers = 1, .wake = wake, .wake_arg = &b.wake};
	char dir[256];
	uint64_t seconds = 5, producers = 0;
	struct fail f;

	if (!number(argc, argv, 2, 3600, &seconds) ||
	    !number(argc, argv, 3, 4000, &producers) ||
	    !number(argc, argv, 4, ACCOUNTS, &b.recipients) ||
	    !number(argc, argv, 5, 64 * MB, &b.size))
		return 64;
	snprintf(
	    dir, sizeof(dir), "%s/bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
	make_store(&b, dir);
	b.wake = eventfd(0, EFD_CLOEXEC);
	o.dir = dir;
	b.store = store_open(&o, &f);
	if (b.store == NULL)
		die(dir, &f);
	if (producers > 0) {
		measure(&b, producers, (int)seconds);
	} else {
		sync_limit(dir);
		measure(&b, 1, (int)seconds);
		measure(&b, 10, (int)seconds);
		measure(&b, 100, (int)seconds);
	}
	store_close(b.store);
	printf("the store is left in %s\n", dir);
	return 0;
}
