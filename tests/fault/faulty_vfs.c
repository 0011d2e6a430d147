/* SPDX-License-Identifier: MIT */
#include "tests/fault/faulty_vfs.h"

#include "tests/fault/faulty_files.h"

/* the one door to sqlite3.h */
#include "common/store/sql.h"

struct file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct, in the same allocation */
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	void (*hook)(void *arg);
	void *hook_arg;
} faulty;

static sqlite3_file *
real(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

/* Count an operation: what it shall fail with, or SQLITE_OK. */
static int
fate(enum faulty_op op, int io_error)
{
	switch (faulty_meet(op)) {
	case FAULTY_ERROR:
		return io_error;
	case FAULTY_NO_ROOM:
		return SQLITE_FULL;
	default:
		return SQLITE_OK;
	}
}

/* Call the real one; its system calls are SQLite's. */
#define REAL(f, method, ...)                                                   \
	(faulty_enter(),                                                       \
	    rc = real(f)->pMethods->method(                                    \
		real(f) __VA_OPT__(, ) __VA_ARGS__),                           \
	    faulty_leave(), rc)

static int
x_close(sqlite3_file *f)
{
	int rc;

	faulty_meet(FAULTY_X_CLOSE);
	return REAL(f, xClose);
}

static int
x_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	int rc = fate(FAULTY_X_READ, SQLITE_IOERR_READ);

	return rc != SQLITE_OK ? rc : REAL(f, xRead, to, n, at);
}

static int
x_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	enum faulty_fate fate = faulty_meet(FAULTY_X_WRITE);
	int rc;

	if (fate == FAULTY_ERROR)
		return SQLITE_IOERR_WRITE;
	if (fate == FAULTY_NO_ROOM)
		return SQLITE_FULL;
	if (fate == FAULTY_HALF)
		n /= 2;
	rc = REAL(f, xWrite, from, n, at);
	return fate == FAULTY_HALF ? SQLITE_IOERR_WRITE : rc;
}

static int
x_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = fate(FAULTY_X_TRUNCATE, SQLITE_IOERR_TRUNCATE);

	return rc != SQLITE_OK ? rc : REAL(f, xTruncate, size);
}

static int
x_sync(sqlite3_file *f, int flags)
{
	int rc = fate(FAULTY_X_SYNC, SQLITE_IOERR_FSYNC);

	return rc != SQLITE_OK ? rc : REAL(f, xSync, flags);
}

static int
x_size(sqlite3_file *f, sqlite3_int64 *size)
{
	int rc = fate(FAULTY_X_SIZE, SQLITE_IOERR_FSTAT);

	return rc != SQLITE_OK ? rc : REAL(f, xFileSize, size);
}

static int
x_lock(sqlite3_file *f, int level)
{
	int rc = fate(FAULTY_X_LOCK, SQLITE_IOERR_LOCK);

	return rc != SQLITE_OK ? rc : REAL(f, xLock, level);
}

static int
x_unlock(sqlite3_file *f, int level)
{
	int rc;

	faulty_meet(FAULTY_X_UNLOCK);
	return REAL(f, xUnlock, level);
}

static int
x_reserved(sqlite3_file *f, int *out)
{
	int rc = fate(FAULTY_X_RESERVED, SQLITE_IOERR_CHECKRESERVEDLOCK);

	return rc != SQLITE_OK ? rc : REAL(f, xCheckReservedLock, out);
}

static int
x_control(sqlite3_file *f, int op, void *arg)
{
	int rc;

	return REAL(f, xFileControl, op, arg);
}

static int
x_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int
x_device(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int
x_shm_map(
    sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
	int rc = fate(FAULTY_X_SHM_MAP, SQLITE_IOERR_SHMMAP);

	if (rc != SQLITE_OK) {
		*out = NULL;
		return rc;
	}
	return REAL(f, xShmMap, region, size, extend, out);
}

static int
x_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	int rc = SQLITE_OK;

	/* nobody can do anything about an unlock that fails */
	if ((flags & SQLITE_SHM_UNLOCK) != 0)
		faulty_meet(FAULTY_X_SHM_UNLOCK);
	else
		rc = fate(FAULTY_X_SHM_LOCK, SQLITE_IOERR_SHMLOCK);
	return rc != SQLITE_OK ? rc : REAL(f, xShmLock, at, n, flags);
}

static void
x_shm_barrier(sqlite3_file *f)
{
	faulty_meet(FAULTY_X_SHM_BARRIER);
	real(f)->pMethods->xShmBarrier(real(f));
}

static int
x_shm_unmap(sqlite3_file *f, int remove)
{
	int rc;

	faulty_meet(FAULTY_X_SHM_UNMAP);
	return REAL(f, xShmUnmap, remove);
}

static int
x_fetch(sqlite3_file *f, sqlite3_int64 at, int n, void **out)
{
	int rc;

	return REAL(f, xFetch, at, n, out);
}

static int
x_unfetch(sqlite3_file *f, sqlite3_int64 at, void *page)
{
	void (*hook)(void *arg) = faulty.hook;
	int rc;

	if (hook != NULL && page == NULL) {
		faulty.hook = NULL;
		hook(faulty.hook_arg);
	}
	return REAL(f, xUnfetch, at, page);
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_size,
    .xLock = x_lock,
    .xUnlock = x_unlock,
    .xCheckReservedLock = x_reserved,
    .xFileControl = x_control,
    .xSectorSize = x_sector,
    .xDeviceCharacteristics = x_device,
    .xShmMap = x_shm_map,
    .xShmLock = x_shm_lock,
    .xShmBarrier = x_shm_barrier,
    .xShmUnmap = x_shm_unmap,
    .xFetch = x_fetch,
    .xUnfetch = x_unfetch,
};

static int
x_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct file *file = (struct file *)f;
	int rc = fate(FAULTY_X_OPEN, SQLITE_CANTOPEN);

	(void)vfs;
	file->base.pMethods = NULL;
	if (rc != SQLITE_OK)
		return rc;
	file->real = (sqlite3_file *)(file + 1);
	faulty_enter();
	rc = faulty.real->xOpen(faulty.real, name, file->real, flags, out);
	faulty_leave();
	file->base.pMethods = file->real->pMethods != NULL ? &methods : NULL;
	return rc;
}

static int
x_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	int rc = fate(FAULTY_X_DELETE, SQLITE_IOERR_DELETE);

	(void)vfs;
	if (rc != SQLITE_OK)
		return rc;
	faulty_enter();
	rc = faulty.real->xDelete(faulty.real, name, sync);
	faulty_leave();
	return rc;
}

static int
x_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	int rc = fate(FAULTY_X_ACCESS, SQLITE_IOERR_ACCESS);

	(void)vfs;
	if (rc != SQLITE_OK)
		return rc;
	faulty_enter();
	rc = faulty.real->xAccess(faulty.real, name, flags, out);
	faulty_leave();
	return rc;
}

static int
x_randomness(sqlite3_vfs *vfs, int n, char *to)
{
	int rc;

	(void)vfs;
	faulty_enter();
	rc = faulty.real->xRandomness(faulty.real, n, to);
	faulty_leave();
	return rc;
}

void
faulty_install(void)
{
	faulty.real = sqlite3_vfs_find(NULL);
	/* what is not wrapped works on names, with the real one's data */
	faulty.vfs = *faulty.real;
	faulty.vfs.zName = "faulty";
	faulty.vfs.pNext = NULL;
	faulty.vfs.szOsFile += (int)sizeof(struct file);
	faulty.vfs.xOpen = x_open;
	faulty.vfs.xDelete = x_delete;
	faulty.vfs.xAccess = x_access;
	faulty.vfs.xRandomness = x_randomness;
	sqlite3_vfs_register(&faulty.vfs, 1);
	faulty_files_hurry();
}

void
faulty_on_checkpoint(void (*hook)(void *arg), void *arg)
{
	faulty.hook_arg = arg;
	faulty.hook = hook;
}
