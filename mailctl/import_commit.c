/* SPDX-License-Identifier: MIT */
#include "mailctl/import_commit.h"

#include <stdlib.h>

#include "common/store/account.h"
#include "common/store/message.h"
#include "common/util/clock.h"
#include "common/util/mem.h"

#define KEYWORDS_MAX 64 /* of a message: a mailbox has no more bits */

struct commit {
	const struct import_batch *batch;
	size_t first, n; /* entries of it */
	const char *login;
	bool ignore_quota;
	const struct import_entry *cached; /* whose keywords are `bits' */
	uint64_t bits;
	struct import_committed done;
};

void
import_batch_free(struct import_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		stage_free(b->entries[i].message.stage);
		free(b->entries[i].message.keywords);
	}
	free(b);
}

/* Most messages have none, or the same as the one before. */
static int
keyword_bits(struct commit *c, struct db *db, const struct import_entry *e,
    uint64_t *bits, struct fail *f)
{
	struct str words = str_of(e->message.keywords);
	struct str names[KEYWORDS_MAX];
	size_t n = 0;
	int got;

	*bits = 0;
	if (words.len == 0)
		return 0;
	if (c->cached != NULL &&
	    str_eq(words, str_of(c->cached->message.keywords))) {
		*bits = c->bits;
		return 0;
	}
	while (words.len > 0 && n < KEYWORDS_MAX) {
		names[n] = str_cut(&words, ' ');
		n += names[n].len > 0;
	}
	got = message_keyword_bits(db, c->batch->mailbox, names, n, bits, f);
	if (got == -1)
		return -1;
	c->done.keywords_lost += got == 0 || words.len > 0;
	if (got == 1) {
		c->cached = e;
		c->bits = *bits;
	}
	return 0;
}

static int
append(struct commit *c, struct db *db, struct fail *f)
{
	struct message_new messages[IMPORT_BATCH];
	uint32_t uids[IMPORT_BATCH];
	int64_t modseq;

	for (size_t i = 0; i < c->n; i++) {
		const struct import_entry *e = &c->batch->entries[c->first + i];
		uint64_t bits;

		if (keyword_bits(c, db, e, &bits, f) == -1)
			return -1;
		messages[i] = (struct message_new){.stage = e->message.stage,
		    .flags = e->message.flags | bits,
		    .received_ms = e->message.received_ms};
		c->done.bytes += stage_size(e->message.stage);
	}
	c->done.messages = c->n;
	return message_append(db, c->batch->mailbox, messages, c->n,
	    clock_wall_ms(&clock_system), uids, &modseq, f);
}

/* In one transaction nobody sees the account without its quota. */
static int
append_beyond_quota(struct commit *c, struct db *db, struct fail *f)
{
	struct account a;
	int got = account_find(db, str_of(c->login), &a, f);

	if (got == 0)
		return fail(f, FAIL_PERM, "the account is gone");
	if (got == -1 || account_set_quota(db, str_of(c->login), 0, f) == -1 ||
	    append(c, db, f) == -1)
		return -1;
	return account_set_quota(db, str_of(c->login), a.quota_bytes, f);
}

static int
remember(const struct commit *c, struct db *db, struct fail *f)
{
	const struct import_batch *b = c->batch;
	bool all = c->first + c->n == b->n;
	const struct load_place *place = all ? &b->place
	                                     : &b->entries[c->first + c->n - 1]
	                                            .place;
	struct buf names;
	int rc;

	if (place->position > 0)
		return import_set(
		    db, b->import, place->position, place->digest, f);
	if (c->n == 0)
		return 0;
	buf_init(&names, IMPORT_BATCH * IMPORT_NAME);
	for (size_t i = c->first; i < c->first + c->n; i++)
		buf_add(&names,
		    (struct str){b->entries[i].place.name, IMPORT_NAME});
	rc = import_add_names(db, b->import, buf_str(&names), f);
	buf_release(&names);
	return rc;
}

static int
run(struct db *db, void *arg, struct fail *f)
{
	struct commit *c = arg;
	int rc = 0;

	c->cached = NULL;
	c->done = (struct import_committed){0};
	if (c->n > 0)
		rc = c->ignore_quota ? append_beyond_quota(c, db, f)
		                     : append(c, db, f);
	return rc == 0 ? remember(c, db, f) : -1;
}

int
import_commit(struct db *db, struct import_batch *b, const char *login,
    bool ignore_quota, struct import_committed *done, struct fail *f)
{
	struct commit c = {.batch = b,
	    .n = b->n,
	    .login = login,
	    .ignore_quota = ignore_quota};

	if (db_write(db, run, &c, f) == 0) {
		*done = c.done;
		return 0;
	}
	if (f->kind != FAIL_QUOTA || b->n == 1)
		return -1;
	/* one by one, as far as it goes */
	for (c.n = 1; c.first < b->n; c.first++) {
		if (db_write(db, run, &c, f) == -1)
			return -1;
		done->messages += c.done.messages;
		done->bytes += c.done.bytes;
		done->keywords_lost += c.done.keywords_lost;
	}
	return 0;
}
