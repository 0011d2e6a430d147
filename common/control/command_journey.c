/* SPDX-License-Identifier: MIT */
#include "common/control/call.h"
#include "common/store/hop.h"
#include "common/store/queue.h"

enum {
	WHAT,
	MAX,
	AFTER
};

#define JOURNEYS_DEFAULT 10
#define JOURNEYS_MOST    100

/* Hops told in one answer, which keeps it under IPC_MAX: a hop is at most
 * 1,000 octets of detail and some addresses. */
#define HOPS_MOST 2000

struct reading {
	struct call *call;
	json_t *journeys;
	json_t *now; /* hops of the journey that is read, borrowed */
	size_t hops; /* told so far */
	size_t skip; /* of this journey, still not to be told */
	bool cut;    /* something was left out */
};

static void
take_head(void *arg, const struct journey *j)
{
	struct reading *r = arg;

	r->now = json_array();
	r->skip = (size_t)r->call->args[AFTER].number;
	json_array_append_new(r->journeys,
	    json_pack("{s:o, s:o, s:o, s:o, s:I, s:o}", "id",
		call_json_trace(j->trace), "at", call_json_time(j->at_ms),
		"sender", call_json_text(j->sender), "message_id",
		call_json_text(j->message_id), "size", (json_int_t)j->size,
		"hops", r->now));
}

static void
set_text(json_t *row, const char *name, struct str text)
{
	if (text.len > 0)
		json_object_set_new(row, name, call_json_text(text));
}

static void
take_hop(void *arg, const struct hop *h)
{
	struct reading *r = arg;

	if (r->skip > 0) {
		r->skip--;
		return;
	}
	if (r->now == NULL || r->hops == HOPS_MOST) {
		r->cut = true;
		return;
	}
	json_t *row = json_pack("{s:o, s:s, s:s}", "at",
	    call_json_time(h->at_ms), "daemon", hop_daemon_word(h->daemon),
	    "what", hop_kind_word(h->kind));
	set_text(row, "recipient", h->recipient);
	set_text(row, "peer", h->peer);
	if (h->code != 0)
		json_object_set_new(row, "code", json_integer(h->code));
	set_text(row, "detail", h->detail);
	json_array_append_new(r->now, row);
	r->hops++;
}

/* With how much of it is still to come: who follows it waits for that. */
static int
read_one(struct db *db, int64_t trace, struct reading *r, struct fail *f)
{
	size_t left, n;
	int got;

	r->now = NULL;
	got = journey_read(db, trace, take_head, take_hop, r, f);
	if (got != 1)
		return got;
	if (queue_left(db, trace, &left, f) == -1)
		return -1;
	n = json_array_size(r->journeys);
	json_object_set_new(json_array_get(r->journeys, n - 1), "left",
	    json_integer((json_int_t)left));
	return 1;
}

static size_t
most_of(const struct call_arg *max)
{
	if (!max->given || max->number == 0)
		return JOURNEYS_DEFAULT;
	return max->number < JOURNEYS_MOST ? (size_t)max->number
	                                   : JOURNEYS_MOST;
}

/* A message id is tried first: nothing else looks like one. */
static int
read_all(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;
	struct str what = buf_str(&r->call->args[WHAT].text);
	size_t max = most_of(&r->call->args[MAX]), n;
	int64_t traces[JOURNEYS_MOST + 1], trace;
	int got = trace_parse(what, &trace) ? read_one(db, trace, r, f) : 0;

	if (got != 0)
		return got == 1 ? 0 : -1;
	if (journey_find(db, what, traces, max + 1, &n, f) == -1)
		return -1;
	r->cut = n > max;
	for (size_t i = 0; i < n && i < max && r->hops < HOPS_MOST; i++)
		if (read_one(db, traces[i], r, f) == -1)
			return -1;
	return 0;
}

int
call_journey(struct call *call, struct fail *f)
{
	struct reading r = {.call = call, .journeys = json_array()};

	json_object_set_new(call->reply, "journeys", r.journeys);
	if (db_read(call->control->mail, read_all, &r, f) == -1)
		return -1;
	json_object_set_new(call->reply, "more", json_boolean(r.cut));
	if (json_array_size(r.journeys) > 0)
		return 0;
	return fail(f, FAIL_PERM,
	    "nothing is known of %.*s: give a message's "
	    "id, its Message-ID, or an address that took part in it",
	    STR_FMT(buf_str(&call->args[WHAT].text)));
}
