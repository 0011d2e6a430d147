/* SPDX-License-Identifier: MIT */
/*
 * imap_box_op: what the engine asks about mailboxes as such: their names,
 * figures, subscriptions, quota and annotations.
 *
 * Names are UTF-8 as the client gave them; the store folds them (NFC, INBOX).
 * Everything a pointer points to is malloc'd and the op's, unless it says
 * otherwise.
 */
#ifndef POPD_PROTO_IMAP_BOX_OP_H
#define POPD_PROTO_IMAP_BOX_OP_H

#include "common/util/buf.h"
#include "popd/proto/imap_op.h"

enum imap_use { /* RFC 6154, as the store has them: store/mailbox.h */
	IMAP_USE_ARCHIVE = 1 << 0,
	IMAP_USE_DRAFTS = 1 << 1,
	IMAP_USE_JUNK = 1 << 2,
	IMAP_USE_SENT = 1 << 3,
	IMAP_USE_TRASH = 1 << 4,
};
#define IMAP_USES        0x1f
#define IMAP_BOX_OF_OURS (1 << 5) /* store/pending.h: nothing goes below it */

/* "\Sent \Trash" of a set of them; the one of this name (without `\', ASCII
 * case ignored), 0: none. */
void imap_uses_write(struct buf *out, unsigned uses);
unsigned imap_use_named(struct str name);

/* The figures of a mailbox. */
struct imap_box {
	int64_t id; /* 0: there is no mailbox of this name */
	uint32_t uid_validity, uid_next;
	int64_t modseq;
	uint64_t messages, unseen, deleted, bytes;
	unsigned special;       /* of enum imap_use, IMAP_BOX_OF_OURS */
	uint64_t recent;        /* only where IMAP_STATUS_RECENT was asked */
	uint64_t deleted_bytes; /* only ... IMAP_STATUS_DELETED_STORAGE */
};

/* S(NAME, "name", capability it needs, in rev2 too) */
#define IMAP_STATUS_ITEMS(S)                                                   \
	S(MESSAGES, "MESSAGES", IMAP4REV1, true)                               \
	S(RECENT, "RECENT", IMAP4REV1, false)                                  \
	S(UIDNEXT, "UIDNEXT", IMAP4REV1, true)                                 \
	S(UIDVALIDITY, "UIDVALIDITY", IMAP4REV1, true)                         \
	S(UNSEEN, "UNSEEN", IMAP4REV1, true)                                   \
	S(DELETED, "DELETED", IMAP4REV2, true)                                 \
	S(SIZE, "SIZE", STATUS_SIZE, true)                                     \
	S(HIGHESTMODSEQ, "HIGHESTMODSEQ", CONDSTORE, false)                    \
	S(APPENDLIMIT, "APPENDLIMIT", APPENDLIMIT, false)                      \
	S(MAILBOXID, "MAILBOXID", OBJECTID, false)                             \
	S(DELETED_STORAGE, "DELETED-STORAGE", QUOTA_STORAGE, false)

enum imap_status_number {
#define S(NAME, text, cap, rev2) IMAP_STATUS_NUMBER_##NAME,
	IMAP_STATUS_ITEMS(S)
#undef S
};
enum imap_status_item { /* a set of them: an unsigned */
#define S(NAME, text, cap, rev2)                                               \
	IMAP_STATUS_##NAME = 1 << IMAP_STATUS_NUMBER_##NAME,
	IMAP_STATUS_ITEMS(S)
#undef S
};

/* ---- LIST and LSUB ---- */

enum imap_list_select {
	IMAP_LIST_SUBSCRIBED = 1 << 0,
	IMAP_LIST_REMOTE = 1 << 1, /* there are none: changes nothing */
	IMAP_LIST_RECURSIVEMATCH = 1 << 2,
	IMAP_LIST_SPECIAL_USE = 1 << 3,
	IMAP_LIST_LSUB = 1 << 4, /* LSUB, not LIST */
};

/* A name that is to be told. */
struct imap_list_line {
	char *name;
	struct imap_box box;
	bool subscribed;
	bool children;  /* mailboxes below */
	bool selected;  /* meets the selection criteria itself */
	bool childinfo; /* a name below does */
};
struct imap_list_lines {
	struct imap_list_line *lines; /* by name, INBOX first */
	size_t n;
	size_t told; /* the engine's: so many of them were written */
};
void imap_list_lines_free(struct imap_list_lines *l); /* NULL is fine */

struct imap_list_op {
	struct imap_op op;
	unsigned select;     /* of enum imap_list_select */
	unsigned status;     /* items that STATUS wants of each, 0: none */
	struct buf patterns; /* each: reference NUL pattern NUL */
	struct imap_list_lines *lines; /* the answer, free()d by its function */
};

/* ---- STATUS, CREATE, DELETE, RENAME, SUBSCRIBE ---- */

struct imap_status_op {
	struct imap_op op;
	char *name;
	unsigned items;
	struct imap_box box; /* the answer; op.code NONEXISTENT: none */
};

struct imap_create_op {
	struct imap_op op;
	char *name;
	unsigned special; /* of enum imap_use */
	int64_t mailbox;  /* the answer */
	char *made;       /* its name as it is stored */
};

struct imap_delete_op {
	struct imap_op op;
	char *name;
	char *was; /* the answer, with op.gone: its name as it was stored */
};

struct imap_rename_op {
	struct imap_op op;
	char *from, *to;
	int64_t mailbox;  /* the answer: the one renamed; of INBOX: that which
	                   * its messages went to */
	unsigned special; /* its use */
	char *was, *made; /* the names as they are stored */
};

struct imap_subscribe_op {
	struct imap_op op;
	char *name;
	bool on;
};

/* ---- GETQUOTA ---- */

struct imap_getquota_op {
	struct imap_op op;
	uint64_t bytes, limit; /* the answer; limit 0: there is none */
};

/* ---- GETMETADATA, SETMETADATA (RFC 5464) ---- */

#define IMAP_METADATA_ENTRY_MAX 255          /* octets of an entry's name */
#define IMAP_METADATA_VALUE_MAX 65536        /* as the store has it */
#define IMAP_METADATA_PIECE     (256 * 1024) /* octets that one op reads */

struct imap_entry {
	char *name;
	struct buf value; /* may have NULs */
	bool nil;
};
struct imap_entries {
	struct imap_entry *at;
	size_t n, told;
};
/* Room for one more, its name and nil to be set. */
struct imap_entry *imap_entries_add(struct imap_entries *e, struct str name);
void imap_entries_release(struct imap_entries *e);

enum imap_depth {
	IMAP_DEPTH_0,
	IMAP_DEPTH_1,
	IMAP_DEPTH_INFINITY,
};

struct imap_getmetadata_op {
	struct imap_op op;
	char *mailbox;      /* "": of the server */
	struct buf entries; /* names, NUL after each */
	enum imap_depth depth;
	bool has_max;
	uint64_t max; /* longer values are not given */
	char *after;  /* names up to this were given already; NULL: none */

	struct imap_entries found; /* the answer, by name */
	uint64_t longest;          /* of the values over max; 0: none */
	bool more; /* there is more: ask again, after the last one */
};

struct imap_setmetadata_op {
	struct imap_op op;
	char *mailbox;               /* "": of the server */
	struct imap_entries entries; /* nil: to be removed */
};

#endif
