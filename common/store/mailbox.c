/* SPDX-License-Identifier: MIT */
#include "common/store/mailbox.h"

#include <assert.h>

#include "common/store/body_write.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define FLAG_SEEN 1

static const char sql_find[] =
    "SELECT m.id, m.uid_validity, s.messages, s.bytes"
    " FROM mailbox m JOIN mailbox_state s ON s.mailbox = m.id"
    " WHERE m.account = ?1 AND m.name = ?2";
static const char sql_list[] =
    "SELECT uid, flags, size, body, trace FROM message"
    " WHERE mailbox = ?1 ORDER BY uid";

/* Higher than any given before, and than the time: so also after a restore
 * of an old copy (RFC 9051 s2.3.1.1). */
static const char sql_next_validity[] =
    "INSERT INTO meta (key, value) VALUES ('uid_validity', ?1)"
    " ON CONFLICT (key) DO UPDATE SET value = max(value + 1, ?1)"
    " RETURNING value";
static const char sql_add[] =
    "INSERT INTO mailbox (account, name, uid_validity, created)"
    " VALUES (?1, ?2, ?3, ?4)";
static const char sql_add_state[] =
    "INSERT INTO mailbox_state (mailbox) VALUES (?1)";

static const char sql_modseq[] =
    "SELECT modseq + 1 FROM mailbox_state WHERE mailbox = ?1";
static const char sql_delete[] =
    "DELETE FROM message WHERE mailbox = ?1 AND uid = ?2"
    " RETURNING size, flags, body, trace";
static const char sql_tombstone[] =
    "INSERT INTO expunged (mailbox, modseq, low, high)"
    " VALUES (?1, ?2, ?3, ?4)";
static const char sql_state[] =
    "UPDATE mailbox_state SET modseq = ?2, messages = messages - ?3,"
    " unseen = unseen - ?4, bytes = bytes - ?5 WHERE mailbox = ?1";
static const char sql_use[] =
    "UPDATE account_use SET messages = messages - ?2, bytes = bytes - ?3"
    " WHERE account = (SELECT account FROM mailbox WHERE id = ?1)";

int
mailbox_find(struct db *db, int64_t account, struct str name,
    struct mailbox *out, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_find, f, "it", account, name);
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	*out = (struct mailbox){.id = sql_int(st, 0),
	    .account = account,
	    .uid_validity = (uint32_t)sql_int(st, 1),
	    .messages = (uint64_t)sql_int(st, 2),
	    .bytes = (uint64_t)sql_int(st, 3)};
	sqlite3_reset(st);
	return 1;
}

int
mailbox_list(struct db *db, int64_t mailbox, struct message_entry **out,
    size_t *n, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_list, f, "i", mailbox);
	struct message_entry *entries = mem_new(1, sizeof(*entries));
	size_t room = 1, used = 0;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		if (used == room) {
			room *= 2;
			entries = mem_grow(entries, room, sizeof(*entries));
		}
		entries[used++] = (struct message_entry){
		    .uid = (uint32_t)sql_int(st, 0),
		    .flags = (uint32_t)sql_int(st, 1),
		    .size = (uint64_t)sql_int(st, 2),
		    .body = sql_int(st, 3),
		    .trace = sql_int(st, 4)};
	}
	if (got == -1) {
		free(entries);
		return -1;
	}
	*out = entries;
	*n = used;
	return 0;
}

int
mailbox_add(struct db *db, int64_t account, struct str name, int64_t now_ms,
    int64_t *id, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_next_validity, f, "i", now_ms / 1000);
	int64_t validity;
	int got = sql_step(st, f);

	if (got == -1)
		return -1;
	assert(got == 1);
	validity = sql_int(st, 0);
	/* a RETURNING statement is done only when stepped to its end */
	if (sql_step(st, f) != 0)
		return -1;
	if (validity > UINT32_MAX)
		return fail(f, FAIL_TEMP, "store: no UIDVALIDITY is left");
	if (sql_run(db, sql_add, f, "itii", account, name, validity, now_ms) ==
	    -1)
		return -1;
	*id = sqlite3_last_insert_rowid(db->sqlite);
	return sql_run(db, sql_add_state, f, "i", *id);
}

struct expunge {
	struct db *db;
	int64_t mailbox, modseq;
	int64_t low, high; /* the range of UIDs being gathered; low 0: none */
	int64_t messages, unseen, bytes;
};

static int
end_range(struct expunge *x, struct fail *f)
{
	if (x->low == 0)
		return 0;
	return sql_run(x->db, sql_tombstone, f, "iiii", x->mailbox, x->modseq,
	    x->low, x->high);
}

static int
extend_range(struct expunge *x, int64_t uid, struct fail *f)
{
	if (x->low == 0 || uid != x->high + 1) {
		if (end_range(x, f) == -1)
			return -1;
		x->low = uid;
	}
	x->high = uid;
	return 0;
}

static int
expunge_one(
    struct expunge *x, int64_t uid, const struct hop *who, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    x->db, sql_delete, f, "ii", x->mailbox, uid);
	struct hop h = *who;
	int got = sql_step(st, f);
	int64_t body;

	if (got != 1)
		return got;
	x->messages++;
	x->bytes += sql_int(st, 0);
	x->unseen += (sql_int(st, 1) & FLAG_SEEN) == 0;
	body = sql_int(st, 2);
	h.trace = sql_int(st, 3);
	h.kind = HOP_DELETED;
	if (sql_step(st, f) != 0 || extend_range(x, uid, f) == -1 ||
	    body_hold(x->db, body, -1, f) == -1)
		return -1;
	return hop_write(x->db, &h, f);
}

int
mailbox_expunge(struct db *db, int64_t mailbox, const uint32_t *uids, size_t n,
    const struct hop *who, size_t *removed, struct fail *f)
{
	struct expunge x = {.db = db, .mailbox = mailbox};
	int got = sql_number(db, &x.modseq, sql_modseq, f, "i", mailbox);

	*removed = 0;
	if (got != 1) /* a mailbox that is gone has no messages */
		return got;
	for (size_t i = 0; i < n; i++) {
		assert(i == 0 || uids[i - 1] < uids[i]);
		if (expunge_one(&x, uids[i], who, f) == -1)
			return -1;
	}
	if (x.messages == 0)
		return 0;
	if (end_range(&x, f) == -1 ||
	    sql_run(db, sql_state, f, "iiiii", mailbox, x.modseq, x.messages,
		x.unseen, x.bytes) == -1 ||
	    sql_run(db, sql_use, f, "iii", mailbox, x.messages, x.bytes) == -1)
		return -1;
	*removed = (size_t)x.messages;
	return 0;
}
