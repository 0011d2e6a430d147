/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <zstd.h>

#include "common/mime/text.h"
#include "common/store/body.h"
#include "common/store/info.h"
#include "common/store/search.h"
#include "common/store/search_db.h"

#define PIECE (64 * KB)

static const char sql_text_of[] =
    "SELECT head_size, size, data FROM text WHERE body = ?1";

/* Read the octets, as far as they are of use. */
static int
read_body(struct body *b, struct text_reader *r, struct fail *f)
{
	struct buf piece;
	int more = 1;

	buf_init(&piece, PIECE);
	while (more == 1) {
		buf_clear(&piece);
		more = body_read(b, PIECE, &piece, f);
		if (more == -1 || !text_reader_feed(r, buf_str(&piece)))
			break;
	}
	buf_release(&piece);
	return more == -1 ? -1 : 1;
}

int
search_extract(struct db *mail, int64_t body, struct buf *head,
    struct buf *text, struct fail *f)
{
	struct info info;
	struct text_reader *r;
	struct body *b;
	int got;

	info_init(&info);
	got = info_read(mail, body, INFO_PARTS, &info, f);
	if (got == 1) {
		b = body_open(mail, body, f);
		r = text_reader_new(info.parts);
		got = b == NULL ? -1 : read_body(b, r, f);
		if (got == 1)
			text_reader_finish(r, head, text);
		text_reader_free(r);
		body_free(b);
	}
	info_release(&info);
	return got;
}

struct db *
search_open(struct db *mail, bool afresh)
{
	struct fail ignored;

	if (afresh && mail->search != NULL && !db_is_current(mail->search)) {
		db_close(mail->search);
		mail->search = NULL;
	}
	if (mail->search == NULL && (afresh || !mail->searched))
		mail->search = db_open(
		    mail->dir, DB_SEARCH, DB_READER, &ignored);
	mail->searched = true;
	return mail->search;
}

struct wanted {
	int64_t body;
	struct buf *head, *text;
	int got;
};

/* What was packed by search_index(). */
static int
unpack(struct db *search, sqlite3_stmt *st, struct wanted *w)
{
	size_t head = (size_t)sql_int(st, 0), size = (size_t)sql_int(st, 1);
	struct str data = sql_text(st, 2);
	char *plain;
	size_t n;

	if (search->unpacker == NULL)
		search->unpacker = ZSTD_createDCtx();
	if (head > size || size > 2 * TEXT_MAX || search->unpacker == NULL)
		return 0;
	plain = mem_new(1, size + 1);
	n = ZSTD_decompressDCtx(
	    search->unpacker, plain, size, data.at, data.len);
	if (n == size) {
		buf_add(w->head, (struct str){plain, head});
		buf_add(w->text, (struct str){plain + head, size - head});
	}
	free(plain);
	return n == size;
}

static int
read_text(struct db *search, void *arg, struct fail *f)
{
	struct wanted *w = arg;
	sqlite3_stmt *st = sql_bind(search, sql_text_of, f, "i", w->body);

	w->got = sql_step(st, f);
	if (w->got == 1) {
		w->got = unpack(search, st, w);
		sqlite3_reset(st);
	}
	return 0;
}

int
search_text(struct db *mail, int64_t body, struct buf *head, struct buf *text,
    struct fail *f)
{
	struct wanted w = {.body = body, .head = head, .text = text};
	struct db *search = search_open(mail, false);
	struct fail ignored;

	/* whatever is wrong with search.db, the body tells */
	if (search != NULL && db_read(search, read_text, &w, &ignored) == 0 &&
	    w.got == 1)
		return 1;
	return search_extract(mail, body, head, text, f);
}
