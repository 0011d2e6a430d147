/* SPDX-License-Identifier: MIT */
/*
 * indexer: keeps search.db (store/search.h) up with the mail, on a thread and
 * connections of its own, behind everything else.
 *
 *	look --more--> look at once --nothing--> wait a second --> look
 *	  |                                          |
 *	  +--failed--> wait longer each time         +--each minute--> sweep
 *	  +--search.db at fault, three times, or not to be opened--> begin anew
 *
 * No search depends on it, so no failure here is more than a line in the log.
 */
#ifndef MAILD_INDEXER_H
#define MAILD_INDEXER_H

#include "maild/maild.h"

struct indexer;

/* Opens its connections; begins at once.  maild is borrowed.  NULL if mail.db
 * cannot be opened. */
struct indexer *indexer_new(struct maild *m, struct fail *f);

/* Begin nothing more. */
void indexer_stop(struct indexer *x);

/* Does its thread run?  A long text is indexed in one piece, which may take
 * half a minute and cannot be interrupted, but ended with the process: what is
 * not committed is made anew. */
bool indexer_is_busy(const struct indexer *x);

/* Waits for what runs. */
void indexer_free(struct indexer *x);

#endif
