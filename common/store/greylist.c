/* SPDX-License-Identifier: MIT */
#include "common/store/greylist.h"

#include <sodium.h>

#include "common/store/sql.h"

#define KEY_LEN 16

static const char sql_find[] =
    "SELECT first, last, passed FROM greylist WHERE key = ?1";
static const char sql_put[] =
    "INSERT INTO greylist (key, first, last, passed) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (key) DO UPDATE SET first = ?2, last = ?3, passed = ?4";
static const char sql_sweep[] =
    "DELETE FROM greylist WHERE key IN (SELECT key FROM greylist"
    " WHERE last < ?1 AND (passed = 0 OR last < ?2) LIMIT ?3)";

/* Each part with its length in front, so that none runs into the next. */
static void
make_key(const struct greylist_question *q, unsigned char key[KEY_LEN])
{
	const struct str parts[] = {q->network, q->sender, q->recipient};
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, KEY_LEN);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t len = parts[i].len;

		crypto_generichash_update(
		    &state, (const unsigned char *)&len, sizeof(len));
		if (len > 0)
			crypto_generichash_update(
			    &state, (const unsigned char *)parts[i].at, len);
	}
	crypto_generichash_final(&state, key, KEY_LEN);
}

/* The entry as it is to be from now on. */
struct entry {
	int64_t first, last, passed;
};

static void
look(struct entry *e, const struct greylist_question *q)
{
	int64_t life_ms = e->passed ? q->life_ms : GREYLIST_RETRY_MS;

	/* a clock that was set back makes nobody wait for the old time */
	if (q->now_ms - e->last > life_ms || q->now_ms < e->first)
		*e = (struct entry){.first = q->now_ms};
	else if (q->now_ms - e->first >= q->wait_ms)
		e->passed = 1;
	e->last = q->now_ms;
}

int
greylist_ask(struct db *db, const struct greylist_question *q,
    enum greylist_answer *a, struct fail *f)
{
	unsigned char octets[KEY_LEN];
	struct str key = {(const char *)octets, sizeof(octets)};
	struct entry e = {.first = q->now_ms};
	sqlite3_stmt *st;
	int got;

	make_key(q, octets);
	st = sql_bind(db, sql_find, f, "b", key);
	got = sql_step(st, f);
	if (got == -1)
		return -1;
	if (got == 1) {
		e = (struct entry){
		    sql_int(st, 0), sql_int(st, 1), sql_int(st, 2)};
		sqlite3_reset(st);
		look(&e, q);
	} else {
		e.last = q->now_ms;
	}
	*a = e.passed ? GREYLIST_PASS : GREYLIST_WAIT;
	return sql_run(db, sql_put, f, "biii", key, e.first, e.last, e.passed);
}

int
greylist_sweep(struct db *db, int64_t now_ms, int64_t life_ms, size_t max,
    size_t *swept, struct fail *f)
{
	*swept = 0;
	if (sql_run(db, sql_sweep, f, "iii", now_ms - GREYLIST_RETRY_MS,
		now_ms - life_ms, (int64_t)max) == -1)
		return -1;
	*swept = (size_t)sql_changes(db);
	return 0;
}
