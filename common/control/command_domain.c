/* SPDX-License-Identifier: MIT */
#include "common/control/call.h"
#include "common/control/domain_dns.h"
#include "common/control/domain_keys.h"
#include "common/store/account.h"

enum {
	DOMAIN,
	KEYS
}; /* arguments of domain.add */

static struct str
name_of(const struct call *call)
{
	return buf_str(&call->args[DOMAIN].text);
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
tell_domain(struct call *call)
{
	json_object_set_new(
	    call->reply, "domain", call_json_text(name_of(call)));
	return 0;
}

/* With keys that sign for it, unless keys is false.  A domain whose keys
 * could not be made is there nevertheless: `rotate' makes them. */
int
call_domain_add(struct call *call, struct fail *f)
{
	bool keys = !call->args[KEYS].given || call->args[KEYS].number != 0;

	if (db_write(call->control->mail, add, call, f) == -1 ||
	    (keys && domain_keys_make(call->control, name_of(call),
			 SIGNING_KEY_SIGNS, call->now_ms, f) == -1))
		return -1;
	return tell_domain(call);
}

int
call_domain_remove(struct call *call, struct fail *f)
{
	struct fail ignored;

	if (db_write(call->control->mail, remove_one, call, f) == -1)
		return -1;
	/* secrets without a domain are of no use to anybody */
	domain_keys_forget(call->control, name_of(call), &ignored);
	return tell_domain(call);
}

int
call_domain_rotate(struct call *call, struct fail *f)
{
	static const char *const steps[] = {
	    [DOMAIN_KEYS_FIRST] = "first",
	    [DOMAIN_KEYS_NEXT] = "next",
	    [DOMAIN_KEYS_TURN] = "turn",
	};
	enum domain_keys_step step;

	if (domain_keys_rotate(
		call->control, name_of(call), call->now_ms, &step, f) == -1)
		return -1;
	json_object_set_new(call->reply, "step", json_string(steps[step]));
	return tell_domain(call);
}

int
call_domain_dns(struct call *call, struct fail *f)
{
	const char *host = call->control->hostname;
	json_t *records = domain_dns(
	    call->control, name_of(call), host != NULL ? host : "", f);

	if (records == NULL)
		return -1;
	json_object_set_new(call->reply, "records", records);
	json_object_set_new(
	    call->reply, "hostname", call_json_text(str_of(host)));
	return tell_domain(call);
}

int
call_domain_list(struct call *call, struct fail *f)
{
	json_t *domains = json_array();

	json_object_set_new(call->reply, "domains", domains);
	return db_read(call->control->mail, list, domains, f);
}
