/* SPDX-License-Identifier: MIT */
/*
 * imap_search_return: what a SEARCH or SORT is to give back: RETURN (RFC 4731,
 * RFC 5182, RFC 5267, RFC 9394), and the response made of it.
 */
#ifndef POPD_PROTO_IMAP_SEARCH_RETURN_H
#define POPD_PROTO_IMAP_SEARCH_RETURN_H

#include "popd/proto/imap_state.h"

enum search_item {
	SEARCH_MIN = 1 << 0,
	SEARCH_MAX = 1 << 1,
	SEARCH_EVERY = 1 << 2, /* ALL */
	SEARCH_COUNT = 1 << 3,
	SEARCH_SAVE = 1 << 4,
	SEARCH_PARTIAL = 1 << 5,
};

struct search_return {
	bool extended;      /* an ESEARCH response */
	unsigned items;     /* of enum search_item */
	bool from_end;      /* PARTIAL: counted from the last */
	uint32_t low, high; /* PARTIAL: from 1 */
	char range[32];     /* as the client wrote it */
};

/* "RETURN (MIN MAX)" and a space, or nothing.  False: it is wrong, and *wrong
 * says why. */
bool search_take_return(struct imap *p, struct imap_args *a,
    struct search_return *out, const char **wrong);

/* What was found, in the order of the answer. */
struct search_results {
	const uint32_t *uids;
	size_t n;
	bool sorted;    /* SORT, not SEARCH */
	bool by_modseq; /* the highest modseq is to be told too */
};

/* The untagged response; and what is saved is then p->saved. */
void search_tell(struct imap *p, const struct search_return *r,
    const struct search_results *found);

/* How the client knows a message: by UID, or by its number. */
uint32_t search_number(const struct imap *p, uint32_t uid);

#endif
