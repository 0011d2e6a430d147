/* SPDX-License-Identifier: MIT */
/*
 * mailboxes_state: what the files of mailboxes share; nobody else's.
 *
 *	mailboxes.c		the register, reading mirrors, what was
 *committed mailboxes_hear.c	listeners and news mailboxes_look.c	the look
 *every few seconds: what has changed, \Recent, mirrors nobody needs any more
 */
#ifndef POPD_MAILBOXES_STATE_H
#define POPD_MAILBOXES_STATE_H

#include "popd/mailboxes.h"

struct waiter;

struct waiters {
	struct waiter *first, **end;
};

/* One mailbox.  It is dropped when it is not being read and nobody views it. */
struct box {
	struct mailboxes *all;
	int64_t mailbox;
	struct mirror *mirror; /* NULL until it is read first */
	bool gone;             /* deleted: its mirror says so to who views it */
	bool reading;          /* a read is under way, */
	struct waiters now;    /* for which these wait; */
	struct waiters next;   /* and these came too late for it */
	bool again;            /* so did a change */
	int64_t used_ms;       /* when somebody last had it */
	uint32_t recent_uid;   /* as it is stored */
};

struct news {
	struct imap_news news; /* owns its names */
	int64_t account;
	const struct mailbox_listener *by; /* does not hear it; or NULL */
	struct news *next;
};

struct mailboxes {
	struct loop *loop;
	struct store *store;
	const struct log *log;
	struct box **boxes; /* by rising mailbox */
	size_t n, room;
	bool stopped;

	struct mailbox_listener *listeners; /* the newest */
	struct mailbox_listener *turn;      /* next to be told, in a round */
	struct news *news, **news_end;      /* to be told */
	struct waker *teller;               /* tells them, from the loop */

	struct timer *timer;
	bool looking; /* a look is under way */
};

/* ---- mailboxes.c ---- */

struct box *boxes_find(struct mailboxes *m, int64_t mailbox); /* NULL: none */

/* Take it out of the register. */
void boxes_forget(struct mailboxes *m, struct box *b);

/* See that it is read after now. */
void boxes_refresh(struct box *b);

/* ---- mailboxes_hear.c ---- */

/* The mirror has changed, or a mailbox of the account that has none here. */
void hear_change(struct mailboxes *m, int64_t mailbox, int64_t account,
    const struct mailbox_listener *by);
void hear_news(struct mailboxes *m, int64_t account,
    const struct imap_news *news, const struct mailbox_listener *by);
bool hear_wants_all(const struct mailboxes *m); /* does anybody? */

void hear_start(struct mailboxes *m);
void hear_stop(struct mailboxes *m);

/* ---- mailboxes_look.c ---- */

void look_start(struct mailboxes *m);
void look_stop(struct mailboxes *m); /* the last \Recent are written */

#endif
