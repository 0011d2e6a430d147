/* SPDX-License-Identifier: MIT */
/*
 * imap_search_word: search keys that have no others in them; for
 * imap_search_parse.c, which has those that have.
 */
#ifndef POPD_PROTO_IMAP_SEARCH_WORD_H
#define POPD_PROTO_IMAP_SEARCH_WORD_H

#include "popd/proto/imap_search_parse.h"

struct search_parse {
	struct imap *p;
	struct imap_args *a;
	const struct search_charset *charset;
	struct search_program *q;
	struct search_error *e;
	bool recent_known; /* q->recent is there */
};

/* One more key, behind those that are there. */
struct search_key *search_add_key(
    struct search_program *q, enum search_kind kind);

/* Take a set, or a word with its arguments.  False: it is wrong. */
bool search_take_word(struct search_parse *s);

/* It is wrong, and why: false. */
bool search_wrong(struct search_parse *s, const char *text);

#endif
