/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>

#include "popd/proto/imap_selected.h"

#define VANISHED_RANGES 1000 /* in one response */

static void
add_modseq(struct buf *out, int64_t modseq)
{
	buf_add(out, STR(" MODSEQ ("));
	imap_out_number(out, (uint64_t)modseq);
	buf_add_char(out, ')');
}

void
imap_tell_flags(struct imap *p, const struct mirror_message *m)
{
	bool uid_only = imap_has(p, IMAP_HAS_UIDONLY);

	buf_add(&p->out, STR("* "));
	if (uid_only) { /* RFC 9586 s3.3 */
		imap_out_number(&p->out, m->uid);
		buf_add(&p->out, STR(" UIDFETCH (FLAGS ("));
	} else {
		imap_out_number(&p->out, view_seq(p->view, m->uid));
		buf_add(&p->out, STR(" FETCH (UID "));
		imap_out_number(&p->out, m->uid);
		buf_add(&p->out, STR(" FLAGS ("));
	}
	imap_out_flags(&p->out, m->flags, view_mirror(p->view),
	    !imap_has(p, IMAP_HAS_REV2) && view_recent(p->view, m->uid));
	buf_add_char(&p->out, ')');
	if (imap_has(p, IMAP_HAS_CONDSTORE))
		add_modseq(&p->out, m->modseq);
	buf_add(&p->out, STR(")\r\n"));
}

void
imap_tell_flag_names(struct imap *p)
{
	struct mirror *m = view_mirror(p->view);
	uint64_t flags = IMAP_SYSTEM | mirror_keywords(m);

	buf_add(&p->out, STR("* FLAGS ("));
	imap_out_flags(&p->out, flags, m, false);
	buf_add(&p->out, STR(")\r\n* OK [PERMANENTFLAGS ("));
	if (!p->read_only && mirror_facts(m)->of_ours)
		imap_out_flags(&p->out, IMAP_SEEN | IMAP_DELETED, m, false);
	else if (!p->read_only) {
		imap_out_flags(&p->out, flags, m, false);
		buf_add(&p->out, STR(" \\*"));
	}
	buf_addf(&p->out, ")] %s\r\n",
	    p->read_only ? "No flag can be changed" : "Flags that are kept");
}

void
imap_tell_keywords(struct imap *p)
{
	if (view_next_keywords(p->view))
		imap_tell_flag_names(p);
}

void
imap_tell_vanished(struct imap *p, const struct seqset *uids, bool earlier)
{
	for (size_t i = 0; i < uids->n; i += VANISHED_RANGES) {
		size_t left = uids->n - i;
		struct seqset some = {.ranges = uids->ranges + i,
		    .n = left < VANISHED_RANGES ? left : VANISHED_RANGES};

		buf_addf(&p->out, "* VANISHED %s", earlier ? "(EARLIER) " : "");
		seqset_write(&some, &p->out);
		buf_add(&p->out, STR("\r\n"));
	}
}

/* RFC 7162 s3.2.10 */
static void
tell_some_vanished(struct imap *p)
{
	struct seqset gone = {.ranges = NULL};

	view_take_ghosts(p->view, VANISHED_RANGES, &gone);
	imap_tell_vanished(p, &gone, false);
	seqset_release(&gone);
}

/* RFC 9051 s7.5.1: each number is that at the time it is told.  This and the
 * next: false if there is more, but no room. */
static bool
tell_expunged(struct imap *p)
{
	bool by_uid = imap_has(p, IMAP_HAS_QRESYNC) ||
	              imap_has(p, IMAP_HAS_UIDONLY);
	uint32_t uid;

	while (view_has_ghosts(p->view)) {
		if (imap_is_full(p))
			return false;
		if (by_uid)
			tell_some_vanished(p);
		else
			imap_untagged(p, "%" PRIu32 " EXPUNGE",
			    view_next_expunged(p->view, &uid));
	}
	return true;
}

static bool
tell_changed(struct imap *p)
{
	const struct mirror_message *changed;

	while (!imap_is_full(p)) {
		changed = view_next_changed(p->view);
		if (changed == NULL)
			return true;
		imap_tell_flags(p, changed);
	}
	return false;
}

static void
tell_new(struct imap *p)
{
	uint32_t before = view_last_uid(p->view);

	if (!view_announce(p->view))
		return;
	imap_untagged(p, "%" PRIu32 " EXISTS", view_count(p->view));
	if (!imap_has(p, IMAP_HAS_REV2))
		imap_untagged(p, "%" PRIu32 " RECENT", view_recents(p->view));
	imap_notify_announced(p, before + 1);
}

/* Its mailbox was deleted by somebody else (who deletes it here has left it):
 * what the client would ask next makes no sense any more (RFC 2180 s3.3). */
static void
lose_mailbox(struct imap *p)
{
	imap_leave(p);
	imap_hang_up(p, "The selected mailbox was deleted");
}

bool
imap_sync(struct imap *p, bool expunged)
{
	unsigned events;

	if (p->view == NULL)
		return true;
	if (mirror_gone(view_mirror(p->view))) {
		lose_mailbox(p);
		return true;
	}
	events = imap_notify_events(p);
	imap_tell_keywords(p);
	if ((expunged && (events & IMAP_NOTIFY_EXPUNGE) && !tell_expunged(p)) ||
	    ((events & IMAP_NOTIFY_FLAGS) && !tell_changed(p)))
		return false;
	if (events & IMAP_NOTIFY_NEW)
		tell_new(p);
	return true;
}

bool
imap_take_set(struct imap *p, struct imap_args *a, struct seqset *uids)
{
	struct seqset given = {.ranges = NULL};
	bool good = false;

	assert(p->view != NULL);
	if (!imap_arg_seqset(a, &given))
		imap_reply_syntax(p, "a set of messages is expected");
	else if (!view_resolve(p->view, &given, p->uid, uids))
		imap_reply_syntax(p, "there is no message with that number");
	else
		good = true;
	if (good && given.saved) /* RFC 5182 s2.1 */
		seqset_add_all(uids, &p->saved);
	seqset_release(&given);
	return good;
}
