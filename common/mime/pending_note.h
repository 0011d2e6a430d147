/* SPDX-License-Identifier: MIT */
/*
 * pending_note: the message that shows a sender, in his own mailbox, what of
 * his waits to be sent: for whom, why, until when, how to take it back; the
 * message itself is attached, pure.
 *
 * From and To are the original's, so that it looks like it in a list; where
 * they cannot be read the sender's address stands in their place, or nobody.
 * Whatever the original's header and other servers say, the result is well
 * formed.  Fields hold UTF-8 where the original's did (RFC 6532).
 */
#ifndef MIME_PENDING_NOTE_H
#define MIME_PENDING_NOTE_H

#include "common/util/buf.h"

enum pending_note_state {
	PENDING_NOTE_WAITS,     /* for the next attempt, or for its turn */
	PENDING_NOTE_SCHEDULED, /* its sender, or the undo window, holds it */
	PENDING_NOTE_HELD,      /* a person who runs the server does */
	PENDING_NOTE_PAUSED,    /* nothing goes to its domain for now */
};

struct pending_note_recipient {
	enum pending_note_state state;
	struct str address; /* as the sender wrote it */
	int tries;          /* in vain */
	int64_t tried_s;    /* the last one; 0: none */
	int64_t next_s;     /* the next, or when it is let go */
	int64_t until_s;    /* when we shall give up */
	bool said;          /* reply is what host said; else our words */
	struct str reply;   /* may be empty */
	struct str host;    /* "mx.example.org [192.0.2.1]"; may be empty */
};

struct pending_note {
	struct str host;    /* ours */
	struct str sender;  /* reverse-path; may be empty */
	struct str id;      /* the journey's */
	struct str block;   /* the original's header block */
	struct str message; /* all of it, to be attached; empty: its header is
	                     */
	int64_t now_s;
	uint64_t random; /* for Message-ID and boundary: nobody can guess it */
	const struct pending_note_recipient *recipients;
	size_t n;    /* at least 1 */
	size_t more; /* besides these */
};

/* Room that a note never exceeds. */
size_t pending_note_room(const struct pending_note *p);

/* Append the note. */
void pending_note_compose(const struct pending_note *p, struct buf *out);

#endif
