/* SPDX-License-Identifier: MIT */
#include "popd/ops/ops.h"

#include <assert.h>

static const struct {
	ops_function *run;
	bool writes;
} kinds[] = {
#define READ                false
#define WRITE               true
#define O(NAME, name, mode) [IMAP_OP_##NAME] = {imap_run_##name, mode},
    IMAP_OPS(O)
#undef O
#undef READ
#undef WRITE
};

bool
ops_writes(enum imap_op_kind kind)
{
	assert(kind < IMAP_OP_KINDS);
	return kinds[kind].writes;
}

int
ops_prepare(const struct ops_context *c, struct imap_op *op)
{
	op->rc = 0;
	if (op->kind != IMAP_OP_APPEND && op->kind != IMAP_OP_REPLACE)
		return 0; /* more is to come to them */
	for (size_t i = 0; i < c->n_stages && op->rc == 0; i++)
		op->rc = stage_seal(c->stages[i], STR(""), &op->fail);
	return op->rc;
}

int
ops_run(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	assert(op->kind < IMAP_OP_KINDS);
	op->again = false;
	op->rc = kinds[op->kind].run(db, c, op);
	return op->rc;
}
