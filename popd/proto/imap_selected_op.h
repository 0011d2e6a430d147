/* SPDX-License-Identifier: MIT */
/*
 * imap_selected_op: what the engine asks about the selected mailbox, and what
 * it does to messages there.
 *
 * Messages are given by their UIDs, rising, as the session's view has them;
 * those that are gone meanwhile are skipped.
 */
#ifndef POPD_PROTO_IMAP_SELECTED_OP_H
#define POPD_PROTO_IMAP_SELECTED_OP_H

#include "popd/proto/imap_box_op.h"

/* SELECT, EXAMINE.  When it was found, the host adds the mirror of `mailbox'
 * before imap_done(): NULL if it is gone meanwhile. */
struct imap_select_op {
	struct imap_op op;
	char *name; /* UTF-8 */
	bool read_only;

	int64_t mailbox; /* the answer; 0: there is none */
	char *stored;    /* its name as it is stored */
	struct mirror *mirror;
};

/* NOOP, CHECK, IDLE: is there anything new?  The host sees to it that the
 * mirror of `mailbox' is no older than this question. */
struct imap_poll_op {
	struct imap_op op;
	int64_t mailbox;
};

struct imap_uids { /* malloc'd */
	uint32_t *uids;
	size_t n;
};

enum imap_store_how { /* as enum message_store */
	IMAP_STORE_SET,
	IMAP_STORE_ADD,
	IMAP_STORE_REMOVE,
};

/* What became of one message. */
struct imap_store_change {
	struct mirror_message now;
	int64_t before; /* its modseq before */
	bool modified;  /* not changed: it was over unchanged_since */
};

struct imap_store_op {
	struct imap_op op;
	int64_t mailbox;
	struct imap_uids uids;
	enum imap_store_how how;
	uint64_t flags;          /* system flags */
	struct buf names;        /* of keywords, NUL after each */
	int64_t unchanged_since; /* INT64_MAX: whatever its modseq */

	/* the answer: of those that are there, rising.  op.code LIMIT when
	 * there is no room for a keyword */
	struct imap_store_change *changes;
	size_t n_changes;
	uint64_t keywords; /* bits of the names */
};

/* EXPUNGE, UID EXPUNGE, CLOSE: those of these that are \Deleted. */
struct imap_expunge_op {
	struct imap_op op;
	int64_t mailbox;
	struct imap_uids uids;

	size_t n_removed; /* the answer */
	int64_t modseq;   /* of the mailbox after it */
};

struct imap_uid_pair {
	uint32_t from, to;
};

/* COPY, MOVE.  op.code TRYCREATE when there is no such mailbox. */
struct imap_copy_op {
	struct imap_op op;
	int64_t mailbox;
	struct imap_uids uids;
	char *to; /* UTF-8 */
	bool move;

	int64_t to_mailbox; /* the answer */
	uint32_t uid_validity;
	struct imap_uid_pair *pairs; /* rising in `from' */
	size_t n_pairs;
	int64_t modseq; /* of the source after MOVE */
};

/* QRESYNC: what was expunged after modseq `since'.  Read later than the view,
 * so what the client still counts is to be left out: imap_tell_earlier(). */
struct imap_vanished_op {
	struct imap_op op;
	int64_t mailbox, since;

	struct seqset gone; /* the answer */
};

/* NOTIFY: all names of the account and what STATUS would say of them. */
struct imap_news_op {
	struct imap_op op;

	struct imap_list_lines *lines; /* the answer */
};

#endif
