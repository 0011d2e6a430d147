/* SPDX-License-Identifier: MIT */
/*
 * header: the fields of a message's header block (RFC 5322 s2.2), pure.
 *
 * Works on a complete block in memory, CRLF line ends, up to and without the
 * empty line.  Nothing is copied: names and values point into the block.
 */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include "common/util/buf.h"

struct header_field {
	struct str name; /* as written, without white space before the colon */
	struct str
	    value; /* after the colon, folds included, without final CRLF */
	struct str whole; /* the field with its final CRLF */
	bool bad;         /* no colon, space or 8-bit or control in the name, or
	                   * a continuation with nothing to continue */
};

/* The next field at *rest, which is advanced.  False at the end. */
bool header_next(struct str *rest, struct header_field *out);

/* The first field with this name (ASCII case ignored), a bad one included: a
 * reader who is less strict may take it for one.  False if none. */
bool header_find(struct str block, struct str name, struct header_field *out);

/* How many fields have this name, bad ones included. */
size_t header_count(struct str block, struct str name);

/* Where the header block ends in a message: *block is the fields without the
 * empty line, *body what follows it (empty if there is none). */
void header_split(struct str message, struct str *block, struct str *body);

/* Is there nothing but whole CRLFs and no NUL in the block? */
bool header_is_clean(struct str block);

/* What a server wants to know of a block before it takes the message. */
struct header_facts {
	size_t fields;   /* all, bad ones included */
	size_t bad;      /* struct header_field says what that is */
	size_t received; /* trace fields: a loop shows here (RFC 5321 s6.3) */
	size_t from, sender, date, message_id; /* how many of each */
};
void header_survey(struct str block, struct header_facts *out);

/* The first Message-ID, with its brackets; a value without brackets as it
 * stands: any octets may be in it.  False if there is none, it is empty, or
 * is over 998 octets. */
bool header_message_id(struct str block, struct str *out);

/* The value on one line, white space at its ends gone and each fold's line
 * break removed (RFC 5322 s2.2.3), appended to out. */
void header_unfold(struct str value, struct buf *out);

#endif
