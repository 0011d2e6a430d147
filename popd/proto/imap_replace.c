/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_append.h"

bool
imap_replace_take(
    const struct imap *p, struct imap_args *a, bool uid, uint32_t *replaced)
{
	struct seqset given = {.ranges = NULL}, uids = {.ranges = NULL};
	bool good = imap_arg_seqset(a, &given) && !given.saved &&
	            given.n == 1 && given.ranges[0].low == given.ranges[0].high;

	*replaced = 0;
	if (good && view_resolve(p->view, &given, uid, &uids) && uids.n == 1 &&
	    view_message(p->view, uids.ranges[0].low) != NULL)
		*replaced = uids.ranges[0].low;
	seqset_release(&given);
	seqset_release(&uids);
	return good;
}

/* RFC 8508 s4.3: the new UID first, then what is expunged. */
static void
done_replace(struct imap *p, struct imap_op *op)
{
	struct buf code;

	if (op->rc == -1) {
		imap_reply_failed(p, op);
		return;
	}
	buf_init(&code, 100);
	imap_append_code((struct imap_append_op *)op, &code);
	imap_untagged_code(p, IMAP_OK, code.data, "Replacement is there");
	buf_release(&code);
	imap_reply_done(p);
}

enum imap_event
imap_cmd_replace(struct imap *p, struct imap_args *a)
{
	struct imap_append_op *op;
	uint32_t replaced;

	if (!imap_replace_take(p, a, p->uid, &replaced) || !imap_arg_space(a))
		return imap_reply_syntax(p, "One message is expected");
	if (replaced == 0)
		return imap_reply(p, IMAP_NO, IMAP_CODE_EXPUNGEISSUED,
		    "The message to be replaced is gone");
	op = imap_append_new(p, IMAP_OP_REPLACE, done_replace);
	op->from_mailbox = mirror_facts(view_mirror(p->view))->mailbox;
	op->replaced = replaced;
	return imap_append_ask(p, a, 1, op);
}
