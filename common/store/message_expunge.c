/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/body_write.h"
#include "common/store/message_remove.h"
#include "common/store/pending_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_delete[] =
    "DELETE FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3";
static const char sql_tombstone[] =
    "INSERT INTO expunged (mailbox, modseq, low, high)"
    " VALUES (?1, ?2, ?3, ?4)";

/* Remember UIDs that follow one another as a range. */
static int
bury(struct message_box *b, const struct message_picked *picked, size_t n,
    struct fail *f)
{
	size_t begin = 0;

	for (size_t end = 1; end <= n; end++) {
		if (end < n &&
		    picked[end].row.uid == picked[end - 1].row.uid + 1)
			continue;
		if (sql_run(b->db, sql_tombstone, f, "iiii", b->id,
			message_box_next(b), (int64_t)picked[begin].row.uid,
			(int64_t)picked[end - 1].row.uid) == -1)
			return -1;
		begin = end;
	}
	return 0;
}

int
message_remove(struct message_box *b, const struct message_picked *picked,
    size_t n, const struct hop *who, struct fail *f)
{
	size_t begin = 0;

	if (n == 0)
		return 0;
	if (b->pending && pending_recall(b, picked, n, who, f) == -1)
		return -1;
	b->changed = true;
	for (size_t end = 1; end <= n; end++) {
		message_box_count(
		    b, picked[end - 1].row.flags, picked[end - 1].row.size, -1);
		if (end < n && picked[end].joined)
			continue;
		if (sql_run(b->db, sql_delete, f, "iii", b->id,
			(int64_t)picked[begin].row.uid,
			(int64_t)picked[end - 1].row.uid) == -1)
			return -1;
		assert(sql_changes(b->db) == (int64_t)(end - begin));
		begin = end;
	}
	return bury(b, picked, n, f);
}

static int
by_number(const void *va, const void *vb)
{
	const int64_t *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

int
message_hold(struct db *db, const struct message_picked *picked, size_t n,
    int sign, struct fail *f)
{
	int64_t *bodies = mem_new(n + 1, sizeof(*bodies));
	int rc;

	for (size_t i = 0; i < n; i++)
		bodies[i] = picked[i].row.body;
	qsort(bodies, n, sizeof(*bodies), by_number);
	rc = body_hold_all(db, bodies, n, sign, f);
	free(bodies);
	return rc;
}

int
message_let_go(struct db *db, const struct message_picked *picked, size_t n,
    const struct hop *who, struct fail *f)
{
	struct hop hop = *who;

	if (message_hold(db, picked, n, -1, f) == -1)
		return -1;
	hop.kind = HOP_DELETED;
	hop.code = 0;
	for (size_t i = 0; i < n; i++) {
		hop.trace = picked[i].row.trace;
		if (hop.trace != 0 && hop_write(db, &hop, f) == -1)
			return -1;
	}
	return 0;
}

/* Keep those that are marked \Deleted. */
static size_t
only_marked(struct message_picked *picked, size_t n)
{
	size_t kept = 0;
	bool passed = false; /* one that stays lies before this one */

	for (size_t i = 0; i < n; i++) {
		passed = passed || !picked[i].joined;
		if ((picked[i].row.flags & MESSAGE_DELETED) == 0) {
			passed = true;
			continue;
		}
		picked[kept] = picked[i];
		picked[kept++].joined = !passed;
		passed = false;
	}
	return kept;
}

static uint32_t *
uids_of(const struct message_picked *picked, size_t n)
{
	uint32_t *uids = mem_new(n + 1, sizeof(*uids));

	for (size_t i = 0; i < n; i++)
		uids[i] = picked[i].row.uid;
	return uids;
}

int
message_expunge(struct db *db, int64_t mailbox, const uint32_t *uids, size_t n,
    bool only_deleted, const struct hop *who, uint32_t **removed,
    size_t *n_removed, int64_t *modseq, struct fail *f)
{
	struct message_picked *picked;
	struct message_box b = {0};
	int rc = message_box_open(db, mailbox, &b, f);

	*n_removed = 0;
	*modseq = 0;
	if (removed != NULL)
		*removed = NULL;
	/* a mailbox that is gone has no messages */
	if (rc == -1 || message_pick(db, mailbox, uids, rc == 1 ? n : 0,
			    &picked, &n, f) == -1)
		return -1;
	if (only_deleted)
		n = only_marked(picked, n);
	rc = message_remove(&b, picked, n, who, f);
	if (rc == 0)
		rc = message_let_go(db, picked, n, who, f);
	if (rc == 0)
		rc = message_box_save(&b, f);
	if (rc == 0) {
		*n_removed = n;
		*modseq = message_box_modseq(&b);
		if (removed != NULL)
			*removed = uids_of(picked, n);
	}
	free(picked);
	return rc;
}
