/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "common/util/mem.h"
#include "popd/ops/ops.h"

/* What the mirror keeps of each. */
static struct mirror_message *
narrow(const struct message_state *states, size_t n)
{
	struct mirror_message *out = mem_new(n, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		out[i] = (struct mirror_message){.uid = states[i].uid,
		    .flags = states[i].flags,
		    .modseq = states[i].modseq};
	return out;
}

static struct mirror *
make_mirror(const struct mailbox *box, const struct message_state *states,
    size_t n, const struct message_keywords *keywords)
{
	struct mirror_facts facts = {.mailbox = box->id,
	    .account = box->account,
	    .uid_validity = box->uid_validity,
	    .uid_next = box->uid_next,
	    .modseq = box->modseq,
	    .recent_uid = box->recent_uid,
	    .of_ours = (box->special & MAILBOX_PENDING) != 0};
	struct mirror *m = mirror_new(&facts, narrow(states, n), n);

	for (unsigned i = 0; i < 64; i++)
		if (keywords->names[i] != NULL)
			mirror_set_keyword(m, i, str_of(keywords->names[i]));
	return m;
}

int
ops_mirror(struct db *db, int64_t mailbox, struct mirror **out, struct fail *f)
{
	struct message_keywords keywords = {.names = {NULL}};
	struct message_state *states = NULL;
	struct mailbox box;
	size_t n;
	int rc = mailbox_find_id(db, mailbox, &box, f);

	*out = NULL;
	if (rc != 1)
		return rc;
	if (message_states(db, mailbox, 0, 0, &states, &n, f) == -1)
		return -1;
	rc = message_keywords(db, mailbox, &keywords, f);
	if (rc == 0)
		*out = make_mirror(&box, states, n, &keywords);
	message_keywords_release(&keywords);
	free(states);
	return rc == -1 ? -1 : 1;
}

static int
read_gone(struct db *db, int64_t mailbox, int64_t modseq,
    struct mirror_delta *d, struct fail *f)
{
	struct message_range *ranges;
	struct seqrange *gone;
	size_t n;

	if (message_expunged(db, mailbox, modseq, &ranges, &n, f) == -1)
		return -1;
	gone = mem_new(n, sizeof(*gone));
	for (size_t i = 0; i < n; i++)
		gone[i] = (struct seqrange){ranges[i].low, ranges[i].high};
	free(ranges);
	d->gone = gone;
	d->n_gone = n;
	return 0;
}

static int
read_news(struct db *db, const struct mailbox *box, int64_t modseq,
    uint32_t uid_next, struct ops_refresh *out, struct fail *f)
{
	struct message_keywords keywords = {.names = {NULL}};
	struct message_state *states;
	bool only_new = box->changed <= modseq;
	size_t n;

	if (message_states(db, box->id, uid_next, only_new ? INT64_MAX : modseq,
		&states, &n, f) == -1)
		return -1;
	out->delta.messages = narrow(states, n);
	out->delta.n_messages = n;
	free(states);
	if (!only_new && read_gone(db, box->id, modseq, &out->delta, f) == -1)
		return -1;
	if (message_keywords(db, box->id, &keywords, f) == -1)
		return -1;
	for (size_t i = 0; i < 64; i++) {
		out->keywords[i] = keywords.names[i];
		keywords.names[i] = NULL;
	}
	message_keywords_release(&keywords);
	return 0;
}

int
ops_refresh(struct db *db, int64_t mailbox, int64_t modseq, uint32_t uid_next,
    struct ops_refresh *out, struct fail *f)
{
	struct mailbox box;
	int found = mailbox_find_id(db, mailbox, &box, f);

	*out = (struct ops_refresh){.delta = {.mailbox = mailbox}};
	if (found != 1)
		return found;
	out->delta.modseq = box.modseq;
	out->delta.uid_next = box.uid_next;
	if (read_news(db, &box, modseq, uid_next, out, f) == 0)
		return 1;
	ops_refresh_release(out);
	return -1;
}

void
ops_refresh_release(struct ops_refresh *r)
{
	free((void *)r->delta.messages);
	free((void *)r->delta.gone);
	for (size_t i = 0; i < 64; i++)
		free(r->keywords[i]);
	*r = (struct ops_refresh){.delta = {.mailbox = 0}};
}
