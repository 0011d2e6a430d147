/* SPDX-License-Identifier: MIT */
/*
 * mirror: what every session that looks at a mailbox shares: its messages'
 * UIDs, flags and modseqs in memory, 24 octets each; and the view each session
 * has of it.  Pure: the host tells a mirror what was committed.
 *
 *	store --deltas--> mirror <--views-- sessions
 *
 * A view is what its client was told so far.  It costs no memory for each
 * message: it is the mirror's messages up to the last one announced, plus
 * `ghosts', those that are gone from the mirror while the client still counts
 * them.  So a sequence number never changes before the client is told
 * (RFC 9051 s5.2, s7.5.1), however many sessions there are.
 */
#ifndef POPD_PROTO_MIRROR_H
#define POPD_PROTO_MIRROR_H

#include "common/util/buf.h"
#include "popd/proto/seqset.h"

struct mirror_message {
	uint64_t
	    flags; /* as in the store: enum imap_flag, keywords from 8 on */
	int64_t modseq;
	uint32_t uid;
};

/* What one committed change did to a mailbox.  Arrays are borrowed. */
struct mirror_delta {
	int64_t mailbox;
	int64_t modseq;  /* of the mailbox after it */
	bool contiguous; /* nothing else happened since modseq - 1; false: all
	                  * that happened since the mirror's modseq is here */
	const struct mirror_message *messages; /* new or changed, rising */
	size_t n_messages;
	const struct seqrange *gone; /* expunged, rising */
	size_t n_gone;
	uint32_t uid_next; /* 0: the highest of these */
};

struct mirror;

struct mirror_facts { /* of the mailbox, when it was read */
	int64_t mailbox, account;
	uint32_t uid_validity, uid_next;
	int64_t modseq;
	uint32_t recent_uid;
	bool of_ours; /* only \Seen and \Deleted can be changed */
};

/* Takes over messages (malloc'd, rising). */
struct mirror *mirror_new(const struct mirror_facts *facts,
    struct mirror_message *messages, size_t n);
void mirror_free(struct mirror *m); /* no view may be open */

const struct mirror_facts *mirror_facts(const struct mirror *m);
size_t mirror_views(const struct mirror *m);
size_t mirror_count(const struct mirror *m); /* messages */

/* True if the delta was applied or was known already; false, and nothing was
 * changed, if something between is missing or (contiguous only) a keyword has
 * no name here: the mirror must be brought up to date from the store. */
bool mirror_apply(struct mirror *m, const struct mirror_delta *d);

/* The name of keyword `bit', NULL if not known.  set copies. */
const char *mirror_keyword(const struct mirror *m, unsigned bit);
void mirror_set_keyword(struct mirror *m, unsigned bit, struct str name);
uint64_t mirror_keywords(const struct mirror *m); /* bits that have a name */

/* \Recent: views take what no session was told of; from here on nobody was.
 * It rises; the host saves it (mailbox_set_recent()) when it has risen. */
uint32_t mirror_recent_uid(const struct mirror *m);

/* The mailbox was deleted. */
void mirror_set_gone(struct mirror *m);
bool mirror_gone(const struct mirror *m);

/* ---- a session's view ---- */

struct view;

/* Everything the mirror has now counts as announced.  read_only: it takes no
 * message's \Recent from others (EXAMINE). */
struct view *view_new(struct mirror *m, bool read_only);
void view_free(struct view *v); /* NULL is fine */
struct mirror *view_mirror(const struct view *v);

uint32_t view_count(const struct view *v);             /* EXISTS */
uint32_t view_uid(const struct view *v, uint32_t seq); /* 0: none */
uint32_t view_seq(const struct view *v, uint32_t uid); /* 0: none */
uint32_t view_last_uid(const struct view *v);          /* 0: empty */
bool view_is_ghost(const struct view *v, uint32_t uid);
bool view_has_ghosts(const struct view *v);
/* The lowest ghost of at least this UID, 0: none. */
uint32_t view_ghost_from(const struct view *v, uint32_t uid);
bool view_recent(const struct view *v, uint32_t uid); /* \Recent here */
uint32_t view_recents(const struct view *v);

/* The message, by UID, among those announced that are still there. */
const struct mirror_message *view_message(const struct view *v, uint32_t uid);

/* The n-th of these, from 0; NULL at the end.  Walk it without other calls
 * between that change the mirror. */
const struct mirror_message *view_at(const struct view *v, size_t n);

/* The place, for view_at(), of the first with at least this UID. */
size_t view_from(const struct view *v, uint32_t uid);

/* A client's set as ranges of UIDs, `*' resolved, nothing beyond what was
 * announced.  False if a sequence number is over EXISTS (RFC 9051 s9: BAD). */
bool view_resolve(const struct view *v, const struct seqset *set, bool uids,
    struct seqset *out);

/* What the client is to be told, in this order; each call makes it told.
 *	view_next_expunged	the sequence number and UID of a ghost, which
 *				is then no more; highest first, so that a
 *				number does not depend on those before it.  0:
 *				none is left.
 *	view_next_changed	announced messages whose flags changed since
 *				told, rising; NULL: none is left.  Begins
 *				again with those that change meanwhile.
 *	view_announce		what is new: true if EXISTS has changed.
 *	view_told		this change of flags was told already
 *	view_next_keywords	the mailbox has new keywords */
uint32_t view_next_expunged(struct view *v, uint32_t *uid);
const struct mirror_message *view_next_changed(struct view *v);
bool view_announce(struct view *v);
void view_told(struct view *v, uint32_t uid, int64_t modseq);
bool view_next_keywords(struct view *v);

/* Changes of this message up to this modseq were told. */
int64_t view_told_modseq(const struct view *v, uint32_t uid);

/* The UIDs of ghosts, highest first, at most max ranges of them, who are then
 * no more: for VANISHED.  False: there are none. */
bool view_take_ghosts(struct view *v, size_t max, struct seqset *out);

/* Is there anything to tell; without counting what is gone? */
bool view_is_behind(const struct view *v);
bool view_is_behind_but_expunged(const struct view *v);

#endif
