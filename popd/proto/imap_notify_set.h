/* SPDX-License-Identifier: MIT */
/*
 * imap_notify_set: what a client has asked to be told of by NOTIFY (RFC 5465),
 * and what there is to tell; only for imap_notify*.c.
 */
#ifndef POPD_PROTO_IMAP_NOTIFY_SET_H
#define POPD_PROTO_IMAP_NOTIFY_SET_H

#include "popd/proto/imap_selected.h"

#define IMAP_NOTIFY_GROUPS  100       /* in one NOTIFY */
#define IMAP_NOTIFY_NAMES   (64 * KB) /* octets, of mailboxes in a group */
#define IMAP_NOTIFY_PENDING 1000      /* news not told yet */

/* E(NAME, "name", of messages) */
#define IMAP_NOTIFY_EVENTS(E)                                                  \
	E(MESSAGE_NEW, "MessageNew", true)                                     \
	E(MESSAGE_EXPUNGE, "MessageExpunge", true)                             \
	E(FLAG_CHANGE, "FlagChange", true)                                     \
	E(MAILBOX_NAME, "MailboxName", false)                                  \
	E(SUBSCRIPTION, "SubscriptionChange", false)                           \
	E(MAILBOX_METADATA, "MailboxMetadataChange", false)                    \
	E(SERVER_METADATA, "ServerMetadataChange", false)

enum imap_event_number {
#define E(NAME, text, message) IMAP_EVENT_NUMBER_##NAME,
	IMAP_NOTIFY_EVENTS(E)
#undef E
};
enum imap_event_bit {
#define E(NAME, text, message)                                                 \
	IMAP_EVENT_##NAME = 1 << IMAP_EVENT_NUMBER_##NAME,
	IMAP_NOTIFY_EVENTS(E)
#undef E
};
#define IMAP_EVENTS_OF_MESSAGES                                                \
	(IMAP_EVENT_MESSAGE_NEW | IMAP_EVENT_MESSAGE_EXPUNGE |                 \
	    IMAP_EVENT_FLAG_CHANGE)

enum imap_filter {
	IMAP_FILTER_SELECTED,
	IMAP_FILTER_SELECTED_DELAYED,
	IMAP_FILTER_INBOXES,
	IMAP_FILTER_PERSONAL,
	IMAP_FILTER_SUBSCRIBED,
	IMAP_FILTER_SUBTREE,
	IMAP_FILTER_MAILBOXES,
};

struct imap_notify_group {
	enum imap_filter filter;
	struct buf names; /* of mailboxes, NUL after each */
	unsigned events;  /* of enum imap_event_bit */
};

/* What a mailbox looked like when it was told of last. */
struct imap_notify_seen {
	int64_t mailbox;
	uint32_t uid_next;
	uint64_t messages;
};

struct imap_notify {
	bool status; /* STATUS of each mailbox to begin with */
	bool begun;  /* NOTIFY itself is over */
	struct imap_notify_group *groups;
	size_t n;
	struct buf fetch; /* "(UID FLAGS)" of new messages, "" for none */

	struct imap_news *pending;
	size_t n_pending;
	bool overflow;
	struct imap_notify_seen *seen; /* by mailbox */
	size_t n_seen;

	/* A FETCH of new messages is due, or under way. */
	uint32_t new_from, new_to; /* UIDs; 0: not due */
	struct buf args;
	bool was_uid; /* of the command it came between */
	unsigned was_may;
	struct str was_verb;
};

void imap_notify_release(struct imap_notify *n); /* NULL is fine */

/* SET's arguments behind it.  0; -1 BAD, or NO with `unsupported' or `large'.
 */
struct imap_notify_problem {
	bool unsupported; /* an event */
	bool large;
};
int imap_notify_take(struct imap *p, struct imap_args *a,
    struct imap_notify *out, struct imap_notify_problem *problem);

/* "BADEVENT (...)" */
void imap_notify_write_events(struct buf *out);

/* The events wanted of this name (that is subscribed to or not). */
unsigned imap_notify_wants(
    const struct imap_notify *n, struct str name, bool subscribed);

/* Any group with this event? */
bool imap_notify_wants_any(const struct imap_notify *n, unsigned events);

/* imap_notify_tell.c.  Have an op NEWS carried out; what there is to tell to
 * begin with (RFC 5465 s3.1), and, as done(), of what is pending. */
enum imap_event imap_notify_ask(
    struct imap *p, void (*done)(struct imap *p, struct imap_op *op));
void imap_notify_begin(struct imap *p, const struct imap_list_lines *l);
void imap_notify_tell(struct imap *p, struct imap_op *op);

/* It could not be told all: NOTIFY is off. */
void imap_notify_overflow(struct imap *p);

/* The group for the selected mailbox, NULL: there is none. */
const struct imap_notify_group *imap_notify_selected(
    const struct imap_notify *n);

#endif
