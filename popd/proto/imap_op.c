/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_op.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_state.h"

void *
imap_op_new(struct imap *p, enum imap_op_kind kind, size_t size,
    void (*done)(struct imap *p, struct imap_op *op),
    void (*release)(struct imap_op *op))
{
	struct imap_op *op = mem_new(1, size);

	assert(size >= sizeof(*op));
	op->kind = kind;
	op->account = p->account;
	op->done = done;
	op->release = release;
	return op;
}

void
imap_op_free(struct imap_op *op)
{
	if (op == NULL)
		return;
	if (op->release != NULL)
		op->release(op);
	for (size_t i = 0; i < op->n_deltas; i++) {
		free((void *)op->deltas[i].messages);
		free((void *)op->deltas[i].gone);
	}
	free(op->deltas);
	for (size_t i = 0; i < op->n_news; i++) {
		free(op->news[i].name);
		free(op->news[i].old_name);
	}
	free(op->news);
	free(op);
}

struct mirror_delta *
imap_op_delta(struct imap_op *op, int64_t mailbox)
{
	op->deltas = mem_grow(
	    op->deltas, op->n_deltas + 1, sizeof(*op->deltas));
	op->deltas[op->n_deltas] = (struct mirror_delta){.mailbox = mailbox};
	return &op->deltas[op->n_deltas++];
}

struct imap_news *
imap_op_news(struct imap_op *op, unsigned kinds, int64_t mailbox)
{
	op->news = mem_grow(op->news, op->n_news + 1, sizeof(*op->news));
	op->news[op->n_news] = (struct imap_news){
	    .kinds = kinds, .mailbox = mailbox};
	return &op->news[op->n_news++];
}
