/* SPDX-License-Identifier: MIT */
#include "popd/ops/learn.h"

#include <stdlib.h>

#include "common/store/reputation.h"

#define JUNK     STR("$Junk")
#define NOT_JUNK STR("$NotJunk")

/* The bits of both keywords in a mailbox; 0 where it does not know one. */
static int
find_bits(struct db *db, int64_t mailbox, uint64_t *junk, uint64_t *not_junk,
    struct fail *f)
{
	struct message_keywords k;

	*junk = *not_junk = 0;
	if (message_keywords(db, mailbox, &k, f) == -1)
		return -1;
	for (int i = MESSAGE_KEYWORD_FIRST; i <= MESSAGE_KEYWORD_LAST; i++) {
		if (str_eq_nocase(str_of(k.names[i]), JUNK))
			*junk = UINT64_C(1) << i;
		else if (str_eq_nocase(str_of(k.names[i]), NOT_JUNK))
			*not_junk = UINT64_C(1) << i;
	}
	message_keywords_release(&k);
	return 0;
}

/* Those of the rows vote that have a journey and none of these flags. */
static int
vote_all(struct db *db, const struct message_row *rows, size_t n,
    uint64_t not_with, enum reputation_vote vote, int64_t now_ms,
    struct fail *f)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].trace != 0 && (rows[i].flags & not_with) == 0 &&
		    reputation_vote_on(db, rows[i].trace, vote, now_ms, f) ==
			-1)
			return -1;
	return 0;
}

int
learn_copied(struct db *db, const struct ops_context *c,
    struct imap_copy_op *op, const struct mailbox *to)
{
	bool into = (to->special & MAILBOX_JUNK) != 0;
	struct fail *f = &op->op.fail;
	struct message_row *rows;
	struct mailbox from;
	uint64_t junk, not_junk;
	size_t n;
	int rc = -1, found;

	if (!c->learn || op->n_pairs == 0)
		return 0;
	found = mailbox_find_id(db, op->mailbox, &from, f);
	if (found != 1)
		return found;
	if (into == ((from.special & MAILBOX_JUNK) != 0) ||
	    (to->special & MAILBOX_TRASH) != 0)
		return 0;
	if (message_rows(db, to->id, op->pairs[0].to,
		op->pairs[op->n_pairs - 1].to, LEARN_MAX, &rows, &n, f) == -1)
		return -1;
	if (find_bits(db, to->id, &junk, &not_junk, f) == 0)
		rc = vote_all(db, rows, n, into ? junk : not_junk,
		    into ? REPUTATION_JUNKED : REPUTATION_KEPT, c->now_ms, f);
	free(rows);
	return rc;
}

static bool
names(const struct imap_store_op *op, struct str name)
{
	struct str rest = buf_str(&op->names);

	while (rest.len > 0)
		if (str_eq_nocase(str_cut(&rest, '\0'), name))
			return true;
	return false;
}

int
learn_store(struct db *db, const struct ops_context *c,
    struct imap_store_op *op, struct learn *out)
{
	bool junk = names(op, JUNK), not_junk = names(op, NOT_JUNK);
	struct fail *f = &op->op.fail;
	struct mailbox box;
	int found;

	*out = (struct learn){0};
	if (!c->learn || junk == not_junk || op->uids.n == 0 ||
	    op->how == IMAP_STORE_REMOVE)
		return 0;
	found = mailbox_find_id(db, op->mailbox, &box, f);
	if (found != 1)
		return found;
	out->in_junk = (box.special & MAILBOX_JUNK) != 0;
	if (junk && out->in_junk) /* it says nothing new */
		return 0;
	if (find_bits(db, box.id, &out->junk, &out->not_junk, f) == -1)
		return -1;
	return message_rows(db, box.id, op->uids.uids[0],
	    op->uids.uids[op->uids.n - 1], LEARN_MAX, &out->rows, &out->n, f);
}

/* Does the change mean something, of a message that was so before? */
static bool
is_vote(const struct learn *l, const struct message_row *before, bool junk)
{
	if (junk)
		return (before->flags & l->junk) == 0;
	return (before->flags & l->not_junk) == 0 &&
	       (l->in_junk || (before->flags & l->junk) != 0);
}

int
learn_stored(struct db *db, const struct ops_context *c,
    struct imap_store_op *op, struct learn *l)
{
	bool junk = names(op, JUNK);
	size_t row = 0;
	int rc = 0;

	for (size_t i = 0; i < op->n_changes && rc == 0; i++) {
		uint32_t uid = op->changes[i].now.uid;

		while (row < l->n && l->rows[row].uid < uid)
			row++;
		if (row == l->n)
			break;
		if (l->rows[row].uid != uid || op->changes[i].modified ||
		    l->rows[row].trace == 0 || !is_vote(l, &l->rows[row], junk))
			continue;
		rc = reputation_vote_on(db, l->rows[row].trace,
		    junk ? REPUTATION_JUNKED : REPUTATION_KEPT, c->now_ms,
		    &op->op.fail);
	}
	free(l->rows);
	*l = (struct learn){0};
	return rc;
}
