/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "popd/proto/imap_list.h"
#include "popd/proto/imap_selected.h"

#define NAME_MAX_OCTETS 1024 /* of a mailbox */

/* RFC 7162 s3.2.5 */
struct resync {
	bool asked;
	uint32_t uid_validity;
	int64_t modseq;
	bool has_known;
	struct seqset known;
	uint32_t next; /* UID to look at from */
};

static void
free_resync(void *work)
{
	struct resync *r = work;

	seqset_release(&r->known);
	free(r);
}

void
imap_leave(struct imap *p)
{
	if (p->view == NULL)
		return;
	view_free(p->view);
	p->view = NULL;
	free(p->mailbox_name);
	p->mailbox_name = NULL;
	p->read_only = false;
	imap_notify_left(p);
	seqset_clear(&p->saved);
	seqset_clear(&p->read);
	imap_enter(p, IMAP_AUTHENTICATED);
}

/* ---- SELECT, EXAMINE ---- */

static void
release_select(struct imap_op *op)
{
	free(((struct imap_select_op *)op)->name);
	free(((struct imap_select_op *)op)->stored);
}

static enum imap_event
selected(struct imap *p)
{
	return imap_reply(p, IMAP_OK,
	    p->read_only ? IMAP_CODE_READ_ONLY : IMAP_CODE_READ_WRITE,
	    p->read_only ? "EXAMINE completed" : "SELECT completed");
}

/* FETCH for what changed since, as much as there is room for. */
static enum imap_event
resync_flags(struct imap *p)
{
	struct resync *r = p->work;
	const struct mirror_message *m;

	while ((m = view_at(p->view, view_from(p->view, r->next))) != NULL) {
		if (imap_is_full(p)) {
			p->resume = resync_flags;
			return IMAP_DRAIN;
		}
		r->next = m->uid + 1;
		if (m->modseq > r->modseq &&
		    (!r->has_known || seqset_has(&r->known, m->uid))) {
			imap_tell_flags(p, m);
			view_told(p->view, m->uid, m->modseq);
		}
	}
	p->resume = NULL;
	return selected(p);
}

static void
release_vanished(struct imap_op *op)
{
	seqset_release(&((struct imap_vanished_op *)op)->gone);
}

static void
done_vanished(struct imap *p, struct imap_op *op)
{
	struct imap_vanished_op *vanished = (struct imap_vanished_op *)op;
	struct resync *r = p->work;

	if (op->rc == -1) { /* a mailbox half told of is not selected */
		imap_leave(p);
		imap_reply_failed(p, op);
		return;
	}
	imap_tell_earlier(p, &vanished->gone, r->has_known ? &r->known : NULL);
	p->next = resync_flags(p);
}

static uint32_t
first_unseen(const struct view *v)
{
	const struct mirror_message *m;

	for (size_t i = 0; (m = view_at(v, i)) != NULL; i++)
		if (!(m->flags & IMAP_SEEN))
			return (uint32_t)i + 1;
	return 0;
}

/* RFC 9051 s6.3.2; OLDNAME if it was asked for by another name (s6.3.9.7) */
static void
tell_name(struct imap *p, int64_t mailbox, const char *asked)
{
	struct imap_list_line line = {
	    .name = p->mailbox_name, .box = {.id = mailbox}};
	bool same = str_eq(str_of(asked), str_of(line.name));

	imap_list_write(p, IMAP_LIST_EXTENDED | IMAP_LIST_UNKNOWN_CHILDREN,
	    &line, same ? NULL : asked);
}

/* RFC 3501 s6.3.1, RFC 9051 s6.3.2 */
static void
tell_mailbox(struct imap *p, const char *asked)
{
	const struct mirror_facts *facts = mirror_facts(view_mirror(p->view));
	bool rev2 = imap_has(p, IMAP_HAS_REV2);
	uint32_t unseen = first_unseen(p->view);

	imap_tell_flag_names(p);
	imap_untagged(p, "%" PRIu32 " EXISTS", view_count(p->view));
	if (!rev2)
		imap_untagged(p, "%" PRIu32 " RECENT", view_recents(p->view));
	if (!rev2 && unseen > 0 && !imap_has(p, IMAP_HAS_UIDONLY))
		imap_untagged(
		    p, "OK [UNSEEN %" PRIu32 "] The first unseen", unseen);
	imap_untagged(p, "OK [UIDVALIDITY %" PRIu32 "] UIDs are valid",
	    facts->uid_validity);
	imap_untagged(
	    p, "OK [UIDNEXT %" PRIu32 "] The next UID", facts->uid_next);
	/* Clients go by this line too, so it is not there where it is off. */
	if (imap_offers(p, IMAP_CAP_CONDSTORE))
		imap_untagged(p,
		    "OK [HIGHESTMODSEQ %" PRId64 "] The highest so far",
		    facts->modseq);
	if (imap_offers(p, IMAP_CAP_OBJECTID)) {
		buf_add(&p->out, STR("* OK [MAILBOXID ("));
		imap_out_objectid(&p->out, 'F', (uint64_t)facts->mailbox);
		buf_add(&p->out, STR(")] The mailbox\r\n"));
	}
	if (rev2)
		tell_name(p, facts->mailbox, asked);
}

static void
done_select(struct imap *p, struct imap_op *op)
{
	struct imap_select_op *select = (struct imap_select_op *)op;
	struct resync *r = p->work;
	struct imap_vanished_op *ask;

	if (op->rc == -1) {
		imap_reply_failed(p, op);
		return;
	}
	if (select->mailbox == 0 || select->mirror == NULL) {
		imap_reply(p, IMAP_NO, IMAP_CODE_NONEXISTENT,
		    "There is no such mailbox");
		return;
	}
	p->view = view_new(select->mirror, select->read_only);
	p->mailbox_name = select->stored;
	select->stored = NULL;
	p->read_only = select->read_only;
	imap_enter(p, IMAP_SELECTED);
	tell_mailbox(p, select->name);
	if (!r->asked ||
	    r->uid_validity != mirror_facts(select->mirror)->uid_validity) {
		selected(p);
		return;
	}
	ask = imap_op_new(
	    p, IMAP_OP_VANISHED, sizeof(*ask), done_vanished, release_vanished);
	ask->mailbox = select->mailbox;
	ask->since = r->modseq;
	imap_ask(p, &ask->op);
}

/* "(" uidvalidity SP modseq [SP known-uids] [SP "(" seqs SP uids ")"] ")".
 * What matches is not looked at: what was expunged is remembered for ever. */
static bool
take_qresync(struct imap_args *a, struct resync *r, bool *by_number)
{
	struct seqset ignored = {.ranges = NULL};
	uint64_t modseq;
	bool good;

	r->asked = imap_arg_space(a) && imap_arg_char(a, '(') &&
	           imap_arg_number(a, &r->uid_validity) &&
	           r->uid_validity > 0 && imap_arg_space(a) &&
	           imap_arg_number64(a, &modseq) && modseq > 0;
	if (!r->asked)
		return false;
	r->modseq = (int64_t)modseq;
	if (imap_arg_char(a, ')'))
		return true;
	if (!imap_arg_space(a))
		return false;
	if (!imap_arg_char(a, '(')) {
		if (!imap_arg_seqset(a, &r->known) || r->known.saved ||
		    seqset_has(&r->known, SEQSET_STAR))
			return false;
		r->has_known = true;
		if (imap_arg_char(a, ')'))
			return true;
		if (!imap_arg_space(a) || !imap_arg_char(a, '('))
			return false;
	}
	*by_number = true;
	good = imap_arg_seqset(a, &ignored) && imap_arg_space(a) &&
	       imap_arg_seqset(a, &ignored) && !ignored.saved &&
	       imap_arg_char(a, ')') && imap_arg_char(a, ')');
	seqset_release(&ignored);
	return good;
}

struct select_args {
	struct buf name;
	bool condstore;
	bool by_number; /* sequence numbers in QRESYNC */
	struct resync *resync;
};

static bool
take_params(struct imap *p, struct imap_args *a, struct select_args *s)
{
	do {
		if (imap_offers(p, IMAP_CAP_CONDSTORE) &&
		    imap_arg_word(a, STR("CONDSTORE")))
			s->condstore = true;
		else if (s->resync->asked ||
			 !imap_arg_word(a, STR("QRESYNC")) ||
			 !take_qresync(a, s->resync, &s->by_number))
			return false;
	} while (imap_arg_space(a));
	return imap_arg_char(a, ')');
}

static bool
take_select(struct imap *p, struct imap_args *a, struct select_args *s)
{
	return imap_arg_mailbox(a, &s->name) &&
	       (imap_arg_end(a) ||
		   (imap_arg_space(a) && imap_arg_char(a, '(') &&
		       take_params(p, a, s) && imap_arg_end(a)));
}

static enum imap_event
ask_select(struct imap *p, struct select_args *s, bool read_only)
{
	struct imap_select_op *op;

	if (p->view != NULL) { /* RFC 9051 s6.3.2; also if it will fail */
		imap_leave(p);
		imap_untagged_code(
		    p, IMAP_OK, "CLOSED", "The mailbox before is closed");
	}
	if (s->condstore)
		imap_enable(p, IMAP_HAS_CONDSTORE);
	p->work = s->resync;
	p->free_work = free_resync;
	s->resync = NULL;
	op = imap_op_new(
	    p, IMAP_OP_SELECT, sizeof(*op), done_select, release_select);
	op->name = buf_take(&s->name);
	op->read_only = read_only;
	return imap_ask(p, &op->op);
}

static enum imap_event
start_select(struct imap *p, struct imap_args *a, bool read_only)
{
	struct select_args s = {.resync = MEM_NEW(struct resync)};
	enum imap_event ev;
	bool good;

	buf_init(&s.name, NAME_MAX_OCTETS);
	good = take_select(p, a, &s);
	if (s.name.overrun || (good && s.name.len == 0))
		ev = imap_reply(p, IMAP_NO, IMAP_CODE_NONEXISTENT,
		    "There is no such mailbox");
	else if (!good)
		ev = imap_reply_syntax(p, "mailbox [(parameters)] is expected");
	else if (s.resync->asked && !imap_has(p, IMAP_HAS_QRESYNC))
		ev = imap_reply_syntax(p, "ENABLE QRESYNC comes first");
	else if (s.by_number && imap_has(p, IMAP_HAS_UIDONLY))
		ev = imap_reply(p, IMAP_BAD, IMAP_CODE_UIDREQUIRED,
		    "Message numbers are not used any more");
	else
		ev = ask_select(p, &s, read_only);
	buf_release(&s.name);
	if (s.resync != NULL)
		free_resync(s.resync);
	return ev;
}

enum imap_event
imap_cmd_select(struct imap *p, struct imap_args *a)
{
	return start_select(p, a, false);
}

enum imap_event
imap_cmd_examine(struct imap *p, struct imap_args *a)
{
	return start_select(p, a, true);
}

/* ---- UNSELECT, CLOSE ---- */

enum imap_event
imap_cmd_unselect(struct imap *p, struct imap_args *a)
{
	if (!imap_arg_end(a))
		return imap_reply_syntax(p, "no argument is expected");
	imap_leave(p);
	return imap_reply_done(p);
}

/* ---- NOOP, CHECK, IDLE ---- */

static enum imap_event
ask_poll(struct imap *p, void (*done)(struct imap *, struct imap_op *))
{
	struct imap_poll_op *op = imap_op_new(
	    p, IMAP_OP_POLL, sizeof(*op), done, NULL);

	op->mailbox = mirror_facts(view_mirror(p->view))->mailbox;
	return imap_ask(p, &op->op);
}

static void
done_poll(struct imap *p, struct imap_op *op)
{
	if (op->rc == -1)
		imap_reply_failed(p, op);
	else
		imap_reply_done(p);
}

enum imap_event
imap_cmd_noop(struct imap *p, struct imap_args *a)
{
	if (!imap_arg_end(a))
		return imap_reply_syntax(p, "no argument is expected");
	return p->view != NULL ? ask_poll(p, done_poll) : imap_reply_done(p);
}

enum imap_event
imap_cmd_check(struct imap *p, struct imap_args *a)
{
	return imap_cmd_noop(p, a);
}

/* Goes on until DONE; what comes meanwhile is told by imap_notify_step(). */
static void
done_idle(struct imap *p, struct imap_op *op)
{
	(void)op; /* failed: the next poke will tell */
	p->poked = !imap_sync(p, true);
}

enum imap_event
imap_cmd_idle(struct imap *p, struct imap_args *a)
{
	if (!imap_arg_end(a))
		return imap_reply_syntax(p, "no argument is expected");
	buf_add(&p->out, STR("+ idling\r\n"));
	p->idling = true;
	return p->view != NULL ? ask_poll(p, done_idle) : IMAP_NONE;
}
