/* SPDX-License-Identifier: MIT */
/*
 * destination_internal: what the files of a destination share; nobody else's.
 *
 *	destination.c		what comes from the store, and who gets it
 *	destination_items.c	the list of what is in hand
 *	destination_settle.c	what becomes of it
 */
#ifndef MAILD_RELAY_DESTINATION_INTERNAL_H
#define MAILD_RELAY_DESTINATION_INTERNAL_H

#include "maild/relay/destination.h"

/* The one place that changes an item's state. */
void items_set(struct destination *d, struct item *i, enum item_state state);

/* At the end of the list, WAITING; e is taken over. */
struct item *items_add(struct destination *d, struct queue_entry *e);

/* Or NULL. */
struct item *items_find(const struct destination *d, int64_t trace, int n);

/* Was any of its mail sent elsewhere on purpose, or came from there?  And has
 * another destination this one still in hand? */
bool items_may_be_elsewhere(const struct destination *d);
bool items_are_elsewhere(const struct destination *d, int64_t trace, int n);

/* Take every one in this state off the list. */
void items_drop(struct destination *d, enum item_state state);
void items_drop_all(struct destination *d);

/* A message of this one's sender was taken: what else he has waiting goes to
 * the end. */
void items_pass_turn(struct destination *d, const struct item *served);

/* What is on disk goes, unless a load may still bring it as due. */
void destination_drop_gone(struct destination *d);

/* Everything that waits shares the verdict, but for those whom it spares. */
void destination_settle_waiting(struct destination *d);

/* After that: no more sentences, when nobody is left whom it may be about, or
 * some were spared. */
void destination_acquit(struct destination *d);

#endif
