/* SPDX-License-Identifier: MIT */
#include "common/store/message_box.h"

#include <assert.h>

#include "common/store/sql.h"

static const char sql_open[] =
    "SELECT m.account, m.uid_validity, s.uid_next, s.modseq, c.quota_bytes,"
    " u.bytes, m.special & 32 FROM mailbox m JOIN mailbox_state s ON s.mailbox "
    "= m.id"
    " JOIN account c ON c.id = m.account"
    " JOIN account_use u ON u.account = m.account WHERE m.id = ?1";
static const char sql_save[] =
    "UPDATE mailbox_state SET uid_next = ?2, modseq = ?3,"
    " changed = iif(?4, ?3, changed), messages = messages + ?5,"
    " unseen = unseen + ?6, deleted = deleted + ?7, bytes = bytes + ?8"
    " WHERE mailbox = ?1";
static const char sql_use[] =
    "UPDATE account_use SET messages = messages + ?2, bytes = bytes + ?3"
    " WHERE account = ?1";

int
message_box_open(
    struct db *db, int64_t id, struct message_box *b, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_open, f, "i", id);
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	*b = (struct message_box){.db = db,
	    .id = id,
	    .account = sql_int(st, 0),
	    .uid_validity = (uint32_t)sql_int(st, 1),
	    .uid_next = (uint32_t)sql_int(st, 2),
	    .modseq = sql_int(st, 3),
	    .quota = sql_int(st, 6) != 0 ? 0 : sql_int(st, 4),
	    .used = sql_int(st, 5),
	    .pending = sql_int(st, 6) != 0};
	sqlite3_reset(st);
	return 1;
}

int64_t
message_box_modseq(const struct message_box *b)
{
	return b->added || b->changed ? message_box_next(b) : b->modseq;
}

void
message_box_count(
    struct message_box *b, uint64_t flags, uint64_t size, int sign)
{
	b->messages += sign;
	b->bytes += sign * (int64_t)size;
	if ((flags & MESSAGE_SEEN) == 0)
		b->unseen += sign;
	if ((flags & MESSAGE_DELETED) != 0)
		b->deleted += sign;
}

int
message_box_has_room(
    const struct message_box *b, uint64_t bytes, size_t n, struct fail *f)
{
	if (b->quota > 0 &&
	    (b->used > b->quota || bytes > (uint64_t)(b->quota - b->used)))
		return fail(f, FAIL_QUOTA, "the quota has no room for it");
	if (n > MESSAGE_UID_MAX - b->uid_next)
		return fail(f, FAIL_QUOTA, "the mailbox has no UIDs left");
	return message_box_may_change(b, f);
}

int
message_box_may_change(const struct message_box *b, struct fail *f)
{
	if (b->modseq == INT64_MAX)
		return fail(f, FAIL_QUOTA, "the mailbox has no MODSEQ left");
	return 0;
}

int
message_box_save(const struct message_box *b, struct fail *f)
{
	if (!b->added && !b->changed)
		return 0;
	if (sql_run(b->db, sql_save, f, "iiiiiiii", b->id, (int64_t)b->uid_next,
		message_box_next(b), (int64_t)b->changed, b->messages,
		b->unseen, b->deleted, b->bytes) == -1)
		return -1;
	assert(sql_changes(b->db) == 1);
	if (b->pending || (b->messages == 0 && b->bytes == 0))
		return 0;
	return sql_run(
	    b->db, sql_use, f, "iii", b->account, b->messages, b->bytes);
}
