/* SPDX-License-Identifier: MIT */
/*
 * backup: snapshots of a live store in a directory, beside each other.
 *
 *	DIR/lock                        held (flock) while somebody writes here
 *	DIR/2026-11-22T17-30-05Z/       a snapshot: is one once it has this name
 *	    MANIFEST                    backup_manifest.h; written last
 *	    auth.db.parts/0000000 ...   `cat' of them is the database, as one
 *	    mail.db.parts/0000000 ...   transaction left it
 *	    objects/xx/...              the bodies it names
 *	DIR/unfinished-..., removing-...  never count; the next backup removes
 *them DIR/drill                       what the last drill found
 *(backup_drill.h)
 *
 * What a snapshot holds is one state: both databases as they were at one
 * moment under the store's lock, and every object file mail.db names, since
 * bodies are not swept until it is done (sweep_pause.h).  search.db is left
 * out: it is built again.
 *
 * Files never change.  What the snapshot before has too is not written again
 * but linked, parts of databases by their hash, objects by their name, so each
 * snapshot is whole by itself and any may be removed.  Where the file system
 * knows no links everything is copied.
 *
 * It holds passwords' verifiers, keys and mail: directories 0700, files 0600.
 * Everything here blocks: call it from a thread that may wait.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/fail.h"
#include "common/util/str.h"

#define BACKUP_NAME_MAX 40 /* of a snapshot, with NUL */

/* Who watches; each member may be NULL. */
struct backup_watch {
	/* done of total octets; called at least once a megabyte */
	void (*tell)(
	    void *arg, const char *what, uint64_t done, uint64_t total);
	bool (*stop)(void *arg); /* true: give up (FAIL_TEMP) */
	void *arg;
};

struct backup_options {
	const char *store; /* directory of the store, borrowed */
	const char *dir;   /* of the snapshots; made if its parent is there */
	size_t keep;       /* remove all but so many; 0: remove none */
	bool whole;        /* share nothing with the snapshot before */
	bool gentle;       /* leave half of the time to others */
	int64_t now_ms;    /* wall clock, for the name */
	struct backup_watch watch;
};

struct backup_made {
	char name[BACKUP_NAME_MAX];
	uint64_t files, octets; /* that it has */
	uint64_t copied_files,
	    copied_octets; /* of them; the others are links */
	size_t removed;    /* old snapshots */
};

/* Make one.  On failure nothing is there that counts, and none of the old ones
 * is gone.  FAIL_DISK: no room; FAIL_TEMP "... another backup": dir is locked;
 * FAIL_PERM: it cannot be written, or there is no store. */
int backup_make(
    const struct backup_options *o, struct backup_made *out, struct fail *f);

struct backup_info {
	char name[BACKUP_NAME_MAX];
	bool valid; /* it has a whole manifest, and every file with its
	             * size; if not: why */
	struct fail why;
	uint64_t missing; /* files that are not there, or cut */
	int64_t number;   /* rises with each made in this directory */
	int64_t made_ms;  /* wall clock */
	char program[32]; /* its version */
	int mail_schema, auth_schema;
	uint64_t files, octets;
};

/* Could this be the name of a snapshot? */
bool backup_name_is(struct str name);

/* The snapshots of dir, in the order they were made (those without a manifest
 * first).  An array to be freed; none when there is no such directory. */
int backup_list(
    const char *dir, struct backup_info **list, size_t *n, struct fail *f);

/* What the snapshot of that path is.  -1: it has no whole manifest. */
int backup_look(const char *path, struct backup_info *out, struct fail *f);

#endif
