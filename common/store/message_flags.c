/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/message_box.h"
#include "common/store/message_pick.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_set[] =
    "UPDATE message SET flags = (flags & ?4) | ?5, modseq = ?6"
    " WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3"
    " AND (flags & ?4) | ?5 <> flags AND modseq <= ?7";

#define MESSAGE_ALL_FLAGS                                                      \
	(MESSAGE_SYSTEM | ((UINT64_C(1) << (MESSAGE_KEYWORD_LAST + 1)) -       \
			      (UINT64_C(1) << MESSAGE_KEYWORD_FIRST)))

struct store {
	struct message_box box;
	uint64_t keep, add; /* flags become (flags & keep) | add */
	int64_t unchanged_since;
};

static struct message_change
judge(const struct store *s, const struct message_row *row)
{
	uint64_t flags = (row->flags & s->keep) | s->add;
	struct message_change c = {
	    .now = {row->uid, row->flags, row->modseq},
	    .before = row->modseq,
	    .modified = row->modseq > s->unchanged_since
        };

	if (!c.modified && flags != row->flags) {
		c.now.flags = flags;
		c.now.modseq = message_box_next(&s->box);
	}
	return c;
}

static bool
has_changed(const struct message_change *c)
{
	return c->now.modseq != c->before;
}

/* Write the n messages, which no other is between. */
static int
write_run(
    struct store *s, const struct message_change *c, size_t n, struct fail *f)
{
	int64_t changed = 0;

	for (size_t i = 0; i < n; i++)
		changed += has_changed(&c[i]);
	if (changed == 0)
		return 0;
	s->box.changed = true;
	if (sql_run(s->box.db, sql_set, f, "iiiiiii", s->box.id,
		(int64_t)c[0].now.uid, (int64_t)c[n - 1].now.uid,
		(int64_t)s->keep, (int64_t)s->add, message_box_next(&s->box),
		s->unchanged_since) == -1)
		return -1;
	assert(sql_changes(s->box.db) == changed);
	return 0;
}

static int
change(struct store *s, const struct message_picked *picked, size_t n,
    struct message_change *changes, struct fail *f)
{
	size_t begin = 0;

	for (size_t i = 0; i < n; i++) {
		const struct message_row *row = &picked[i].row;

		changes[i] = judge(s, row);
		if (!has_changed(&changes[i]))
			continue;
		message_box_count(&s->box, row->flags, row->size, -1);
		message_box_count(&s->box, changes[i].now.flags, row->size, 1);
	}
	for (size_t end = 1; end <= n; end++) {
		if (end < n && picked[end].joined)
			continue;
		if (write_run(s, &changes[begin], end - begin, f) == -1)
			return -1;
		begin = end;
	}
	return message_box_save(&s->box, f);
}

int
message_set_flags(struct db *db, int64_t mailbox, const uint32_t *uids,
    size_t n, enum message_store how, uint64_t flags, int64_t unchanged_since,
    struct message_change **out, size_t *n_out, int64_t *modseq, struct fail *f)
{
	struct store s = {
	    .keep = how == MESSAGE_SET   ? 0
	            : how == MESSAGE_ADD ? MESSAGE_ALL_FLAGS
	                                 : MESSAGE_ALL_FLAGS & ~flags,
	    .add = how == MESSAGE_REMOVE ? 0 : flags,
	    .unchanged_since = unchanged_since,
	};
	struct message_picked *picked;
	int rc = message_box_open(db, mailbox, &s.box, f);

	assert((flags & ~MESSAGE_ALL_FLAGS) == 0);
	*out = NULL;
	*n_out = 0;
	*modseq = 0;
	if (rc == 1 && s.box.pending &&
	    (flags & ~(uint64_t)(MESSAGE_SEEN | MESSAGE_DELETED)) != 0)
		return fail(f, FAIL_PERM,
		    "in this mailbox messages can only be marked as seen, or "
		    "deleted");
	if (rc == -1 || (rc == 1 && message_box_may_change(&s.box, f) == -1) ||
	    message_pick_narrow(
		db, mailbox, uids, rc == 1 ? n : 0, &picked, n_out, f) == -1)
		return -1;
	*out = mem_new(*n_out + 1, sizeof(**out));
	rc = change(&s, picked, *n_out, *out, f);
	free(picked);
	*modseq = message_box_modseq(&s.box);
	if (rc == -1) {
		free(*out);
		*out = NULL;
		*n_out = 0;
	}
	return rc;
}
