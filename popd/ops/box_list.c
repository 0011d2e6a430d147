/* SPDX-License-Identifier: MIT */
/*
 * LIST and LSUB.  The store gives names level by level, who is below right
 * after who is above; so one pass down finds the levels that are missing, and
 * one pass up what each has below it.
 */
#include <stdlib.h>

#include "common/mime/nfc.h"
#include "common/util/mem.h"
#include "popd/ops/box.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_match.h"

struct name {
	struct imap_list_line line;
	const struct mailbox *box; /* NULL: there is none */
	size_t above;              /* its level above, from 1; 0: none */
	bool matches;
	bool below;        /* something below meets the criteria */
	bool below_untold; /* and does not match the patterns */
};

struct names {
	struct name *at;
	size_t n, room;
};

static struct name *
add(struct names *l, struct str text)
{
	if (l->n == l->room) {
		l->room = l->room > 0 ? 2 * l->room : 16;
		l->at = mem_grow(l->at, l->room, sizeof(*l->at));
	}
	l->at[l->n] = (struct name){.line = {.name = mem_dup(text)}};
	return &l->at[l->n++];
}

static void
names_release(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i].line.name);
	free(l->at);
}

static bool
is_below(struct str name, struct str above)
{
	return name.len > above.len && name.at[above.len] == '/' &&
	       str_starts(name, above);
}

/* The nearest name before these that is above it, from 1. */
static size_t
find_above(const struct names *l, struct str name)
{
	size_t i = l->n;

	while (i > 0 && !is_below(name, str_of(l->at[i - 1].line.name)))
		i = l->at[i - 1].above;
	return i;
}

/* Levels above a name that is subscribed to need not be mailboxes, nor levels
 * above mailboxes: they are made here. */
static void
add_levels(struct names *l, struct str name)
{
	size_t above = find_above(l, name), from = 0;

	if (above > 0)
		from = str_of(l->at[above - 1].line.name).len + 1;
	for (size_t i = from; i < name.len; i++) {
		if (name.at[i] != '/')
			continue;
		add(l, str_first(name, i))->above = above;
		above = l->n;
	}
}

static void
take_names(struct names *l, const struct mailbox_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct mailbox_line *from = &list->lines[i];
		struct str text = str_of(from->name);
		struct name *name;
		size_t above;

		add_levels(l, text);
		above = find_above(l, text);
		name = add(l, text);
		name->above = above;
		name->box = from->mailbox.id != 0 ? &from->mailbox : NULL;
		name->line.subscribed = from->subscribed;
		name->line.children = from->children;
	}
}

static bool
meets(const struct name *n, unsigned select)
{
	if ((select & (IMAP_LIST_SUBSCRIBED | IMAP_LIST_LSUB)) != 0 &&
	    !n->line.subscribed)
		return false;
	if ((select & IMAP_LIST_SPECIAL_USE) != 0 &&
	    (n->box == NULL || (n->box->special & IMAP_USES) == 0))
		return false;
	return n->box != NULL || n->line.children || n->line.subscribed;
}

/* LIST without SUBSCRIBED lists what exists, not what is only subscribed to. */
static bool
exists(const struct name *n, unsigned select)
{
	return (select & (IMAP_LIST_SUBSCRIBED | IMAP_LIST_LSUB)) != 0 ||
	       n->box != NULL || n->line.children;
}

static void
judge(struct names *l, unsigned select, struct imap_match *match)
{
	for (size_t i = l->n; i > 0; i--) {
		struct name *n = &l->at[i - 1];
		struct name *above = n->above > 0 ? &l->at[n->above - 1] : NULL;

		n->matches = imap_match_name(match, str_of(n->line.name));
		n->line.selected = meets(n, select) && exists(n, select);
		n->line.childinfo = n->below;
		if (above == NULL)
			continue;
		above->below |= n->below || n->line.selected;
		above->below_untold |= n->below_untold ||
		                       (n->line.selected && !n->matches);
	}
}

/* RFC 9051 s6.3.9.6; LSUB: RFC 3501 s6.3.9 on `%'. */
static bool
is_told(const struct name *n, unsigned select, bool percent)
{
	if (!n->matches)
		return false;
	return n->line.selected ||
	       (n->below_untold &&
		   ((select & IMAP_LIST_RECURSIVEMATCH) != 0 ||
		       ((select & IMAP_LIST_LSUB) != 0 && percent)));
}

static int
give(struct db *db, struct imap_list_op *o, struct names *l, bool percent)
{
	struct imap_list_lines *out = MEM_NEW(struct imap_list_lines);

	o->lines = out;
	out->lines = mem_new(l->n, sizeof(*out->lines));
	for (size_t i = 0; i < l->n; i++) {
		struct name *n = &l->at[i];

		if (!is_told(n, o->select, percent))
			continue;
		if (n->box != NULL && box_figures(db, n->box, o->status,
					  &n->line.box, &o->op.fail) == -1)
			return -1;
		out->lines[out->n++] = n->line;
		n->line.name = NULL;
	}
	return 0;
}

/* Names are in NFC, so patterns are brought there too; one that cannot be
 * matches nothing. */
static bool
add_pattern(struct imap_match *match, struct str reference, struct str pattern)
{
	struct buf r, p;
	bool good = true;

	buf_init(&r, IMAP_MATCH_NAME);
	buf_init(&p, 2 * IMAP_MATCH_STATES);
	if (nfc_add(reference, &r) && nfc_add(pattern, &p))
		good = imap_match_add(match, buf_str(&r), buf_str(&p));
	buf_release(&r);
	buf_release(&p);
	return good;
}

static int
add_patterns(struct imap_list_op *o, struct imap_match *match)
{
	struct str rest = buf_str(&o->patterns);

	while (rest.len > 0) {
		struct str reference = str_cut(&rest, '\0');
		struct str pattern = str_cut(&rest, '\0');

		if (!add_pattern(match, reference, pattern)) {
			o->op.code = IMAP_CODE_LIMIT;
			return fail(
			    &o->op.fail, FAIL_PERM, "Too many patterns");
		}
	}
	return 0;
}

int
imap_run_list(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_list_op *o = (struct imap_list_op *)op;
	struct imap_match *match = imap_match_new();
	struct mailbox_list list = {0};
	struct names names = {0};
	int rc = -1;

	(void)c;
	if (add_patterns(o, match) == -1 ||
	    mailbox_list(db, op->account, &list, &op->fail) == -1)
		goto out;
	take_names(&names, &list);
	judge(&names, o->select, match);
	rc = give(db, o, &names, imap_match_has_percent(match));
out:
	names_release(&names);
	mailbox_list_release(&list);
	imap_match_free(match);
	return rc;
}
