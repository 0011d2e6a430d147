/* SPDX-License-Identifier: MIT */
#include "common/store/gather.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

#define GATHER_MAX (64 * KB) /* then it is written, while in the cache */

struct gather {
	sqlite3_vfs vfs; /* a copy of the real one, but for xOpen */
	sqlite3_vfs *real;
	char name[40];
	bool on;
	char *data; /* not yet written; GATHER_MAX once it is needed */
	size_t len;
	sqlite3_int64 at; /* where it belongs in the log */
};

/* The log; the real one is behind it in the same allocation. */
struct log {
	sqlite3_file base;
	struct gather *gather;
};

static sqlite3_file *
real(sqlite3_file *f)
{
	return (sqlite3_file *)((struct log *)f + 1);
}

/* If it fails the octets stay, so that no later sync can succeed without
 * them, until they are forgotten. */
static int
flush(sqlite3_file *f)
{
	struct gather *g = ((struct log *)f)->gather;
	int rc;

	if (g->len == 0)
		return SQLITE_OK;
	rc = real(f)->pMethods->xWrite(real(f), g->data, (int)g->len, g->at);
	if (rc == SQLITE_OK)
		g->len = 0;
	return rc;
}

static int
log_close(sqlite3_file *f)
{
	/* what was not synced was not committed */
	((struct log *)f)->gather->len = 0;
	return real(f)->pMethods->xClose(real(f));
}

static int
log_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	int rc = flush(f);

	return rc != SQLITE_OK ? rc
	                       : real(f)->pMethods->xRead(real(f), to, n, at);
}

static int
log_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	struct gather *g = ((struct log *)f)->gather;
	int rc;

	if (g->len > 0 && (at != g->at + (sqlite3_int64)g->len ||
			      (size_t)n > GATHER_MAX - g->len)) {
		rc = flush(f);
		if (rc != SQLITE_OK)
			return rc;
	}
	if (!g->on || (size_t)n > GATHER_MAX)
		return real(f)->pMethods->xWrite(real(f), from, n, at);
	if (g->data == NULL)
		g->data = mem_grow(NULL, GATHER_MAX, 1);
	if (g->len == 0)
		g->at = at;
	memcpy(g->data + g->len, from, (size_t)n);
	g->len += (size_t)n;
	return SQLITE_OK;
}

static int
log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = flush(f);

	return rc != SQLITE_OK ? rc
	                       : real(f)->pMethods->xTruncate(real(f), size);
}

static int
log_sync(sqlite3_file *f, int flags)
{
	int rc = flush(f);

	return rc != SQLITE_OK ? rc : real(f)->pMethods->xSync(real(f), flags);
}

static int
log_size(sqlite3_file *f, sqlite3_int64 *size)
{
	int rc = flush(f);

	return rc != SQLITE_OK ? rc
	                       : real(f)->pMethods->xFileSize(real(f), size);
}

static int
log_lock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xLock(real(f), level);
}

static int
log_unlock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xUnlock(real(f), level);
}

static int
log_reserved(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int
log_control(sqlite3_file *f, int op, void *arg)
{
	int rc = flush(f);

	return rc != SQLITE_OK
	           ? rc
	           : real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int
log_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int
log_device(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1, /* a log is not mapped, nor has it a wal-index */
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_reserved,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_device,
};

static int
open_file(
    sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct gather *g = (struct gather *)vfs;
	struct log *l = (struct log *)f;
	int rc;

	if ((flags & SQLITE_OPEN_WAL) == 0)
		return g->real->xOpen(g->real, name, f, flags, out);
	l->gather = g;
	rc = g->real->xOpen(g->real, name, real(f), flags, out);
	l->base.pMethods = real(f)->pMethods != NULL ? &log_methods : NULL;
	return rc;
}

struct gather *
gather_new(struct fail *f)
{
	struct gather *g = MEM_NEW(struct gather);

	g->real = sqlite3_vfs_find(NULL);
	if (g->real == NULL) {
		free(g);
		fail(f, FAIL_TEMP, "store: SQLite has no files");
		return NULL;
	}
	g->vfs = *g->real;
	snprintf(g->name, sizeof(g->name), "gather-%p", (void *)g);
	g->vfs.zName = g->name;
	g->vfs.pNext = NULL;
	g->vfs.szOsFile = (int)sizeof(struct log) + g->real->szOsFile;
	g->vfs.xOpen = open_file;
	if (sqlite3_vfs_register(&g->vfs, 0) != SQLITE_OK) {
		free(g);
		fail(f, FAIL_TEMP, "store: SQLite takes no files of ours");
		return NULL;
	}
	return g;
}

const char *
gather_vfs(const struct gather *g)
{
	return g != NULL ? g->name : NULL;
}

void
gather_set(struct gather *g, bool on)
{
	if (g != NULL)
		g->on = on;
}

void
gather_forget(struct gather *g)
{
	if (g != NULL)
		g->len = 0;
}

bool
gather_is_empty(const struct gather *g)
{
	return g == NULL || g->len == 0;
}

void
gather_free(struct gather *g)
{
	if (g == NULL)
		return;
	sqlite3_vfs_unregister(&g->vfs);
	free(g->data);
	free(g);
}
