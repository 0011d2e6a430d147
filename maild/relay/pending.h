/* SPDX-License-Identifier: MIT */
/*
 * pending: the mailbox Pending of each account: a note for every message of
 * its own that waits, saying why and until when, with the message attached.
 *
 *	queue and recipient rows --differ from pending's stamp--> note replaced
 *	                         --gone--> note removed
 *
 * It follows the queue a moment later, a few messages a transaction: nothing
 * waits for it.  A person who deletes a note recalls the message
 * (popd/ops/recall.h).
 */
#ifndef MAILD_PENDING_H
#define MAILD_PENDING_H

#include "maild/maild.h"

struct pending;

/* NULL if submission.pending is off; the functions take that. */
struct pending *pending_new(struct maild *m);

/* The queue may have changed. */
void pending_kick(struct pending *p);
void pending_stop(struct pending *p);

/* After the store of maild is closed. */
void pending_free(struct pending *p);

#endif
