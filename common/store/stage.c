/* SPDX-License-Identifier: MIT */
#include "common/store/stage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>
#include <zstd.h>

#include "common/store/object.h"
#include "common/store/sealed.h"
#include "common/util/buf.h"
#include "common/util/mem.h"

#define MEMORY_MAX (256 * KB)
#define PIECE      (64 * KB) /* read back, compressed and written at a time */

struct stage {
	char *dir;
	struct buf memory; /* what is not in the file: all, or its tail */
	int file;          /* unlinked, -1 until memory was full */
	uint64_t in_file;  /* octets written to it */
	uint64_t size;
	struct fail trouble; /* the first failure to write; FAIL_NONE */
	bool is_sealed, is_named;
	struct sealed sealed;
	struct buf packed; /* stored octets not in the object file */
	int object;        /* -1: none */
	uint64_t in_object;
	char name[DISK_NAME_MAX];
	struct structure *structure; /* fed while sealing */
};

struct stage *
stage_new(const char *store_dir)
{
	struct stage *s = MEM_NEW(struct stage);

	s->dir = mem_dup(str_of(store_dir));
	s->file = s->object = -1;
	buf_init(&s->memory, MEMORY_MAX);
	/* a row's worth, and room for what zstd gives at once before it moves
	 * to a file */
	buf_init(&s->packed, SEALED_ROW_MAX + 2 * PIECE);
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

static int
spill(struct stage *s)
{
	if (s->file == -1)
		s->file = open_unlinked(s->dir, &s->trouble);
	if (s->file == -1 ||
	    write_all(s->file, buf_str(&s->memory), &s->trouble) == -1)
		return -1;
	s->in_file += s->memory.len;
	buf_clear(&s->memory);
	return 0;
}

void
stage_add(struct stage *s, struct str bytes)
{
	assert(!s->is_sealed);
	s->size += bytes.len;
	while (bytes.len > 0 && s->trouble.kind == FAIL_NONE) {
		size_t room = MEMORY_MAX - s->memory.len;

		buf_add(&s->memory, str_first(bytes, room));
		bytes = str_after(bytes, room);
		if (bytes.len > 0)
			spill(s);
	}
}

uint64_t
stage_size(const struct stage *s)
{
	return s->size;
}

/* What is stored goes through here: a row's worth stays in memory, more goes
 * on to an object file. */
static int
flush_packed(struct stage *s, struct fail *f)
{
	if (s->object == -1 && s->packed.len <= SEALED_ROW_MAX)
		return 0;
	if (s->object == -1) {
		s->object = object_new(s->dir, s->name, f);
		if (s->object == -1)
			return -1;
	}
	if (write_all(s->object, buf_str(&s->packed), f) == -1)
		return -1;
	s->in_object += s->packed.len;
	buf_clear(&s->packed);
	return 0;
}

struct press { /* while sealing */
	struct stage *stage;
	ZSTD_CCtx *zstd;
	crypto_generichash_state hash;
};

static int
press_start(struct press *p, uint64_t size, struct fail *f)
{
	p->zstd = ZSTD_createCCtx();
	if (p->zstd == NULL ||
	    ZSTD_isError(
		ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(
		p->zstd, ZSTD_c_windowLog, SEALED_WINDOW)) ||
	    ZSTD_isError(
		ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(p->zstd, size)))
		return fail(f, FAIL_TEMP, "store: zstd cannot start");
	crypto_generichash_init(
	    &p->hash, NULL, 0, sizeof(p->stage->sealed.hash));
	return 0;
}

static int
press_add(struct press *p, struct str bytes, bool last, struct fail *f)
{
	struct buf *packed = &p->stage->packed;
	ZSTD_inBuffer in = {bytes.at, bytes.len, 0};
	size_t room = ZSTD_compressBound(bytes.len), left;

	if (bytes.len == 0 && !last)
		return 0;
	if (room > PIECE)
		room = PIECE;
	crypto_generichash_update(
	    &p->hash, (const unsigned char *)bytes.at, bytes.len);
	structure_feed(p->stage->structure, bytes);
	do {
		char *at = buf_reserve(packed, room);
		ZSTD_outBuffer out = {at, room, 0};

		assert(at != NULL);
		left = ZSTD_compressStream2(
		    p->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return fail(f, FAIL_TEMP, "store: zstd: %s",
			    ZSTD_getErrorName(left));
		buf_added(packed, out.pos);
		if (flush_packed(p->stage, f) == -1)
			return -1;
	} while (last ? left > 0 : in.pos < in.size);
	return 0;
}

/* The part that went to the temporary file, in pieces. */
static int
press_file(struct press *p, struct fail *f)
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
		if (press_add(p, (struct str){piece, (size_t)n}, false, f) ==
		    -1)
			goto out;
		at += (uint64_t)n;
	}
	rc = 0;
out:
	free(piece);
	return rc;
}

/* Keep it plain when pressing did not make it smaller. */
static void
unpress(struct stage *s)
{
	assert(s->file == -1 && s->object == -1);
	buf_clear(&s->packed);
	buf_add(&s->packed, buf_str(&s->memory));
	assert(!s->packed.overrun);
	s->sealed.codec = SEALED_PLAIN;
}

static int
finish(struct stage *s, struct fail *f)
{
	struct sealed *sealed = &s->sealed;

	sealed->size = s->size;
	sealed->codec = SEALED_ZSTD;
	if (s->object != -1) {
		if (write_all(s->object, buf_str(&s->packed), f) == -1)
			return -1;
		sealed->stored = s->in_object + s->packed.len;
		buf_release(&s->packed);
		if (object_finish(
			s->dir, s->object, sealed->hash, s->name, f) == -1)
			return -1;
		sealed->file = s->name;
		return 0;
	}
	if (s->packed.len >= s->size && s->size <= SEALED_ROW_MAX)
		unpress(s);
	sealed->data = buf_str(&s->packed);
	sealed->stored = s->packed.len;
	return 0;
}

/* All of the message in memory. */
static void
join(struct stage *s, struct str head)
{
	struct buf whole;

	buf_init(&whole, s->memory.len + head.len + 1);
	buf_add(&whole, head);
	buf_add(&whole, buf_str(&s->memory));
	buf_release(&s->memory);
	s->memory = whole;
}

int
stage_seal(struct stage *s, struct str head, struct fail *f)
{
	struct press p = {.stage = s};
	int rc = -1;

	assert(!s->is_sealed);
	s->is_sealed = true;
	s->size += head.len;
	if (s->trouble.kind != FAIL_NONE) {
		*f = s->trouble;
		return -1;
	}
	if (s->file == -1) {
		/* in one piece, zstd needs no buffers of its own */
		join(s, head);
		head = STR("");
	}
	s->structure = structure_new();
	if (press_start(&p, s->size, f) == -1 ||
	    press_add(&p, head, false, f) == -1 || press_file(&p, f) == -1 ||
	    press_add(&p, buf_str(&s->memory), true, f) == -1)
		goto out;
	crypto_generichash_final(
	    &p.hash, s->sealed.hash, sizeof(s->sealed.hash));
	s->sealed.info = structure_finish(s->structure);
	if (finish(s, f) == -1)
		goto out;
	/* the plain octets are needed no more */
	buf_release(&s->memory);
	if (s->file != -1)
		close(s->file);
	s->file = -1;
	rc = 0;
out:
	ZSTD_freeCCtx(p.zstd);
	if (rc == -1)
		s->trouble = *f;
	return rc;
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
	structure_free(s->structure);
	buf_release(&s->memory);
	buf_release(&s->packed);
	free(s->dir);
	free(s);
}
