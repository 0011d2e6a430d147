/* SPDX-License-Identifier: MIT */
#include "common/store/body_check.h"

#include "common/store/body.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define PIECE (64 * KB)

static const char sql_bodies[] =
    "SELECT id, size FROM body"
    " WHERE refs > 0 AND id > ?1 ORDER BY id LIMIT 1000";
static const char sql_still_held[] =
    "SELECT 1 FROM body WHERE id = ?1 AND refs > 0";

int
body_check_next(struct db *db, void *arg, struct fail *f)
{
	struct body_check_batch *b = arg;
	int64_t last = b->n > 0 ? b->rows[b->n - 1].id : 0;
	sqlite3_stmt *st = sql_bind(db, sql_bodies, f, "i", last);
	int got;

	b->n = 0;
	while ((got = sql_step(st, f)) == 1)
		b->rows[b->n++] = (struct body_check_row){
		    sql_int(st, 0), (uint64_t)sql_int(st, 1)};
	return got;
}

struct opening {
	int64_t id;
	struct body *body; /* NULL: nobody holds it any more */
};

static int
open_held(struct db *db, void *arg, struct fail *f)
{
	struct opening *o = arg;
	int64_t one;
	int got = sql_number(db, &one, sql_still_held, f, "i", o->id);

	if (got != 1)
		return got;
	o->body = body_open(db, o->id, f);
	return o->body != NULL ? 0 : -1;
}

static int
read_once(struct db *db, int64_t id, struct fail *f)
{
	struct opening o = {.id = id};
	struct buf piece;
	int got = 1;

	if (db_read(db, open_held, &o, f) == -1)
		return -1;
	if (o.body == NULL)
		return 0;
	buf_init(&piece, PIECE);
	while (got == 1) {
		buf_clear(&piece);
		got = body_read(o.body, PIECE, &piece, f);
	}
	if (got == 0)
		got = body_verify(o.body, f);
	buf_release(&piece);
	body_free(o.body);
	return got;
}

int
body_check(struct db *db, int64_t id, struct fail *f)
{
	/* again: a file may have been swept just now */
	return read_once(db, id, f) == -1 ? read_once(db, id, f) : 0;
}
