/* SPDX-License-Identifier: MIT */
#include "tests/fault/faulty_vfs.h"

#include <stdatomic.h>

/* the one door to sqlite3.h */
#include "common/store/sql.h"

struct file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct, in the same allocation */
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	atomic_bool armed;
	atomic_int seen, at;
	enum faulty_mode mode;
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
fate(int io_error)
{
	int n;

	if (!atomic_load(&faulty.armed))
		return SQLITE_OK;
	n = atomic_fetch_add(&faulty.seen, 1) + 1;
	if (n < atomic_load(&faulty.at))
		return SQLITE_OK;
	if (faulty.mode == FAULTY_ONCE && n > atomic_load(&faulty.at))
		return SQLITE_OK;
	if (faulty.mode == FAULTY_FULL)
		return io_error == SQLITE_IOERR_WRITE ? SQLITE_FULL : SQLITE_OK;
	return io_error;
}

static int
x_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int
x_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return real(f)->pMethods->xRead(real(f), to, n, at);
}

static int
x_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	int rc = fate(SQLITE_IOERR_WRITE);

	return rc != SQLITE_OK
	           ? rc
	           : real(f)->pMethods->xWrite(real(f), from, n, at);
}

static int
x_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = fate(SQLITE_IOERR_TRUNCATE);

	return rc != SQLITE_OK ? rc
	                       : real(f)->pMethods->xTruncate(real(f), size);
}

static int
x_sync(sqlite3_file *f, int flags)
{
	int rc = fate(SQLITE_IOERR_FSYNC);

	return rc != SQLITE_OK ? rc : real(f)->pMethods->xSync(real(f), flags);
}

static int
x_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real(f)->pMethods->xFileSize(real(f), size);
}

static int
x_lock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xLock(real(f), level);
}

static int
x_unlock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xUnlock(real(f), level);
}

static int
x_reserved(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int
x_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
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
	return real(f)->pMethods->xShmMap(real(f), region, size, extend, out);
}

static int
x_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), at, n, flags);
}

static void
x_shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int
x_shm_unmap(sqlite3_file *f, int remove)
{
	return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static int
x_fetch(sqlite3_file *f, sqlite3_int64 at, int n, void **out)
{
	return real(f)->pMethods->xFetch(real(f), at, n, out);
}

static int
x_unfetch(sqlite3_file *f, sqlite3_int64 at, void *page)
{
	void (*hook)(void *arg) = faulty.hook;

	if (hook != NULL && page == NULL) {
		faulty.hook = NULL;
		hook(faulty.hook_arg);
	}
	return real(f)->pMethods->xUnfetch(real(f), at, page);
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
	int rc;

	(void)vfs;
	file->real = (sqlite3_file *)(file + 1);
	rc = faulty.real->xOpen(faulty.real, name, file->real, flags, out);
	file->base.pMethods = file->real->pMethods != NULL ? &methods : NULL;
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
	sqlite3_vfs_register(&faulty.vfs, 1);
}

void
faulty_arm(int n, enum faulty_mode mode)
{
	atomic_store(&faulty.armed, false);
	faulty.mode = mode;
	atomic_store(&faulty.at, n);
	atomic_store(&faulty.seen, 0);
	atomic_store(&faulty.armed, true);
}

int
faulty_heal(void)
{
	atomic_store(&faulty.armed, false);
	return atomic_load(&faulty.seen);
}

void
faulty_on_checkpoint(void (*hook)(void *arg), void *arg)
{
	faulty.hook_arg = arg;
	faulty.hook = hook;
}
