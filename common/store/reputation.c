/* SPDX-License-Identifier: MIT */
#include "common/store/reputation.h"

#include <math.h>

#include "common/mime/addr.h"
#include "common/store/sql.h"

#define HALF_LIFE_MS (INT64_C(30) * 24 * 60 * 60 * 1000)
#define VOTES_LEAST  1.5 /* two that have faded for twelve days */

static const char sql_find[] =
    "SELECT good, bad, changed FROM reputation WHERE name = ?1";
/* The three of a message in one statement; of names that are not there, as
 * most are, no more is asked than that. */
static const char sql_each[] =
    "SELECT good, bad, changed FROM reputation WHERE name = ?1 UNION ALL"
    " SELECT good, bad, changed FROM reputation WHERE name = ?2 UNION ALL"
    " SELECT good, bad, changed FROM reputation WHERE name = ?3";
static const char sql_put[] =
    "INSERT INTO reputation (name, good, bad, changed)"
    " VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (name) DO UPDATE SET good = ?2, bad = ?3, changed = ?4";
static const char sql_verdict[] =
    "SELECT author, domain, network FROM verdict WHERE trace = ?1";
static const char sql_knows_any[] =
    "SELECT 1 FROM correspondent WHERE address = ?1 LIMIT 1";
static const char sql_knows[] =
    "SELECT 1 FROM correspondent WHERE account = ?1 AND address = ?2";
static const char sql_note[] =
    "INSERT INTO correspondent (account, address, first, last)"
    " VALUES (?1, ?2, ?3, ?3)"
    " ON CONFLICT (account, address) DO UPDATE SET last = ?3";

/* What each vote counts for a name, and for the domain of an address. */
static const struct {
	double good, bad, domain_good, domain_bad;
} votes[] = {
    [REPUTATION_ANSWERED] = {2, 0, 1, 0},
    [REPUTATION_KEPT] = {2, 0, 2, 0},
    [REPUTATION_JUNKED] = {0, 1, 0, 1},
};

struct counts {
	double good, bad;
};

/* A row's, as they are now. */
static struct counts
read_counts(sqlite3_stmt *st, int64_t now_ms)
{
	int64_t age_ms = now_ms - sql_int(st, 2);
	double left = age_ms > 0 ? exp2(-(double)age_ms / HALF_LIFE_MS) : 1;

	return (struct counts){
	    .good = sqlite3_column_double(st, 0) * left,
	    .bad = sqlite3_column_double(st, 1) * left,
	};
}

/* 1, 0 none, -1. */
static int
find(struct db *db, struct str name, int64_t now_ms, struct counts *c,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_find, f, "t", name);
	int got = sql_step(st, f);

	*c = (struct counts){0};
	if (got != 1)
		return got;
	*c = read_counts(st, now_ms);
	sqlite3_reset(st);
	return 1;
}

int
reputation_of(struct db *db, struct str address, struct str domain,
    struct str network, int64_t now_ms, int *score, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_each, f, "ttt", address, domain, network);
	int got;

	*score = 0;
	while ((got = sql_step(st, f)) == 1) {
		struct counts c = read_counts(st, now_ms);

		if (c.good + c.bad < VOTES_LEAST)
			continue;
		*score = (int)lround(100 * (c.good - c.bad) / (c.good + c.bad));
		sqlite3_reset(st);
		return 0;
	}
	return got;
}

static int
add(struct db *db, struct str name, double good, double bad, int64_t now_ms,
    struct fail *f)
{
	sqlite3_stmt *st;
	struct counts c;

	if (find(db, name, now_ms, &c, f) == -1)
		return -1;
	st = sql_bind(db, sql_put, f, "tnni", name, now_ms);
	if (st == NULL)
		return -1;
	if (sqlite3_bind_double(st, 2, c.good + good) != SQLITE_OK ||
	    sqlite3_bind_double(st, 3, c.bad + bad) != SQLITE_OK)
		return sql_fail(db->sqlite, f);
	return sql_step(st, f);
}

/* Either may be empty. */
static int
vote_for(struct db *db, struct str name, struct str domain,
    enum reputation_vote vote, int64_t now_ms, struct fail *f)
{
	if (name.len > 0 &&
	    add(db, name, votes[vote].good, votes[vote].bad, now_ms, f) == -1)
		return -1;
	if (domain.len > 0 && add(db, domain, votes[vote].domain_good,
				  votes[vote].domain_bad, now_ms, f) == -1)
		return -1;
	return 0;
}

int
reputation_vote(struct db *db, struct str address, enum reputation_vote vote,
    int64_t now_ms, struct fail *f)
{
	struct str local, domain;

	if (!addr_split(address, &local, &domain))
		domain = (struct str){0};
	return vote_for(db, address, domain, vote, now_ms, f);
}

/* The names on a message, as text of our own: 1, 0 there are none, -1. */
static int
names_on(struct db *db, int64_t trace, struct buf names[3], struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_verdict, f, "i", trace);
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	for (int i = 0; i < 3; i++)
		buf_add(&names[i], sql_text(st, i));
	sqlite3_reset(st);
	return 1;
}

int
reputation_vote_on(struct db *db, int64_t trace, enum reputation_vote vote,
    int64_t now_ms, struct fail *f)
{
	struct buf names[3];
	struct str author, domain;
	int got;

	for (int i = 0; i < 3; i++)
		buf_init(&names[i], ADDR_MAX);
	got = names_on(db, trace, names, f);
	if (got == 1) {
		author = buf_str(&names[0]);
		domain = buf_str(&names[1]);
		/* nobody was proven: it counts for where it came from */
		if (author.len == 0 && domain.len == 0)
			author = buf_str(&names[2]);
		got = vote_for(db, author, domain, vote, now_ms, f);
	}
	for (int i = 0; i < 3; i++)
		buf_release(&names[i]);
	return got == -1 ? -1 : 0;
}

int
correspondent_known(
    struct db *db, int64_t account, struct str address, struct fail *f)
{
	int64_t one;

	return account == 0
	           ? sql_number(db, &one, sql_knows_any, f, "t", address)
	           : sql_number(db, &one, sql_knows, f, "it", account, address);
}

int
correspondent_note(struct db *db, int64_t account, struct str address,
    int64_t now_ms, bool *is_new, struct fail *f)
{
	int known = correspondent_known(db, account, address, f);

	*is_new = known == 0;
	if (known == -1)
		return -1;
	return sql_run(db, sql_note, f, "iti", account, address, now_ms);
}
