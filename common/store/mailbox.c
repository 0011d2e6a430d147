/* SPDX-License-Identifier: MIT */
#include "common/store/mailbox.h"

#include "common/store/mailbox_name.h"
#include "common/store/mailbox_row.h"
#include "common/util/mem.h"

static const char sql_find[] =
    "SELECT " MAILBOX_ROW
    " FROM mailbox m JOIN mailbox_state s ON s.mailbox = m.id"
    " WHERE m.account = ?1 AND m.name = ?2";
static const char sql_find_id[] =
    "SELECT " MAILBOX_ROW
    " FROM mailbox m JOIN mailbox_state s ON s.mailbox = m.id"
    " WHERE m.id = ?1";
static const char sql_name[] = "SELECT name FROM mailbox WHERE id = ?1";
static const char sql_subscriptions[] =
    "SELECT count(*) FROM subscription WHERE account = ?1";
static const char sql_subscribe[] =
    "INSERT INTO subscription (account, name) VALUES (?1, ?2)"
    " ON CONFLICT DO NOTHING";
static const char sql_unsubscribe[] =
    "DELETE FROM subscription WHERE account = ?1 AND name = ?2";
static const char sql_set_recent[] =
    "UPDATE mailbox_state SET recent_uid = min(?2, uid_next)"
    " WHERE mailbox = ?1 AND recent_uid < ?2";

static int
take(sqlite3_stmt *st, struct mailbox *out, struct fail *f)
{
	int got = sql_step(st, f);

	if (got == 1) {
		*out = mailbox_row(st);
		sqlite3_reset(st);
	}
	return got;
}

int
mailbox_find(struct db *db, int64_t account, struct str name,
    struct mailbox *out, struct fail *f)
{
	struct fail ignored;
	struct buf folded;
	int got = 0;

	buf_init(&folded, MAILBOX_NAME_MAX);
	/* what can be no mailbox's name is none's */
	if (mailbox_name_fold(name, &folded, &ignored))
		got = take(
		    sql_bind(db, sql_find, f, "it", account, buf_str(&folded)),
		    out, f);
	buf_release(&folded);
	return got;
}

int
mailbox_find_id(struct db *db, int64_t id, struct mailbox *out, struct fail *f)
{
	return take(sql_bind(db, sql_find_id, f, "i", id), out, f);
}

int
mailbox_name(struct db *db, int64_t id, char **name, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_name, f, "i", id);
	int got = sql_step(st, f);

	*name = NULL;
	if (got == 1) {
		*name = sql_dup(st, 0);
		sqlite3_reset(st);
	}
	return got;
}

static int
subscribe(
    struct db *db, int64_t account, struct str name, bool on, struct fail *f)
{
	int64_t n = 0;

	if (!on)
		return sql_run(db, sql_unsubscribe, f, "it", account, name);
	if (sql_number(db, &n, sql_subscriptions, f, "i", account) == -1)
		return -1;
	if (n >= MAILBOX_COUNT_MAX)
		return fail(f, FAIL_PERM, "there are too many subscriptions");
	return sql_run(db, sql_subscribe, f, "it", account, name);
}

int
mailbox_subscribe(
    struct db *db, int64_t account, struct str name, bool on, struct fail *f)
{
	struct buf folded;
	int rc = -1;

	buf_init(&folded, MAILBOX_NAME_MAX);
	if (mailbox_name_fold(name, &folded, f))
		rc = subscribe(db, account, buf_str(&folded), on, f);
	buf_release(&folded);
	return rc;
}

int
mailbox_set_recent(struct db *db, int64_t mailbox, uint32_t uid, struct fail *f)
{
	return sql_run(db, sql_set_recent, f, "ii", mailbox, (int64_t)uid);
}
