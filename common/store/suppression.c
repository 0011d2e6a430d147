/* SPDX-License-Identifier: MIT */
#include "common/store/suppression.h"

#include "common/mime/addr.h"
#include "common/mime/date.h"
#include "common/store/sql.h"

static const char sql_bad[] =
    "INSERT INTO suppressed (address, bounces, first, last, reply)"
    " VALUES (?1, 1, ?2, ?2, ?3) ON CONFLICT (address) DO UPDATE SET"
    " bounces = bounces + 1, last = ?2, reply = ?3";
static const char sql_any[] = "SELECT 1 FROM suppressed LIMIT 1";
static const char sql_remove[] = "DELETE FROM suppressed WHERE address = ?1";
static const char sql_find[] =
    "SELECT reply, bounces, last FROM suppressed"
    " WHERE address = ?1 AND bounces >= ?2 AND last > ?3";
static const char sql_list[] =
    "SELECT address, bounces, first, last, reply FROM suppressed"
    " ORDER BY address";
static const char sql_sweep[] =
    "DELETE FROM suppressed WHERE address IN"
    " (SELECT address FROM suppressed WHERE last < ?1 LIMIT ?2)";

#define REPLY_SHOWN 300 /* octets, in a sentence */

/* One row for every way to write an address.  What is none as we know them is
 * still one to the server that refused it. */
static struct str
key(struct str address, struct buf *b)
{
	buf_init(b, ADDR_MAX);
	if (!addr_fold(address, b))
		for (size_t i = 0; i < address.len; i++)
			buf_add_char(b, str_lower(address.at[i]));
	return buf_str(b);
}

int
suppression_note(struct db *db, struct str address, bool good, struct str reply,
    int64_t now_ms, struct fail *f)
{
	struct buf b;
	struct str folded = key(address, &b);
	int rc = good ? sql_run(db, sql_remove, f, "t", folded)
	              : sql_run(db, sql_bad, f, "tit", folded, now_ms, reply);

	buf_release(&b);
	return rc;
}

int
suppression_any(struct db *db, struct fail *f)
{
	int64_t one;

	return sql_number(db, &one, sql_any, f, "");
}

static void
write_sentence(sqlite3_stmt *st, struct str address, struct buf *out)
{
	char date[DATE_TEXT_MAX];

	buf_addf(out,
	    "not tried: other servers refused this address %lld times, last"
	    " on %s: \"%.*s\"; `mailctl suppress remove %.*s' lets it be"
	    " tried again",
	    (long long)sql_int(st, 1), date_text(sql_int(st, 2) / 1000, date),
	    STR_FMT(str_first(sql_text(st, 0), REPLY_SHOWN)), STR_FMT(address));
}

int
suppression_find(struct db *db, const struct suppression_law *law,
    struct str address, int64_t now_ms, struct buf *sentence, struct fail *f)
{
	struct buf b;
	struct str folded;
	sqlite3_stmt *st;
	int got;

	if (law->after == 0)
		return 0;
	folded = key(address, &b);
	st = sql_bind(db, sql_find, f, "tii", folded, (int64_t)law->after,
	    now_ms - law->for_ms);
	got = sql_step(st, f);
	if (got == 1) {
		if (sentence != NULL)
			write_sentence(st, folded, sentence);
		sqlite3_reset(st);
	}
	buf_release(&b);
	return got;
}

int
suppression_list(struct db *db,
    void (*fn)(void *arg, const struct suppression *s), void *arg,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_list, f, "");
	int got;

	while ((got = sql_step(st, f)) == 1)
		fn(arg, &(struct suppression){.address = sql_text(st, 0),
			    .bounces = sql_int(st, 1),
			    .first_ms = sql_int(st, 2),
			    .last_ms = sql_int(st, 3),
			    .reply = sql_text(st, 4)});
	return got;
}

int
suppression_remove(struct db *db, struct str address, struct fail *f)
{
	struct buf b;
	struct str folded = key(address, &b);
	int rc = sql_run(db, sql_remove, f, "t", folded);

	buf_release(&b);
	return rc == -1 ? -1 : sql_changes(db) > 0;
}

int
suppression_sweep(
    struct db *db, int64_t before_ms, size_t max, size_t *n, struct fail *f)
{
	if (sql_run(db, sql_sweep, f, "ii", before_ms, (int64_t)max) == -1)
		return -1;
	*n = (size_t)sql_changes(db);
	return 0;
}
