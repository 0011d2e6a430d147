/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/message_keyword.h"
#include "common/store/message_remove.h"
#include "common/store/pending_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_put[] =
    "INSERT INTO message (mailbox, uid, modseq, flags, received, size, body,"
    " trace, saved, email, pop3)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

struct copy {
	struct message_box from, other, *to; /* to: &from or &other */
	bool move;
	int64_t now_ms;
	struct message_picked *picked;
	size_t n;
	uint64_t bits[64]; /* of a keyword's bit in from: its bit in to, or 0 */
};

/* Find, or make, each keyword that these messages have.  One that finds no bit
 * is lost. */
static int
map_keywords(struct copy *c, struct fail *f)
{
	struct message_keywords have, want;
	uint64_t used = 0;
	int got = 1;

	for (size_t i = 0; i < c->n; i++)
		used |= c->picked[i].row.flags;
	used &= ~(uint64_t)MESSAGE_SYSTEM;
	if (used == 0)
		return 0;
	if (message_keywords(c->from.db, c->from.id, &have, f) == -1)
		return -1;
	if (message_keywords(c->from.db, c->to->id, &want, f) == -1) {
		message_keywords_release(&have);
		return -1;
	}
	for (int i = MESSAGE_KEYWORD_FIRST;
	     i <= MESSAGE_KEYWORD_LAST && got != -1; i++) {
		int bit;

		if ((used >> i & 1) == 0 || have.names[i] == NULL)
			continue;
		got = message_keyword_bit(c->from.db, c->to->id, &want,
		    str_of(have.names[i]), &bit, f);
		if (got == 1)
			c->bits[i] = UINT64_C(1) << bit;
	}
	message_keywords_release(&have);
	message_keywords_release(&want);
	return got == -1 ? -1 : 0;
}

static uint64_t
flags_there(const struct copy *c, uint64_t flags)
{
	uint64_t there = flags & MESSAGE_SYSTEM;

	flags >>= MESSAGE_KEYWORD_FIRST;
	for (size_t bit = MESSAGE_KEYWORD_FIRST; flags != 0; bit++) {
		if ((flags & 1) != 0)
			there |= c->bits[bit];
		flags >>= 1;
	}
	return there;
}

static int
put(struct copy *c, const struct message_row *row, uint32_t uid, struct fail *f)
{
	uint64_t home = message_place(c->from.uid_validity, row->uid);
	uint64_t flags = flags_there(c, row->flags);
	uint64_t email = row->email != 0 ? row->email : home;
	uint64_t pop3 = row->pop3 != 0 ? row->pop3 : home;

	message_box_count(c->to, flags, row->size, 1);
	/* two messages of one maildrop must not have one UIDL */
	return sql_run(c->from.db, sql_put, f, "iiiiiiiiiii", c->to->id,
	    (int64_t)uid, message_box_next(c->to), (int64_t)flags,
	    row->received_ms, (int64_t)row->size, row->body, row->trace,
	    c->now_ms, (int64_t)email, c->move ? (int64_t)pop3 : (int64_t)0);
}

static int
put_all(struct copy *c, struct message_pair *pairs, struct fail *f)
{
	c->to->added = c->n > 0;
	for (size_t i = 0; i < c->n; i++) {
		pairs[i] = (struct message_pair){
		    c->picked[i].row.uid, c->to->uid_next++};
		if (put(c, &c->picked[i].row, pairs[i].to, f) == -1)
			return -1;
	}
	return 0;
}

static int
has_room(const struct copy *c, struct fail *f)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < c->n && !c->move; i++)
		bytes += c->picked[i].row.size;
	/* what is only moved takes no room, also where there is none */
	if (bytes == 0 && c->n <= MESSAGE_UID_MAX - c->to->uid_next)
		return 0;
	return message_box_has_room(c->to, bytes, c->n, f);
}

static int
run(struct copy *c, struct message_pair *pairs, struct fail *f)
{
	const struct hop who = {.at_ms = c->now_ms, .daemon = HOP_POPD};

	if (c->to->pending)
		return pending_refuse(f);
	if (has_room(c, f) == -1 || map_keywords(c, f) == -1 ||
	    put_all(c, pairs, f) == -1)
		return -1;
	if (c->move) {
		if (message_remove(&c->from, c->picked, c->n, &who, f) == -1)
			return -1;
	} else if (message_hold(c->from.db, c->picked, c->n, 1, f) == -1)
		return -1;
	if (message_box_save(&c->from, f) == -1)
		return -1;
	return c->to == &c->from ? 0 : message_box_save(c->to, f);
}

/* 1, 0: where they should come from is gone, -1. */
static int
open_both(
    struct copy *c, struct db *db, int64_t mailbox, int64_t to, struct fail *f)
{
	int got;

	c->to = &c->from;
	if (to != mailbox) {
		c->to = &c->other;
		got = message_box_open(db, to, &c->other, f);
		if (got == 0)
			return fail(f, FAIL_PERM, "the mailbox is gone");
		if (got == -1)
			return -1;
	}
	got = message_box_open(db, mailbox, &c->from, f);
	assert(got != 1 || c->from.account == c->to->account);
	return got;
}

int
message_copy(struct db *db, int64_t mailbox, const uint32_t *uids, size_t n,
    int64_t to, bool move, int64_t now_ms, struct message_pair **pairs,
    size_t *n_pairs, int64_t *from_modseq, int64_t *to_modseq, struct fail *f)
{
	struct copy c = {.move = move, .now_ms = now_ms};
	int rc = open_both(&c, db, mailbox, to, f);

	*pairs = NULL;
	*n_pairs = 0;
	*from_modseq = *to_modseq = 0;
	if (rc == -1 || message_pick(db, mailbox, uids, rc == 1 ? n : 0,
			    &c.picked, &c.n, f) == -1)
		return -1;
	*pairs = mem_new(c.n + 1, sizeof(**pairs));
	rc = run(&c, *pairs, f);
	free(c.picked);
	if (rc == -1) {
		free(*pairs);
		*pairs = NULL;
		return -1;
	}
	*n_pairs = c.n;
	*from_modseq = message_box_modseq(&c.from);
	*to_modseq = message_box_modseq(c.to);
	return 0;
}
