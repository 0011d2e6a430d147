/* SPDX-License-Identifier: MIT */
/*
 * fixture: a store of its own for each test, with the suite's people in it:
 * domains d.test and e.test, accounts alice@d.test, bob@d.test, carol@e.test.
 * Whatever goes wrong here ends the program.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/store/account.h"
#include "common/store/body.h"
#include "common/store/delivery.h"
#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "common/store/sql.h"
#include "common/store/txn.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define NOW 1795000000000LL /* November 2026 */

struct fixture {
	char dir[64];
	struct db *db;
	int64_t alice, bob, carol;
	int64_t trace; /* last one given */
};

#define MUST(call)                                                             \
	do {                                                                   \
		struct fail why = {0};                                         \
		if ((call) == -1) {                                            \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, \
			    #call, why.text);                                  \
			exit(1);                                               \
		}                                                              \
	} while (0)

static inline int
fixture_people(struct db *db, void *arg, struct fail *f)
{
	struct fixture *x = arg;

	if (domain_add(db, STR("d.test"), NOW, f) == -1 ||
	    domain_add(db, STR("e.test"), NOW, f) == -1 ||
	    account_add(db, STR("alice@d.test"), 0, NOW, &x->alice, f) == -1 ||
	    account_add(db, STR("bob@d.test"), 0, NOW, &x->bob, f) == -1)
		return -1;
	return account_add(db, STR("carol@e.test"), 0, NOW, &x->carol, f);
}

static inline void
fixture_dir(char dir[64])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, 64, "%s/store-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		exit(1);
	}
}

static inline void
fixture_open(struct fixture *x)
{
	struct fail f;

	x->db = db_open(x->dir, DB_MAIL, DB_WRITER, &f);
	if (x->db == NULL) {
		fprintf(stderr, "%s\n", f.text);
		exit(1);
	}
}

static inline void
fixture_init(struct fixture *x)
{
	*x = (struct fixture){.trace = 1000};
	fixture_dir(x->dir);
	fixture_open(x);
	MUST(db_write(x->db, fixture_people, x, &why));
}

static inline int
fixture_unlink(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static inline void
fixture_remove_dir(const char *dir)
{
	nftw(dir, fixture_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
fixture_release(struct fixture *x)
{
	db_close(x->db);
	fixture_remove_dir(x->dir);
}

static inline void
fixture_say(void *arg, const char *sentence)
{
	(void)arg;
	fprintf(stderr, "db_check: %s\n", sentence);
}

/* The checker finds nothing. */
static inline bool
fixture_is_clean(struct fixture *x)
{
	struct fail f;
	int rc = db_check(x->db, fixture_say, NULL, &f);

	if (rc == -1)
		fprintf(stderr, "db_check: %s\n", f.text);
	return rc == 0;
}

static inline int
fixture_deliver_work(struct db *db, void *arg, struct fail *f)
{
	return delivery_run(db, arg, NULL, NULL, f);
}

static inline struct delivery
fixture_delivery(int64_t trace, struct stage *stage,
    const struct delivery_target *targets, size_t n)
{
	return (struct delivery){.trace = trace,
	    .stage = stage,
	    .sender = STR("sender@remote.test"),
	    .message_id = STR("<id@remote.test>"),
	    .now_ms = NOW,
	    .expires_ms = NOW + 1000000,
	    .daemon = HOP_SMTPD,
	    .targets = targets,
	    .n_targets = n};
}

/* Deliver bytes; the trace, or -1 with *f. */
static inline int64_t
fixture_deliver(struct fixture *x, struct str bytes,
    const struct delivery_target *targets, size_t n, struct fail *f)
{
	struct stage *s = stage_new(x->dir);
	struct delivery d;
	int rc;

	stage_add(s, bytes);
	rc = stage_seal(s, STR(""), f);
	d = fixture_delivery(++x->trace, s, targets, n);
	if (rc == 0)
		rc = db_write(x->db, fixture_deliver_work, &d, f);
	stage_free(s);
	return rc == 0 ? x->trace : -1;
}

/* The only number a query gives. */
static inline int64_t
fixture_number(struct fixture *x, const char *sql)
{
	sqlite3_stmt *st;
	int64_t n = -1;

	if (sqlite3_prepare_v2(x->db->sqlite, sql, -1, &st, NULL) !=
		SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(x->db->sqlite));
		exit(1);
	}
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

struct fixture_read {
	int64_t id;
	size_t step;
	struct buf *out;
	struct body *body;
};

static inline int
fixture_open_body(struct db *db, void *arg, struct fail *f)
{
	struct fixture_read *r = arg;

	r->body = body_open(db, r->id, f);
	return r->body == NULL ? -1 : 0;
}

/* All octets of a body, read in pieces of step.  0 or -1. */
static inline int
fixture_body(
    struct fixture *x, int64_t id, size_t step, struct buf *out, struct fail *f)
{
	struct fixture_read r = {.id = id};
	int got = 1;

	if (db_read(x->db, fixture_open_body, &r, f) == -1)
		return -1;
	while (got == 1)
		got = body_read(r.body, step, out, f);
	body_free(r.body);
	return got;
}

/* n octets that do not compress. */
static inline char *
fixture_noise(size_t n, uint64_t seed)
{
	char *p = mem_new(n + 1, 1);

	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		p[i] = (char)(seed >> 56);
	}
	return p;
}

/* How many files are under objects/. */
static int fixture_files;

static inline int
fixture_count(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)path;
	(void)st;
	(void)w;
	fixture_files += type == FTW_F;
	return 0;
}

static inline int
fixture_objects(struct fixture *x)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/objects", x->dir);
	fixture_files = 0;
	nftw(path, fixture_count, 16, FTW_PHYS);
	return fixture_files;
}

#endif
