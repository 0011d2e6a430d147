/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_notify_set.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "popd/proto/imap_fetch_item.h"

#define FETCH_MAX (16 * KB) /* octets of the items wanted of new messages */

static const struct {
	const char *name;
	bool of_messages;
} events[] = {
#define E(NAME, text, message) {text, message},
    IMAP_NOTIFY_EVENTS(E)
#undef E
};
#define EVENTS (sizeof(events) / sizeof(events[0]))

static const struct {
	const char *name;
	bool names; /* of mailboxes follow */
} filters[] = {
    [IMAP_FILTER_SELECTED] = {"SELECTED",         false},
    [IMAP_FILTER_SELECTED_DELAYED] = {"SELECTED-DELAYED", false},
    [IMAP_FILTER_INBOXES] = {"INBOXES",          false},
    [IMAP_FILTER_PERSONAL] = {"PERSONAL",         false},
    [IMAP_FILTER_SUBSCRIBED] = {"SUBSCRIBED",       false},
    [IMAP_FILTER_SUBTREE] = {"SUBTREE",          true },
    [IMAP_FILTER_MAILBOXES] = {"MAILBOXES",        true },
};
#define FILTERS (sizeof(filters) / sizeof(filters[0]))

static bool
is_selected(const struct imap_notify_group *g)
{
	return g->filter == IMAP_FILTER_SELECTED ||
	       g->filter == IMAP_FILTER_SELECTED_DELAYED;
}

void
imap_notify_release(struct imap_notify *n)
{
	if (n == NULL)
		return;
	for (size_t i = 0; i < n->n; i++)
		buf_release(&n->groups[i].names);
	for (size_t i = 0; i < n->n_pending; i++) {
		free(n->pending[i].name);
		free(n->pending[i].old_name);
	}
	free(n->groups);
	free(n->pending);
	buf_release(&n->fetch);
	buf_release(&n->args);
	free(n->seen);
	free(n);
}

void
imap_notify_write_events(struct buf *out)
{
	buf_add(out, STR("BADEVENT ("));
	for (size_t i = 0; i < EVENTS; i++)
		buf_addf(out, "%s%s", i > 0 ? " " : "", events[i].name);
	buf_add_char(out, ')');
}

/* ---- parsing (RFC 5465 s8) ---- */

static bool
take_name(struct imap_args *a, struct buf *names)
{
	if (!imap_arg_mailbox(a, names))
		return false;
	buf_add_char(names, '\0');
	return !names->overrun;
}

static bool
take_names(struct imap_args *a, struct buf *names)
{
	if (!imap_arg_char(a, '('))
		return take_name(a, names);
	do {
		if (!take_name(a, names))
			return false;
	} while (imap_arg_space(a));
	return imap_arg_char(a, ')');
}

static bool
take_filter(struct imap_args *a, struct imap_notify_group *g)
{
	for (size_t i = 0; i < FILTERS; i++)
		if (imap_arg_word(a, str_of(filters[i].name))) {
			g->filter = (enum imap_filter)i;
			return !filters[i].names ||
			       (imap_arg_space(a) && take_names(a, &g->names));
		}
	return false;
}

/* " (UID FLAGS)" behind MessageNew: kept as it is, once it has parsed. */
static bool
take_fetch(struct imap *p, struct imap_args *a, struct buf *out)
{
	struct imap_fetch_query query = {.items = NULL};
	struct imap_args before = *a;
	const char *wrong;
	bool good;

	if (a->rest.len < 2 || a->rest.at[0] != ' ' || a->rest.at[1] != '(')
		return true;
	imap_arg_space(a);
	before = *a;
	good = imap_fetch_take_items(p, a, &query, &wrong);
	imap_fetch_query_release(&query);
	if (good)
		buf_add(
		    out, str_first(before.rest, before.rest.len - a->rest.len));
	return good && !out->overrun;
}

static bool
take_event(struct imap *p, struct imap_args *a, struct imap_notify *n,
    struct imap_notify_group *g, struct imap_notify_problem *problem)
{
	struct str unknown;

	for (size_t i = 0; i < EVENTS; i++)
		if (imap_arg_word(a, str_of(events[i].name))) {
			g->events |= 1u << i;
			if (is_selected(g) && !events[i].of_messages)
				return false;
			return 1u << i != IMAP_EVENT_MESSAGE_NEW ||
			       !is_selected(g) || take_fetch(p, a, &n->fetch);
		}
	problem->unsupported = true;
	return imap_arg_atom(a, &unknown);
}

/* RFC 5465 s5: which events go together. */
static bool
are_complete(unsigned e)
{
	bool new = (e & IMAP_EVENT_MESSAGE_NEW) != 0;
	bool expunge = (e & IMAP_EVENT_MESSAGE_EXPUNGE) != 0;

	return new == expunge && (new || !(e & IMAP_EVENT_FLAG_CHANGE));
}

static bool
take_events(struct imap *p, struct imap_args *a, struct imap_notify *n,
    struct imap_notify_group *g, struct imap_notify_problem *problem)
{
	if (imap_arg_word(a, STR("NONE")))
		return true;
	if (!imap_arg_char(a, '('))
		return false;
	do {
		if (!take_event(p, a, n, g, problem))
			return false;
	} while (imap_arg_space(a));
	return imap_arg_char(a, ')') && are_complete(g->events);
}

static bool
take_group(struct imap *p, struct imap_args *a, struct imap_notify *n,
    struct imap_notify_problem *problem)
{
	bool had_selected = imap_notify_selected(n) != NULL;
	struct imap_notify_group *g;

	problem->large = n->n == IMAP_NOTIFY_GROUPS;
	if (problem->large)
		return false;
	n->groups = mem_grow(n->groups, n->n + 1, sizeof(*n->groups));
	g = &n->groups[n->n++];
	*g = (struct imap_notify_group){.events = 0};
	buf_init(&g->names, IMAP_NOTIFY_NAMES);
	if (!imap_arg_char(a, '(') || !take_filter(a, g) ||
	    !imap_arg_space(a) || !take_events(p, a, n, g, problem) ||
	    !imap_arg_char(a, ')')) {
		problem->large = g->names.overrun || n->fetch.overrun;
		return false;
	}
	return !had_selected || !is_selected(g);
}

int
imap_notify_take(struct imap *p, struct imap_args *a, struct imap_notify *out,
    struct imap_notify_problem *problem)
{
	*problem = (struct imap_notify_problem){false, false};
	buf_init(&out->fetch, FETCH_MAX);
	buf_init(&out->args, FETCH_MAX + 100);
	if (!imap_arg_space(a))
		return -1;
	out->status = imap_arg_word(a, STR("STATUS"));
	if (out->status && !imap_arg_space(a))
		return -1;
	do {
		if (!take_group(p, a, out, problem))
			return -1;
	} while (imap_arg_space(a));
	return imap_arg_end(a) && !problem->unsupported ? 0 : -1;
}

/* ---- what is wanted ---- */

const struct imap_notify_group *
imap_notify_selected(const struct imap_notify *n)
{
	for (size_t i = 0; i < n->n; i++)
		if (is_selected(&n->groups[i]))
			return &n->groups[i];
	return NULL;
}

static bool
is_below(struct str name, struct str root)
{
	return str_starts(name, root) &&
	       (name.len == root.len || name.at[root.len] == '/');
}

static bool
matches(const struct imap_notify_group *g, struct str name, bool subscribed)
{
	struct str names = buf_str(&g->names);

	switch (g->filter) {
	case IMAP_FILTER_SELECTED:
	case IMAP_FILTER_SELECTED_DELAYED:
		return false;
	case IMAP_FILTER_INBOXES: /* mail is delivered there alone */
		return str_eq(name, STR("INBOX"));
	case IMAP_FILTER_PERSONAL:
		return true;
	case IMAP_FILTER_SUBSCRIBED:
		return subscribed;
	case IMAP_FILTER_SUBTREE:
	case IMAP_FILTER_MAILBOXES:
		break;
	}
	while (names.len > 0) {
		struct str one = str_cut(&names, '\0');

		if (str_eq(name, one) ||
		    (g->filter == IMAP_FILTER_SUBTREE && is_below(name, one)))
			return true;
	}
	return false;
}

unsigned
imap_notify_wants(const struct imap_notify *n, struct str name, bool subscribed)
{
	unsigned wanted = 0;

	for (size_t i = 0; i < n->n; i++)
		if (matches(&n->groups[i], name, subscribed))
			wanted |= n->groups[i].events;
	return wanted;
}

bool
imap_notify_wants_any(const struct imap_notify *n, unsigned wanted)
{
	for (size_t i = 0; i < n->n; i++)
		if ((n->groups[i].events & wanted) &&
		    !is_selected(&n->groups[i]))
			return true;
	return false;
}
