/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/mailbox_make.h"
#include "common/store/mailbox_name.h"
#include "common/store/message_remove.h"
#include "common/store/pending_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define ALL_USES                                                               \
	(MAILBOX_ARCHIVE | MAILBOX_DRAFTS | MAILBOX_JUNK | MAILBOX_SENT |      \
	    MAILBOX_TRASH)
#define AT_ONCE 10000 /* messages of a mailbox that is removed */

static const char sql_used[] =
    "SELECT 1 FROM mailbox WHERE account = ?1 AND special & ?2 <> 0 LIMIT 1";
static const char sql_below[] =
    "SELECT 1 FROM mailbox WHERE account = ?1"
    " AND name > ?2 || '/' AND name < ?2 || '0' LIMIT 1";
static const char sql_uids[] =
    "SELECT uid FROM message WHERE mailbox = ?1 ORDER BY uid LIMIT ?2";
static const char sql_remove_expunged[] =
    "DELETE FROM expunged WHERE mailbox = ?1";
static const char sql_remove_metadata[] =
    "DELETE FROM metadata WHERE account = ?1 AND mailbox = ?2";
static const char sql_remove[] = "DELETE FROM mailbox WHERE id = ?1";

static int
add(struct db *db, int64_t account, struct str name, unsigned special,
    int64_t now_ms, int64_t *id, enum mailbox_refusal *refusal, struct fail *f)
{
	int64_t one;
	int got = mailbox_id(db, account, name, id, f);

	if (got == -1)
		return -1;
	if (got == 1)
		return mailbox_refuse(refusal, MAILBOX_EXISTS, f,
		    "there is a mailbox of this name");
	if (special != 0)
		got = sql_number(
		    db, &one, sql_used, f, "ii", account, (int64_t)special);
	if (got == -1)
		return -1;
	if (got == 1)
		return mailbox_refuse(
		    refusal, MAILBOX_USE, f, "another mailbox has this use");
	if (mailbox_make_look(db, account, name, refusal, f) == -1)
		return -1;
	if (*refusal != MAILBOX_DONE)
		return 0;
	if (mailbox_make_above(db, account, name, now_ms, f) == -1)
		return -1;
	return mailbox_make(db, account, name, special, now_ms, id, f);
}

int
mailbox_add(struct db *db, int64_t account, struct str name, unsigned special,
    int64_t now_ms, int64_t *id, enum mailbox_refusal *refusal, struct fail *f)
{
	struct buf folded;
	int rc = 0;

	assert((special & ~(unsigned)ALL_USES) == 0);
	*id = 0;
	buf_init(&folded, MAILBOX_NAME_MAX);
	*refusal = mailbox_name_judge(name, &folded, f);
	if (*refusal == MAILBOX_DONE)
		rc = add(db, account, buf_str(&folded), special, now_ms, id,
		    refusal, f);
	buf_release(&folded);
	return rc;
}

/* Some of its messages, from the front: 1 there may be more, 0, -1. */
static int
empty_some(struct db *db, int64_t mailbox, const struct hop *who,
    uint32_t uids[AT_ONCE], struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_uids, f, "ii", mailbox, (int64_t)AT_ONCE);
	size_t n = 0, removed;
	int64_t modseq;
	int got;

	while ((got = sql_step(st, f)) == 1)
		uids[n++] = (uint32_t)sql_int(st, 0);
	if (got == -1 || n == 0)
		return got;
	return message_expunge(db, mailbox, uids, n, false, who, NULL, &removed,
		   &modseq, f) == -1
	           ? -1
	           : 1;
}

static int
erase(struct db *db, int64_t account, int64_t mailbox, const struct hop *who,
    struct fail *f)
{
	uint32_t *uids = mem_new(AT_ONCE, sizeof(*uids));
	int got;

	do
		got = empty_some(db, mailbox, who, uids, f);
	while (got == 1);
	free(uids);
	if (got == -1 ||
	    sql_run(db, sql_remove_expunged, f, "i", mailbox) == -1 ||
	    sql_run(db, sql_remove_metadata, f, "ii", account, mailbox) == -1)
		return -1;
	/* its state and keywords go by their keys */
	return sql_run(db, sql_remove, f, "i", mailbox);
}

static int
remove_found(struct db *db, int64_t account, int64_t mailbox,
    const struct hop *who, enum mailbox_refusal *refusal, struct fail *f)
{
	int got = pending_is(db, mailbox, f);

	if (got == -1)
		return -1;
	if (got == 1)
		return mailbox_refuse(refusal, MAILBOX_CANNOT, f,
		    "the server needs this mailbox to show what waits to be "
		    "sent; deleting a message in it takes that back");
	*refusal = MAILBOX_DONE;
	return erase(db, account, mailbox, who, f);
}

static int
remove_folded(struct db *db, int64_t account, struct str name,
    const struct hop *who, enum mailbox_refusal *refusal, struct fail *f)
{
	int64_t id = 0, one;
	int got;

	if (str_eq(name, STR("INBOX")))
		return mailbox_refuse(
		    refusal, MAILBOX_CANNOT, f, "INBOX cannot be removed");
	got = mailbox_id(db, account, name, &id, f);
	if (got == 1)
		return remove_found(db, account, id, who, refusal, f);
	if (got == 0)
		got = sql_number(db, &one, sql_below, f, "it", account, name);
	if (got == -1)
		return -1;
	if (got == 1)
		return mailbox_refuse(refusal, MAILBOX_CANNOT, f,
		    "it is only a level with mailboxes below it");
	return mailbox_refuse(
	    refusal, MAILBOX_MISSING, f, "there is no such mailbox");
}

int
mailbox_remove(struct db *db, int64_t account, struct str name,
    const struct hop *who, enum mailbox_refusal *refusal, struct fail *f)
{
	struct buf folded;
	int rc = 0;

	buf_init(&folded, MAILBOX_NAME_MAX);
	if (mailbox_name_fold(name, &folded, f))
		rc = remove_folded(
		    db, account, buf_str(&folded), who, refusal, f);
	else
		mailbox_refuse(
		    refusal, MAILBOX_MISSING, f, "there is no such mailbox");
	buf_release(&folded);
	return rc;
}

int
mailbox_add_usual(
    struct db *db, int64_t account, int64_t now_ms, struct fail *f)
{
	static const struct {
		const char *name;
		unsigned special;
	} usual[] = {
	    {"INBOX",   0              },
	    {"Sent",    MAILBOX_SENT   },
	    {"Drafts",  MAILBOX_DRAFTS },
	    {"Junk",    MAILBOX_JUNK   },
	    {"Trash",   MAILBOX_TRASH  },
	    {"Archive", MAILBOX_ARCHIVE},
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		struct str name = str_of(usual[i].name);
		enum mailbox_refusal refusal;
		int64_t id;

		/* a refusal: there is one already */
		if (mailbox_add(db, account, name, usual[i].special, now_ms,
			&id, &refusal, f) == -1 ||
		    mailbox_subscribe(db, account, name, true, f) == -1)
			return -1;
	}
	return 0;
}
