/* SPDX-License-Identifier: MIT */
/*
 * import_fields: what a header says of flags, keywords and dates.
 *
 * An mbox of ours has a block of its own before each message: a mark that
 * says how many fields are the block's, and the fields other programs look
 * for.  Nothing else is believed then, and the block is not the message's.
 * In others' mboxes Status, X-Status, X-Keywords and the X-Mozilla fields are
 * read and stay where they are: a message is kept as it was found.
 */
#ifndef MAILCTL_IMPORT_FIELDS_H
#define MAILCTL_IMPORT_FIELDS_H

#include "common/util/buf.h"

/* "X-Penny-Post: mbox 3 1763802000123 cut": of three fields this is the
 * first; the date in milliseconds; and the message's last line had no end. */
#define IMPORT_MARK "X-Penny-Post"

struct import_fields {
	bool marks, states; /* set before: are blocks of ours, and fields of
	                     * flags, to be looked for? */
	bool marked, cut;
	bool nobodys;        /* a program's own data, or deleted: no message */
	unsigned flags;      /* of enum message_flag */
	struct buf keywords; /* names, a space between */
	bool has_marked;
	int64_t marked_ms;
	bool has_delivered; /* Delivery-date */
	int64_t delivered_s;
	bool has_received; /* the topmost Received */
	int64_t received_s;
	bool has_date;
	int64_t date_s;
};

void import_fields_init(struct import_fields *f);
void import_fields_release(struct import_fields *f);

/* Read a header, CRLF line ends; *head is advanced over a block of ours. */
void import_fields_read(struct import_fields *f, struct str *head);

/* Add a keyword if it is one: an atom of at most 100 octets (RFC 9051 s9);
 * octets that may not be in one become '_'. */
void import_fields_keyword(struct buf *keywords, struct str name);

#endif
