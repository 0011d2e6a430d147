/* SPDX-License-Identifier: MIT */
/*
 * faulty_vfs: a SQLite VFS in front of the system's that fails when told to
 * (faulty.h).
 *
 * Installed once, it becomes the default, so that db_open() uses it unasked.
 * What fails does so before it does anything; a failed sync thus leaves its
 * data written, which is what makes a failed COMMIT dangerous.
 */
#ifndef TESTS_FAULT_FAULTY_VFS_H
#define TESTS_FAULT_FAULTY_VFS_H

#include "tests/fault/faulty.h"

/* Also makes every sync quick: faulty_files_hurry(). */
void faulty_install(void);

/* Call hook once, when the next checkpoint has read the log's header and not
 * yet looked how much of it was copied (SQLite's xUnfetch). */
void faulty_on_checkpoint(void (*hook)(void *arg), void *arg);

#endif
