/* SPDX-License-Identifier: MIT */
#include "common/control/call.h"
#include "common/store/account.h"

enum {
	ALIAS,
	TARGET
};

static struct str
text_of(const struct call *call, size_t arg)
{
	return buf_str(&call->args[arg].text);
}

static int
add(struct db *db, void *arg, struct fail *f)
{
	const struct call *call = arg;

	return alias_add(db, text_of(call, ALIAS), text_of(call, TARGET), f);
}

static int
remove_one(struct db *db, void *arg, struct fail *f)
{
	const struct call *call = arg;

	return alias_remove(db, text_of(call, ALIAS), text_of(call, TARGET), f);
}

static bool
list_alias(void *arg, struct str alias, struct str target)
{
	json_array_append_new(
	    arg, json_pack("{s:o, s:o}", "alias", call_json_text(alias),
		     "target", call_json_text(target)));
	return true;
}

static int
list(struct db *db, void *arg, struct fail *f)
{
	return alias_each(db, list_alias, arg, f);
}

static int
change(struct call *call, db_work *work, struct fail *f)
{
	if (db_write(call->control->mail, work, call, f) == -1)
		return -1;
	json_object_set_new(
	    call->reply, "alias", call_json_text(text_of(call, ALIAS)));
	if (call->args[TARGET].given)
		json_object_set_new(call->reply, "target",
		    call_json_text(text_of(call, TARGET)));
	return 0;
}

int
call_alias_add(struct call *call, struct fail *f)
{
	return change(call, add, f);
}

int
call_alias_remove(struct call *call, struct fail *f)
{
	return change(call, remove_one, f);
}

int
call_alias_list(struct call *call, struct fail *f)
{
	json_t *aliases = json_array();

	json_object_set_new(call->reply, "aliases", aliases);
	return db_read(call->control->mail, list, aliases, f);
}
