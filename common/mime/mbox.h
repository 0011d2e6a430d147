/* SPDX-License-Identifier: MIT */
/*
 * mbox: messages one after another in a file (RFC 4155), pure and streaming:
 * no message and no line is ever held.
 *
 * Read are all its dialects: a message begins with a line "From " that has a
 * date, or is preceded by an empty line and has nothing behind (Thunderbird);
 * other lines that begin so are text.  One '>' is taken from ">From ",
 * ">>From " and so on (mboxrd; what mboxo did is undone likewise), but where
 * a Content-Length field leads to the next message or the end, the body is
 * taken as it stands (mboxcl2).  Line ends are left as they are; the empty
 * line before the next message is nobody's.
 *
 * Written is mboxrd, with LF.
 */
#ifndef MIME_MBOX_H
#define MIME_MBOX_H

#include "common/util/buf.h"

enum mbox_event {
	MBOX_NONE, /* in is used up; if it was the last, so is the file */
	MBOX_FROM, /* a message begins */
	MBOX_LOOK, /* what is at item.at?  Answered by mbox_looked() */
	MBOX_TEXT, /* octets of the message: item.text */
	MBOX_END,  /* of the message */
	MBOX_JUNK, /* there are octets before the first message, from item.at */
};

struct mbox_item {
	uint64_t at;     /* FROM: where the line begins; END: where the next
	                  * message or the end is; LOOK, JUNK */
	struct str text; /* TEXT; FROM: the line.  Until the next step */
};

#define MBOX_LOOK_MAX                                                          \
	1000 /* octets wanted for MBOX_LOOK; also the longest                  \
	      * line that can begin a message */

struct mbox;

/* at: the place of the first octet it will see, where a message (or the
 * file) must begin. */
struct mbox *mbox_new(uint64_t at);
void mbox_free(struct mbox *m);

/* last: nothing will follow what is in `in'. */
enum mbox_event mbox_step(
    struct mbox *m, struct str *in, bool last, struct mbox_item *item);

/* What is there: up to MBOX_LOOK_MAX octets; there is false for a place beyond
 * the end, or when nobody can say. */
void mbox_looked(struct mbox *m, bool there, struct str octets);

/* "From sender Thu Jan  1 00:00:00 1970".  False if it begins no message. */
struct mbox_from {
	struct str sender; /* empty if there is none, "-" of Thunderbird's */
	bool has_date;
	int64_t date_s; /* taken as UTC unless it names a zone */
};
bool mbox_from_parse(struct str line, struct mbox_from *out);

/* The line that begins a message, with its LF. */
void mbox_from_write(struct str sender, int64_t date_s, struct buf *out);

/* The text of a message as it stands in an mbox.  All zero to begin with. */
struct mbox_writer {
	unsigned matched; /* octets of "From " at the beginning of a line */
	bool in_line;     /* past where "From " may be */
	bool cr;          /* a CR waits for its LF */
	bool open;        /* the last octet was no LF */
};

/* The next octets of a message, CRLF line ends, appended to out. */
void mbox_write(struct mbox_writer *w, struct str text, struct buf *out);

/* It is over: appends what ends it and the empty line.  True when a line end
 * was added, so that its reader will find one more. */
bool mbox_write_end(struct mbox_writer *w, struct buf *out);

#endif
