/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/mailbox_make.h"
#include "common/store/mailbox_name.h"
#include "common/store/message.h"
#include "common/store/pending_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_family[] =
    "SELECT id, name, special FROM mailbox WHERE account = ?1"
    " AND (name = ?2 OR (name > ?2 || '/' AND name < ?2 || '0'))";
static const char sql_name[] = "UPDATE mailbox SET name = ?2 WHERE id = ?1";

/* A name no mailbox can have. */
static const char sql_unname[] =
    "UPDATE mailbox SET name = char(10) || id WHERE id = ?1";

struct renamed {
	int64_t id;
	char *name; /* the new one */
};

struct rename {
	struct db *db;
	int64_t account, now_ms;
	struct str from, to; /* folded */
	bool pending;        /* the server's own is among them */
	struct renamed *all; /* the mailbox, if there is one, and those below */
	size_t n;
};

static int
gather(struct rename *r, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    r->db, sql_family, f, "it", r->account, r->from);
	size_t room = 0;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		struct str name = sql_text(st, 1);
		struct buf to;

		r->pending |= (sql_int(st, 2) & MAILBOX_PENDING) != 0;
		if (r->n == room) {
			room = room > 0 ? 2 * room : 16;
			r->all = mem_grow(r->all, room, sizeof(*r->all));
		}
		buf_init(&to, 2 * MAILBOX_NAME_MAX);
		buf_add(&to, r->to);
		buf_add(&to, str_after(name, r->from.len));
		r->all[r->n++] = (struct renamed){
		    sql_int(st, 0), buf_take(&to)};
	}
	return got;
}

static bool
is_renamed(const struct rename *r, int64_t id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->all[i].id == id)
			return true;
	return false;
}

/* May all of them have their new names? */
static int
judge_names(struct rename *r, enum mailbox_refusal *refusal, struct fail *f)
{
	for (size_t i = 0; i < r->n; i++) {
		struct str name = str_of(r->all[i].name);
		int64_t id;
		int got;

		if (name.len > MAILBOX_NAME_MAX ||
		    mailbox_name_depth(name) > MAILBOX_DEPTH_MAX)
			return mailbox_refuse(refusal, MAILBOX_LIMIT, f,
			    "a mailbox below it would be too deep, or its "
			    "name too long");
		got = mailbox_id(r->db, r->account, name, &id, f);
		if (got == -1)
			return -1;
		if (got == 1 && !is_renamed(r, id))
			return mailbox_refuse(refusal, MAILBOX_EXISTS, f,
			    "there is a mailbox of the new name, or of that of "
			    "one below it");
	}
	return mailbox_make_look(r->db, r->account, r->to, refusal, f);
}

static int
judge(struct rename *r, enum mailbox_refusal *refusal, struct fail *f)
{
	int64_t id;
	int got = mailbox_id(r->db, r->account, r->to, &id, f);

	if (got == -1)
		return -1;
	if (got == 1)
		return mailbox_refuse(refusal, MAILBOX_EXISTS, f,
		    "there is a mailbox of the new name");
	if (r->n == 0)
		return mailbox_refuse(
		    refusal, MAILBOX_MISSING, f, "there is no such mailbox");
	if (r->pending)
		return mailbox_refuse(refusal, MAILBOX_CANNOT, f,
		    "the server needs this mailbox to show what waits to be "
		    "sent");
	if (mailbox_name_is_below(r->to, r->from))
		return mailbox_refuse(refusal, MAILBOX_CANNOT, f,
		    "a mailbox cannot be below itself");
	return judge_names(r, refusal, f);
}

/* In two steps, since a new name may be the old one of another of them. */
static int
carry_out(struct rename *r, struct fail *f)
{
	if (mailbox_make_above(r->db, r->account, r->to, r->now_ms, f) == -1)
		return -1;
	for (size_t i = 0; i < r->n; i++)
		if (sql_run(r->db, sql_unname, f, "i", r->all[i].id) == -1)
			return -1;
	for (size_t i = 0; i < r->n; i++)
		if (sql_run(r->db, sql_name, f, "it", r->all[i].id,
			str_of(r->all[i].name)) == -1)
			return -1;
	return 0;
}

static int
rename_family(struct rename *r, enum mailbox_refusal *refusal, struct fail *f)
{
	int rc = gather(r, f);

	if (rc == 0)
		rc = judge(r, refusal, f);
	if (rc == 0 && *refusal == MAILBOX_DONE)
		rc = carry_out(r, f);
	for (size_t i = 0; i < r->n; i++)
		free(r->all[i].name);
	free(r->all);
	return rc;
}

static int
move_all(
    struct db *db, int64_t from, int64_t to, int64_t now_ms, struct fail *f)
{
	struct message_state *states;
	struct message_pair *pairs;
	int64_t from_modseq, to_modseq;
	uint32_t *uids;
	size_t n, n_pairs;
	int rc;

	if (message_states(db, from, 0, 0, &states, &n, f) == -1)
		return -1;
	uids = mem_new(n + 1, sizeof(*uids));
	for (size_t i = 0; i < n; i++)
		uids[i] = states[i].uid;
	free(states);
	rc = message_copy(db, from, uids, n, to, true, now_ms, &pairs, &n_pairs,
	    &from_modseq, &to_modseq, f);
	free(uids);
	if (rc == 0)
		free(pairs);
	return rc;
}

/* RFC 9051 s6.3.6: INBOX stays, what is in it goes. */
static int
rename_inbox(struct rename *r, enum mailbox_refusal *refusal, struct fail *f)
{
	int64_t inbox = 0, id;
	int got = mailbox_id(r->db, r->account, r->from, &inbox, f);

	if (got == 0)
		return mailbox_refuse(
		    refusal, MAILBOX_MISSING, f, "there is no INBOX");
	if (got == -1 || mailbox_add(r->db, r->account, r->to, 0, r->now_ms,
			     &id, refusal, f) == -1)
		return -1;
	if (*refusal != MAILBOX_DONE)
		return 0;
	return move_all(r->db, inbox, id, r->now_ms, f);
}

int
mailbox_rename(struct db *db, int64_t account, struct str from, struct str to,
    int64_t now_ms, enum mailbox_refusal *refusal, struct fail *f)
{
	struct rename r = {.db = db, .account = account, .now_ms = now_ms};
	struct buf from_folded, to_folded;
	int rc = 0;

	buf_init(&from_folded, MAILBOX_NAME_MAX);
	buf_init(&to_folded, MAILBOX_NAME_MAX);
	if (!mailbox_name_fold(from, &from_folded, f)) {
		mailbox_refuse(
		    refusal, MAILBOX_MISSING, f, "there is no such mailbox");
		goto out;
	}
	*refusal = mailbox_name_judge(to, &to_folded, f);
	if (*refusal != MAILBOX_DONE)
		goto out;
	r.from = buf_str(&from_folded);
	r.to = buf_str(&to_folded);
	rc = str_eq(r.from, STR("INBOX")) ? rename_inbox(&r, refusal, f)
	                                  : rename_family(&r, refusal, f);
out:
	buf_release(&from_folded);
	buf_release(&to_folded);
	return rc;
}
