/* SPDX-License-Identifier: MIT */
#include "common/store/info.h"

#include "common/store/body.h"
#include "common/store/info_write.h"
#include "common/store/sql.h"

#define PIECE    (64 * KB)
#define TEXT_MAX (256 * MB) /* more than the largest message gives */

static const char sql_write[] =
    "INSERT INTO body_info (body, sent, envelope, structure, parts, refs,"
    " preview) VALUES (?1, iif(?2, ?3, NULL), ?4, ?5, ?6, ?7, ?8)"
    " ON CONFLICT (body) DO NOTHING";

/* What is not wanted is not read: it may be on pages of its own. */
static const char sql_read[] =
    "SELECT sent, iif(?2 & 2, envelope, NULL), iif(?2 & 4, structure, NULL),"
    " iif(?2 & 8, parts, NULL), iif(?2 & 16, refs, NULL),"
    " iif(?2 & 32, preview, NULL) FROM body_info WHERE body = ?1";
static const char sql_there[] = "SELECT 1 FROM body WHERE id = ?1";

void
info_init(struct info *i)
{
	*i = (struct info){0};
	buf_init(&i->text, TEXT_MAX);
}

void
info_release(struct info *i)
{
	buf_release(&i->text);
	info_init(i);
}

int
info_write(struct db *db, int64_t body, const struct structure_result *r,
    struct fail *f)
{
	return sql_run(db, sql_write, f, "iiibbbbt", body, (int64_t)r->has_sent,
	    r->sent_s, r->envelope, r->body_structure, r->parts, r->refs,
	    r->preview);
}

#define STRINGS 5

/* The texts of an info in the order of their bits of enum info_want, which is
 * that of the columns. */
static int
keep(struct info *i, const struct str texts[STRINGS], unsigned want,
    struct fail *f)
{
	struct str *const places[STRINGS] = {
	    &i->envelope, &i->structure, &i->parts, &i->refs, &i->preview};
	size_t at = 0;

	buf_clear(&i->text);
	for (size_t k = 0; k < STRINGS; k++)
		if ((want & INFO_ENVELOPE << k) != 0)
			buf_add(&i->text, texts[k]);
	if (i->text.overrun)
		return fail(f, FAIL_PERM, "store: an info is too large");
	for (size_t k = 0; k < STRINGS; k++) {
		size_t len = (want & INFO_ENVELOPE << k) != 0 ? texts[k].len
		                                              : 0;

		*places[k] = str_first(str_after(buf_str(&i->text), at), len);
		at += len;
	}
	return 1;
}

static int
read_row(sqlite3_stmt *st, unsigned want, struct info *i, struct fail *f)
{
	struct str texts[STRINGS];

	i->has_sent = sqlite3_column_type(st, 0) != SQLITE_NULL;
	i->sent_s = sql_int(st, 0);
	for (int k = 0; k < STRINGS; k++)
		texts[k] = sql_text(st, k + 1);
	return keep(i, texts, want, f);
}

static int
feed_all(struct body *b, struct structure *s, struct fail *f)
{
	struct buf piece;
	int got = 1;

	buf_init(&piece, PIECE);
	while (got == 1) {
		buf_clear(&piece);
		got = body_read(b, PIECE, &piece, f);
		structure_feed(s, buf_str(&piece));
	}
	buf_release(&piece);
	return got;
}

static int
parse(
    struct db *db, int64_t body, unsigned want, struct info *i, struct fail *f)
{
	struct body *b = body_open(db, body, f);
	struct structure *s;
	int rc = -1;

	if (b == NULL)
		return -1;
	s = structure_new();
	if (feed_all(b, s, f) == 0) {
		const struct structure_result *r = structure_finish(s);
		const struct str texts[STRINGS] = {r->envelope,
		    r->body_structure, r->parts, r->refs, r->preview};

		i->has_sent = r->has_sent;
		i->sent_s = r->sent_s;
		rc = keep(i, texts, want, f);
	}
	structure_free(s);
	body_free(b);
	return rc;
}

int
info_read(
    struct db *db, int64_t body, unsigned want, struct info *i, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_read, f, "ii", body, (int64_t)want);
	int64_t one;
	int got = sql_step(st, f);

	if (got == 1) {
		got = read_row(st, want, i, f);
		sqlite3_reset(st);
		return got;
	}
	if (got == 0)
		got = sql_number(db, &one, sql_there, f, "i", body);
	return got == 1 ? parse(db, body, want, i, f) : got;
}
