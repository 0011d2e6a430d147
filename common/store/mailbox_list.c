/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/store/mailbox_name.h"
#include "common/store/mailbox_row.h"
#include "common/util/mem.h"

/* Mailboxes, and after them subscriptions, with NULL for an id. */
static const char sql_list[] =
    "SELECT " MAILBOX_ROW ", m.name"
    " FROM mailbox m JOIN mailbox_state s ON s.mailbox = m.id"
    " WHERE m.account = ?1"
    " UNION ALL"
    " SELECT 0, ?1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, name FROM subscription"
    " WHERE account = ?1";

struct lines {
	struct mailbox_line *at;
	size_t n, room;
};

static struct mailbox_line *
add(struct lines *l, struct str name)
{
	if (l->n == l->room) {
		l->room = l->room > 0 ? 2 * l->room : 16;
		l->at = mem_grow(l->at, l->room, sizeof(*l->at));
	}
	l->at[l->n] = (struct mailbox_line){.name = mem_dup(name)};
	return &l->at[l->n++];
}

static int
by_name(const void *va, const void *vb)
{
	const struct mailbox_line *a = va, *b = vb;

	return mailbox_name_cmp(str_of(a->name), str_of(b->name));
}

static int
read_lines(struct db *db, int64_t account, struct lines *l, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_list, f, "i", account);
	int got;

	while ((got = sql_step(st, f)) == 1) {
		struct mailbox_line *line = add(
		    l, sql_text(st, MAILBOX_ROW_COLUMNS));

		line->mailbox = mailbox_row(st);
		line->subscribed = line->mailbox.id == 0;
	}
	return got;
}

/* A mailbox that is subscribed to was read twice. */
static void
merge(struct lines *l)
{
	size_t kept = 0;

	if (l->n > 1)
		qsort(l->at, l->n, sizeof(*l->at), by_name);
	for (size_t i = 0; i < l->n; i++) {
		struct mailbox_line *line = &l->at[i];

		if (kept == 0 || by_name(&l->at[kept - 1], line) != 0) {
			l->at[kept++] = *line;
			continue;
		}
		l->at[kept - 1].subscribed = true;
		if (line->mailbox.id != 0)
			l->at[kept - 1].mailbox = line->mailbox;
		free(line->name);
	}
	l->n = kept;
}

/* This level has mailboxes below it: mark it, or add it if it is none of the
 * n lines. */
static void
mark_level(struct lines *l, size_t n, struct str level)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = mailbox_name_cmp(level, str_of(l->at[mid].name));

		if (order == 0) {
			l->at[mid].children = true;
			return;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	add(l, level)->children = true;
}

/* Every level above a mailbox.  Those it shares with the mailbox before it
 * were looked at then. */
static void
mark_levels(struct lines *l)
{
	struct str before = {NULL, 0};
	size_t n = l->n;

	for (size_t i = 0; i < n; i++) {
		struct str name = str_of(l->at[i].name), level = name;

		if (l->at[i].mailbox.id == 0)
			continue;
		while (mailbox_name_parent(level, &level) &&
		       !mailbox_name_is_below(before, level))
			mark_level(l, n, level);
		before = name;
	}
	if (l->n > n)
		qsort(l->at, l->n, sizeof(*l->at), by_name);
}

int
mailbox_list(
    struct db *db, int64_t account, struct mailbox_list *out, struct fail *f)
{
	struct lines l = {0};
	int rc = read_lines(db, account, &l, f);

	if (rc == 0) {
		merge(&l);
		mark_levels(&l);
	}
	*out = (struct mailbox_list){l.at, l.n};
	if (rc == -1)
		mailbox_list_release(out);
	return rc;
}

void
mailbox_list_release(struct mailbox_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->lines[i].name);
	free(l->lines);
	*l = (struct mailbox_list){0};
}
