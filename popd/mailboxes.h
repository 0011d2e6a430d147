/* SPDX-License-Identifier: MIT */
/*
 * mailboxes: the mirrors of all mailboxes that sessions look at, kept true.
 *
 * One mirror per mailbox, whoever looks.  It learns of changes in three ways:
 *	- what this daemon committed itself, POP3 included: deltas, at once
 *	- notices of the other daemons ("mailbox ID ..."): it is read again,
 *	  from where it was
 *	- a look at all of them every few seconds: notices are hints
 * Listeners are called after a mirror changed.  All of it runs on the loop.
 *
 * A mirror nobody looks at any more stays for a while, in case somebody comes
 * back; how many, and how large, is bounded.
 */
#ifndef POPD_MAILBOXES_H
#define POPD_MAILBOXES_H

#include "common/net/loop.h"
#include "common/store/store.h"
#include "common/util/log.h"
#include "popd/proto/imap_op.h"

struct mailboxes;

struct mailboxes *mailboxes_new(
    struct loop *l, struct store *store, const struct log *log);

/* The last reads and writes; before the store is closed and the loop freed.
 * What comes later is refused. */
void mailboxes_stop(struct mailboxes *m);

/* After all sessions and the store are gone. */
void mailboxes_free(struct mailboxes *m);

/* A session that wants to hear.  Embedded in it. */
struct mailbox_listener {
	int64_t account;
	int64_t mailbox; /* selected, or 0 */
	bool all;        /* hears of every mailbox of the account */
	/* mirror of `mailbox' changed (news NULL), or news of the account;
	 * never called from within, and not for what this listener did itself
	 */
	void (*hear)(void *arg, const struct imap_news *news);
	void *arg;
	struct mailbox_listener *newer, *older; /* mailboxes.c's */
	bool due;                               /* likewise */
};
void mailboxes_listen(struct mailboxes *m, struct mailbox_listener *l);
void mailboxes_deaf(struct mailboxes *m, struct mailbox_listener *l);

/* Have the mirror of a mailbox, up to date as of now or later: done(mirror), or
 * NULL: it is gone (f is NULL), or cannot be read (f says).  Never from within.
 * The mirror lives as long as there is a view of it. */
typedef void mailboxes_ready(
    void *arg, struct mirror *mirror, const struct fail *f);
void mailboxes_get(
    struct mailboxes *m, int64_t mailbox, mailboxes_ready *fn, void *arg);

/* An op was committed: apply its deltas, spread its news (by may be NULL). Then
 * call done() when the mirror of `mailbox' (0: none) has caught up with it, or
 * could not be read: then it will at a later look.  Perhaps from within. */
void mailboxes_committed(struct mailboxes *m, const struct imap_op *op,
    const struct mailbox_listener *by, int64_t mailbox, void (*done)(void *arg),
    void *arg);

/* A notice of another daemon, or POP3 has removed messages here. */
void mailboxes_notice(struct mailboxes *m, int64_t mailbox);

#endif
