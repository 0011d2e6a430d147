/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/mime/text.h"
#include "common/store/search.h"
#include "common/store/search_db.h"

#define BATCH_TEXT (4 * MB) /* octets of text gathered before a commit */
#define ZSTD_LEVEL 1
#define DEAD_MAX   100000 /* in the index, and half of it: begin anew */

static const char sql_bodies[] =
    "SELECT id FROM body WHERE id > ?1 ORDER BY id LIMIT ?2";
static const char sql_highest[] = "SELECT ifnull(max(id), 0) FROM body";
static const char sql_hash[] = "SELECT hash FROM body WHERE id = ?1";
static const char sql_is_there[] = "SELECT 1 FROM body WHERE id = ?1";
static const char sql_put_text[] =
    "INSERT OR REPLACE INTO text (body, head_size, size, data)"
    " VALUES (?1, ?2, ?3, ?4)";
static const char sql_put_gram[] =
    "INSERT INTO gram (rowid, text) VALUES (?1, ?2)";
static const char sql_some_texts[] =
    "SELECT body FROM text WHERE body > ?1 ORDER BY body LIMIT ?2";
static const char sql_drop_text[] = "DELETE FROM text WHERE body = ?1";
static const char sql_clear_text[] = "DELETE FROM text";
static const char sql_clear_gram[] =
    "INSERT INTO gram (gram) VALUES ('delete-all')";
static const char sql_clear_meta[] = "DELETE FROM meta";

/* One body on its way into the index. */
struct item {
	int64_t body;
	size_t head;     /* octets of the header lines in text */
	struct buf text; /* empty: the body is gone, or cannot be read */
};

struct batch {
	int64_t after; /* bodies up to it are indexed */
	int64_t mark;  /* of that one; later of the last of these */
	bool foreign;  /* not those of this mail.db, or otherwise made */
	size_t max;
	struct item *items;
	size_t n;
	bool more;
	ZSTD_CCtx *zstd; /* while it is written */
};

/* Whose failure it is: see search.h. */
static int
blame_search(int rc, struct fail *f)
{
	if (rc == -1 && f->kind == FAIL_TEMP)
		f->kind = FAIL_PERM;
	return rc;
}

static int
blame_mail(int rc, struct fail *f)
{
	if (rc == -1 && f->kind == FAIL_PERM)
		f->kind = FAIL_TEMP;
	return rc;
}

static int
choose(struct db *mail, struct batch *b, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    mail, sql_bodies, f, "ii", b->after, (int64_t)b->max + 1);
	int got;

	b->items = mem_new(b->max, sizeof(*b->items));
	while ((got = sql_step(st, f)) == 1) {
		if (b->n == b->max) {
			b->more = true;
			sqlite3_reset(st);
			return 0;
		}
		b->items[b->n++].body = sql_int(st, 0);
	}
	return got;
}

/* The highest body is never swept: a lower one is of an older mail.db, put
 * back from a backup. */
static int
look_behind(struct db *mail, struct batch *b, struct fail *f)
{
	int64_t highest = 0;

	if (sql_number(mail, &highest, sql_highest, f, "") == -1)
		return -1;
	b->foreign = highest < b->after;
	return 0;
}

/* Tells a body from another that had its id; 0: it is gone. */
static int
mark_of(struct db *mail, int64_t body, int64_t *mark, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(mail, sql_hash, f, "i", body);
	int got = sql_step(st, f);

	*mark = 0;
	if (got == 1) {
		struct str hash = str_first(sql_text(st, 0), sizeof(*mark));

		if (hash.len > 0)
			memcpy(mark, hash.at, hash.len);
		sqlite3_reset(st);
	}
	return got == -1 ? -1 : 0;
}

/* An older mail.db was put back, and what came since has the ids of what is
 * indexed. */
static int
look_at_last(struct db *mail, struct batch *b, struct fail *f)
{
	int64_t mark;

	if (mark_of(mail, b->after, &mark, f) == -1)
		return -1;
	b->foreign = mark != 0 && b->mark != 0 && mark != b->mark;
	return 0;
}

/* A damaged body has no text: it holds up none of the others.  One that cannot
 * be read now must not be passed over. */
static int
extract(struct db *mail, struct item *i, struct fail *f)
{
	struct buf body;
	int got;

	buf_init(&i->text, 2 * TEXT_MAX);
	buf_init(&body, TEXT_MAX);
	got = search_extract(mail, i->body, &i->text, &body, f);
	i->head = i->text.len;
	buf_add(&i->text, buf_str(&body));
	buf_release(&body);
	return got == -1 && f->kind != FAIL_PERM ? -1 : 0;
}

/* In a read transaction of mail.db. */
static int
gather(struct db *mail, void *arg, struct fail *f)
{
	struct batch *b = arg;
	size_t octets = 0, n = 0;

	if (look_at_last(mail, b, f) == -1)
		return -1;
	if (b->foreign)
		return 0;
	if (choose(mail, b, f) == -1)
		return -1;
	if (b->n == 0)
		return look_behind(mail, b, f);
	while (n < b->n && octets < BATCH_TEXT) {
		if (extract(mail, &b->items[n], f) == -1) {
			buf_release(&b->items[n].text);
			b->n = n;
			if (n == 0)
				return -1;
			break;
		}
		octets += b->items[n++].text.len;
	}
	b->more |= n < b->n;
	b->n = n;
	return mark_of(mail, b->items[n - 1].body, &b->mark, f);
}

static int
put(struct db *search, const struct batch *b, const struct item *i,
    struct fail *f)
{
	size_t room = ZSTD_compressBound(i->text.len), n;
	char *packed = mem_new(1, room);
	int rc;

	n = ZSTD_compressCCtx(
	    b->zstd, packed, room, i->text.data, i->text.len, ZSTD_LEVEL);
	if (ZSTD_isError(n))
		rc = fail(
		    f, FAIL_TEMP, "search: zstd: %s", ZSTD_getErrorName(n));
	else
		rc = sql_run(search, sql_put_text, f, "iiib", i->body,
		    (int64_t)i->head, (int64_t)i->text.len,
		    (struct str){packed, n});
	free(packed);
	if (rc == -1)
		return -1;
	return sql_run(
	    search, sql_put_gram, f, "it", i->body, buf_str(&i->text));
}

static int
write_batch(struct db *search, void *arg, struct fail *f)
{
	struct batch *b = arg;
	int64_t texts;

	if (search_fact(search, "texts", &texts, f) == -1)
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		if (b->items[i].text.len == 0)
			continue;
		if (put(search, b, &b->items[i], f) == -1)
			return -1;
		texts++;
	}
	if (search_set_fact(search, "texts", texts, f) == -1 ||
	    search_set_fact(search, "mark", b->mark, f) == -1 ||
	    search_set_fact(search, "made_as", TEXT_VERSION, f) == -1)
		return -1;
	return search_set_fact(search, "indexed", b->items[b->n - 1].body, f);
}

static int
read_indexed(struct db *search, void *arg, struct fail *f)
{
	struct batch *b = arg;
	int64_t made_as;

	if (search_fact(search, "indexed", &b->after, f) == -1 ||
	    search_fact(search, "mark", &b->mark, f) == -1 ||
	    search_fact(search, "made_as", &made_as, f) == -1)
		return -1;
	b->foreign = b->after > 0 && made_as != TEXT_VERSION;
	return 0;
}

static int
write_all(struct db *search, struct batch *b, struct fail *f)
{
	int rc;

	if (b->n == 0)
		return 0;
	b->zstd = ZSTD_createCCtx();
	if (b->zstd == NULL)
		return fail(f, FAIL_TEMP, "search: zstd cannot start");
	rc = blame_search(db_write(search, write_batch, b, f), f);
	ZSTD_freeCCtx(b->zstd);
	return rc;
}

int
search_index(
    struct db *mail, struct db *search, size_t max, bool *more, struct fail *f)
{
	struct batch b = {.max = max};
	int rc = blame_search(db_read(search, read_indexed, &b, f), f);

	*more = false;
	if (rc == 0 && !b.foreign)
		rc = blame_mail(db_read(mail, gather, &b, f), f);
	if (rc == 0 && b.foreign) {
		rc = search_rebuild(search, f);
		b.more = true;
	} else if (rc == 0) {
		rc = write_all(search, &b, f);
	}
	for (size_t i = 0; i < b.n; i++)
		buf_release(&b.items[i].text);
	free(b.items);
	*more = rc == 0 && b.more;
	return rc;
}

static int
clear(struct db *search, void *arg, struct fail *f)
{
	(void)arg;
	if (sql_run(search, sql_clear_text, f, "") == -1 ||
	    sql_run(search, sql_clear_gram, f, "") == -1)
		return -1;
	return sql_run(search, sql_clear_meta, f, "");
}

int
search_rebuild(struct db *search, struct fail *f)
{
	return blame_search(db_write(search, clear, NULL, f), f);
}

struct sweep {
	struct db *search;
	size_t max;
	int64_t began,
	    cursor; /* texts after it, and where that ended; 0: all */
	int64_t dead, texts;
	int64_t *bodies; /* looked at, later those that are gone */
	size_t n;
};

static int
choose_texts(struct db *search, void *arg, struct fail *f)
{
	struct sweep *s = arg;
	sqlite3_stmt *st;
	int got;

	if (search_fact(search, "swept", &s->began, f) == -1 ||
	    search_fact(search, "dead", &s->dead, f) == -1 ||
	    search_fact(search, "texts", &s->texts, f) == -1)
		return -1;
	st = sql_bind(
	    search, sql_some_texts, f, "ii", s->began, (int64_t)s->max);
	while ((got = sql_step(st, f)) == 1)
		s->bodies[s->n++] = sql_int(st, 0);
	s->cursor = s->n == s->max ? s->bodies[s->n - 1] : 0;
	return got;
}

static int
keep_gone(struct db *mail, void *arg, struct fail *f)
{
	struct sweep *s = arg;
	size_t gone = 0;

	for (size_t i = 0; i < s->n; i++) {
		int64_t one;
		int got = sql_number(
		    mail, &one, sql_is_there, f, "i", s->bodies[i]);

		if (got == -1)
			return -1;
		if (got == 0)
			s->bodies[gone++] = s->bodies[i];
	}
	s->n = gone;
	return 0;
}

static int
drop_texts(struct db *search, void *arg, struct fail *f)
{
	struct sweep *s = arg;

	for (size_t i = 0; i < s->n; i++)
		if (sql_run(search, sql_drop_text, f, "i", s->bodies[i]) == -1)
			return -1;
	s->dead += (int64_t)s->n;
	s->texts -= (int64_t)s->n;
	if (search_set_fact(search, "texts", s->texts, f) == -1 ||
	    search_set_fact(search, "dead", s->dead, f) == -1)
		return -1;
	return search_set_fact(search, "swept", s->cursor, f);
}

int
search_sweep(
    struct db *mail, struct db *search, size_t max, bool *over, struct fail *f)
{
	struct sweep s = {.max = max};
	int rc;

	s.bodies = mem_new(max, sizeof(*s.bodies));
	rc = blame_search(db_read(search, choose_texts, &s, f), f);
	if (rc == 0)
		rc = blame_mail(db_read(mail, keep_gone, &s, f), f);
	/* where there is little, all is looked at and nothing to be noted */
	if (rc == 0 && (s.n > 0 || s.cursor != s.began))
		rc = blame_search(db_write(search, drop_texts, &s, f), f);
	free(s.bodies);
	*over = s.cursor == 0;
	/* rows of the index itself go only with all others */
	if (rc == 0 && s.dead > DEAD_MAX && s.dead > s.texts)
		return search_rebuild(search, f);
	return rc;
}
