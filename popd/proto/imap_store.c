/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_selected.h"

#define NAMES_MAX (16 * KB) /* of keywords in one STORE */

static const struct form {
	const char *word;
	enum imap_store_how how;
	bool silent;
} forms[] = {
    {"FLAGS",         IMAP_STORE_SET,    false},
    {"FLAGS.SILENT",  IMAP_STORE_SET,    true },
    {"+FLAGS",        IMAP_STORE_ADD,    false},
    {"+FLAGS.SILENT", IMAP_STORE_ADD,    true },
    {"-FLAGS",        IMAP_STORE_REMOVE, false},
    {"-FLAGS.SILENT", IMAP_STORE_REMOVE, true },
};

/* What the command remembers until its changes are told. */
struct store_work {
	bool silent;
	bool has_ghost; /* it names, by number, what is gone */
	struct imap_store_change *changes;
	size_t n, at;
};

static void
free_store(void *work)
{
	struct store_work *w = work;

	free(w->changes);
	free(w);
}

static void
release_store(struct imap_op *op)
{
	struct imap_store_op *store = (struct imap_store_op *)op;

	free(store->uids.uids);
	free(store->changes);
	buf_release(&store->names);
}

/* The numbers or UIDs of those that failed (RFC 7162 s3.1.3). */
static struct seqset
modified(const struct imap *p, const struct store_work *w)
{
	struct seqset set = {.ranges = NULL};

	for (size_t i = 0; i < w->n; i++) {
		uint32_t uid = w->changes[i].now.uid;

		if (!w->changes[i].modified)
			continue;
		if (!p->uid)
			uid = view_seq(p->view, uid);
		if (uid != 0)
			seqset_add(&set, uid, uid);
	}
	return set;
}

static enum imap_event
reply_store(struct imap *p, const struct store_work *w)
{
	struct seqset failed = modified(p, w);
	bool missing = w->has_ghost && !w->silent; /* RFC 2180 s4.2 */
	const char *text = missing ? "Some of the messages no longer exist"
	                           : "STORE completed";
	enum imap_status status = missing ? IMAP_NO : IMAP_OK;
	enum imap_event ev;
	struct buf code;

	if (failed.n == 0) {
		seqset_release(&failed);
		return imap_reply(p, status,
		    missing ? IMAP_CODE_EXPUNGEISSUED : IMAP_CODE_NONE, text);
	}
	buf_init(&code, IMAP_COMMAND_MAX * 16);
	buf_add(&code, STR("MODIFIED "));
	seqset_write(&failed, &code);
	ev = imap_reply_with(p, status, buf_str(&code),
	    missing ? text : "Some were changed by others");
	buf_release(&code);
	seqset_release(&failed);
	return ev;
}

static void
tell_modseq(struct imap *p, const struct mirror_message *m)
{
	if (imap_has(p, IMAP_HAS_UIDONLY))
		imap_untagged(p, "%" PRIu32 " UIDFETCH (MODSEQ (%" PRId64 "))",
		    m->uid, m->modseq);
	else
		imap_untagged(p,
		    "%" PRIu32 " FETCH (UID %" PRIu32 " MODSEQ (%" PRId64 "))",
		    view_seq(p->view, m->uid), m->uid, m->modseq);
}

/* Tell of one.  What others changed since the client was told is told although
 * it did not ask (RFC 9051 s6.4.6), and by imap_reply() if it was later. */
static void
tell_change(struct imap *p, bool silent, const struct imap_store_change *c)
{
	const struct mirror_message *m = view_message(p->view, c->now.uid);

	if (m == NULL || c->modified)
		return;
	if (!silent || c->before > view_told_modseq(p->view, c->now.uid)) {
		/* the mirror is behind if it could not be read just now */
		imap_tell_flags(p, m->modseq < c->now.modseq ? &c->now : m);
		view_told(p->view, m->uid, m->modseq);
		return;
	}
	if (imap_has(p, IMAP_HAS_CONDSTORE))
		tell_modseq(p, &c->now);
	view_told(p->view, c->now.uid, c->now.modseq);
}

static enum imap_event
tell_changes(struct imap *p)
{
	struct store_work *w = p->work;

	for (; w->at < w->n; w->at++) {
		if (imap_is_full(p)) {
			p->resume = tell_changes;
			return IMAP_DRAIN;
		}
		tell_change(p, w->silent, &w->changes[w->at]);
	}
	p->resume = NULL;
	return reply_store(p, w);
}

static void
done_store(struct imap *p, struct imap_op *op)
{
	struct imap_store_op *store = (struct imap_store_op *)op;
	struct store_work *w = p->work;

	if (op->rc == -1) {
		imap_reply_failed(p, op);
		return;
	}
	imap_tell_keywords(p);
	w->changes = store->changes;
	w->n = store->n_changes;
	store->changes = NULL;
	p->next = tell_changes(p);
}

static bool
take_condition(
    const struct imap *p, struct imap_args *a, int64_t *unchanged_since)
{
	uint64_t modseq;

	if (!imap_arg_char(a, '('))
		return true;
	if (!imap_offers(p, IMAP_CAP_CONDSTORE) ||
	    !imap_arg_word(a, STR("UNCHANGEDSINCE")) || !imap_arg_space(a) ||
	    !imap_arg_number64(a, &modseq) || !imap_arg_char(a, ')') ||
	    !imap_arg_space(a))
		return false;
	*unchanged_since = (int64_t)modseq;
	return true;
}

static bool
take_form(struct imap_args *a, const struct form **out)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (imap_arg_word(a, str_of(forms[i].word))) {
			*out = &forms[i];
			return true;
		}
	return false;
}

static bool
take_change(const struct imap *p, struct imap_args *a, struct imap_store_op *op,
    const struct form **form)
{
	bool list;

	if (!imap_arg_space(a) || !take_condition(p, a, &op->unchanged_since) ||
	    !take_form(a, form) || !imap_arg_space(a))
		return false;
	list = a->rest.len > 0 && a->rest.at[0] == '(';
	return imap_arg_flags(a, list, &op->flags, &op->names) &&
	       imap_arg_end(a) && !op->names.overrun;
}

/* Outlook says .SILENT and yet waits for the flags; a server may tell them
 * (RFC 9051 s6.4.6: "SHOULD"). */
static bool
wants_flags_always(const struct imap *p)
{
	struct str name = buf_str(&p->client);

	for (; name.len > 0; name = str_after(name, 1))
		if (str_starts_nocase(name, STR("Outlook")))
			return true;
	return false;
}

static struct store_work *
new_work(
    const struct imap *p, const struct form *form, const struct seqset *uids)
{
	struct store_work *w = MEM_NEW(struct store_work);

	w->silent = form->silent && !wants_flags_always(p);
	w->has_ghost = !p->uid && imap_has_ghost(p, uids);
	return w;
}

enum imap_event
imap_cmd_store(struct imap *p, struct imap_args *a)
{
	struct seqset uids = {.ranges = NULL};
	const struct form *form;
	struct imap_store_op *op;
	enum imap_event ev = IMAP_NONE;

	if (!imap_take_set(p, a, &uids)) {
		seqset_release(&uids);
		return IMAP_NONE;
	}
	op = imap_op_new(
	    p, IMAP_OP_STORE, sizeof(*op), done_store, release_store);
	op->unchanged_since = INT64_MAX;
	buf_init(&op->names, NAMES_MAX);
	if (!take_change(p, a, op, &form)) {
		imap_op_free(&op->op);
		seqset_release(&uids);
		return imap_reply_syntax(
		    p, "FLAGS, +FLAGS or -FLAGS and flags are expected");
	}
	op->mailbox = mirror_facts(view_mirror(p->view))->mailbox;
	op->how = form->how;
	op->uids = imap_expand(p, &uids, 0);
	p->work = new_work(p, form, &uids);
	p->free_work = free_store;
	if (op->unchanged_since != INT64_MAX) /* RFC 7162 s3.1 */
		imap_enable(p, IMAP_HAS_CONDSTORE);
	ev = imap_ask(p, &op->op);
	seqset_release(&uids);
	return ev;
}
