/* SPDX-License-Identifier: MIT */
/*
 * search: search.db, the folded text of bodies (mime/text.h) and an index of
 * its trigrams, built behind delivery by maild, read by popd.
 *
 * It may be behind, or not there at all: search_text() then makes the text from
 * the body, so that no answer depends on it, only the time does.
 *
 * Bodies are indexed in the order of their ids.  An id is the highest plus one,
 * given under the store's lock, so no transaction that commits later has a
 * lower one: up to `indexed' nothing is missing.
 */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/buf.h"

/* ---- maild: search is DB_SEARCH, opened as a writer ---- */

/* Index up to max bodies that are not yet: read from mail (any mode), one
 * commit to search.  *more: there are others.  A search.db that is of another
 * mail.db, or was made otherwise than we make it, begins anew.  A failure is
 * FAIL_PERM if it is search.db's, which db_discard() mends if nothing else
 * does; FAIL_TEMP if mail.db could not be read. */
int search_index(
    struct db *mail, struct db *search, size_t max, bool *more, struct fail *f);

/* Look at up to max of the texts, from where the last call ended, and drop
 * those whose bodies are gone.  When most of the index is of such, all of it
 * begins anew.  *over: that was the last of them.  Failures as above. */
int search_sweep(
    struct db *mail, struct db *search, size_t max, bool *over, struct fail *f);

/* Begin anew from nothing, in one transaction. */
int search_rebuild(struct db *search, struct fail *f);

/* ---- popd: mail is a DB_READER within a read transaction; its connection to
 * search.db is opened at the first use and kept; search_candidates() looks
 * whether it is still the one of that name ---- */

/* Append the folded text of a body; limits under TEXT_MAX cut it (buf.h:
 * overrun).  1, 0 no such body, -1: FAIL_PERM if it is damaged. */
int search_text(struct db *mail, int64_t body, struct buf *head,
    struct buf *text, struct fail *f);

/* Bodies that may have all of these needles (folded; those under three
 * characters are ignored) somewhere in their text.  *bodies: malloc'd, rising.
 * Of bodies with an id over *indexed the index knows nothing.  1, 0 it is of
 * no help, -1. */
int search_candidates(struct db *mail, const struct str *needles, size_t n,
    int64_t **bodies, size_t *n_bodies, int64_t *indexed, struct fail *f);

#endif
