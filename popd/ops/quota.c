/* SPDX-License-Identifier: MIT */
#include "common/store/account.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_box_op.h"

int
imap_run_getquota(
    struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_getquota_op *o = (struct imap_getquota_op *)op;
	struct account account;
	int got = account_find(db, c->login, &account, &op->fail);

	if (got == 0)
		return fail(&op->fail, FAIL_TEMP, "the account is gone");
	if (got == -1)
		return -1;
	o->bytes = account.bytes;
	o->limit = account.quota_bytes;
	return 0;
}
