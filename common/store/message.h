/* SPDX-License-Identifier: MIT */
/*
 * message: the messages of a mailbox.
 *
 * Every change of a mailbox raises its modseq by one, and all that one call
 * changes gets that one modseq; expunged UIDs are remembered with theirs
 * (RFC 7162).  Counters and quota change with what they count.  Changes are
 * made in a write transaction.  What nobody but the server may do in Pending
 * is FAIL_PERM (store/pending.h).
 */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/store/hop.h"
#include "common/store/stage.h"
#include "common/util/str.h"

enum message_flag { /* on disk; keywords are bits 8 to 61 */
	MESSAGE_SEEN = 1 << 0,
	MESSAGE_ANSWERED = 1 << 1,
	MESSAGE_FLAGGED = 1 << 2,
	MESSAGE_DELETED = 1 << 3,
	MESSAGE_DRAFT = 1 << 4,
};
#define MESSAGE_SYSTEM        0x1f
#define MESSAGE_KEYWORD_FIRST 8
#define MESSAGE_KEYWORD_LAST  61
#define MESSAGE_KEYWORD_MAX   100 /* octets of a name */

/* The keywords a mailbox knows: names[bit], NULL where there is none. */
struct message_keywords {
	char *names[64]; /* malloc'd */
};
void message_keywords_release(struct message_keywords *k);
int message_keywords(struct db *db, int64_t mailbox,
    struct message_keywords *out, struct fail *f);

/* The bits of these names (1 to MESSAGE_KEYWORD_MAX octets, ASCII case
 * ignored), made where they are new.  1, 0 when there is no bit left for one
 * (*bits has the others'), -1. */
int message_keyword_bits(struct db *db, int64_t mailbox,
    const struct str *names, size_t n, uint64_t *bits, struct fail *f);

/* What changes of a message; what a session must know. */
struct message_state {
	uint32_t uid;
	uint64_t flags;
	int64_t modseq;
};

/* Those with uid >= from_uid or modseq > since, by rising UID: *out is
 * malloc'd.  (0, 0): all.  (uid_next, modseq) of a while ago: what is new.
 * Only from_uid makes it a short read: let since be INT64_MAX when
 * mailbox.changed says that nothing else happened. */
int message_states(struct db *db, int64_t mailbox, uint32_t from_uid,
    int64_t since, struct message_state **out, size_t *n, struct fail *f);

/* A run of UIDs, both ends in it. */
struct message_range {
	uint32_t low, high;
};

/* Ranges expunged after modseq `since', rising and merged: *out is malloc'd. */
int message_expunged(struct db *db, int64_t mailbox, int64_t since,
    struct message_range **out, size_t *n, struct fail *f);

/* One message as FETCH, SEARCH and POP3 want it. */
struct message_row {
	uint32_t uid;
	uint64_t flags;
	int64_t modseq;
	uint64_t size;
	int64_t body, trace;
	int64_t received_ms, saved_ms;
	uint64_t
	    email; /* EMAILID: (UIDVALIDITY << 32) + UID where it was first */
	uint64_t pop3; /* UIDL likewise */
};

/* Rows with low <= uid <= high, by rising UID, at most max: *out is malloc'd.
 */
int message_rows(struct db *db, int64_t mailbox, uint32_t low, uint32_t high,
    size_t max, struct message_row **out, size_t *n, struct fail *f);

enum message_store {
	MESSAGE_SET,    /* FLAGS: flags are exactly these */
	MESSAGE_ADD,    /* +FLAGS */
	MESSAGE_REMOVE, /* -FLAGS */
};

/* One message that a store looked at. */
struct message_change {
	struct message_state now;
	int64_t before; /* its modseq before */
	bool modified;  /* not changed: its modseq was over unchanged_since */
};

/* Change flags of these UIDs (rising; those that are gone are skipped).  *out
 * (malloc'd) says what became of each that is there; one whose flags are
 * already so keeps its modseq.  unchanged_since INT64_MAX: whatever its
 * modseq.  *modseq: of the change, or the mailbox's if nothing changed. */
int message_set_flags(struct db *db, int64_t mailbox, const uint32_t *uids,
    size_t n, enum message_store how, uint64_t flags, int64_t unchanged_since,
    struct message_change **out, size_t *n_out, int64_t *modseq,
    struct fail *f);

/* Remove these UIDs (rising order, those already gone are skipped), with
 * counters, tombstones, quota, and a DELETED hop each by `who' (daemon, peer,
 * recipient, detail and at_ms of it are used) where there is a journey.
 * only_deleted: skip those without MESSAGE_DELETED.  *removed (malloc'd, may be
 * NULL when not wanted) says which, *modseq as above. */
int message_expunge(struct db *db, int64_t mailbox, const uint32_t *uids,
    size_t n, bool only_deleted, const struct hop *who, uint32_t **removed,
    size_t *n_removed, int64_t *modseq, struct fail *f);

/* Where a message came from and went: COPYUID. */
struct message_pair {
	uint32_t from, to;
};

/* Copy these UIDs (rising; those gone are skipped) to the end of another
 * mailbox of the same account, or the same one, keeping flags, keywords (by
 * name: those that find no bit are lost), dates and EMAILID; or move them (the
 * source's then expunged with modseq *from_modseq; UIDL moves along).  All or
 * none.  FAIL_QUOTA when there is no room (copy only).  *pairs malloc'd, in
 * order of `from'. */
int message_copy(struct db *db, int64_t mailbox, const uint32_t *uids, size_t n,
    int64_t to, bool move, int64_t now_ms, struct message_pair **pairs,
    size_t *n_pairs, int64_t *from_modseq, int64_t *to_modseq, struct fail *f);

/* A message to be put at the end of a mailbox by APPEND or import. */
struct message_new {
	struct stage *stage; /* sealed, borrowed */
	uint64_t flags;      /* bits of that mailbox */
	int64_t received_ms;
	int64_t trace; /* 0: no journey; else as of hop_new_trace(): a journey
	                * begins, with `hop' and a DELIVERED one */
	const struct hop *hop; /* NULL: none, and popd delivered it */
};

/* All or none; FAIL_QUOTA, FAIL_PERM (the mailbox is gone).  uids[i] (room for
 * n) is that of messages[i]: rising. */
int message_append(struct db *db, int64_t mailbox,
    const struct message_new *messages, size_t n, int64_t now_ms,
    uint32_t *uids, int64_t *modseq, struct fail *f);

#endif
