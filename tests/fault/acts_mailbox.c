/* SPDX-License-Identifier: MIT */
/* What people do with their mail.  Alice's INBOX is mailbox 1, Sent is 2,
 * Archive 6; her three messages are in INBOX. */
#include "tests/fault/acts_parts.h"

static uint32_t two[] = {1, 2}, all[] = {1, 2, 3};

static const struct hop popd = {.at_ms = NOW,
    .daemon = HOP_POPD,
    .peer = STR("192.0.2.7"),
    .recipient = STR("alice@d.test")};

/* ---- POP3: RETR marks, QUIT deletes ---- */

struct retrieval {
	struct message_row *rows;
	size_t n;
};

static int
list(struct db *db, void *arg, struct fail *f)
{
	struct retrieval *r = arg;

	return message_rows(db, 1, 1, UINT32_MAX, 100, &r->rows, &r->n, f);
}

static int
note_fetched(struct db *db, void *arg, struct fail *f)
{
	struct retrieval *r = arg;
	struct hop hop = popd;

	hop.kind = HOP_FETCHED;
	hop.detail = STR("POP3");
	for (size_t i = 0; i < r->n; i++) {
		hop.trace = r->rows[i].trace;
		if (hop_write(db, &hop, f) == -1)
			return -1;
	}
	return 0;
}

static int
expunge_all(struct db *db, void *arg, struct fail *f)
{
	size_t removed;
	int64_t modseq;

	(void)arg;
	return message_expunge(
	    db, 1, all, 3, false, &popd, NULL, &removed, &modseq, f);
}

static int
retrieve(struct world *w, struct retrieval *r, struct fail *f)
{
	for (size_t i = 0; i < r->n; i++) {
		struct buf octets;
		int rc;

		buf_init(&octets, 1 * MB);
		rc = fixture_body(&w->x, r->rows[i].body, 16384, &octets, f);
		if (rc == 0 && octets.len != r->rows[i].size)
			rc = fail(f, FAIL_PERM, "other octets");
		buf_release(&octets);
		if (rc == -1)
			return -1;
	}
	return 0;
}

int
act_pop3(struct world *w, struct fail *f)
{
	struct retrieval r = {0};
	int rc = db_read(w->x.db, list, &r, f);

	if (rc == 0)
		rc = retrieve(w, &r, f);
	if (rc == 0)
		rc = acts_step(w, note_fetched, &r, f);
	if (rc == 0)
		rc = acts_step(w, expunge_all, NULL, f);
	free(r.rows);
	return rc;
}

/* ---- IMAP ---- */

static int
set_flags(struct db *db, void *arg, struct fail *f)
{
	const enum message_store *how = arg;
	struct str names[] = {STR("$Junk"), STR("later")};
	struct message_change *changes = NULL;
	uint64_t bits;
	size_t n;
	int64_t modseq;
	int rc = message_keyword_bits(db, 1, names, 2, &bits, f);

	if (rc != -1)
		rc = message_set_flags(db, 1, two, 2, *how,
		    bits | MESSAGE_DELETED | MESSAGE_SEEN, INT64_MAX, &changes,
		    &n, &modseq, f);
	free(changes);
	return rc == -1 ? -1 : 0;
}

int
act_flags(struct world *w, struct fail *f)
{
	enum message_store how = MESSAGE_ADD;

	if (acts_step(w, set_flags, &how, f) == -1)
		return -1;
	how = MESSAGE_REMOVE;
	return acts_step(w, set_flags, &how, f);
}

static int
copy_or_move(struct db *db, bool move, struct fail *f)
{
	struct message_pair *pairs = NULL;
	int64_t from, to;
	size_t n;
	int rc = message_copy(
	    db, 1, all, 3, 2, move, NOW, &pairs, &n, &from, &to, f);

	free(pairs);
	return rc;
}

static int
copy(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return copy_or_move(db, false, f);
}

static int
move(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return copy_or_move(db, true, f);
}

int
act_copy(struct world *w, struct fail *f)
{
	return acts_step(w, copy, NULL, f);
}

int
act_move(struct world *w, struct fail *f)
{
	return acts_step(w, move, NULL, f);
}

static int
expunge_deleted(struct db *db, void *arg, struct fail *f)
{
	uint32_t *removed = NULL;
	size_t n;
	int64_t modseq;
	int rc = message_expunge(
	    db, 1, all, 3, true, &popd, &removed, &n, &modseq, f);

	(void)arg;
	free(removed);
	return rc;
}

int
act_expunge(struct world *w, struct fail *f)
{
	enum message_store how = MESSAGE_ADD;

	if (acts_step(w, set_flags, &how, f) == -1)
		return -1;
	return acts_step(w, expunge_deleted, NULL, f);
}

/* ---- mailboxes ---- */

static int
refused(int rc, const enum mailbox_refusal *refusal, struct fail *f)
{
	if (rc == 0 && *refusal != MAILBOX_DONE)
		return fail(f, FAIL_PERM, "refused: %d", (int)*refusal);
	return rc;
}

static int
copy_to_archive(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;
	enum mailbox_refusal refusal;
	struct message_pair *pairs = NULL;
	int64_t from, to, id;
	size_t n;
	int rc = refused(mailbox_add(db, w->x.alice, STR("Sent/2026"), 0, NOW,
			     &id, &refusal, f),
	    &refusal, f);

	if (rc == 0)
		rc = message_copy(
		    db, 1, all, 3, 6, false, NOW, &pairs, &n, &from, &to, f);
	free(pairs);
	return rc;
}

void
act_prepare_mailboxes(struct world *w)
{
	MUST(db_write(w->x.db, copy_to_archive, w, &why));
}

static int
rename_sent(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;
	enum mailbox_refusal refusal = MAILBOX_DONE;

	return refused(mailbox_rename(db, w->x.alice, STR("Sent"), STR("a/b"),
			   NOW, &refusal, f),
	    &refusal, f);
}

static int
rename_inbox(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;
	enum mailbox_refusal refusal = MAILBOX_DONE;

	return refused(mailbox_rename(db, w->x.alice, STR("INBOX"),
			   STR("a/b/c"), NOW, &refusal, f),
	    &refusal, f);
}

int
act_rename(struct world *w, struct fail *f)
{
	return acts_step(w, rename_sent, w, f);
}

int
act_rename_inbox(struct world *w, struct fail *f)
{
	return acts_step(w, rename_inbox, w, f);
}

static int
add_box(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;
	enum mailbox_refusal refusal = MAILBOX_DONE;
	int64_t id;

	return refused(mailbox_add(db, w->x.alice, STR("new/box"), 0, NOW, &id,
			   &refusal, f),
	    &refusal, f);
}

static int
subscribe(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;

	return mailbox_subscribe(db, w->x.alice, STR("new/box"), true, f);
}

static int
remove_box(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;
	enum mailbox_refusal refusal = MAILBOX_DONE;

	return refused(
	    mailbox_remove(db, w->x.alice, STR("Archive"), &popd, &refusal, f),
	    &refusal, f);
}

int
act_mailboxes(struct world *w, struct fail *f)
{
	if (acts_step(w, add_box, w, f) == -1 ||
	    acts_step(w, subscribe, w, f) == -1)
		return -1;
	return acts_step(w, remove_box, w, f);
}
