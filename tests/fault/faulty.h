/* SPDX-License-Identifier: MIT */
/*
 * faulty: which operation fails, and how.
 *
 * Operations are those SQLite asks of its VFS (faulty_vfs.h) and the system
 * calls of the store's own files (faulty_files.h): one count runs over both.
 * From faulty_arm(n) on those that the mode can strike are counted; the n-th
 * is struck.  With FAULTY_INTERRUPT and FAULTY_PART it is system calls that
 * are counted, SQLite's too.
 *
 *	for (n = 1; ; n++) {
 *		faulty_arm(n, mode);
 *		...
 *		if (faulty_heal() < n)
 *			break;		nothing was struck: that was the last
 *	}
 */
#ifndef TESTS_FAULT_FAULTY_H
#define TESTS_FAULT_FAULTY_H

#include <stdbool.h>

/* What can become of an operation. */
enum {
	FAULTY_FAILS = 1 << 0, /* with an I/O error, nothing done */
	FAULTY_ROOM = 1 << 1,  /* it needs room on the disk */
	FAULTY_BYTES = 1 << 2, /* it can do half of it, and then fail */
	FAULTY_AGAIN = 1 << 3, /* a system call one tries again */
};

/* O(NAME, "name", what can become of it) */
#define FAULTY_OPS(O)                                                          \
	O(X_OPEN, "xOpen", FAULTY_FAILS)                                       \
	O(X_DELETE, "xDelete", FAULTY_FAILS)                                   \
	O(X_ACCESS, "xAccess", FAULTY_FAILS)                                   \
	O(X_CLOSE, "xClose", 0)                                                \
	O(X_READ, "xRead", FAULTY_FAILS)                                       \
	O(X_WRITE, "xWrite", FAULTY_FAILS | FAULTY_ROOM | FAULTY_BYTES)        \
	O(X_TRUNCATE, "xTruncate", FAULTY_FAILS)                               \
	O(X_SYNC, "xSync", FAULTY_FAILS)                                       \
	O(X_SIZE, "xFileSize", FAULTY_FAILS)                                   \
	O(X_LOCK, "xLock", FAULTY_FAILS)                                       \
	O(X_UNLOCK, "xUnlock", 0)                                              \
	O(X_RESERVED, "xCheckReservedLock", FAULTY_FAILS)                      \
	O(X_SHM_MAP, "xShmMap", FAULTY_FAILS)                                  \
	O(X_SHM_LOCK, "xShmLock", FAULTY_FAILS)                                \
	O(X_SHM_UNLOCK, "xShmLock(UNLOCK)", 0)                                 \
	O(X_SHM_BARRIER, "xShmBarrier", 0)                                     \
	O(X_SHM_UNMAP, "xShmUnmap", 0)                                         \
	O(OPEN, "open", FAULTY_FAILS)                                          \
	O(CREATE, "open(O_CREAT)", FAULTY_FAILS | FAULTY_ROOM)                 \
	O(READ, "read", FAULTY_FAILS)                                          \
	O(PREAD, "pread", FAULTY_FAILS)                                        \
	O(WRITE, "write", FAULTY_FAILS | FAULTY_ROOM | FAULTY_BYTES)           \
	O(FSYNC, "fsync", FAULTY_FAILS)                                        \
	O(FDATASYNC, "fdatasync", FAULTY_FAILS)                                \
	O(RENAME, "rename", FAULTY_FAILS | FAULTY_ROOM)                        \
	O(LINK, "link", FAULTY_FAILS | FAULTY_ROOM)                            \
	O(UNLINK, "unlink", FAULTY_FAILS)                                      \
	O(MKDIR, "mkdir", FAULTY_FAILS | FAULTY_ROOM)                          \
	O(FCHMOD, "fchmod", FAULTY_FAILS)                                      \
	O(FLOCK, "flock", FAULTY_FAILS)                                        \
	O(ANY_READ, "read, by anybody", FAULTY_AGAIN)                          \
	O(ANY_PREAD, "pread, by anybody", FAULTY_AGAIN)                        \
	O(ANY_WRITE, "write, by anybody", FAULTY_AGAIN)                        \
	O(ANY_PWRITE, "pwrite, by anybody", FAULTY_AGAIN)                      \
	O(ANY_FTRUNCATE, "ftruncate, by anybody", FAULTY_AGAIN)                \
	O(ANY_FLOCK, "flock, by anybody", FAULTY_AGAIN)

enum faulty_op {
#define O(name, text, can) FAULTY_##name,
	FAULTY_OPS(O)
#undef O
	FAULTY_OPS_N
};

/* M(NAME, "name", whom it strikes, ever: from the n-th on) */
#define FAULTY_MODES(M)                                                        \
	M(ONCE, "EIO once", FAULTY_FAILS, false)                               \
	M(EVER, "EIO from there on", FAULTY_FAILS, true)                       \
	M(FULL_ONCE, "ENOSPC once", FAULTY_ROOM, false)                        \
	M(FULL, "ENOSPC from there on", FAULTY_ROOM, true)                     \
	M(SHORT, "half written, then EIO", FAULTY_BYTES, false)                \
	M(WRITES, "EIO at every write", FAULTY_BYTES, true)                    \
	M(INTERRUPT, "EINTR", FAULTY_AGAIN, false)                             \
	M(PART, "a part only", FAULTY_AGAIN, false)                            \
	M(KILL, "SIGKILL", FAULTY_FAILS, true)

enum faulty_mode {
#define M(name, text, whom, ever) FAULTY_##name,
	FAULTY_MODES(M)
#undef M
	FAULTY_MODES_N
};

/* What the one who does the operation is to make of it. */
enum faulty_fate {
	FAULTY_FINE,
	FAULTY_ERROR,
	FAULTY_NO_ROOM,
	FAULTY_HALF,        /* do half, then say EIO */
	FAULTY_INTERRUPTED, /* EINTR, nothing done */
	FAULTY_LESS,        /* do a part and say so */
};

void faulty_arm(int n, enum faulty_mode mode);

/* All is well again.  How many operations the mode could have struck since
 * faulty_arm(). */
int faulty_heal(void);

/* After faulty_heal(): how many another mode could have struck. */
int faulty_points(enum faulty_mode mode);

/* Count it.  FAULTY_KILL does not return from the n-th. */
enum faulty_fate faulty_meet(enum faulty_op op);

/* The operation struck first since faulty_arm(); NULL: none was. */
const char *faulty_struck(void);

const char *faulty_op_name(enum faulty_op op);
const char *faulty_mode_name(enum faulty_mode mode);

/* Operations of each kind since the program began, while armed. */
unsigned long faulty_met(enum faulty_op op);

/* The calling thread is in SQLite's VFS: its system calls are none of the
 * store's own.  Calls nest. */
void faulty_enter(void);
void faulty_leave(void);
bool faulty_is_inside(void);

#endif
