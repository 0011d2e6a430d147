/* SPDX-License-Identifier: MIT */
/*
 * mailbox: the mailboxes of an account: names, counters, what may be done to
 * them.  Their messages are in message.h.
 *
 * Names are UTF-8 in NFC with '/' between levels; INBOX in any case is INBOX,
 * in these functions too.  A name is 1 to 1,000 octets, has no control
 * character, no empty level, no level over 255 octets, none of "." or "..",
 * no % and no *; a mailbox is at most 32 levels deep, an account has at most
 * 10,000.  What breaks this is FAIL_SYNTAX with a sentence.
 *
 * A UIDVALIDITY is higher than any given before in the store, and at least
 * the Unix time in seconds, so a name that is used again never repeats one
 * (RFC 9051 s2.3.1.1).
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/store/hop.h"
#include "common/util/buf.h"

enum mailbox_use { /* RFC 6154; on disk */
	MAILBOX_ARCHIVE = 1 << 0,
	MAILBOX_DRAFTS = 1 << 1,
	MAILBOX_JUNK = 1 << 2,
	MAILBOX_SENT = 1 << 3,
	MAILBOX_TRASH = 1 << 4,
	MAILBOX_PENDING = 1 << 5, /* none of RFC 6154: store/pending.h */
};
#define MAILBOX_PENDING_NAME "Pending"

struct mailbox {
	int64_t id; /* never given again: the MAILBOXID (RFC 8474) */
	int64_t account;
	uint32_t uid_validity, uid_next;
	int64_t modseq;      /* HIGHESTMODSEQ */
	int64_t changed;     /* modseq of the last change that did not only
	                      * add messages */
	uint32_t recent_uid; /* \Recent from here on, RFC 3501 s2.3.2 */
	uint64_t messages, unseen, deleted, bytes;
	unsigned special; /* of enum mailbox_use */
	int64_t created_ms;
};

/* One line of a list: a mailbox, or a name that is only subscribed to, or
 * only has mailboxes below it (both: mailbox.id is 0). */
struct mailbox_line {
	char *name; /* malloc'd */
	struct mailbox mailbox;
	bool subscribed;
	bool children;
};
struct mailbox_list {
	struct mailbox_line *lines; /* by name, level by level: what is below
	                             * one comes next; INBOX first */
	size_t n;
};
void mailbox_list_release(struct mailbox_list *l);

/* 1 found, 0 not, -1. */
int mailbox_find(struct db *db, int64_t account, struct str name,
    struct mailbox *out, struct fail *f);
int mailbox_find_id(
    struct db *db, int64_t id, struct mailbox *out, struct fail *f);

/* Its present name, malloc'd: 1, 0 gone, -1. */
int mailbox_name(struct db *db, int64_t id, char **name, struct fail *f);

/* All of an account: one read, however many. */
int mailbox_list(
    struct db *db, int64_t account, struct mailbox_list *out, struct fail *f);

/* Is it a name that mailbox_add() takes?  On true *folded (at least 1,000
 * octets of room) has it as it is stored: NFC, INBOX in capitals. */
bool mailbox_name_fold(struct str name, struct buf *folded, struct fail *f);

/* What went wrong with a change, for the response code (RFC 5530). */
enum mailbox_refusal {
	MAILBOX_DONE,
	MAILBOX_EXISTS,  /* ALREADYEXISTS */
	MAILBOX_MISSING, /* NONEXISTENT */
	MAILBOX_CANNOT,  /* CANNOT: a bad name, INBOX, ... */
	MAILBOX_LIMIT,   /* LIMIT: too many, too deep */
	MAILBOX_USE,     /* USEATTR: another mailbox has this use */
};

/*
 * Changes, each in a write transaction: 0 and *refusal (f->text says it in a
 * sentence unless MAILBOX_DONE; nothing is changed then), or -1.
 *
 * add: missing levels above are made too, as RFC 9051 s6.3.4 would have it;
 *   *id is the last level's.  special 0 for none.
 * A mailbox with MAILBOX_PENDING cannot be renamed or removed, nor have any
 * below it.
 *
 * remove: with all its messages; INBOX cannot be.  Mailboxes below stay, and
 *   the name goes on as a level (\Noselect) as long as there are some.  A
 *   subscription stays.  Quota is given back; journeys get a DELETED hop by
 *   `who' (as in message_expunge()).
 * rename: with all below it; their ids, UIDs and UIDVALIDITY stay.  INBOX: its
 *   messages move to a new mailbox, with new UIDs; INBOX stays, empty
 *   (RFC 9051 s6.3.6), mailboxes below INBOX stay.
 */
int mailbox_add(struct db *db, int64_t account, struct str name,
    unsigned special, int64_t now_ms, int64_t *id,
    enum mailbox_refusal *refusal, struct fail *f);
int mailbox_remove(struct db *db, int64_t account, struct str name,
    const struct hop *who, enum mailbox_refusal *refusal, struct fail *f);
int mailbox_rename(struct db *db, int64_t account, struct str from,
    struct str to, int64_t now_ms, enum mailbox_refusal *refusal,
    struct fail *f);

/* INBOX, and Sent, Drafts, Junk, Trash and Archive with their uses, all
 * subscribed: what a new account gets. */
int mailbox_add_usual(
    struct db *db, int64_t account, int64_t now_ms, struct fail *f);

/* Subscribe to a name, or no more; whether or not there is such a mailbox. */
int mailbox_subscribe(
    struct db *db, int64_t account, struct str name, bool on, struct fail *f);

/* Sessions were told of everything below uid. */
int mailbox_set_recent(
    struct db *db, int64_t mailbox, uint32_t uid, struct fail *f);

#endif
