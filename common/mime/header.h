/* SPDX-License-Identifier: MIT */
/*
 * header: the fields of a message's header block (RFC 5322 s2.2), pure.
 *
 * Works on a complete block in memory, CRLF line ends, up to and without the
 * empty line.  Nothing is copied: names and values point into the block.
 */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include "common/util/str.h"

struct header_field {
	struct str name;  /* as written, without white space before the colon */
	struct str value; /* after the colon, folds included, without final CRLF */
	struct str whole; /* the field with its final CRLF */
	bool bad;	  /* no colon, space or 8-bit or control in the name, or
			   * a continuation with nothing to continue */
};

/* The next field at *rest, which is advanced.  False at the end. */
bool header_next(struct str *rest, struct header_field *out);

/* The first field with this name (ASCII case ignored).  False if none. */
bool header_find(struct str block, struct str name, struct header_field *out);

/* How many fields have this name. */
size_t header_count(struct str block, struct str name);

/* Where the header block ends in a message: *block is the fields without the
 * empty line, *body what follows it (empty if there is none). */
void header_split(struct str message, struct str *block, struct str *body);

#endif
