/* SPDX-License-Identifier: MIT */
/*
 * store_fill: put many messages into a store, fast, and in the way that smtpd
 * does: each staged, sealed and delivered, with its hops.
 *
 *	store_fill DIRECTORY MESSAGES USERS SIZE
 *
 * They go to the INBOXes of user0@d.test, user1@d.test... in turn, who are made
 * if they are not there.  No daemon may run on the store meanwhile.  A line of
 * JSON says how long it took.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/store/account.h"
#include "common/store/delivery.h"
#include "common/store/store.h"
#include "common/util/buf.h"
#include "common/util/clock.h"
#include "common/util/mem.h"

#define PRODUCERS 256
#define SIZE_MOST (64 * KB)

struct fill {
	struct store *store;
	struct trace_source traces;
	uint64_t messages, users, size;
	int64_t *accounts;
	int wake;
	uint64_t begun, delivered;
	size_t active;
};

struct producer {
	struct store_job job; /* first: cast back */
	struct fill *fill;
	struct stage *stage;
	struct delivery d;
	struct delivery_target target;
	struct hop hop;
	char message_id[64];
	struct buf text;
};

static void
die(const char *what, const struct fail *f)
{
	fprintf(stderr, "store_fill: %s: %s\n", what, f->text);
	exit(1);
}

/* A short letter in plain text: most of its words are common. */
static void
compose(struct buf *b, uint64_t number, uint64_t size)
{
	static const char *const words[] = {"the ", "mail ", "server ", "and ",
	    "letter ", "of ", "Alice ", "to ", "Bob ", "which ", "arrived ",
	    "early\r\n", "morning ", "with ", "kind ", "regards\r\n"};
	uint64_t seed = number * 0x9e3779b97f4a7c15ULL + 1;

	buf_clear(b);
	buf_addf(b,
	    "From: Person %llu <person%llu@remote.test>\r\n"
	    "To: user@d.test\r\nSubject: letter %llu of many\r\n"
	    "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
	    "Message-ID: <fill.%llu@remote.test>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
	    (unsigned long long)(seed >> 33) % 500,
	    (unsigned long long)(seed >> 33) % 500, (unsigned long long)number,
	    (unsigned long long)number);
	while (b->len < size) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		if (seed >> 62 > 0)
			buf_addf(b, "%s", words[seed >> 58 & 15]);
		else
			buf_addf(b, "word%llu ",
			    (unsigned long long)(seed >> 40) % 4096);
	}
	buf_add(b, STR("\r\n"));
}

static int
prepare(struct store_job *job, struct fail *f)
{
	return stage_seal(((struct producer *)job)->stage,
	    STR("Return-Path: <bob@remote.test>\r\n"), f);
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	return delivery_run(db, &((struct producer *)job)->d, NULL, NULL, f);
}

static void
start(struct producer *p)
{
	struct fill *x = p->fill;
	uint64_t number = x->begun++;
	int64_t trace = hop_new_trace(&x->traces);

	compose(&p->text, number, x->size);
	p->stage = stage_new(store_dir(x->store));
	stage_add(p->stage, buf_str(&p->text));
	snprintf(p->message_id, sizeof(p->message_id),
	    "<fill.%llu@remote.test>", (unsigned long long)number);
	p->target = (struct delivery_target){x->accounts[number % x->users],
	    STR("user@d.test"), .original = STR("")};
	p->hop = (struct hop){.at_ms = trace >> 21,
	    .daemon = HOP_SMTPD,
	    .kind = HOP_RECEIVED,
	    .peer = STR("mx.remote.test [192.0.2.1]"),
	    .detail = STR("ESMTPS TLSv1.3 TLS_AES_256_GCM_SHA384")};
	p->d = (struct delivery){.trace = trace,
	    .stage = p->stage,
	    .sender = STR("bob@remote.test"),
	    .message_id = str_of(p->message_id),
	    .now_ms = clock_wall_ms(&clock_system),
	    .daemon = HOP_SMTPD,
	    .targets = &p->target,
	    .n_targets = 1,
	    .hops = &p->hop,
	    .n_hops = 1};
	store_write(x->store, &p->job);
}

static void
done(struct store_job *job)
{
	struct producer *p = (struct producer *)job;
	struct fill *x = p->fill;

	if (job->rc == -1)
		die("a delivery", &job->fail);
	stage_free(p->stage);
	x->delivered++;
	if (x->begun < x->messages)
		start(p);
	else
		x->active--;
}

static void
wake(void *arg)
{
	uint64_t one = 1;

	if (write(*(int *)arg, &one, sizeof(one)) == -1)
		perror("eventfd");
}

static void
deliver_all(struct fill *x)
{
	struct producer *p = mem_new(PRODUCERS, sizeof(*p));

	for (size_t i = 0; i < PRODUCERS && x->begun < x->messages; i++) {
		p[i].job = (struct store_job){.prepare = prepare,
		    .run = run,
		    .done = done,
		    .weight = x->size,
		    .light = true};
		p[i].fill = x;
		buf_init(&p[i].text, 2 * SIZE_MOST);
		x->active++;
		start(&p[i]);
	}
	while (x->active > 0) {
		struct pollfd fd = {x->wake, POLLIN, 0};
		uint64_t count;

		poll(&fd, 1, -1);
		if (read(x->wake, &count, sizeof(count)) == -1)
			perror("eventfd");
		store_reap(x->store);
	}
	for (size_t i = 0; i < PRODUCERS; i++)
		buf_release(&p[i].text);
	free(p);
}

/* Those who are not there are made. */
static int
people(struct db *db, void *arg, struct fail *f)
{
	struct fill *x = arg;
	struct account account;
	char login[64];
	int got = domain_find(db, STR("d.test"), f);

	if (got == -1 ||
	    (got == 0 && domain_add(db, STR("d.test"), 0, f) == -1))
		return -1;
	for (uint64_t i = 0; i < x->users; i++) {
		snprintf(login, sizeof(login), "user%llu@d.test",
		    (unsigned long long)i);
		got = account_find(db, str_of(login), &account, f);
		x->accounts[i] = account.id;
		if (got == -1 || (got == 0 && account_add(db, str_of(login), 0,
						  0, &x->accounts[i], f) == -1))
			return -1;
	}
	return 0;
}

static void
fill(struct fill *x, const char *dir)
{
	struct store_options o = {
	    .dir = dir, .readers = 1, .wake = wake, .wake_arg = &x->wake};
	struct fail f;
	struct db *db = db_open(dir, DB_MAIL, DB_WRITER, &f);

	if (db == NULL || db_write(db, people, x, &f) == -1)
		die(dir, &f);
	db_close(db);
	x->wake = eventfd(0, EFD_CLOEXEC);
	x->store = store_open(&o, &f);
	if (x->store == NULL)
		die(dir, &f);
	deliver_all(x);
	store_close(x->store);
	close(x->wake);
}

int
main(int argc, char **argv)
{
	struct fill x = {.traces = {.clock = &clock_system}};
	int64_t began = clock_mono_ms(&clock_system);
	double took;

	if (argc != 5 || !str_to_u64(str_of(argv[2]), 1U << 30, &x.messages) ||
	    !str_to_u64(str_of(argv[3]), 1000000, &x.users) || x.users == 0 ||
	    !str_to_u64(str_of(argv[4]), SIZE_MOST, &x.size)) {
		fputs("usage: store_fill DIRECTORY MESSAGES USERS SIZE\n",
		    stderr);
		return 64;
	}
	x.accounts = mem_new(x.users, sizeof(*x.accounts));
	fill(&x, argv[1]);
	took = (double)(clock_mono_ms(&clock_system) - began) / 1000;
	printf(
	    "{\"messages\": %llu, \"seconds\": %.3f, \"per_second\": %.0f}\n",
	    (unsigned long long)x.delivered, took, (double)x.delivered / took);
	free(x.accounts);
	return 0;
}
