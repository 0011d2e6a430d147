/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/control/call.h"
#include "common/store/account.h"
#include "common/store/mailbox.h"

enum { /* arguments of the mailbox commands */
	ADDRESS,
	NAME,
	OTHER /* mailbox.create: its use; mailbox.rename: its new name */
};

static const struct {
	const char *name;
	unsigned use;
} uses[] = {
    {"archive", MAILBOX_ARCHIVE},
    {"drafts",  MAILBOX_DRAFTS },
    {"junk",    MAILBOX_JUNK   },
    {"sent",    MAILBOX_SENT   },
    {"trash",   MAILBOX_TRASH  },
};

#define N_USES (sizeof(uses) / sizeof(uses[0]))

static struct str
text_of(const struct call *call, size_t arg)
{
	return buf_str(&call->args[arg].text);
}

static int
find_account(
    struct call *call, struct db *db, struct account *a, struct fail *f)
{
	int got = account_find(db, text_of(call, ADDRESS), a, f);

	if (got == 0)
		return fail(f, FAIL_PERM, "there is no account %.*s",
		    STR_FMT(text_of(call, ADDRESS)));
	return got == 1 ? 0 : -1;
}

static json_t *
list_line(const struct mailbox_line *line)
{
	const struct mailbox *m = &line->mailbox;
	json_t *use = json_array();

	for (size_t i = 0; i < N_USES; i++)
		if (m->special & uses[i].use)
			json_array_append_new(use, json_string(uses[i].name));
	return json_pack("{s:o, s:b, s:b, s:b, s:I, s:I, s:I, s:o, s:I, s:I, "
			 "s:o}",
	    "name", call_json_text(str_of(line->name)), "mailbox", m->id != 0,
	    "subscribed", line->subscribed, "children", line->children,
	    "messages", (json_int_t)m->messages, "unseen",
	    (json_int_t)m->unseen, "bytes", (json_int_t)m->bytes, "uses", use,
	    "id", (json_int_t)m->id, "uid_validity",
	    (json_int_t)m->uid_validity, "created",
	    call_json_time(m->created_ms));
}

static int
list(struct db *db, void *arg, struct fail *f)
{
	struct call *call = arg;
	struct mailbox_list all = {0};
	json_t *mailboxes = json_array();
	struct account a;
	int rc;

	json_object_set_new(call->reply, "mailboxes", mailboxes);
	if (find_account(call, db, &a, f) == -1)
		return -1;
	rc = mailbox_list(db, a.id, &all, f);
	for (size_t i = 0; i < all.n && rc == 0; i++)
		json_array_append_new(mailboxes, list_line(&all.lines[i]));
	mailbox_list_release(&all);
	return rc;
}

int
call_mailbox_list(struct call *call, struct fail *f)
{
	return db_read(call->control->mail, list, call, f);
}

static int
find_use(struct call *call, unsigned *use, struct fail *f)
{
	*use = 0;
	if (!call->args[OTHER].given)
		return 0;
	for (size_t i = 0; i < N_USES; i++)
		if (str_eq_nocase(text_of(call, OTHER), str_of(uses[i].name)))
			*use = uses[i].use;
	return *use != 0 ? 0
	                 : fail(f, FAIL_SYNTAX,
			       "use is archive, drafts, junk, sent or trash");
}

static int
create(struct db *db, void *arg, struct fail *f)
{
	struct call *call = arg;
	enum mailbox_refusal refusal;
	struct account a;
	unsigned use;
	int64_t id;

	if (find_use(call, &use, f) == -1 ||
	    find_account(call, db, &a, f) == -1 ||
	    mailbox_add(db, a.id, text_of(call, NAME), use, call->now_ms, &id,
		&refusal, f) == -1 ||
	    refusal != MAILBOX_DONE)
		return -1;
	json_object_set_new(call->reply, "id", json_integer(id));
	return mailbox_subscribe(db, a.id, text_of(call, NAME), true, f);
}

static int
rename_box(struct db *db, void *arg, struct fail *f)
{
	struct call *call = arg;
	enum mailbox_refusal refusal;
	struct account a;

	if (find_account(call, db, &a, f) == -1 ||
	    mailbox_rename(db, a.id, text_of(call, NAME), text_of(call, OTHER),
		call->now_ms, &refusal, f) == -1 ||
	    refusal != MAILBOX_DONE)
		return -1;
	json_object_set_new(
	    call->reply, "to", call_json_text(text_of(call, OTHER)));
	return 0;
}

static int delete (struct db *db, void *arg, struct fail *f)
{
	struct call *call = arg;
	struct account a;
	const struct hop who = {
	    .at_ms = call->now_ms,
	    .daemon = HOP_MAILCTL,
	    .recipient = text_of(call, ADDRESS),
	    .detail = STR("its mailbox was deleted by the administrator"),
	};
	enum mailbox_refusal refusal;

	if (find_account(call, db, &a, f) == -1 ||
	    mailbox_remove(db, a.id, text_of(call, NAME), &who, &refusal, f) ==
		-1)
		return -1;
	return refusal == MAILBOX_DONE ? 0 : -1;
}

static int
set_subscribed(struct call *call, struct db *db, bool on, struct fail *f)
{
	struct account a;

	if (find_account(call, db, &a, f) == -1)
		return -1;
	return mailbox_subscribe(db, a.id, text_of(call, NAME), on, f);
}

static int
subscribe(struct db *db, void *arg, struct fail *f)
{
	return set_subscribed(arg, db, true, f);
}

static int
unsubscribe(struct db *db, void *arg, struct fail *f)
{
	return set_subscribed(arg, db, false, f);
}

static int
change(struct call *call, db_work *work, struct fail *f)
{
	if (db_write(call->control->mail, work, call, f) == -1)
		return -1;
	json_object_set_new(
	    call->reply, "mailbox", call_json_text(text_of(call, NAME)));
	return 0;
}

int
call_mailbox_create(struct call *call, struct fail *f)
{
	return change(call, create, f);
}

int
call_mailbox_rename(struct call *call, struct fail *f)
{
	return change(call, rename_box, f);
}

int
call_mailbox_delete(struct call *call, struct fail *f)
{
	return change(call, delete, f);
}

int
call_mailbox_subscribe(struct call *call, struct fail *f)
{
	return change(call, subscribe, f);
}

int
call_mailbox_unsubscribe(struct call *call, struct fail *f)
{
	return change(call, unsubscribe, f);
}

enum { /* of user.imap; its first is ADDRESS */
	OFF = ADDRESS + 1,
	ON
};

/* Set, if asked to, and tell what it is then. */
static int
imap(struct db *db, void *arg, struct fail *f)
{
	struct call *call = arg;
	struct account a;
	char *off = NULL;

	if (find_account(call, db, &a, f) == -1)
		return -1;
	if ((call->args[OFF].given || call->args[ON].given) &&
	    account_set_imap_off(
		db, text_of(call, ADDRESS), text_of(call, OFF), f) == -1)
		return -1;
	if (account_imap_off(db, a.id, &off, f) == -1)
		return -1;
	json_object_set_new(call->reply, "off", call_json_text(str_of(off)));
	free(off);
	return 0;
}

int
call_user_imap(struct call *call, struct fail *f)
{
	bool writes = call->args[OFF].given || call->args[ON].given;

	if (call->args[OFF].given && call->args[ON].given)
		return fail(f, FAIL_SYNTAX, "it is off or on, not both");
	json_object_set_new(
	    call->reply, "address", call_json_text(text_of(call, ADDRESS)));
	return writes ? db_write(call->control->mail, imap, call, f)
	              : db_read(call->control->mail, imap, call, f);
}
