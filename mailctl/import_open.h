/* SPDX-License-Identifier: MIT */
/*
 * import_open: the files and folders that a person named, each with all that
 * is below it, and what of it may be read (import_source.h).
 */
#ifndef MAILCTL_IMPORT_OPEN_H
#define MAILCTL_IMPORT_OPEN_H

#include <sys/stat.h>
#include <sys/types.h>

#include "common/util/fail.h"
#include "mailctl/import_source.h"

struct import_top {
	struct import_top *next;
	char *path; /* resolved */
	uid_t owner;
};

/* NULL: there is none, or it is none that may be imported. */
struct import_top *import_top_new(
    const char *path, struct stat *st, struct fail *f);
void import_top_free(struct import_top *top);

#endif
