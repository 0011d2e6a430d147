/* SPDX-License-Identifier: MIT */
/*
 * ops: carrying out what the IMAP engine asks (proto/imap_op.h), in a
 * transaction of the store, on whatever thread that is.
 *
 * Nothing here knows sockets, the loop or sessions, so conversations in tests
 * run the same code as the daemon.
 */
#ifndef POPD_OPS_OPS_H
#define POPD_OPS_OPS_H

#include "common/store/db.h"
#include "common/store/stage.h"
#include "common/util/str.h"
#include "popd/proto/imap_op.h"

struct header_cache;

struct ops_context {
	struct str login;  /* account's, for the journey */
	struct str peer;   /* the client's address */
	struct str client; /* what it calls itself, may be empty */
	int64_t now_ms;
	struct stage **stages; /* APPEND, REPLACE: sealed, in order */
	size_t n_stages;
	struct trace_source *traces; /* for journeys that begin here */
	bool learn; /* what is done with Junk counts for reputation */
	struct header_cache *headers; /* or NULL: read each time */
};

bool ops_writes(enum imap_op_kind kind);

/* Before the lock is taken: seal the stages (slow).  0, -1 with op->fail. */
int ops_prepare(const struct ops_context *c, struct imap_op *op);

/* Inside a transaction, a write one if ops_writes().  Sets op->rc and the
 * answer; returns rc, so that a failed one is rolled back. */
int ops_run(struct db *db, const struct ops_context *c, struct imap_op *op);

/* One for each kind: imap_run_list() ... */
typedef int ops_function(
    struct db *db, const struct ops_context *c, struct imap_op *op);
#define O(NAME, name, mode) ops_function imap_run_##name;
IMAP_OPS(O)
#undef O

/* The mirror of a mailbox: all of it, or what is new since a mirror's state.
 * NULL/0: the mailbox is gone; -1. */
int ops_mirror(
    struct db *db, int64_t mailbox, struct mirror **out, struct fail *f);

/* What happened since: a delta with malloc'd arrays that ops_delta_release()
 * frees, and keywords to set.  1, 0 the mailbox is gone, -1. */
struct ops_refresh {
	struct mirror_delta delta;
	char *keywords[64];
};
int ops_refresh(struct db *db, int64_t mailbox, int64_t modseq,
    uint32_t uid_next, struct ops_refresh *out, struct fail *f);
void ops_refresh_release(struct ops_refresh *r);

#endif
