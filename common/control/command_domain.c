/* SPDX-License-Identifier: MIT */
#include "common/control/call.h"
#include "common/store/account.h"

static struct str
name_of(const struct call *call)
{
	return buf_str(&call->args[0].text);
}

static int
add(struct db *db, void *arg, struct fail *f)
{
	struct call *call = arg;

	return domain_add(db, name_of(call), call->now_ms, f);
}

static int
remove_one(struct db *db, void *arg, struct fail *f)
{
	return domain_remove(db, name_of(arg), f);
}

static bool
list_domain(void *arg, struct str name)
{
	json_array_append_new(
	    arg, json_pack("{s:o}", "domain", call_json_text(name)));
	return true;
}

static int
list(struct db *db, void *arg, struct fail *f)
{
	return domain_each(db, list_domain, arg, f);
}

static int
change(struct call *call, db_work *work, struct fail *f)
{
	if (db_write(call->control->mail, work, call, f) == -1)
		return -1;
	json_object_set_new(
	    call->reply, "domain", call_json_text(name_of(call)));
	return 0;
}

int
call_domain_add(struct call *call, struct fail *f)
{
	return change(call, add, f);
}

int
call_domain_remove(struct call *call, struct fail *f)
{
	return change(call, remove_one, f);
}

int
call_domain_list(struct call *call, struct fail *f)
{
	json_t *domains = json_array();

	json_object_set_new(call->reply, "domains", domains);
	return db_read(call->control->mail, list, domains, f);
}
