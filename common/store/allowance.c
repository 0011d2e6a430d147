/* SPDX-License-Identifier: MIT */
#include "common/store/allowance.h"

#include <stdlib.h>

#include "common/store/reputation.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define DAY     24 /* hours */

/* Who writes to more at once answers nobody in particular. */
#define ANSWERS_MAX 20

static const char sql_used[] =
    "SELECT hour, messages, recipients, new_recipients FROM sent"
    " WHERE account = ?1 AND hour BETWEEN ?2 AND ?3";
static const char sql_count[] =
    "INSERT INTO sent (account, hour, messages, recipients, new_recipients)"
    " VALUES (?1, ?2, 1, ?3, ?4)"
    " ON CONFLICT (account, hour) DO UPDATE SET messages = messages + 1,"
    " recipients = recipients + ?3, new_recipients = new_recipients + ?4";
static const char sql_told[] =
    "INSERT INTO sent (account, hour, told) VALUES (?1, ?2, 1)"
    " ON CONFLICT (account, hour) DO UPDATE SET told = 1";
static const char sql_is_told[] =
    "SELECT 1 FROM sent"
    " WHERE account = ?1 AND hour > ?2 AND hour <= ?3 AND told = 1 LIMIT 1";
static const char sql_sweep[] =
    "DELETE FROM sent WHERE (account, hour) IN"
    " (SELECT account, hour FROM sent WHERE hour < ?1 LIMIT ?2)";

/* How much of n, counted in an hour, lies within the last `hours': all, or of
 * the one they begin in the middle of what is left, rounded up. */
static uint64_t
within(int64_t n, int64_t hour, int64_t hours, int64_t now_ms)
{
	int64_t left_ms = (hour + hours + 1) * HOUR_MS - now_ms;

	if (left_ms <= 0 || n <= 0)
		return 0;
	if (left_ms >= HOUR_MS)
		return (uint64_t)n;
	return ((uint64_t)n * (uint64_t)left_ms + (uint64_t)HOUR_MS - 1) /
	       (uint64_t)HOUR_MS;
}

int
allowance_used(struct db *db, int64_t account, int64_t now_ms,
    struct allowance_use *out, struct fail *f)
{
	int64_t now = now_ms / HOUR_MS;
	sqlite3_stmt *st = sql_bind(
	    db, sql_used, f, "iii", account, now - DAY, now);
	int got;

	*out = (struct allowance_use){0};
	while ((got = sql_step(st, f)) == 1) {
		int64_t hour = sql_int(st, 0);

		out->messages_hour += within(sql_int(st, 1), hour, 1, now_ms);
		out->recipients_day += within(
		    sql_int(st, 2), hour, DAY, now_ms);
		out->new_recipients_day += within(
		    sql_int(st, 3), hour, DAY, now_ms);
	}
	return got;
}

static int
by_octets(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Each once; how many. */
static size_t
drop_twins(struct str *names, size_t n)
{
	size_t kept = 0;

	qsort(names, n, sizeof(*names), by_octets);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !str_eq(names[i], names[kept - 1]))
			names[kept++] = names[i];
	return kept;
}

static int
count_new(struct db *db, int64_t account, const struct str *names, size_t n,
    uint64_t *count, struct fail *f)
{
	*count = 0;
	for (size_t i = 0; i < n; i++) {
		int known = correspondent_known(db, account, names[i], f);

		if (known == -1)
			return -1;
		*count += known == 0;
	}
	return 0;
}

static bool
is_over(uint64_t used, uint64_t more, uint64_t limit)
{
	return limit > 0 && used + more > limit;
}

static enum allowance_result
judge(const struct allowance_law *law, const struct allowance_use *used,
    uint64_t recipients, uint64_t new_recipients)
{
	if (is_over(used->messages_hour, 1, law->messages_per_hour))
		return ALLOWANCE_MESSAGES;
	if (is_over(used->recipients_day, recipients, law->recipients_per_day))
		return ALLOWANCE_RECIPIENTS;
	if (is_over(used->new_recipients_day, new_recipients,
		law->new_recipients_per_day))
		return ALLOWANCE_NEW_RECIPIENTS;
	return ALLOWANCE_OK;
}

static int
note(struct db *db, const struct allowance_law *law, int64_t account,
    const struct str *names, size_t n, int64_t now_ms, struct fail *f)
{
	bool is_new;

	for (size_t i = 0; i < n; i++) {
		if (correspondent_note(
			db, account, names[i], now_ms, &is_new, f) == -1)
			return -1;
		if (law->learn && n <= ANSWERS_MAX &&
		    reputation_vote(
			db, names[i], REPUTATION_ANSWERED, now_ms, f) == -1)
			return -1;
	}
	return 0;
}

/* names: each once. */
static int
take(struct db *db, const struct allowance_law *law, int64_t account,
    const struct str *names, size_t n, int64_t now_ms, enum allowance_result *r,
    bool *tell, struct fail *f)
{
	struct allowance_use used;
	uint64_t strangers;
	int told;

	if (allowance_used(db, account, now_ms, &used, f) == -1 ||
	    count_new(db, account, names, n, &strangers, f) == -1)
		return -1;
	*r = judge(law, &used, n, strangers);
	if (*r != ALLOWANCE_OK) {
		told = allowance_is_told(db, account, now_ms, f);
		*tell = told == 0;
		return told == -1 ? -1 : 0;
	}
	if (sql_run(db, sql_count, f, "iiii", account, now_ms / HOUR_MS,
		(int64_t)n, (int64_t)strangers) == -1)
		return -1;
	return note(db, law, account, names, n, now_ms, f);
}

int
allowance_take(struct db *db, const struct allowance_law *law, int64_t account,
    const struct str *recipients, size_t n, int64_t now_ms,
    enum allowance_result *r, bool *tell, struct fail *f)
{
	struct str *names = mem_new(n + 1, sizeof(*names));
	int rc;

	*r = ALLOWANCE_OK;
	*tell = false;
	for (size_t i = 0; i < n; i++)
		names[i] = recipients[i];
	rc = take(
	    db, law, account, names, drop_twins(names, n), now_ms, r, tell, f);
	free(names);
	return rc;
}

int
allowance_told(struct db *db, int64_t account, int64_t now_ms, struct fail *f)
{
	return sql_run(db, sql_told, f, "ii", account, now_ms / HOUR_MS);
}

int
allowance_is_told(
    struct db *db, int64_t account, int64_t now_ms, struct fail *f)
{
	int64_t now = now_ms / HOUR_MS, one;

	return sql_number(
	    db, &one, sql_is_told, f, "iii", account, now - DAY, now);
}

int
allowance_sweep(
    struct db *db, int64_t now_ms, size_t max, size_t *swept, struct fail *f)
{
	*swept = 0;
	if (sql_run(db, sql_sweep, f, "ii", now_ms / HOUR_MS - DAY,
		(int64_t)max) == -1)
		return -1;
	*swept = (size_t)sql_changes(db);
	return 0;
}
