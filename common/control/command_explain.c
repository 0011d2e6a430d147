/* SPDX-License-Identifier: MIT */
#include "common/control/call.h"
#include "common/policy/report.h"
#include "common/store/hop.h"
#include "common/store/verdict.h"

#define MESSAGES_MAX 10

struct reading {
	struct call *call;
	json_t *messages;
	json_t *now; /* the message that is read, borrowed */
};

static void
take_head(void *arg, const struct journey *j)
{
	struct reading *r = arg;

	r->now = json_pack("{s:o, s:o, s:o, s:o, s:I, s:b, s:[]}", "id",
	    call_json_trace(j->trace), "at", call_json_time(j->at_ms), "sender",
	    call_json_text(j->sender), "message_id",
	    call_json_text(j->message_id), "size", (json_int_t)j->size,
	    "judged", 0, "checks");
	json_array_append_new(r->messages, r->now);
}

/* From whom it came, and what it came to. */
static void
take_hop(void *arg, const struct hop *h)
{
	struct reading *r = arg;

	if (h->kind == HOP_RECEIVED) {
		json_object_set_new(r->now, "from", call_json_text(h->peer));
		json_object_set_new(r->now, "how", call_json_text(h->detail));
	} else if (h->kind == HOP_REFUSED) {
		json_object_set_new(r->now, "code", json_integer(h->code));
	}
}

static void
take_verdict(void *arg, const struct verdict *v)
{
	struct reading *r = arg;
	json_t *checks = json_object_get(r->now, "checks");
	struct str text = v->report;
	struct report_line line;

	json_object_set_new(r->now, "judged", json_true());
	json_object_set_new(r->now, "author", call_json_text(v->author));
	json_object_set_new(r->now, "domain", call_json_text(v->domain));
	json_object_set_new(r->now, "network", call_json_text(v->network));
	while (report_next(&text, &line))
		json_array_append_new(
		    checks, json_pack("{s:o, s:o, s:o, s:o, s:o}", "check",
				call_json_text(line.check), "result",
				call_json_text(line.result), "inputs",
				call_json_text(line.inputs), "why",
				call_json_text(line.why), "setting",
				call_json_text(line.setting)));
}

/* 1 read, 0 there is none, -1. */
static int
read_one(struct db *db, int64_t trace, struct reading *r, struct fail *f)
{
	int got = journey_read(db, trace, take_head, take_hop, r, f);

	if (got != 1)
		return got;
	return verdict_get(db, trace, take_verdict, r, f) == -1 ? -1 : 1;
}

static int
read_all(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;
	struct str what = buf_str(&r->call->args[0].text);
	int64_t traces[MESSAGES_MAX], trace;
	size_t n;
	int got = trace_parse(what, &trace) ? read_one(db, trace, r, f) : 0;

	if (got != 0)
		return got == 1 ? 0 : -1;
	if (journey_find(db, what, traces, MESSAGES_MAX, &n, f) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (read_one(db, traces[i], r, f) == -1)
			return -1;
	return 0;
}

int
call_explain(struct call *call, struct fail *f)
{
	struct reading r = {.call = call, .messages = json_array()};

	json_object_set_new(call->reply, "messages", r.messages);
	if (db_read(call->control->mail, read_all, &r, f) == -1)
		return -1;
	if (json_array_size(r.messages) > 0)
		return 0;
	return fail(f, FAIL_PERM,
	    "nothing is known of %.*s: give a message's id or its Message-ID",
	    STR_FMT(buf_str(&call->args[0].text)));
}
