/* SPDX-License-Identifier: MIT */
/*
 * imap_search_op: what the engine asks of the store for SEARCH, SORT and
 * THREAD.
 *
 * It is carried out in slices (op.again), each in a transaction of its own:
 * what was found so far, and what is sorted in the end, is kept here.
 */
#ifndef POPD_PROTO_IMAP_SEARCH_OP_H
#define POPD_PROTO_IMAP_SEARCH_OP_H

#include "popd/proto/imap_op.h"
#include "popd/proto/imap_search_program.h"
#include "popd/proto/imap_sort.h"
#include "popd/proto/imap_thread.h"

enum search_order {
	SEARCH_UNSORTED,
	SEARCH_SORTED,
	SEARCH_THREADED,
};

/* Bodies that the index says may have a needle; of those over `indexed' it
 * knows nothing. */
struct search_hits {
	struct search_span needle;
	bool known;      /* the index is of help */
	int64_t *bodies; /* rising, malloc'd */
	size_t n;
	int64_t indexed;
};

struct imap_search_op {
	struct imap_op op;
	int64_t mailbox;
	struct search_program program;
	enum search_order order;
	struct sort_program sort; /* SORTED */
	struct seqset uids;       /* to be looked at; the program is to be
	                           * judged anew for each */

	/* between slices */
	uint32_t from_uid; /* 0: at the beginning */
	bool looked_up;    /* hits are there */
	struct search_hits *hits;
	size_t n_hits;

	/* What the text of the message looked at last said: for each key of
	 * the program 0, or its truth + 1.  Malloc'd by the op. */
	unsigned char *said;
	uint32_t said_of; /* its UID */

	/* the answer.  found: UIDs, and those that were in it before */
	struct seqset found;
	struct sort_rows rows;  /* SORTED: in order */
	struct thread *threads; /* THREADED: finished; made by the engine */
	bool unreadable;        /* octets of a message are damaged */
};

#endif
