/* SPDX-License-Identifier: MIT */
#include "common/store/body_write.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/info_write.h"
#include "common/store/object.h"
#include "common/store/sealed.h"
#include "common/store/sql.h"

static const char sql_equal[] =
    "SELECT id, file, stored FROM body"
    " WHERE file IS NOT NULL AND hash = ?1 AND size = ?2";
static const char sql_body[] =
    "INSERT INTO body (size, stored, codec, hash, file, refs)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char sql_data[] =
    "INSERT INTO body_data (body, data) VALUES (?1, ?2)";
static const char sql_hold[] =
    "UPDATE body SET refs = refs + ?3 WHERE id BETWEEN ?1 AND ?2";

static int
hold_range(
    struct db *db, int64_t low, int64_t high, int64_t delta, struct fail *f)
{
	if (sql_run(db, sql_hold, f, "iii", low, high, delta) == -1)
		return -1;
	if (sql_changes(db) != high - low + 1)
		return fail(f, FAIL_TEMP,
		    "store: one of the bodies %lld to %lld is not there",
		    (long long)low, (long long)high);
	return 0;
}

int
body_hold(struct db *db, int64_t id, int64_t delta, struct fail *f)
{
	return hold_range(db, id, id, delta, f);
}

int
body_hold_all(
    struct db *db, const int64_t *ids, size_t n, int64_t delta, struct fail *f)
{
	size_t begin = 0;

	for (size_t end = 1; end <= n; end++) {
		assert(end == n || ids[end - 1] <= ids[end]);
		if (end < n && ids[end] == ids[end - 1] + 1)
			continue;
		if (hold_range(db, ids[begin], ids[end - 1], delta, f) == -1)
			return -1;
		begin = end;
	}
	return 0;
}

static int
insert(struct db *db, const struct sealed *s, int64_t refs, int64_t *id,
    struct fail *f)
{
	struct str hash = {(const char *)s->hash, sizeof(s->hash)};

	if (sql_run(db, sql_body, f, "iiiboi", (int64_t)s->size,
		(int64_t)s->stored, (int64_t)s->codec, hash, str_of(s->file),
		refs) == -1)
		return -1;
	*id = sqlite3_last_insert_rowid(db->sqlite);
	if (s->file != NULL)
		return 0;
	return sql_run(db, sql_data, f, "ib", *id, s->data);
}

/* A body of the same octets, if its file is still whole: what nobody has read
 * for long may be lost, and the copy at hand is not.  1 found, 0 not, -1. */
static int
find_equal(struct db *db, const struct sealed *s, int64_t *id, struct fail *f)
{
	struct str hash = {(const char *)s->hash, sizeof(s->hash)};
	sqlite3_stmt *st = sql_bind(
	    db, sql_equal, f, "bi", hash, (int64_t)s->size);
	int got;

	while ((got = sql_step(st, f)) == 1) {
		char *file = sql_dup(st, 1);
		bool there = object_is_there(
		    db->dir, file, (uint64_t)sql_int(st, 2));

		free(file);
		if (!there)
			continue;
		*id = sql_int(st, 0);
		sqlite3_reset(st);
		return 1;
	}
	return got;
}

/* One whose octets are in a file. */
static int
write_large(struct db *db, struct stage *stage, int64_t refs, int64_t *id,
    struct fail *f)
{
	const struct sealed *s = stage_sealed(stage);
	int got = find_equal(db, s, id, f);

	if (got == 1)
		return body_hold(db, *id, refs, f);
	if (got == -1)
		return -1;
	/* nobody can take it away any more: we hold the lock */
	if (!object_is_there(db->dir, s->file, s->stored))
		return fail(f, FAIL_TEMP, "store: %s is gone", s->file);
	if (insert(db, s, refs, id, f) == -1)
		return -1;
	stage_named(stage);
	return 0;
}

int
body_write(struct db *db, struct stage *stage, int64_t refs, bool mailbox,
    int64_t *id, struct fail *f)
{
	const struct sealed *s = stage_sealed(stage);
	int rc;

	assert(refs > 0);
	rc = s->file == NULL ? insert(db, s, refs, id, f)
	                     : write_large(db, stage, refs, id, f);
	if (rc == -1 || !mailbox)
		return rc;
	return info_write(db, *id, s->info, f);
}
