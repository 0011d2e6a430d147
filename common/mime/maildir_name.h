/* SPDX-License-Identifier: MIT */
/*
 * maildir_name: file names in a Maildir, pure: "UNIQUE:2,FLAGS", flags in the
 * letters D draft, F flagged, P passed on, R replied, S seen, T trashed, and a
 * to z for the first 26 keywords (Dovecot).  Those beyond are ours alone, in
 * a field of UNIQUE that others pass over: ",K=26.31".
 */
#ifndef MIME_MAILDIR_NAME_H
#define MIME_MAILDIR_NAME_H

#include "common/util/buf.h"

#define MAILDIR_KEYWORDS 26 /* that others know */

struct maildir_name {
	unsigned flags;    /* of enum message_flag, store/message.h */
	bool forwarded;    /* P */
	uint64_t keywords; /* 1 << number */
};

void maildir_name_parse(struct str name, struct maildir_name *out);

/* The letters alone: DFRST of them; with m the others too. */
unsigned maildir_name_flags(struct str letters, struct maildir_name *m);

/* Append the letters of flags, in the order they must have. */
void maildir_name_letters(unsigned flags, uint64_t keywords, struct buf *out);

/* Append ",K=..." for keywords beyond the 26th, if there are any. */
void maildir_name_extra(uint64_t keywords, struct buf *out);

#endif
