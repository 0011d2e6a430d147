/* SPDX-License-Identifier: MIT */
/*
 * pending: the mailbox of an account that holds a note for each message of its
 * own that waits to be relayed, or is held back.
 *
 * The mailbox (MAILBOX_PENDING) is the server's: nobody else puts messages or
 * mailboxes into it, or renames or removes it; of flags \Seen and \Deleted can
 * be changed.  The functions of mailbox.h and message.h refuse the rest with
 * FAIL_PERM, whoever calls.  It does not count for quota.
 *
 * Whoever expunges a note, or moves it away, recalls its message in the same
 * transaction: what has not gone yet will not go.  A removed account's mail
 * goes its way.  A note that was moved away counts for quota from then on, but
 * moving asks for no room (who has none must be able to recall, too), so that
 * an account can be over its quota by the notes it had, at most
 * PENDING_NOTES_MAX at a time.
 *
 *	queue, recipient --pending_look()--> put, remove --> pending, message
 *
 * A message gets a note when it was tried in vain, is held by a person or its
 * sender for longer than PENDING_SOON_MS, or is for a paused destination; it
 * keeps it until all of it is done.  Of an account the PENDING_NOTES_MAX newest
 * that wait have one; they are looked for among the PENDING_RECENT_MAX newest
 * it has in the queue.  Of a message the PENDING_SHOWN first recipients that
 * there are decide all this; the others are counted.
 *
 * A note whose message waits for another thing than it says (it is held now,
 * or was tried) is replaced at the next look; else, when it was tried again and
 * the like, at most once in PENDING_REPLACE_MS, or in a quarter of the
 * message's age if that is less.
 */
#ifndef STORE_PENDING_H
#define STORE_PENDING_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/store/stage.h"

#define PENDING_NOTES_MAX  200
#define PENDING_RECENT_MAX 400
#define PENDING_SOON_MS    5000
#define PENDING_SHOWN      20   /* recipients a note tells of */
#define PENDING_COUNTED    2000 /* recipients, all in all: or more */
#define PENDING_REPLACE_MS 60000

/* One note that is not as it ought to be. */
struct pending_change {
	int64_t trace, account;
	int64_t stamp;     /* of what it is to show */
	size_t recipients; /* that wait */
	bool remove;       /* it is to go */
};

/* A walk through all accounts, in steps. */
struct pending_walk {
	bool off;         /* no note is wanted */
	int64_t account;  /* seen last; 0 before the first step, and after the
	                   * last one */
	bool left;        /* an account had more than a step has room for: walk
	                   * again */
	int64_t later_ms; /* until the first note that is not to be replaced
	                   * yet may be; 0: there is none.  The caller's to
	                   * clear before a walk, as left */
};

/* The next step: at most max changes into out, *n; walk->account is 0 when it
 * was the last.  In a read transaction. */
int pending_look(struct db *db, struct pending_walk *walk, int64_t now_ms,
    struct pending_change *out, size_t max, size_t *n, struct fail *f);

/* Put a note, sealed, in the place of the one before; \Seen stays.  One that
 * is \Deleted stays as it is, so that who is about to expunge it does.  1 and
 * the mailbox; 0: nothing was done, as the message is not any more what the
 * note shows of it, or the account has no place for it; -1.  In a write
 * transaction, as the next ones. */
int pending_put(struct db *db, const struct pending_change *c,
    struct stage *note, int64_t now_ms, int64_t *mailbox, struct fail *f);

/* Take a note away; its message goes on.  1 and the mailbox, 0 there is none,
 * -1. */
int pending_remove(struct db *db, int64_t trace, int64_t now_ms,
    int64_t *mailbox, struct fail *f);

/* No notes are wanted: mailboxes that hold none become like any other. */
int pending_give_up(struct db *db, struct fail *f);

#endif
