/* SPDX-License-Identifier: MIT */
#include "common/store/mailbox_make.h"

#include "common/store/mailbox_name.h"
#include "common/store/pending_internal.h"
#include "common/store/sql.h"

static const char sql_id[] =
    "SELECT id FROM mailbox WHERE account = ?1 AND name = ?2";
static const char sql_count[] =
    "SELECT count(*) FROM mailbox WHERE account = ?1";

/* Higher than any given before, and than the time: so also after a restore
 * of an old copy (RFC 9051 s2.3.1.1). */
static const char sql_next_validity[] =
    "INSERT INTO meta (key, value) VALUES ('uid_validity', ?1)"
    " ON CONFLICT (key) DO UPDATE SET value = max(value + 1, ?1)"
    " RETURNING value";
static const char sql_add[] =
    "INSERT INTO mailbox (account, name, uid_validity, special, created)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";
static const char sql_add_state[] =
    "INSERT INTO mailbox_state (mailbox) VALUES (?1)";

int
mailbox_refuse(enum mailbox_refusal *refusal, enum mailbox_refusal why,
    struct fail *f, const char *sentence)
{
	*refusal = why;
	fail(f, FAIL_PERM, "%s", sentence);
	return 0;
}

int
mailbox_id(struct db *db, int64_t account, struct str name, int64_t *id,
    struct fail *f)
{
	return sql_number(db, id, sql_id, f, "it", account, name);
}

int
mailbox_make_look(struct db *db, int64_t account, struct str name,
    enum mailbox_refusal *refusal, struct fail *f)
{
	int64_t n = 0, wanted = 0, id = 0;
	int got = 0;

	if (sql_number(db, &n, sql_count, f, "i", account) == -1)
		return -1;
	do {
		got = mailbox_id(db, account, name, &id, f);
		if (got == -1)
			return -1;
		wanted += got == 0;
	} while (got == 0 && mailbox_name_parent(name, &name));
	got = pending_is(db, id, f);
	if (got == -1)
		return -1;
	if (got == 1)
		return mailbox_refuse(refusal, MAILBOX_CANNOT, f,
		    "the mailbox above shows what waits to be sent: it can "
		    "have none below it");
	if (n + wanted > MAILBOX_COUNT_MAX)
		return mailbox_refuse(refusal, MAILBOX_LIMIT, f,
		    "the account has as many mailboxes as it may have");
	*refusal = MAILBOX_DONE;
	return 0;
}

static int
next_validity(struct db *db, int64_t now_ms, int64_t *validity, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_next_validity, f, "i", now_ms / 1000);
	int got = sql_step(st, f);

	if (got != 1)
		return -1;
	*validity = sql_int(st, 0);
	/* a RETURNING statement is done only when stepped to its end */
	if (sql_step(st, f) != 0)
		return -1;
	if (*validity > UINT32_MAX)
		return fail(f, FAIL_TEMP, "store: no UIDVALIDITY is left");
	return 0;
}

int
mailbox_make(struct db *db, int64_t account, struct str name, unsigned special,
    int64_t now_ms, int64_t *id, struct fail *f)
{
	int64_t validity;

	if (next_validity(db, now_ms, &validity, f) == -1 ||
	    sql_run(db, sql_add, f, "itiii", account, name, validity,
		(int64_t)special, now_ms) == -1)
		return -1;
	*id = sqlite3_last_insert_rowid(db->sqlite);
	return sql_run(db, sql_add_state, f, "i", *id);
}

int
mailbox_make_above(struct db *db, int64_t account, struct str name,
    int64_t now_ms, struct fail *f)
{
	for (size_t i = 0; i < name.len; i++) {
		struct str level = str_first(name, i);
		int64_t id;
		int got = 1;

		if (name.at[i] == '/')
			got = mailbox_id(db, account, level, &id, f);
		if (got == -1 || (got == 0 && mailbox_make(db, account, level,
						  0, now_ms, &id, f) == -1))
			return -1;
	}
	return 0;
}
