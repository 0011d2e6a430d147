/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/mailboxes_state.h"

void
mailboxes_listen(struct mailboxes *m, struct mailbox_listener *l)
{
	l->newer = NULL;
	l->older = m->listeners;
	if (l->older != NULL)
		l->older->newer = l;
	m->listeners = l;
}

void
mailboxes_deaf(struct mailboxes *m, struct mailbox_listener *l)
{
	if (m->turn == l)
		m->turn = l->older;
	if (l->newer != NULL)
		l->newer->older = l->older;
	else
		m->listeners = l->older;
	if (l->older != NULL)
		l->older->newer = l->newer;
	for (struct news *n = m->news; n != NULL; n = n->next)
		if (n->by == l)
			n->by = NULL;
}

bool
hear_wants_all(const struct mailboxes *m)
{
	for (const struct mailbox_listener *l = m->listeners; l != NULL;
	     l = l->older)
		if (l->all)
			return true;
	return false;
}

static char *
copy(const char *name)
{
	return name != NULL ? mem_dup(str_of(name)) : NULL;
}

static void
news_free(struct news *n)
{
	free(n->news.name);
	free(n->news.old_name);
	free(n);
}

static bool
concerns(const struct mailbox_listener *l, int64_t account)
{
	return l->all && l->account == account;
}

void
hear_news(struct mailboxes *m, int64_t account, const struct imap_news *news,
    const struct mailbox_listener *by)
{
	const struct mailbox_listener *l = m->listeners;
	struct news *n;

	while (l != NULL && (l == by || !concerns(l, account)))
		l = l->older;
	if (l == NULL || m->stopped)
		return;
	n = MEM_NEW(struct news);
	n->news = *news;
	n->news.name = copy(news->name);
	n->news.old_name = copy(news->old_name);
	n->account = account;
	n->by = by;
	*m->news_end = n;
	m->news_end = &n->next;
	waker_wake(m->teller);
}

void
hear_change(struct mailboxes *m, int64_t mailbox, int64_t account,
    const struct mailbox_listener *by)
{
	const struct imap_news news = {
	    .kinds = IMAP_NEWS_MESSAGES, .mailbox = mailbox};
	bool due = false;

	if (m->stopped)
		return;
	for (struct mailbox_listener *l = m->listeners; l != NULL; l = l->older)
		if (l != by && l->mailbox == mailbox)
			due = l->due = true;
	if (due)
		waker_wake(m->teller);
	hear_news(m, account, &news, by);
}

static void
tell_news(struct mailboxes *m, const struct news *n)
{
	struct mailbox_listener *l;

	for (m->turn = m->listeners; (l = m->turn) != NULL;) {
		m->turn = l->older;
		if (l != n->by && concerns(l, n->account))
			l->hear(l->arg, &n->news);
	}
}

/* What is said while this runs is told in the next round. */
static void
tell(void *arg)
{
	struct mailboxes *m = arg;
	struct mailbox_listener *l;
	struct news **end = m->news_end;

	while (m->news != NULL) {
		struct news *n = m->news;
		bool last = end == &n->next;

		tell_news(m, n);
		m->news = n->next;
		if (m->news == NULL)
			m->news_end = &m->news;
		news_free(n);
		if (last)
			break;
	}
	for (m->turn = m->listeners; (l = m->turn) != NULL;) {
		m->turn = l->older;
		if (l->due) {
			l->due = false;
			l->hear(l->arg, NULL);
		}
	}
}

void
hear_start(struct mailboxes *m)
{
	m->news_end = &m->news;
	m->teller = waker_new(m->loop, tell, m);
}

void
hear_stop(struct mailboxes *m)
{
	while (m->news != NULL) {
		struct news *n = m->news;

		m->news = n->next;
		news_free(n);
	}
	m->news_end = &m->news;
	waker_free(m->teller);
	m->teller = NULL;
}
