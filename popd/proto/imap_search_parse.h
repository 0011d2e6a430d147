/* SPDX-License-Identifier: MIT */
/* imap_search_parse: search keys as they come (RFC 9051 s6.4.4). */
#ifndef POPD_PROTO_IMAP_SEARCH_PARSE_H
#define POPD_PROTO_IMAP_SEARCH_PARSE_H

#include "popd/proto/imap_search_program.h"
#include "popd/proto/imap_state.h"

/* Why it did not parse. */
struct search_error {
	enum imap_status status; /* NO only for BADCHARSET */
	enum imap_code code;
	const char *text;
};

/* A charset's name becomes the one that strings are read in; false: nobody
 * knows it.  "" (what stands for none): UTF-8. */
struct search_charset {
	char name[64];
};
bool search_take_charset(
    struct imap_args *a, struct search_charset *out, struct search_error *e);

/* All keys, to the end of the arguments. */
bool search_take_keys(struct imap *p, struct imap_args *a,
    const struct search_charset *charset, struct search_program *out,
    struct search_error *e);

#endif
