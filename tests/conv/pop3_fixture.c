/* SPDX-License-Identifier: MIT */
/*
 * Make a store for POP3 tests: alice@d.test has the messages of
 * tests/conv/pop3/maildrop with uids 10, 20, 30, 40, bob@d.test none,
 * many@d.test a number of small ones, big@d.test one of many MiB; and a
 * throw-away certificate for localhost.
 *
 *	pop3_fixture STORE CERTIFICATES MANY MIB
 *
 * Prints `address id' for each account.  And what another session would do:
 *
 *	pop3_fixture STORE expunge ACCOUNT-ID UID
 */
#include <inttypes.h>
#include <stdlib.h>

#include "common/net/throwaway.h"
#include "common/store/account.h"
#include "common/store/body.h"
#include "common/store/delivery.h"
#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "common/util/buf.h"
#include "common/util/clock.h"
#include "common/util/mem.h"

#define DIR  "tests/conv/pop3/maildrop"
#define DAY  ((int64_t)86400000)
#define LINE "Line of text, neither long nor short, and it ends here.\r\n"

static _Noreturn void
die(const char *text)
{
	fprintf(stderr, "pop3_fixture: %s\n", text);
	exit(1);
}

struct work {
	const char *store;
	struct str login;
	int64_t account;
	struct trace_source traces;
	struct buf text; /* message to be delivered */
	size_t copies;   /* of text; or the uid to expunge */
};

static int
make_account(struct db *db, void *arg, struct fail *f)
{
	struct work *w = arg;
	int64_t now = clock_wall_ms(&clock_system);

	if (domain_find(db, STR("d.test"), f) != 1 &&
	    domain_add(db, STR("d.test"), now, f) == -1)
		return -1;
	return account_add(db, w->login, 0, now, &w->account, f);
}

static int
deliver(struct db *db, void *arg, struct fail *f)
{
	struct work *w = arg;
	int64_t now = clock_wall_ms(&clock_system);
	struct delivery_target to = {
	    .account = w->account, .address = w->login};

	for (size_t i = 0; i < w->copies; i++) {
		struct delivery d = {.trace = hop_new_trace(&w->traces),
		    .stage = stage_new(w->store),
		    .sender = STR("bob@d.test"),
		    .now_ms = now,
		    .expires_ms = now + DAY,
		    .daemon = HOP_MAILCTL,
		    .targets = &to,
		    .n_targets = 1};
		int rc;

		stage_add(d.stage, buf_str(&w->text));
		rc = stage_seal(d.stage, (struct str){NULL, 0}, f);
		rc = rc == -1 ? -1 : delivery_run(db, &d, NULL, NULL, f);
		stage_free(d.stage);
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* All but each tenth message go, so that uids are not places. */
static int
thin_out(struct db *db, void *arg, struct fail *f)
{
	struct work *w = arg;
	struct hop who = {
	    .daemon = HOP_MAILCTL, .at_ms = clock_wall_ms(&clock_system)};
	struct mailbox box;
	size_t removed;
	int64_t modseq;

	if (mailbox_find(db, w->account, STR("INBOX"), &box, f) != 1)
		return -1;
	for (uint32_t uid = 1; uid < 40; uid++)
		if (uid % 10 != 0 &&
		    message_expunge(db, box.id, &uid, 1, false, &who, NULL,
			&removed, &modseq, f) == -1)
			return -1;
	return 0;
}

static void
load(struct buf *text, int n)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), DIR "/%d.eml", n);
	file = fopen(path, "rb");
	if (file == NULL)
		die("run me in the source directory");
	buf_added(text, fread(buf_reserve(text, 4 * KB), 1, 4 * KB, file));
	fclose(file);
}

static void
run(struct db *db, db_work *work, struct work *w)
{
	struct fail f;

	if (db_write(db, work, w, &f) == -1)
		die(f.text);
}

static void
fill_alice(struct db *db, struct work *w)
{
	for (int i = 1; i <= 40; i++) {
		buf_clear(&w->text);
		if (i % 10 == 0)
			load(&w->text, i / 10);
		else
			buf_add(&w->text, STR("Subject: filler\r\n\r\n"));
		w->copies = 1;
		run(db, deliver, w);
	}
	run(db, thin_out, w);
}

static void
fill_big(struct db *db, struct work *w, size_t mib)
{
	buf_clear(&w->text);
	buf_add(&w->text, STR("Subject: big\r\n\r\n"));
	while (w->text.len < mib * MB)
		buf_addf(&w->text, "%zu.%zu\r\n.%s", w->text.len,
		    w->text.len * 2654435761u, LINE);
	w->copies = 1;
	run(db, deliver, w);
}

static void
fill_many(struct db *db, struct work *w, size_t many)
{
	buf_clear(&w->text);
	buf_add(&w->text, STR("Subject: one of many\r\n\r\n" LINE));
	for (size_t left = many; left > 0; left -= w->copies) {
		w->copies = left < 1000 ? left : 1000;
		run(db, deliver, w);
	}
}

/* Expunge the uid, and sweep bodies nobody has. */
static int
expunge(struct db *db, void *arg, struct fail *f)
{
	struct work *w = arg;
	struct hop who = {
	    .daemon = HOP_MAILCTL, .at_ms = clock_wall_ms(&clock_system)};
	uint32_t uid = (uint32_t)w->copies;
	struct mailbox box;
	int64_t modseq;
	size_t n;

	if (mailbox_find(db, w->account, STR("INBOX"), &box, f) != 1 ||
	    message_expunge(
		db, box.id, &uid, 1, false, &who, NULL, &n, &modseq, f) == -1)
		return -1;
	if (n != 1)
		return fail(f, FAIL_PERM, "no such message");
	do {
		if (body_sweep(db, 100, &n, f) == -1)
			return -1;
	} while (n > 0);
	return 0;
}

static void
fill(struct db *db, struct work *w, size_t many, size_t mib)
{
	static const char *const logins[] = {
	    "alice@d.test", "bob@d.test", "many@d.test", "big@d.test"};

	for (int i = 0; i < 4; i++) {
		w->login = str_of(logins[i]);
		run(db, make_account, w);
		printf("%s %" PRId64 "\n", logins[i], w->account);
		if (i == 0)
			fill_alice(db, w);
		else if (i == 2)
			fill_many(db, w, many);
		else if (i == 3)
			fill_big(db, w, mib);
	}
}

int
main(int argc, char **argv)
{
	static const char *const names[] = {"localhost", "127.0.0.1"};
	struct work w = {.traces = {.clock = &clock_system}};
	size_t a, b;
	struct fail f;
	struct db *db;

	if (argc != 5 || !str_to_size(str_of(argv[3]), 2000000, &a) ||
	    !str_to_size(str_of(argv[4]), 1000, &b))
		die("usage: pop3_fixture STORE CERTIFICATES MANY MIB");
	w.store = argv[1];
	buf_init(&w.text, 1001 * MB);
	db = db_open(w.store, DB_MAIL, DB_WRITER, &f);
	if (db == NULL)
		die(f.text);
	if (str_eq(str_of(argv[2]), STR("expunge"))) {
		w.account = (int64_t)a;
		w.copies = b;
		run(db, expunge, &w);
	} else {
		if (throwaway_ca(argv[2], names, 2, &f) == -1)
			die(f.text);
		fill(db, &w, a, b);
	}
	db_close(db);
	buf_release(&w.text);
	return 0;
}
