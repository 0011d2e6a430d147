/* SPDX-License-Identifier: MIT */
/*
 * smtp_dialogue: what was said in one session, as lines a person reads:
 *
 *	C: a command	S: a reply	-- what happened besides
 *
 * Each is printable ASCII and ends with LF.  Bounded: how the session began is
 * kept, and of the message under way the newest lines; "-- ..." stands where
 * some were dropped.
 */
#ifndef MAILD_PROTO_SMTP_DIALOGUE_H
#define MAILD_PROTO_SMTP_DIALOGUE_H

#include "common/util/buf.h"
#include "maild/proto/smtp_reply_parse.h"

#define SMTP_DIALOGUE_MAX  (8 * KB)
#define SMTP_DIALOGUE_HEAD (2 * KB) /* of the session's beginning */
#define SMTP_DIALOGUE_LINE 500      /* longer lines are cut */

struct smtp_dialogue {
	struct buf text;
	size_t head;  /* octets that are never dropped */
	bool begun;   /* a message is under way, or was: head is full */
	bool dropped; /* "-- ..." stands behind the head */
};

void smtp_dialogue_init(struct smtp_dialogue *d);
void smtp_dialogue_release(struct smtp_dialogue *d);

/* A line; who is "C: ", "S: " or "-- ". */
void smtp_dialogue_add(
    struct smtp_dialogue *d, const char *who, struct str line);

/* Commands as they were sent, each ending with CRLF; a reply. */
void smtp_dialogue_commands(struct smtp_dialogue *d, struct str commands);
void smtp_dialogue_reply(struct smtp_dialogue *d, const struct smtp_reply *r);

/* The next message begins: that of the one before is forgotten. */
void smtp_dialogue_begin(struct smtp_dialogue *d);

#endif
