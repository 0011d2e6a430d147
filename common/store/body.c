/* SPDX-License-Identifier: MIT */
#include "common/store/body.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <unistd.h>
#include <zstd.h>

#include "common/store/object.h"
#include "common/store/sealed.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define PIECE     (16 * KB)  /* read from a file at a time */
#define WHOLE_MAX (256 * KB) /* plain octets unpacked at once */

static const char sql_open[] =
    "SELECT b.size, b.stored, b.codec, b.hash, b.file, d.data"
    " FROM body b LEFT JOIN body_data d ON d.body = b.id"
    " WHERE b.id = ?1";

struct body {
	int64_t id;
	uint64_t size;  /* plain octets it must have */
	uint64_t given; /* plain octets read */
	enum sealed_codec codec;
	int file;          /* -1: all stored octets are in `stored' */
	struct buf stored; /* what was read and not yet unpacked */
	bool dry;          /* no stored octets will follow */
	char *whole;       /* all plain octets, verified; or NULL */
	ZSTD_DCtx *zstd;
	bool frame_done; /* the zstd frame ended where it should */
	unsigned char want[32];
	crypto_generichash_state hash;
};

static int
damaged(const struct body *b, const char *how, struct fail *f)
{
	return fail(f, FAIL_PERM, "store: body %lld is damaged: %s",
	    (long long)b->id, how);
}

static int
start_zstd(struct body *b, struct fail *f)
{
	b->zstd = ZSTD_createDCtx();
	if (b->zstd == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(b->zstd,
				   ZSTD_d_windowLogMax, SEALED_WINDOW)))
		return fail(f, FAIL_TEMP, "store: zstd cannot start");
	return 0;
}

/* RFC 8878 s3.1.1.1.1: the frame ends with a checksum of the plain octets,
 * which zstd compares. */
static bool
has_checksum(struct str frame)
{
	return frame.len > 4 && (frame.at[4] & 1 << 2) != 0;
}

static bool
hash_is_right(const struct body *b)
{
	unsigned char got[sizeof(b->want)];

	crypto_generichash(got, sizeof(got), (const unsigned char *)b->whole,
	    (size_t)b->size, NULL, 0);
	return memcmp(got, b->want, sizeof(got)) == 0;
}

/* Unpack a body of ordinary size in one go, with what the connection keeps for
 * it: that is several times as fast as a stream.  False: by pieces, then, which
 * will also say what is wrong with it. */
static bool
unpack_whole(struct body *b, struct db *db, struct str data)
{
	size_t size = (size_t)b->size;

	if (b->size > WHOLE_MAX || b->codec != SEALED_ZSTD)
		return false;
	if (db->unpacker == NULL)
		db->unpacker = ZSTD_createDCtx();
	if (db->unpacker == NULL)
		return false;
	b->whole = mem_grow(NULL, 1, size + 1); /* not cleared first */
	if (ZSTD_decompressDCtx(
		db->unpacker, b->whole, size, data.at, data.len) == size &&
	    (has_checksum(data) || hash_is_right(b)))
		return true;
	free(b->whole);
	b->whole = NULL;
	return false;
}

/* From the row the statement stands on. */
static int
open_row(struct body *b, struct db *db, sqlite3_stmt *st, struct fail *f)
{
	struct str hash = sql_text(st, 3), name, data;

	b->size = (uint64_t)sql_int(st, 0);
	b->codec = (enum sealed_codec)sql_int(st, 2);
	if (b->codec != SEALED_PLAIN && b->codec != SEALED_ZSTD)
		return damaged(b, "unknown codec", f);
	if (hash.len != sizeof(b->want))
		return damaged(b, "no hash", f);
	memcpy(b->want, hash.at, hash.len);
	if (sqlite3_column_type(st, 4) != SQLITE_NULL) {
		char file[DISK_NAME_MAX];

		name = sql_text(st, 4);
		snprintf(file, sizeof(file), "%.*s", STR_FMT(name));
		b->file = object_open(db->dir, file, f);
		return b->file == -1 ? -1 : 0;
	}
	if (sqlite3_column_type(st, 5) == SQLITE_NULL)
		return damaged(b, "its octets are missing", f);
	data = sql_text(st, 5);
	if (data.len != (uint64_t)sql_int(st, 1))
		return damaged(b, "its stored octets are cut", f);
	b->dry = true;
	if (unpack_whole(b, db, data))
		return 0;
	buf_init(&b->stored, data.len + 1);
	buf_add(&b->stored, data);
	return 0;
}

struct body *
body_open(struct db *db, int64_t id, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_open, f, "i", id);
	int got = sql_step(st, f);
	struct body *b;
	int rc;

	if (got != 1) {
		if (got == 0)
			fail(f, FAIL_PERM, "store: body %lld is gone",
			    (long long)id);
		return NULL;
	}
	b = MEM_NEW(struct body);
	b->id = id;
	b->file = -1;
	buf_init(&b->stored, PIECE);
	rc = open_row(b, db, st, f);
	sqlite3_reset(st);
	if (rc == 0 && b->codec == SEALED_ZSTD && b->whole == NULL)
		rc = start_zstd(b, f);
	if (rc == -1) {
		body_free(b);
		return NULL;
	}
	crypto_generichash_init(&b->hash, NULL, 0, sizeof(b->want));
	return b;
}

uint64_t
body_size(const struct body *b)
{
	return b->size;
}

/* Have stored octets at hand, unless there are no more. */
static int
refill(struct body *b, struct fail *f)
{
	char *at;
	ssize_t n;

	if (b->stored.len > 0 || b->dry)
		return 0;
	at = buf_reserve(&b->stored, PIECE);
	assert(at != NULL);
	do {
		n = read(b->file, at, PIECE);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return fail(f, FAIL_TEMP, "store: body %lld: %s",
		    (long long)b->id, strerror(errno));
	if (n == 0)
		b->dry = true;
	buf_added(&b->stored, (size_t)n);
	return 0;
}

/* Unpack what is at hand into at[0..max]: how many octets came out, -1. */
static ssize_t
unpack(struct body *b, char *at, size_t max, struct fail *f)
{
	ZSTD_inBuffer in = {b->stored.data, b->stored.len, 0};
	ZSTD_outBuffer out = {at, max, 0};
	size_t left;

	if (b->codec == SEALED_PLAIN) {
		size_t n = b->stored.len < max ? b->stored.len : max;

		if (n > 0)
			memcpy(at, b->stored.data, n);
		buf_drop(&b->stored, n);
		return (ssize_t)n;
	}
	if (b->frame_done)
		return 0;
	left = ZSTD_decompressStream(b->zstd, &out, &in);
	if (ZSTD_isError(left))
		return damaged(b, ZSTD_getErrorName(left), f);
	b->frame_done = left == 0;
	buf_drop(&b->stored, in.pos);
	return (ssize_t)out.pos;
}

/* All plain octets were given: are they the ones that were stored? */
static int
verify(struct body *b, struct fail *f)
{
	unsigned char got[sizeof(b->want)];

	if (refill(b, f) == -1)
		return -1;
	if (b->stored.len > 0)
		return damaged(b, "there is more than its size", f);
	crypto_generichash_final(&b->hash, got, sizeof(got));
	if (memcmp(got, b->want, sizeof(got)) != 0)
		return damaged(b, "its hash differs", f);
	return 0;
}

/* zstd may have swallowed the frame's end, or still want to see it. */
static int
finish_frame(struct body *b, struct fail *f)
{
	char none[1];

	while (b->codec == SEALED_ZSTD && !b->frame_done) {
		ssize_t n;

		if (refill(b, f) == -1)
			return -1;
		if (b->stored.len == 0)
			return damaged(b, "it ends too early", f);
		n = unpack(b, none, sizeof(none), f);
		if (n == -1)
			return -1;
		if (n > 0)
			return damaged(b, "there is more than its size", f);
	}
	return 0;
}

struct str
body_whole(const struct body *b)
{
	return (struct str){b->whole, b->whole != NULL ? (size_t)b->size : 0};
}

int
body_verify(const struct body *b, struct fail *f)
{
	assert(b->given == b->size);
	if (b->whole != NULL && !hash_is_right(b))
		return damaged(b, "its hash differs", f);
	return 0;
}

/* As body_read(). */
static int
give(struct body *b, size_t max, struct buf *out, struct fail *f)
{
	struct str left = str_first(
	    str_after(body_whole(b), (size_t)b->given), max);
	char *at = buf_reserve(out, left.len);

	if (at == NULL)
		return fail(f, FAIL_PERM, "store: no room to read to");
	if (left.len > 0)
		memcpy(at, left.at, left.len);
	buf_added(out, left.len);
	b->given += left.len;
	return b->given < b->size;
}

int
body_read(struct body *b, size_t max, struct buf *out, struct fail *f)
{
	if (b->whole != NULL)
		return give(b, max, out, f);
	while (max > 0 && b->given < b->size) {
		uint64_t left = b->size - b->given;
		size_t want = max < PIECE ? max : PIECE;
		char *at;
		ssize_t n;

		if (want > left)
			want = (size_t)left;
		if (refill(b, f) == -1)
			return -1;
		at = buf_reserve(out, want);
		if (at == NULL)
			return fail(f, FAIL_PERM, "store: no room to read to");
		n = unpack(b, at, want, f);
		if (n == -1)
			return -1;
		if (n == 0 && b->stored.len == 0 && b->dry)
			return damaged(b, "it ends too early", f);
		crypto_generichash_update(
		    &b->hash, (const unsigned char *)at, (size_t)n);
		buf_added(out, (size_t)n);
		b->given += (uint64_t)n;
		max -= (size_t)n;
	}
	if (b->given < b->size)
		return 1;
	if (finish_frame(b, f) == -1)
		return -1;
	return verify(b, f);
}

void
body_free(struct body *b)
{
	if (b == NULL)
		return;
	if (b->file != -1)
		close(b->file);
	ZSTD_freeDCtx(b->zstd);
	buf_release(&b->stored);
	free(b->whole);
	free(b);
}
