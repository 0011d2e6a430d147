/* SPDX-License-Identifier: MIT */
/*
 * faulty_vfs: a SQLite VFS in front of the system's that fails when told to.
 *
 * Installed once, it becomes the default, so that db_open() uses it unasked.
 * Operations that change a file (write, sync, truncate) are counted from
 * faulty_arm() on; the chosen one fails before it does anything (a failed
 * sync thus leaves its data written: what makes a failed COMMIT dangerous).
 */
#ifndef TESTS_FAULT_FAULTY_VFS_H
#define TESTS_FAULT_FAULTY_VFS_H

#include <stdbool.h>

enum faulty_mode {
	FAULTY_ONCE, /* I/O error at the n-th operation, then all is well */
	FAULTY_EVER, /* I/O error from the n-th on */
	FAULTY_FULL, /* disk full for writes from the n-th on */
};

void faulty_install(void);
void faulty_arm(int n, enum faulty_mode mode);

/* All is well again.  How many operations there were since faulty_arm(). */
int faulty_heal(void);

/* Call hook once, when the next checkpoint has read the log's header and not
 * yet looked how much of it was copied (SQLite's xUnfetch). */
void faulty_on_checkpoint(void (*hook)(void *arg), void *arg);

#endif
