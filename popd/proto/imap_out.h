/* SPDX-License-Identifier: MIT */
/*
 * imap_out: pieces of responses (RFC 9051 s9), appended to a buffer.
 */
#ifndef POPD_PROTO_IMAP_OUT_H
#define POPD_PROTO_IMAP_OUT_H

#include "common/util/buf.h"
#include "popd/proto/mirror.h"

enum imap_flag { /* as the store has them: store/message.h */
	IMAP_SEEN = 1 << 0,
	IMAP_ANSWERED = 1 << 1,
	IMAP_FLAGGED = 1 << 2,
	IMAP_DELETED = 1 << 3,
	IMAP_DRAFT = 1 << 4,
};
#define IMAP_SYSTEM 0x1f

/* Quoted if all of it may be, else a literal.  utf8: octets over 127 that are
 * UTF-8 may stand in quotes (after ENABLE UTF8=ACCEPT or IMAP4rev2). */
void imap_out_string(struct buf *out, struct str s, bool utf8);

/* As an atom if it is one, else as a string. */
void imap_out_astring(struct buf *out, struct str s, bool utf8);

/* A name in UTF-8 as the client reads names: utf8, or modified UTF-7. */
void imap_out_mailbox(struct buf *out, struct str name, bool utf8);

/* "\Seen \Flagged $Forwarded" without parentheses; names by the mirror, which
 * may be NULL.  recent: \Recent too. */
void imap_out_flags(
    struct buf *out, uint64_t flags, const struct mirror *m, bool recent);

/* In decimal, without the price of a format: there are many in one answer. */
void imap_out_number(struct buf *out, uint64_t n);

/* "17-Jul-1996 02:44:25 +0000" with its quotes. */
void imap_out_date_time(struct buf *out, int64_t unix_s);

/* "M" or "F" and the number in base 32: an object id (RFC 8474). */
void imap_out_objectid(struct buf *out, char kind, uint64_t id);

#endif
