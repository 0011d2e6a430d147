/* SPDX-License-Identifier: MIT */
/* What waits, and all that is known of one message that does. */
#include "common/control/queue_filter.h"
#include "common/mime/dsn.h"
#include "common/store/attempt.h"
#include "common/util/mem.h"

#define LIST_DEFAULT 100
#define LIST_MOST    5000 /* keeps the answer under IPC_MAX */

/* queue.list */
enum {
	LIST_MAX = FILTER_ARGS
};

/* queue.show */
enum {
	ID
};

struct reading {
	struct queue_filter filter;
	int64_t now_ms;
	size_t max;
	struct queue_list found;
	json_t *attempts; /* NULL: not asked for */
};

static void
take_attempt(void *arg, const struct attempt_row *a)
{
	json_array_append_new(
	    arg, json_pack("{s:o, s:o, s:o}", "at", call_json_time(a->at_ms),
		     "host", call_json_text(a->host), "dialogue",
		     call_json_text(a->dialogue)));
}

static int
read_queue(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;

	if (queue_read(db, &r->filter, r->now_ms, r->max, &r->found, f) == -1)
		return -1;
	if (r->attempts == NULL)
		return 0;
	return attempt_list(db, r->filter.trace, take_attempt, r->attempts, f);
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
entry_json(const struct queue_entry *e, int64_t now_ms)
{
	json_t *row = json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
	    "id", call_json_trace(e->trace), "sender",
	    call_json_text(str_of(e->return_to)), "recipient",
	    call_json_text(str_of(e->address)), "state",
	    queue_state_word(queue_entry_state(e, now_ms)), "original",
	    text_or_null(e->original), "next", call_json_time(e->next_ms),
	    "created", call_json_time(e->created_ms), "expires",
	    call_json_time(e->expires_ms));

	json_object_update_new(
	    row, json_pack("{s:I, s:i, s:i, s:o, s:o, s:o}", "size",
		     (json_int_t)e->size, "tries", e->tries, "last_code",
		     e->last_code, "last", call_json_time(e->last_ms),
		     "last_reply", text_or_null(e->last_reply), "last_host",
		     text_or_null(e->last_host)));
	json_object_update_new(
	    row, json_pack("{s:o, s:o, s:o, s:o}", "destination",
		     call_json_text(str_of(e->domain)), "notify",
		     notify_json(e->notify), "envid",
		     text_or_null(e->envelope_id), "held_until",
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
	r->now_ms = call->now_ms;
	if (db_read(call->control->mail, read_queue, r, f) == -1) {
		queue_list_release(&r->found);
		return -1;
	}
	shown = r->found.n < r->max ? r->found.n : r->max - 1;
	for (size_t i = 0; i < shown; i++)
		json_array_append_new(
		    rows, entry_json(&r->found.entries[i], call->now_ms));
	json_object_set_new(
	    call->reply, "more", json_boolean(r->found.n > shown));
	queue_list_release(&r->found);
	return 0;
}

int
call_queue_list(struct call *call, struct fail *f)
{
	const struct call_arg *max = &call->args[LIST_MAX];
	struct reading r = {.max = LIST_DEFAULT};

	if (max->given && max->number > 0)
		r.max = max->number < LIST_MOST ? (size_t)max->number
		                                : LIST_MOST;
	if (queue_filter_read(call, &r.filter, f) == -1)
		return -1;
	return read_into(call, &r, f);
}

/* What was said stays for a while when nothing waits any more. */
int
call_queue_show(struct call *call, struct fail *f)
{
	struct reading r = {.filter = {.trace = call->args[ID].number},
	    .max = LIST_MOST,
	    .attempts = json_array()};

	json_object_set_new(call->reply, "attempts", r.attempts);
	if (read_into(call, &r, f) == -1)
		return -1;
	if (json_array_size(json_object_get(call->reply, "recipients")) > 0 ||
	    json_array_size(r.attempts) > 0)
		return 0;
	return fail(f, FAIL_PERM,
	    "no message of this id waits in the queue: `mailctl journey' tells "
	    "what became of it");
}
