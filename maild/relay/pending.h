/* SPDX-License-Identifier: MIT */
/*
 * pending: the mailbox Pending of each account: a note for every message of
 * its own that waits, saying why and until when, with the message attached
 * (store/pending.h says which, mime/pending_note.h how).
 *
 *	queue and recipient rows --differ from pending's stamp--> note replaced
 *	                         --gone--> note removed
 *
 * It follows the queue a moment later, a few messages a transaction, and looks
 * once a second at most, and for a tenth of the time at most: nothing waits for
 * it.  When submission.pending is off it takes away the notes there are after a
 * start, and then does nothing.
 */
#ifndef MAILD_RELAY_PENDING_H
#define MAILD_RELAY_PENDING_H

#include "maild/relay/relay.h"

/* deps without the relay. */
struct pending *pending_new(const struct relay_deps *deps);

/* The queue may have changed: also after a start.  NULL is fine. */
void pending_kick(struct pending *p);

/* Begin nothing more. */
void pending_stop(struct pending *p);

/* After the store of maild is closed. */
void pending_free(struct pending *p);

#endif
