/* SPDX-License-Identifier: MIT */
/*
 * import_message: one message from the octets of a file: line ends become
 * CRLF, and what its header says of flags and dates is found on the way.
 *
 * import_message_begin -> import_message_add... -> import_message_end
 */
#ifndef MAILCTL_IMPORT_MESSAGE_H
#define MAILCTL_IMPORT_MESSAGE_H

#include "common/store/stage.h"
#include "mailctl/import_fields.h"

struct import_message {
	const char *store; /* where to stage; NULL: only look */
	uint64_t max_size;
	struct stage *stage;
	uint64_t size; /* so far, with CRLF */
	bool has_nul;
	bool cr;       /* the last octet was a CR */
	bool end_held; /* a line end is kept back: the mark may say that it
	                * is none of the message's */
	bool head_done;
	uint64_t line;   /* octets of the line so far */
	struct buf head; /* until its end is found */
	struct import_fields fields;
};

void import_message_begin(
    struct import_message *m, const char *store, uint64_t max_size);
void import_message_add(struct import_message *m, struct str octets);

/* It is over.  NULL if it can be stored: m->stage is then the caller's to
 * take; otherwise why it cannot. */
const char *import_message_end(struct import_message *m);

/* Whatever is left; the fields and their strings too. */
void import_message_release(struct import_message *m);

#endif
