/* SPDX-License-Identifier: MIT */
#include "common/store/account.h"
#include "popd/ops/appended.h"

int
imap_run_appendable(
    struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_appendable_op *o = (struct imap_appendable_op *)op;
	struct account account;
	struct mailbox box;
	int got;

	if (ops_find_target(db, op, o->mailbox, &box) == -1)
		return -1;
	got = account_find(db, c->login, &account, &op->fail);
	if (got == 0)
		return fail(&op->fail, FAIL_TEMP, "the account is gone");
	if (got == 1 && !o->replaces && account.quota_bytes > 0 &&
	    (account.bytes > account.quota_bytes ||
		o->size > account.quota_bytes - account.bytes))
		return fail(&op->fail, FAIL_QUOTA, "there is no room for it");
	return got == 1 ? 0 : -1;
}
