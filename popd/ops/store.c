/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/store/message.h"
#include "common/util/mem.h"
#include "popd/ops/learn.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"

#define KEYWORDS_MAX 64 /* names looked at: there is no room for more */

static int
find_keywords(struct db *db, struct imap_store_op *op)
{
	struct str names[KEYWORDS_MAX], rest = buf_str(&op->names);
	size_t n = 0;
	int found;

	for (; rest.len > 0 && n < KEYWORDS_MAX; n++)
		names[n] = str_cut(&rest, '\0');
	found = rest.len > 0 ? 0
	                     : message_keyword_bits(db, op->mailbox, names, n,
				   &op->keywords, &op->op.fail);
	if (found != 0)
		return found == 1 ? 0 : -1;
	op->op.code = IMAP_CODE_LIMIT;
	return fail(&op->op.fail, FAIL_PERM,
	    "the mailbox has no room for another keyword");
}

/* What the store says of each becomes the answer and the delta. */
static void
answer(struct imap_store_op *op, const struct message_change *changes, size_t n,
    int64_t modseq)
{
	struct mirror_message *messages = mem_new(n, sizeof(*messages));
	size_t changed = 0;
	struct mirror_delta *d;

	op->changes = mem_new(n, sizeof(*op->changes));
	op->n_changes = n;
	for (size_t i = 0; i < n; i++) {
		const struct message_state *now = &changes[i].now;

		op->changes[i] = (struct imap_store_change){
		    .now = {.uid = now->uid,
			    .flags = now->flags,
			    .modseq = now->modseq},
		    .before = changes[i].before,
		    .modified = changes[i].modified,
		};
		if (!changes[i].modified && now->modseq != changes[i].before)
			messages[changed++] = op->changes[i].now;
	}
	if (changed == 0) {
		free(messages);
		return;
	}
	d = imap_op_delta(&op->op, op->mailbox);
	d->modseq = modseq;
	d->contiguous = true;
	d->messages = messages;
	d->n_messages = changed;
}

int
imap_run_store(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	static const enum message_store how[] = {
	    [IMAP_STORE_SET] = MESSAGE_SET,
	    [IMAP_STORE_ADD] = MESSAGE_ADD,
	    [IMAP_STORE_REMOVE] = MESSAGE_REMOVE,
	};
	struct imap_store_op *store = (struct imap_store_op *)op;
	struct message_change *changes;
	struct learn learn;
	int64_t modseq;
	size_t n;

	if (store->uids.n == 0)
		return 0;
	if (learn_store(db, c, store, &learn) == -1)
		return -1;
	if (find_keywords(db, store) == -1 ||
	    message_set_flags(db, store->mailbox, store->uids.uids,
		store->uids.n, how[store->how], store->flags | store->keywords,
		store->unchanged_since, &changes, &n, &modseq,
		&op->fail) == -1) {
		free(learn.rows);
		return -1;
	}
	answer(store, changes, n, modseq);
	free(changes);
	return learn_stored(db, c, store, &learn);
}
