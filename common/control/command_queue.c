/* SPDX-License-Identifier: MIT */
#include "common/control/call.h"
#include "common/mime/dsn.h"
#include "common/store/queue.h"
#include "common/util/mem.h"

#define LIST_DEFAULT 100
#define LIST_MOST    5000 /* keeps the answer under IPC_MAX */

/* queue.list */
enum {
	LIST_DOMAIN,
	LIST_MAX
};

/* queue.show, and the orders */
enum {
	ID,
	DOMAIN,
	ALL
};

struct reading {
	int64_t trace;
	struct str domain;
	size_t max;
	struct queue_list found;
};

static int
read_queue(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;

	return queue_read(db, r->trace, r->domain, r->max, &r->found, f);
}

static json_t *
text_or_null(const char *text)
{
	return text != NULL ? call_json_text(str_of(text)) : json_null();
}

/* As RCPT said it (RFC 3461 s4.1). */
static json_t *
notify_json(unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {
	    {DSN_NOTIFY_NEVER,   "NEVER"  },
	    {DSN_NOTIFY_SUCCESS, "SUCCESS"},
	    {DSN_NOTIFY_FAILURE, "FAILURE"},
	    {DSN_NOTIFY_DELAY,   "DELAY"  },
	};
	struct buf text;
	json_t *said;

	buf_init(&text, KB);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (notify & words[i].bit)
			buf_addf(&text, "%s%s", text.len > 0 ? "," : "",
			    words[i].word);
	said = text.len > 0 ? call_json_text(buf_str(&text)) : json_null();
	buf_release(&text);
	return said;
}

static json_t *
entry_json(const struct queue_entry *e)
{
	json_t *row = json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
	    "id", call_json_trace(e->trace), "sender",
	    call_json_text(str_of(e->return_to)), "recipient",
	    call_json_text(str_of(e->address)), "state",
	    e->held ? "held" : "waiting", "original", text_or_null(e->original),
	    "next", call_json_time(e->next_ms), "created",
	    call_json_time(e->created_ms), "expires",
	    call_json_time(e->expires_ms));

	json_object_update_new(
	    row, json_pack("{s:I, s:i, s:i, s:o, s:o, s:o}", "size",
		     (json_int_t)e->size, "tries", e->tries, "last_code",
		     e->last_code, "last", call_json_time(e->last_ms),
		     "last_reply", text_or_null(e->last_reply), "last_host",
		     text_or_null(e->last_host)));
	json_object_update_new(
	    row, json_pack("{s:o, s:o, s:o}", "notify", notify_json(e->notify),
		     "envid", text_or_null(e->envelope_id), "held_until",
		     e->hold_until_ms > 0 ? call_json_time(e->hold_until_ms)
					  : json_null()));
	return row;
}

static int
read_into(struct call *call, struct reading *r, struct fail *f)
{
	json_t *rows = json_array();
	size_t shown;

	json_object_set_new(call->reply, "recipients", rows);
	/* one more than is shown says whether there are more */
	r->max++;
	if (db_read(call->control->mail, read_queue, r, f) == -1)
		return -1;
	shown = r->found.n < r->max ? r->found.n : r->max - 1;
	for (size_t i = 0; i < shown; i++)
		json_array_append_new(rows, entry_json(&r->found.entries[i]));
	json_object_set_new(
	    call->reply, "more", json_boolean(r->found.n > shown));
	queue_list_release(&r->found);
	return 0;
}

int
call_queue_list(struct call *call, struct fail *f)
{
	const struct call_arg *max = &call->args[LIST_MAX];
	struct reading r = {
	    .domain = buf_str(&call->args[LIST_DOMAIN].text),
	    .max = LIST_DEFAULT,
	};

	if (max->given && max->number > 0)
		r.max = max->number < LIST_MOST ? (size_t)max->number
		                                : LIST_MOST;
	return read_into(call, &r, f);
}

int
call_queue_show(struct call *call, struct fail *f)
{
	struct reading r = {.trace = call->args[ID].number, .max = LIST_MOST};

	if (read_into(call, &r, f) == -1)
		return -1;
	if (json_array_size(json_object_get(call->reply, "recipients")) > 0)
		return 0;
	return fail(f, FAIL_PERM, "no message of this id waits in the queue");
}

struct ordering {
	const struct call *call;
	enum queue_order order;
	size_t changed;
};

static int
change_queue(struct db *db, void *arg, struct fail *f)
{
	struct ordering *o = arg;
	const struct call *call = o->call;

	return queue_change(db, o->order, call->args[ID].number,
	    buf_str(&call->args[DOMAIN].text), call->now_ms, &o->changed, f);
}

static int
order(struct call *call, enum queue_order what, struct fail *f)
{
	struct ordering o = {.call = call, .order = what};
	bool all = call->args[ALL].given && call->args[ALL].number;

	/* everything is changed only when that is said */
	if (call->args[ID].given + call->args[DOMAIN].given + all != 1)
		return fail(f, FAIL_SYNTAX,
		    "name one message id, or one domain, or all");
	if (db_write(call->control->mail, change_queue, &o, f) == -1)
		return -1;
	if (o.changed == 0 && call->args[ID].given)
		return fail(f, FAIL_PERM,
		    "nothing of this id waits in the queue that this would "
		    "change");
	json_object_set_new(
	    call->reply, "changed", json_integer((json_int_t)o.changed));
	return 0;
}

int
call_queue_retry(struct call *call, struct fail *f)
{
	return order(call, QUEUE_RETRY, f);
}

int
call_queue_hold(struct call *call, struct fail *f)
{
	return order(call, QUEUE_HOLD, f);
}

int
call_queue_release(struct call *call, struct fail *f)
{
	return order(call, QUEUE_RELEASE, f);
}

int
call_queue_drop(struct call *call, struct fail *f)
{
	return order(call, QUEUE_DROP, f);
}
