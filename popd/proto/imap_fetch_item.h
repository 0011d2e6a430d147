/* SPDX-License-Identifier: MIT */
/*
 * imap_fetch_item: what a FETCH asks of each message, parsed (RFC 3501 s6.4.5,
 * RFC 9051 s6.4.5, RFC 3516, 7162, 8474, 8514, 8970, 9394).
 */
#ifndef POPD_PROTO_IMAP_FETCH_ITEM_H
#define POPD_PROTO_IMAP_FETCH_ITEM_H

#include "popd/proto/imap_section.h"

#define IMAP_FETCH_ITEMS_MAX 1000 /* in one command */

/* F(NAME, "as asked", "as answered", from, cap): `from' says where the answer
 * is: in the MIRROR, the message's ROW, its INFO or its OCTETS; cap: the
 * capability it needs. */
/* clang-format off */
#define IMAP_FETCH_ITEMS(F)                                                    \
	F(FLAGS, "FLAGS", "FLAGS", MIRROR, IMAP4REV1)                          \
	F(UID, "UID", "UID", MIRROR, IMAP4REV1)                                \
	F(MODSEQ, "MODSEQ", "MODSEQ", MIRROR, CONDSTORE)                       \
	F(INTERNALDATE, "INTERNALDATE", "INTERNALDATE", ROW, IMAP4REV1)        \
	F(SIZE, "RFC822.SIZE", "RFC822.SIZE", ROW, IMAP4REV1)                  \
	F(SAVEDATE, "SAVEDATE", "SAVEDATE", ROW, SAVEDATE)                     \
	F(EMAILID, "EMAILID", "EMAILID", ROW, OBJECTID)                        \
	F(THREADID, "THREADID", "THREADID", ROW, OBJECTID)                     \
	F(ENVELOPE, "ENVELOPE", "ENVELOPE", INFO, IMAP4REV1)                   \
	F(STRUCTURE, "BODYSTRUCTURE", "BODYSTRUCTURE", INFO, IMAP4REV1)        \
	F(BODY, "BODY", "BODY", INFO, IMAP4REV1)                               \
	F(PREVIEW, "PREVIEW", "PREVIEW", INFO, PREVIEW)                        \
	F(SECTION, "BODY[", "BODY", OCTETS, IMAP4REV1)                         \
	F(SECTION_PEEK, "BODY.PEEK[", "BODY", OCTETS, IMAP4REV1)               \
	F(RFC822, "RFC822", "RFC822", OCTETS, IMAP4REV1)                       \
	F(RFC822_HEADER, "RFC822.HEADER", "RFC822.HEADER", OCTETS, IMAP4REV1)  \
	F(RFC822_TEXT, "RFC822.TEXT", "RFC822.TEXT", OCTETS, IMAP4REV1)        \
	F(BINARY, "BINARY[", "BINARY", OCTETS, BINARY)                         \
	F(BINARY_PEEK, "BINARY.PEEK[", "BINARY", OCTETS, BINARY)               \
	F(BINARY_SIZE, "BINARY.SIZE[", "BINARY.SIZE", OCTETS, BINARY)
/* clang-format on */

enum imap_fetch_kind {
#define F(NAME, asked, answered, from, cap) IMAP_FETCH_##NAME,
	IMAP_FETCH_ITEMS(F)
#undef F
	IMAP_FETCH_KINDS
};

enum imap_fetch_from { /* bits: what has to be read */
	IMAP_FROM_MIRROR = 1 << 0,
	IMAP_FROM_ROW = 1 << 1,
	IMAP_FROM_INFO = 1 << 2,
	IMAP_FROM_OCTETS = 1 << 3,
};

struct imap_fetch_item {
	enum imap_fetch_kind kind;
	enum imap_fetch_from from;
	struct buf label; /* as answered: "BODY[1.MIME]<0>" */

	/* of OCTETS */
	struct imap_section section;
	bool decoded; /* BINARY, BINARY.SIZE */
	bool partial;
	uint64_t start, count;
};

struct imap_fetch_query {
	struct imap_fetch_item *items; /* in the order asked */
	size_t n;
	unsigned from; /* of enum imap_fetch_from, of all of them */
	bool seen;     /* one of them makes a message \Seen */
	bool text;     /* one of them reads its text */
};
void imap_fetch_query_release(struct imap_fetch_query *q);

/* *out is all its own. */
void imap_fetch_query_copy(
    const struct imap_fetch_query *q, struct imap_fetch_query *out);

/* Take "ALL", "FLAGS" or "(FLAGS UID)".  Items of capabilities that are not
 * offered are unknown.  False with *what_is_wrong. */
struct imap;
bool imap_fetch_take_items(struct imap *p, struct imap_args *a,
    struct imap_fetch_query *out, const char **what_is_wrong);

/* Ask for one more, behind the others or in front; does nothing if it is asked
 * for already. */
void imap_fetch_want(
    struct imap_fetch_query *q, enum imap_fetch_kind kind, bool first);
bool imap_fetch_wants(
    const struct imap_fetch_query *q, enum imap_fetch_kind kind);

struct imap_fetch_modifiers {
	bool changed_since, vanished, partial;
	uint64_t since;
	bool from_end;      /* PARTIAL -1:-100 */
	uint32_t low, high; /* PARTIAL: 1 is the first */
};

/* Take " (CHANGEDSINCE 5 VANISHED)", or nothing if that is all there is. */
bool imap_fetch_take_modifiers(struct imap *p, struct imap_args *a,
    struct imap_fetch_modifiers *out, const char **what_is_wrong);

#endif
