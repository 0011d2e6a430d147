/* SPDX-License-Identifier: MIT */
#include "common/control/call.h"
#include "common/store/suppression.h"

enum {
	ADDRESS
};

#define SHOWN_MOST 5000 /* keeps the answer under IPC_MAX */

static void
take(void *arg, const struct suppression *s)
{
	json_t *reply = arg;
	json_t *rows = json_object_get(reply, "addresses");

	if (json_array_size(rows) == SHOWN_MOST) {
		json_object_set_new(reply, "more", json_true());
		return;
	}
	json_array_append_new(rows,
	    json_pack("{s:o, s:I, s:o, s:o, s:o}", "address",
		call_json_text(s->address), "refusals", (json_int_t)s->bounces,
		"first", call_json_time(s->first_ms), "last",
		call_json_time(s->last_ms), "reply", call_json_text(s->reply)));
}

static int
list(struct db *db, void *arg, struct fail *f)
{
	return suppression_list(db, take, arg, f);
}

int
call_suppress_list(struct call *call, struct fail *f)
{
	json_object_set_new(call->reply, "addresses", json_array());
	json_object_set_new(call->reply, "more", json_false());
	return db_read(call->control->mail, list, call->reply, f);
}

static int
remove_one(struct db *db, void *arg, struct fail *f)
{
	const struct call *call = arg;
	int got = suppression_remove(db, buf_str(&call->args[ADDRESS].text), f);

	if (got == 0)
		return fail(f, FAIL_PERM,
		    "%.100s is not suppressed: `mailctl suppress' tells what "
		    "is",
		    call->args[ADDRESS].text.data);
	return got == -1 ? -1 : 0;
}

int
call_suppress_remove(struct call *call, struct fail *f)
{
	if (db_write(call->control->mail, remove_one, call, f) == -1)
		return -1;
	json_object_set_new(call->reply, "address",
	    call_json_text(buf_str(&call->args[ADDRESS].text)));
	return 0;
}
