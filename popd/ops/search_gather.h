/* SPDX-License-Identifier: MIT */
/* search_gather: what SORT and THREAD want to know of a message. */
#ifndef POPD_OPS_SEARCH_GATHER_H
#define POPD_OPS_SEARCH_GATHER_H

#include "common/store/info.h"
#include "common/store/message.h"
#include "popd/ops/search_envelope.h"
#include "popd/proto/imap_search_op.h"

struct search_gather {
	struct buf text, folded;
	struct search_address address;
};
void search_gather_init(struct search_gather *g);
void search_gather_release(struct search_gather *g);

/* What must be read of the info: a set of enum info_want. */
unsigned search_gather_wants(const struct imap_search_op *op);

/* Add the message to op.rows or op.threads; to neither if only its UID is
 * asked for. */
void search_gather_add(struct search_gather *g, struct imap_search_op *op,
    const struct message_row *row, const struct info *info);

#endif
