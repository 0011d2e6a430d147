/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "popd/proto/imap_selected.h"

#define NAME_MAX_OCTETS 1024 /* of a mailbox */

/* ---- COPY, MOVE ---- */

static void
release_copy(struct imap_op *op)
{
	struct imap_copy_op *copy = (struct imap_copy_op *)op;

	free(copy->uids.uids);
	free(copy->to);
	free(copy->pairs);
}

/* "COPYUID 5 1:3 7:9": both rise, so the n-th of one is the n-th of the other
 * (RFC 4315 s3). */
static void
add_copyuid(struct buf *out, const struct imap_copy_op *op)
{
	struct seqset from = {.ranges = NULL}, to = {.ranges = NULL};

	for (size_t i = 0; i < op->n_pairs; i++) {
		seqset_add(&from, op->pairs[i].from, op->pairs[i].from);
		seqset_add(&to, op->pairs[i].to, op->pairs[i].to);
	}
	buf_addf(out, "COPYUID %" PRIu32 " ", op->uid_validity);
	seqset_write(&from, out);
	buf_add_char(out, ' ');
	seqset_write(&to, out);
	seqset_release(&from);
	seqset_release(&to);
}

static enum imap_event
reply_highest(struct imap *p, const char *text)
{
	char code[64];

	if (!imap_has(p, IMAP_HAS_CONDSTORE))
		return imap_reply(p, IMAP_OK, IMAP_CODE_NONE, text);
	snprintf(code, sizeof(code), "HIGHESTMODSEQ %" PRId64,
	    mirror_facts(view_mirror(p->view))->modseq);
	return imap_reply_with(p, IMAP_OK, str_of(code), text);
}

static void
done_copy(struct imap *p, struct imap_op *op)
{
	struct imap_copy_op *copy = (struct imap_copy_op *)op;
	struct buf code;

	if (op->rc == -1) {
		imap_reply_failed(p, op);
		return;
	}
	if (copy->n_pairs == 0) {
		imap_reply_done(p);
		return;
	}
	buf_init(&code, IMAP_COMMAND_MAX * 16);
	add_copyuid(&code, copy);
	if (!copy->move) {
		imap_reply_with(p, IMAP_OK, buf_str(&code), "COPY completed");
	} else { /* RFC 6851 s4.3: before they are expunged */
		imap_untagged_code(p, IMAP_OK, code.data, "Moved");
		reply_highest(p, "MOVE completed");
	}
	buf_release(&code);
}

static enum imap_event
ask_copy(struct imap *p, const struct seqset *uids, struct buf *to, bool move)
{
	struct imap_uids expanded = imap_expand(p, uids, 0);
	struct imap_copy_op *op;

	/* By number they were there a moment ago: RFC 2180 s4.4 */
	if (expanded.n == 0 && !p->uid && imap_has_ghost(p, uids))
		return imap_reply(p, IMAP_NO, IMAP_CODE_EXPUNGEISSUED,
		    "These messages no longer exist");
	op = imap_op_new(p, IMAP_OP_COPY, sizeof(*op), done_copy, release_copy);
	op->mailbox = mirror_facts(view_mirror(p->view))->mailbox;
	op->uids = expanded;
	op->to = buf_take(to);
	op->move = move;
	return imap_ask(p, &op->op);
}

static enum imap_event
start_copy(struct imap *p, struct imap_args *a, bool move)
{
	struct seqset uids = {.ranges = NULL};
	enum imap_event ev;
	struct buf to;
	bool good;

	if (!imap_take_set(p, a, &uids)) {
		seqset_release(&uids);
		return IMAP_NONE; /* it has replied */
	}
	buf_init(&to, NAME_MAX_OCTETS);
	good = imap_arg_space(a) && imap_arg_mailbox(a, &to) && imap_arg_end(a);
	if (to.overrun || (good && to.len == 0))
		ev = imap_reply(p, IMAP_NO, IMAP_CODE_CANNOT,
		    "No mailbox can have that name");
	else if (!good)
		ev = imap_reply_syntax(p, "a mailbox is expected");
	else
		ev = ask_copy(p, &uids, &to, move);
	seqset_release(&uids);
	buf_release(&to);
	return ev;
}

enum imap_event
imap_cmd_copy(struct imap *p, struct imap_args *a)
{
	return start_copy(p, a, false);
}

enum imap_event
imap_cmd_move(struct imap *p, struct imap_args *a)
{
	return start_copy(p, a, true);
}

/* ---- EXPUNGE, UID EXPUNGE, CLOSE ---- */

static void
release_expunge(struct imap_op *op)
{
	free(((struct imap_expunge_op *)op)->uids.uids);
}

static enum imap_event
ask_expunge(struct imap *p, const struct seqset *uids,
    void (*done)(struct imap *p, struct imap_op *op))
{
	struct imap_uids expanded = imap_expand(p, uids, IMAP_DELETED);
	struct imap_expunge_op *op;

	op = imap_op_new(
	    p, IMAP_OP_EXPUNGE, sizeof(*op), done, release_expunge);
	op->mailbox = mirror_facts(view_mirror(p->view))->mailbox;
	op->uids = expanded;
	return imap_ask(p, &op->op);
}

static void
done_expunge(struct imap *p, struct imap_op *op)
{
	if (op->rc == -1)
		imap_reply_failed(p, op);
	else if (((struct imap_expunge_op *)op)->n_removed == 0)
		imap_reply_done(p);
	else /* RFC 7162 s3.2.7 */
		reply_highest(p, "EXPUNGE completed");
}

enum imap_event
imap_cmd_expunge(struct imap *p, struct imap_args *a)
{
	struct seqset uids = {.ranges = NULL};
	enum imap_event ev = IMAP_NONE;

	if (!p->uid) {
		if (!imap_arg_end(a))
			return imap_reply_syntax(p, "no argument is expected");
		seqset_add(&uids, 1, SEQSET_STAR - 1);
		ev = ask_expunge(p, &uids, done_expunge);
	} else if (imap_take_set(p, a, &uids)) {
		ev = imap_arg_end(a)
		         ? ask_expunge(p, &uids, done_expunge)
		         : imap_reply_syntax(p, "a set of UIDs is expected");
	}
	seqset_release(&uids);
	return ev;
}

/* Nothing is told of what it expunged: RFC 9051 s6.4.1; and no HIGHESTMODSEQ
 * either: RFC 7162 s3.2.8. */
static void
done_close(struct imap *p, struct imap_op *op)
{
	if (op->rc == -1) {
		imap_reply_failed(p, op);
		return;
	}
	imap_leave(p);
	imap_reply_done(p);
}

enum imap_event
imap_cmd_close(struct imap *p, struct imap_args *a)
{
	struct seqset uids = {.ranges = NULL};
	enum imap_event ev;

	if (!imap_arg_end(a))
		return imap_reply_syntax(p, "no argument is expected");
	if (p->read_only) {
		imap_leave(p);
		return imap_reply_done(p);
	}
	seqset_add(&uids, 1, SEQSET_STAR - 1);
	ev = ask_expunge(p, &uids, done_close);
	seqset_release(&uids);
	return ev;
}
