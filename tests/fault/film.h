/* SPDX-License-Identifier: MIT */
/*
 * film: all that happens to the files of one directory, so that one can see
 * what a power cut at any moment would leave of it.
 *
 * What a disk is taken to do, which is the worst that POSIX allows:
 * - What was written before the last sync of a file is there.  Of what was
 *   written since, each sector may be there or not, whatever the order; a
 *   sector that was just being written may hold anything.
 * - So for the size of a file, and for each name in a directory: a name is
 *   certain only after a sync of the directory, not of the file.
 * - A sync that fails leaves what it should have written never to be written
 *   by a later one.
 */
#ifndef TESTS_FAULT_FILM_H
#define TESTS_FAULT_FILM_H

#include <stddef.h>
#include <stdint.h>

#include "tests/fault/faulty_files.h"

struct film;

/* What a sync is of; for those that are to be left out. */
enum film_sync {
	FILM_LOG,    /* a write-ahead log */
	FILM_DB,     /* a database file */
	FILM_OBJECT, /* a file under objects/ */
	FILM_FOLDER, /* a directory under objects/ */
	FILM_OTHER,
	FILM_SYNCS_N,
};

/* Begin: what is in dir is certain. */
struct film *film_new(const char *dir);
void film_free(struct film *film);

/* Syncs of this kind say that they are done and are not. */
void film_skip(struct film *film, enum film_sync what);
/* Of the syncs, one in so many fails; 0: none. */
void film_fail_syncs(struct film *film, unsigned one_in, uint64_t seed);

/* For faulty_files_watch(). */
const struct faulty_watcher *film_watcher(struct film *film);

size_t film_length(const struct film *film); /* events so far */
size_t film_failed(const struct film *film); /* syncs */

/* Into to, which is empty: what is left when the power goes after so many
 * events.  The same seed gives the same. */
void film_cut(
    const struct film *film, size_t at, uint64_t seed, const char *to);

#endif
