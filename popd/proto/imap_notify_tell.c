/* SPDX-License-Identifier: MIT */
/* What NOTIFY tells of other mailboxes than the selected one. */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_list.h"
#include "popd/proto/imap_notify_set.h"

static const struct {
	enum imap_news_kind kind;
	unsigned events;
} sorts[] = {
    {IMAP_NEWS_MESSAGES,     IMAP_EVENTS_OF_MESSAGES         },
    {IMAP_NEWS_NAME,         IMAP_EVENT_MAILBOX_NAME         },
    {IMAP_NEWS_SUBSCRIPTION, IMAP_EVENT_SUBSCRIPTION         },
    {IMAP_NEWS_METADATA,
     IMAP_EVENT_MAILBOX_METADATA | IMAP_EVENT_SERVER_METADATA},
};

static char *
copy(const char *text)
{
	return text != NULL ? mem_dup(str_of(text)) : NULL;
}

/* Is it waiting to be told already? */
static bool
is_pending(const struct imap_notify *n, const struct imap_news *news)
{
	for (size_t i = 0; i < n->n_pending; i++)
		if (news->kinds == IMAP_NEWS_MESSAGES &&
		    n->pending[i].kinds == IMAP_NEWS_MESSAGES &&
		    n->pending[i].mailbox == news->mailbox)
			return true;
	return false;
}

static bool
is_wanted(const struct imap_notify *n, const struct imap_news *news)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if ((news->kinds & sorts[i].kind) &&
		    imap_notify_wants_any(n, sorts[i].events))
			return true;
	return false;
}

void
imap_notify_news(struct imap *p, const struct imap_news *news)
{
	struct imap_notify *n = p->notify;

	if (n == NULL || n->overflow || !is_wanted(n, news) ||
	    is_pending(n, news))
		return;
	if (n->n_pending == IMAP_NOTIFY_PENDING) {
		n->overflow = true;
		return;
	}
	n->pending = mem_grow(
	    n->pending, n->n_pending + 1, sizeof(*n->pending));
	n->pending[n->n_pending++] = (struct imap_news){.kinds = news->kinds,
	    .mailbox = news->mailbox,
	    .name = copy(news->name),
	    .old_name = copy(news->old_name)};
}

static const struct imap_list_line *
line_named(const struct imap_list_lines *l, struct str name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(str_of(l->lines[i].name), name))
			return &l->lines[i];
	return NULL;
}

static const struct imap_list_line *
line_of(const struct imap_list_lines *l, int64_t mailbox)
{
	for (size_t i = 0; i < l->n && mailbox != 0; i++)
		if (l->lines[i].box.id == mailbox)
			return &l->lines[i];
	return NULL;
}

static struct imap_notify_seen *
seen_of(const struct imap_notify *n, int64_t mailbox)
{
	for (size_t i = 0; i < n->n_seen; i++)
		if (n->seen[i].mailbox == mailbox)
			return &n->seen[i];
	return NULL;
}

/* Remember what all of them look like, so that only what is new is told. */
static void
look(struct imap_notify *n, const struct imap_list_lines *l)
{
	free(n->seen);
	n->seen = mem_new(l->n, sizeof(*n->seen));
	n->n_seen = 0;
	for (size_t i = 0; i < l->n; i++)
		if (l->lines[i].box.id != 0)
			n->seen[n->n_seen++] = (struct imap_notify_seen){
			    .mailbox = l->lines[i].box.id,
			    .uid_next = l->lines[i].box.uid_next,
			    .messages = l->lines[i].box.messages};
}

static unsigned
status_items(const struct imap *p, unsigned events)
{
	unsigned items = 0;

	if (events & (IMAP_EVENT_MESSAGE_NEW | IMAP_EVENT_MESSAGE_EXPUNGE))
		items |= IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT |
		         IMAP_STATUS_UIDVALIDITY;
	if (events & IMAP_EVENT_FLAG_CHANGE)
		items |= IMAP_STATUS_UNSEEN | IMAP_STATUS_UIDVALIDITY;
	if (items != 0 && (imap_has(p, IMAP_HAS_CONDSTORE) ||
			      ((events & IMAP_EVENT_FLAG_CHANGE) &&
				  imap_offers(p, IMAP_CAP_CONDSTORE))))
		items |= IMAP_STATUS_HIGHESTMODSEQ;
	return items;
}

/* The message events wanted of a mailbox that is not the selected one. */
static unsigned
wanted_of(const struct imap *p, const struct imap_list_line *line)
{
	if (line->box.id == 0 || line->box.id == imap_selected(p))
		return 0;
	return imap_notify_wants(
		   p->notify, str_of(line->name), line->subscribed) &
	       IMAP_EVENTS_OF_MESSAGES;
}

static void
tell_messages(struct imap *p, const struct imap_list_line *line)
{
	unsigned events = wanted_of(p, line);
	const struct imap_notify_seen *seen = seen_of(p->notify, line->box.id);

	if (events == 0 ||
	    (!(events & IMAP_EVENT_FLAG_CHANGE) && seen != NULL &&
		seen->uid_next == line->box.uid_next &&
		seen->messages == line->box.messages))
		return;
	imap_status_write(
	    p, str_of(line->name), status_items(p, events), &line->box);
}

/* LIST for a name as it is now, if this event of it is wanted. */
static void
tell_name(struct imap *p, const struct imap_list_lines *l, struct str name,
    const char *old_name, unsigned event)
{
	const struct imap_list_line *line = line_named(l, name);
	struct imap_list_line nothing = {.name = NULL};
	bool subscribed = line != NULL && line->subscribed;
	unsigned wanted = imap_notify_wants(
	    p->notify, name, subscribed || event == IMAP_EVENT_SUBSCRIPTION);

	if (old_name != NULL)
		wanted |= imap_notify_wants(
		    p->notify, str_of(old_name), subscribed);
	if (!(wanted & event))
		return;
	if (line == NULL) {
		nothing.name = mem_dup(name);
		line = &nothing;
	}
	imap_list_write(
	    p, IMAP_LIST_EXTENDED | IMAP_LIST_TELL_SUBSCRIBED, line, old_name);
	free(nothing.name);
}

/* RFC 5465 s5.4: one that comes or goes concerns the level above it too. */
static void
tell_named(struct imap *p, const struct imap_list_lines *l,
    const struct imap_news *news)
{
	struct str name = str_of(
	    news->name != NULL ? news->name : news->old_name);
	bool renamed = news->name != NULL && news->old_name != NULL;
	size_t slash;

	tell_name(p, l, name, renamed ? news->old_name : NULL,
	    IMAP_EVENT_MAILBOX_NAME);
	if (!renamed && str_find_last(name, '/', &slash))
		tell_name(p, l, str_first(name, slash), NULL,
		    IMAP_EVENT_MAILBOX_NAME);
}

/* old_name: the entries, a space between. */
static void
tell_metadata(struct imap *p, const struct imap_list_lines *l,
    const struct imap_news *news)
{
	bool server = news->mailbox == 0;
	const struct imap_list_line *line = line_of(l, news->mailbox);

	if (news->old_name == NULL || (!server && line == NULL))
		return;
	if (server
		? !imap_notify_wants_any(p->notify, IMAP_EVENT_SERVER_METADATA)
		: !(imap_notify_wants(
			p->notify, str_of(line->name), line->subscribed) &
		      IMAP_EVENT_MAILBOX_METADATA))
		return;
	buf_add(&p->out, STR("* METADATA "));
	if (server)
		buf_add(&p->out, STR("\"\""));
	else
		imap_out_mailbox(&p->out, str_of(line->name), imap_utf8(p));
	buf_addf(&p->out, " %s\r\n", news->old_name);
}

static void
tell_one(struct imap *p, const struct imap_list_lines *l,
    const struct imap_news *news)
{
	const struct imap_list_line *line = line_of(l, news->mailbox);

	if ((news->kinds & IMAP_NEWS_NAME) &&
	    (news->name != NULL || news->old_name != NULL))
		tell_named(p, l, news);
	if ((news->kinds & IMAP_NEWS_SUBSCRIPTION) && news->name != NULL)
		tell_name(
		    p, l, str_of(news->name), NULL, IMAP_EVENT_SUBSCRIPTION);
	if (news->kinds & IMAP_NEWS_METADATA)
		tell_metadata(p, l, news);
	if ((news->kinds & IMAP_NEWS_MESSAGES) && line != NULL)
		tell_messages(p, line);
}

static void
forget_pending(struct imap_notify *n)
{
	for (size_t i = 0; i < n->n_pending; i++) {
		free(n->pending[i].name);
		free(n->pending[i].old_name);
	}
	free(n->pending);
	n->pending = NULL;
	n->n_pending = 0;
}

static void
release_news(struct imap_op *op)
{
	imap_list_lines_free(((struct imap_news_op *)op)->lines);
}

void
imap_notify_overflow(struct imap *p)
{
	imap_untagged_code(p, IMAP_OK, "NOTIFICATIONOVERFLOW",
	    "There is too much to tell; NOTIFY is off");
	imap_notify_free(p);
}

void
imap_notify_begin(struct imap *p, const struct imap_list_lines *l)
{
	for (size_t i = 0; i < l->n && p->notify->status; i++) {
		unsigned events = wanted_of(p, &l->lines[i]);

		if (events != 0)
			imap_status_write(p, str_of(l->lines[i].name),
			    status_items(p, events), &l->lines[i].box);
	}
	look(p->notify, l);
}

void
imap_notify_tell(struct imap *p, struct imap_op *op)
{
	const struct imap_list_lines *l = ((struct imap_news_op *)op)->lines;

	if (op->rc == -1) { /* what was missed cannot be told any more */
		imap_notify_overflow(p);
		return;
	}
	for (size_t i = 0; i < p->notify->n_pending; i++)
		tell_one(p, l, &p->notify->pending[i]);
	forget_pending(p->notify);
	look(p->notify, l);
}

enum imap_event
imap_notify_ask(
    struct imap *p, void (*done)(struct imap *p, struct imap_op *op))
{
	struct imap_news_op *op = imap_op_new(
	    p, IMAP_OP_NEWS, sizeof(*op), done, release_news);

	return imap_ask(p, &op->op);
}
