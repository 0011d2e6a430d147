/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_lex.h"
#include "popd/proto/imap_notify_set.h"

void
imap_notify_free(struct imap *p)
{
	imap_notify_release(p->notify);
	p->notify = NULL;
}

/* ---- the selected mailbox ---- */

/* Commands that say what they have expunged, whatever NOTIFY says. */
static bool
expunges_itself(const struct imap *p)
{
	return p->tag[0] != '\0' && (str_eq(p->verb, STR("EXPUNGE")) ||
					str_eq(p->verb, STR("MOVE")) ||
					str_eq(p->verb, STR("REPLACE")));
}

unsigned
imap_notify_events(const struct imap *p)
{
	const struct imap_notify_group *g;
	unsigned events = 0;

	/* RFC 5465 s3.1: NOTIFY itself is a NOOP, too */
	if (p->notify == NULL || !p->notify->begun)
		return IMAP_NOTIFY_NEW | IMAP_NOTIFY_EXPUNGE |
		       IMAP_NOTIFY_FLAGS;
	g = imap_notify_selected(p->notify);
	if (expunges_itself(p))
		events |= IMAP_NOTIFY_EXPUNGE;
	if (g == NULL) /* RFC 5465 s3.1 */
		return events;
	if (g->events & IMAP_EVENT_MESSAGE_NEW)
		events |= IMAP_NOTIFY_NEW;
	if (g->events & IMAP_EVENT_MESSAGE_EXPUNGE)
		events |= IMAP_NOTIFY_EXPUNGE;
	if (g->events & IMAP_EVENT_FLAG_CHANGE)
		events |= IMAP_NOTIFY_FLAGS;
	return events;
}

void
imap_notify_left(struct imap *p)
{
	if (p->notify != NULL)
		p->notify->new_from = p->notify->new_to = 0;
}

void
imap_notify_announced(struct imap *p, uint32_t from)
{
	struct imap_notify *n = p->notify;

	/* RFC 5465 s5.2: not of those that it brought itself */
	if (n == NULL || n->fetch.len == 0 ||
	    (p->tag[0] != '\0' &&
		(str_eq(p->verb, STR("APPEND")) ||
		    str_eq(p->verb, STR("COPY")) || expunges_itself(p))))
		return;
	if (n->new_from == 0)
		n->new_from = from;
	n->new_to = view_last_uid(p->view);
}

/* A FETCH nobody asked for just now, of the messages that were announced. */
static enum imap_event
fetch_new(struct imap *p)
{
	struct imap_notify *n = p->notify;
	struct imap_args a = {.utf8 = imap_utf8(p)};

	buf_clear(&n->args);
	buf_addf(&n->args, "%" PRIu32 ":%" PRIu32 " ", n->new_from, n->new_to);
	buf_add(&n->args, buf_str(&n->fetch));
	n->new_from = n->new_to = 0;
	n->was_uid = p->uid;
	n->was_may = p->may;
	n->was_verb = p->verb;
	p->unasked = true;
	p->uid = true;
	p->verb = STR("FETCH");
	a.rest = buf_str(&n->args);
	return imap_cmd_fetch(p, &a);
}

void
imap_notify_fetched(struct imap *p)
{
	p->unasked = false;
	p->uid = p->notify->was_uid;
	p->may = p->notify->was_may;
	p->verb = p->notify->was_verb;
	p->resume = NULL;
	if (p->work != NULL && p->free_work != NULL)
		p->free_work(p->work);
	p->work = NULL;
	p->free_work = NULL;
}

static bool
is_delayed(const struct imap_notify *n)
{
	const struct imap_notify_group *g = imap_notify_selected(n);

	return g == NULL || g->filter == IMAP_FILTER_SELECTED_DELAYED;
}

enum imap_event
imap_notify_step(struct imap *p)
{
	struct imap_notify *n = p->notify;

	n->begun = true;
	/* not in the middle of a command the client is sending */
	if (!p->idling && !imap_lex_is_empty(p->lex))
		return IMAP_NONE;
	if (n->overflow) {
		imap_notify_overflow(p);
		return IMAP_NONE;
	}
	if (p->poked)
		p->poked = !imap_sync(p, p->idling || !is_delayed(n));
	if (p->poked || p->state == IMAP_LOGGED_OUT)
		return IMAP_NONE;
	if (n->new_from != 0)
		return fetch_new(p);
	return n->n_pending > 0 ? imap_notify_ask(p, imap_notify_tell)
	                        : IMAP_NONE;
}

/* ---- the command ---- */

/* What is there to begin with (RFC 5465 s3.1). */
static void
done_set(struct imap *p, struct imap_op *op)
{
	const struct imap_list_lines *l = ((struct imap_news_op *)op)->lines;

	if (op->rc == -1) {
		imap_notify_free(p);
		imap_reply_failed(p, op);
		return;
	}
	imap_notify_begin(p, l);
	imap_reply_done(p);
}

static enum imap_event
refuse(struct imap *p, const struct imap_notify_problem *problem)
{
	struct buf code;
	enum imap_event ev;

	if (problem->large)
		return imap_reply(p, IMAP_NO, IMAP_CODE_NOTIFICATIONOVERFLOW,
		    "That is too much to be told of");
	if (!problem->unsupported)
		return imap_reply_syntax(
		    p, "NONE or SET [STATUS] (mailboxes events) is expected");
	buf_init(&code, KB);
	imap_notify_write_events(&code);
	ev = imap_reply_with(
	    p, IMAP_NO, buf_str(&code), "There is no such event here");
	buf_release(&code);
	return ev;
}

/* After NONE it is as if there had been no NOTIFY: between commands nothing is
 * told, at their end what the protocol itself wants told. */
enum imap_event
imap_cmd_notify(struct imap *p, struct imap_args *a)
{
	struct imap_notify_problem problem;
	struct imap_notify *n;

	if (imap_arg_word(a, STR("NONE")) && imap_arg_end(a)) {
		imap_notify_free(p);
		return imap_reply_done(p);
	}
	if (!imap_arg_word(a, STR("SET")))
		return imap_reply_syntax(p, "NONE or SET is expected");
	n = MEM_NEW(struct imap_notify);
	if (imap_notify_take(p, a, n, &problem) == -1) {
		imap_notify_release(n);
		return refuse(p, &problem);
	}
	imap_notify_free(p);
	p->notify = n;
	return imap_notify_ask(p, done_set);
}
