/* SPDX-License-Identifier: MIT */
/*
 * learn: what people do with a message speaks for or against who sent it
 * (store/reputation.h).
 *
 *	into the mailbox with \Junk, or +$Junk elsewhere	junked
 *	out of it, but not to \Trash, or +$NotJunk in it	kept
 *
 * A client that sets the keyword and then moves the message, or the other way
 * round, votes once.  $NotJunk on what nobody took for junk says nothing: some
 * clients set it on everything.  At most LEARN_MAX messages of one command
 * count.
 */
#ifndef POPD_OPS_LEARN_H
#define POPD_OPS_LEARN_H

#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"

#define LEARN_MAX 1000

/* After COPY or MOVE; to: where the new messages are. */
int learn_copied(struct db *db, const struct ops_context *c,
    struct imap_copy_op *op, const struct mailbox *to);

/* Before STORE: what it will teach, and after it: that is noted. */
struct learn {
	struct message_row *rows; /* as they were; NULL: nothing */
	size_t n;
	uint64_t junk, not_junk; /* bits of the keywords; 0: new here */
	bool in_junk;
};
int learn_store(struct db *db, const struct ops_context *c,
    struct imap_store_op *op, struct learn *out);
int learn_stored(struct db *db, const struct ops_context *c,
    struct imap_store_op *op, struct learn *l); /* releases l */

#endif
