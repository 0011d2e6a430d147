/* SPDX-License-Identifier: MIT */
#include "common/store/stage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>
#include <zstd.h>

#include "common/store/object.h"
#include "common/store/press.h"
#include "common/store/sealed.h"
#include "common/util/mem.h"

#define MEMORY_MAX (256 * KB)
#define FIRST_ROOM (16 * KB) /* allocated at once: most messages fit */
#define HEAD_ROOM  (2 * KB)  /* kept free before them: most heads fit */
#define PIECE      (64 * KB) /* read back, compressed and written at a time */

struct stage {
	char *dir;
	char *memory; /* HEAD_ROOM, then what is not in the file: all, or its
	               * tail */
	size_t len;   /* of that */
	size_t room;  /* allocated for that, without HEAD_ROOM */
	int file;     /* unlinked, -1 until memory was full */
	uint64_t in_file; /* octets written to it */
	uint64_t size;
	struct fail trouble; /* the first failure to write; FAIL_NONE */
	bool is_sealed, is_named;
	struct sealed sealed;
	char *stored; /* sealed.data */
	int object;   /* -1: none */
	uint64_t in_object;
	char name[DISK_NAME_MAX];
	struct structure_result info;
	char *texts; /* of info */
};

struct stage *
stage_new(const char *store_dir)
{
	struct stage *s = MEM_NEW(struct stage);

	s->dir = mem_dup(str_of(store_dir));
	s->file = s->object = -1;
	return s;
}

static int
disk_fail(struct fail *f)
{
	if (errno == ENOSPC || errno == EDQUOT)
		return fail(f, FAIL_DISK, "store: the disk is full");
	return fail(f, FAIL_TEMP, "store: staging: %s", strerror(errno));
}

static int
write_all(int fd, struct str bytes, struct fail *f)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.at, bytes.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return disk_fail(f);
		bytes = str_after(bytes, (size_t)n);
	}
	return 0;
}

/* An unlinked file in the store; one that a crash leaves linked is swept. */
static int
open_unlinked(const char *dir, struct fail *f)
{
	char nonce[17], name[DISK_NAME_MAX], *path;
	int fd;

	disk_nonce(nonce);
	snprintf(name, sizeof(name), "objects/stage.%s", nonce);
	path = disk_path(dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		disk_fail(f);
	else
		unlink(path);
	free(path);
	return fd;
}

/* What is in memory. */
static struct str
held(const struct stage *s)
{
	if (s->memory == NULL)
		return STR("");
	return (struct str){s->memory + HEAD_ROOM, s->len};
}

static int
spill(struct stage *s)
{
	if (s->file == -1)
		s->file = open_unlinked(s->dir, &s->trouble);
	if (s->file == -1 || write_all(s->file, held(s), &s->trouble) == -1)
		return -1;
	s->in_file += s->len;
	s->len = 0;
	return 0;
}

/* n more octets; there is place for them below MEMORY_MAX. */
static void
keep(struct stage *s, struct str bytes)
{
	size_t need = s->len + bytes.len;

	if (need > s->room) {
		size_t room = s->room > 0 ? s->room * 2 : FIRST_ROOM;

		while (room < need)
			room *= 2;
		s->memory = mem_grow(s->memory, HEAD_ROOM + room, 1);
		s->room = room;
	}
	memcpy(s->memory + HEAD_ROOM + s->len, bytes.at, bytes.len);
	s->len = need;
}

void
stage_add(struct stage *s, struct str bytes)
{
	assert(!s->is_sealed);
	s->size += bytes.len;
	while (bytes.len > 0 && s->trouble.kind == FAIL_NONE) {
		size_t left = MEMORY_MAX - s->len;

		if (left > 0)
			keep(s, str_first(bytes, left));
		bytes = str_after(bytes, left);
		if (bytes.len > 0)
			spill(s);
	}
}

uint64_t
stage_size(const struct stage *s)
{
	return s->size;
}

static int
write_object(struct stage *s, struct str bytes, struct fail *f)
{
	if (s->object == -1) {
		s->object = object_new(s->dir, s->name, f);
		if (s->object == -1)
			return -1;
	}
	if (write_all(s->object, bytes, f) == -1)
		return -1;
	s->in_object += bytes.len;
	return 0;
}

/* In a row if it is short enough, or else in a file. */
static int
put_whole(
    struct stage *s, struct str stored, enum sealed_codec codec, struct fail *f)
{
	s->sealed.codec = codec;
	s->sealed.stored = stored.len;
	if (stored.len > SEALED_ROW_MAX)
		return write_object(s, stored, f);
	s->stored = mem_grow(NULL, stored.len + 1, 1);
	if (stored.len > 0)
		memcpy(s->stored, stored.at, stored.len);
	s->sealed.data = (struct str){s->stored, stored.len};
	return 0;
}

static int
zstd_fail(size_t code, struct fail *f)
{
	return fail(f, FAIL_TEMP, "store: zstd: %s", ZSTD_getErrorName(code));
}

/* All of it is in memory: in one piece, zstd needs no buffers of its own. */
static int
press_whole(
    struct stage *s, struct press *press, struct str plain, struct fail *f)
{
	size_t size = ZSTD_compressBound(plain.len), n;
	ZSTD_CCtx *zstd = press_zstd(press, plain.len);
	char *room = press_room(press, size);

	if (zstd == NULL)
		return fail(f, FAIL_TEMP, "store: zstd cannot start");
	crypto_generichash(s->sealed.hash, sizeof(s->sealed.hash),
	    (const unsigned char *)plain.at, plain.len, NULL, 0);
	structure_feed(press->structure, plain);
	n = ZSTD_compress2(zstd, room, size, plain.at, plain.len);
	if (ZSTD_isError(n))
		return zstd_fail(n, f);
	/* keep it plain when pressing did not make it smaller */
	if (n >= plain.len && plain.len <= SEALED_ROW_MAX)
		return put_whole(s, plain, SEALED_PLAIN, f);
	return put_whole(s, (struct str){room, n}, SEALED_ZSTD, f);
}

struct stream { /* while sealing what is in a file */
	struct stage *stage;
	struct press *press;
	ZSTD_CCtx *zstd;
	size_t n; /* pressed octets not yet written, in the press's room */
	crypto_generichash_state hash;
};

/* The pressed octets so far: a row's worth stays in memory, more goes on to an
 * object file. */
static int
stream_flush(struct stream *p, struct fail *f)
{
	struct stage *s = p->stage;

	if (s->object == -1 && p->n <= SEALED_ROW_MAX)
		return 0;
	if (write_object(s, (struct str){p->press->room, p->n}, f) == -1)
		return -1;
	p->n = 0;
	return 0;
}

static int
stream_add(struct stream *p, struct str bytes, bool last, struct fail *f)
{
	ZSTD_inBuffer in = {bytes.at, bytes.len, 0};
	size_t left;

	if (bytes.len == 0 && !last)
		return 0;
	crypto_generichash_update(
	    &p->hash, (const unsigned char *)bytes.at, bytes.len);
	structure_feed(p->press->structure, bytes);
	do {
		ZSTD_outBuffer out = {p->press->room + p->n, PIECE, 0};

		assert(p->n <= SEALED_ROW_MAX);
		left = ZSTD_compressStream2(
		    p->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return zstd_fail(left, f);
		p->n += out.pos;
		if (stream_flush(p, f) == -1)
			return -1;
	} while (last ? left > 0 : in.pos < in.size);
	return 0;
}

/* The part that went to the temporary file, in pieces. */
static int
stream_file(struct stream *p, struct fail *f)
{
	struct stage *s = p->stage;
	char *piece = mem_new(PIECE, 1);
	uint64_t at = 0;
	int rc = -1;

	while (at < s->in_file) {
		ssize_t n = pread(s->file, piece, PIECE, (off_t)at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			fail(f, FAIL_TEMP, "store: staging: %s",
			    n == 0 ? "the file is short" : strerror(errno));
			goto out;
		}
		if (stream_add(p, (struct str){piece, (size_t)n}, false, f) ==
		    -1)
			goto out;
		at += (uint64_t)n;
	}
	rc = 0;
out:
	free(piece);
	return rc;
}

/* Its beginning is in a file. */
static int
press_stream(
    struct stage *s, struct press *press, struct str head, struct fail *f)
{
	struct stream p = {
	    .stage = s, .press = press, .zstd = press_zstd(press, s->size)};
	int rc = -1;

	press_room(press, SEALED_ROW_MAX + PIECE);
	crypto_generichash_init(&p.hash, NULL, 0, sizeof(s->sealed.hash));
	if (p.zstd == NULL)
		fail(f, FAIL_TEMP, "store: zstd cannot start");
	else if (stream_add(&p, head, false, f) == 0 &&
		 stream_file(&p, f) == 0 &&
		 stream_add(&p, held(s), true, f) == 0)
		rc = 0;
	if (rc == 0 && s->object != -1)
		rc = write_object(s, (struct str){press->room, p.n}, f);
	else if (rc == 0)
		rc = put_whole(
		    s, (struct str){press->room, p.n}, SEALED_ZSTD, f);
	press_drop_stream(press);
	crypto_generichash_final(
	    &p.hash, s->sealed.hash, sizeof(s->sealed.hash));
	return rc;
}

/* All of the message in memory, in one piece. */
static struct str
join(struct stage *s, struct str head)
{
	char *at;

	if (s->memory == NULL || head.len > HEAD_ROOM) {
		s->memory = mem_grow(
		    s->memory, HEAD_ROOM + s->len + head.len + 1, 1);
		at = s->memory + HEAD_ROOM;
		memmove(at + head.len, at, s->len);
	} else
		at = s->memory + HEAD_ROOM - head.len;
	if (head.len > 0)
		memcpy(at, head.at, head.len);
	return (struct str){at, head.len + s->len};
}

/* What was found of it, out of the press. */
static void
keep_info(struct stage *s, const struct structure_result *r)
{
	struct str *const texts[] = {&s->info.envelope, &s->info.body_structure,
	    &s->info.parts, &s->info.refs, &s->info.preview};
	size_t n = 0;
	char *at;

	s->info = *r;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		n += texts[i]->len;
	at = s->texts = mem_grow(NULL, n + 1, 1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = texts[i]->len;

		if (len > 0)
			memcpy(at, texts[i]->at, len);
		*texts[i] = (struct str){at, len};
		at += len;
	}
	s->sealed.info = &s->info;
}

/* The plain octets are needed no more. */
static void
drop_plain(struct stage *s)
{
	free(s->memory);
	s->memory = NULL;
	if (s->file != -1)
		close(s->file);
	s->file = -1;
}

int
stage_seal_with(
    struct stage *s, struct press *press, struct str head, struct fail *f)
{
	struct press *own = NULL;
	int rc;

	assert(!s->is_sealed);
	s->is_sealed = true;
	s->size += head.len;
	if (s->trouble.kind != FAIL_NONE) {
		*f = s->trouble;
		return -1;
	}
	if (press == NULL)
		press = own = press_new();
	press_structure(press);
	s->sealed.size = s->size;
	rc = s->file == -1 ? press_whole(s, press, join(s, head), f)
	                   : press_stream(s, press, head, f);
	if (rc == 0)
		keep_info(s, structure_finish(press->structure));
	press_free(own);
	if (rc == 0 && s->object != -1) {
		s->sealed.codec = SEALED_ZSTD;
		s->sealed.stored = s->in_object;
		s->sealed.file = s->name;
		rc = object_finish(
		    s->dir, s->object, s->sealed.hash, s->name, f);
	}
	if (rc == -1)
		s->trouble = *f;
	else
		drop_plain(s);
	return rc;
}

int
stage_seal(struct stage *s, struct str head, struct fail *f)
{
	return stage_seal_with(s, NULL, head, f);
}

const struct sealed *
stage_sealed(const struct stage *s)
{
	assert(s->is_sealed && s->trouble.kind == FAIL_NONE);
	return &s->sealed;
}

void
stage_named(struct stage *s)
{
	s->is_named = true;
}

void
stage_free(struct stage *s)
{
	if (s == NULL)
		return;
	if (s->file != -1)
		close(s->file);
	if (s->object != -1) {
		if (!s->is_named)
			object_unlink(s->dir, s->name);
		close(s->object);
	}
	free(s->memory);
	free(s->stored);
	free(s->texts);
	free(s->dir);
	free(s);
}
