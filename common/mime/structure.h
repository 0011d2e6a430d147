/* SPDX-License-Identifier: MIT */
/*
 * structure: the MIME tree of a message, found while its octets pass by, and
 * what IMAP says of it (RFC 2045, 2046, 2183, 2231; RFC 9051 s7.5.2).
 *
 *	structure_new -> structure_feed... -> structure_finish -> structure_free
 *	       structure_reset <----------------------/
 *
 * Pure, and bounded whatever the message is: depth STRUCTURE_DEPTH_MAX, parts
 * STRUCTURE_PARTS_MAX; what is beyond is part of the leaf it is in.  Of each
 * header block STRUCTURE_HEADER_MAX octets are looked at.  There is no
 * malformed message: whatever does not parse becomes what RFC 9051 and
 * Dovecot make of it (text/plain, an empty list, NIL), never an error.  Line
 * ends may be CRLF or, in mail that came by APPEND or import, bare LF.
 */
#ifndef MIME_STRUCTURE_H
#define MIME_STRUCTURE_H

#include "common/util/buf.h"
#include "common/util/mem.h"

#define STRUCTURE_DEPTH_MAX   100
#define STRUCTURE_PARTS_MAX   10000
#define STRUCTURE_HEADER_MAX  (256 * KB)
#define STRUCTURE_PREVIEW_MAX 200 /* characters, RFC 8970 s3.1 */

struct structure;

struct structure_result { /* strings live until structure_reset() or _free() */
	/* "(...)" as FETCH sends them: octets over 127 and whatever else no
	 * quoted string can have is in literals, so it is right for every
	 * client. */
	struct str envelope, body_structure;
	struct str parts; /* packed: parts.h */

	/* Message ids for THREAD (RFC 5256): this message's first (empty if it
	 * has none), then those of References, or In-Reply-To's first one,
	 * oldest first; each without brackets and followed by '\n'. */
	struct str refs;
	struct str preview; /* UTF-8, one line; empty if there is no text */
	bool has_sent;      /* the Date field can be read */
	int64_t sent_s;
};

struct structure *structure_new(void);
void structure_feed(struct structure *s, struct str bytes);

/* The message is over. */
const struct structure_result *structure_finish(struct structure *s);

/* As new, for another message; whatever became of the last one. */
void structure_reset(struct structure *s);
void structure_free(struct structure *s);

/* Append BODY, which is BODYSTRUCTURE without its extension data, made from a
 * body_structure. */
void structure_strip(struct str body_structure, struct buf *out);

#endif
