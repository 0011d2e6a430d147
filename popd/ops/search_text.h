/* SPDX-License-Identifier: MIT */
/* search_text: keys about text, judged by what is folded (mime/text.h). */
#ifndef POPD_OPS_SEARCH_TEXT_H
#define POPD_OPS_SEARCH_TEXT_H

#include "common/store/db.h"
#include "popd/proto/imap_search_op.h"

/* Is it in the text?  k: HEADER, BODY or TEXT. */
bool search_text_has(const struct search_program *q, const struct search_key *k,
    struct str head, struct str body);

/* Ask the index about the needles of all keys: fills op.hits. */
void search_look_up(struct db *db, struct imap_search_op *op);

/* What the index says: NO, or OPEN. */
enum search_truth search_guess(
    const struct imap_search_op *op, const struct search_key *k, int64_t body);

#endif
