/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/control/call.h"
#include "common/mime/addr.h"
#include "common/store/dsn_report.h"
#include "common/store/hop_since.h"
#include "common/store/queue.h"

#define DUE_MOST      1000 /* counted */
#define HAPPENED_MOST 100  /* told one by one */

/* test.next */
enum {
	SINCE
};

/* test.advance */
enum {
	MS
};

struct reading {
	const struct call *call;
	json_t *happened, *counts; /* borrowed */
	int64_t next_ms;
	size_t due;
};

static void
take_hop(void *arg, const struct hop *h)
{
	struct reading *r = arg;
	const char *what = hop_kind_word(h->kind);
	json_int_t n = json_integer_value(json_object_get(r->counts, what));

	json_object_set_new(r->counts, what, json_integer(n + 1));
	if (json_array_size(r->happened) == HAPPENED_MOST)
		return;
	json_array_append_new(r->happened,
	    json_pack("{s:o, s:o, s:s, s:o, s:o, s:i, s:o}", "id",
		call_json_trace(h->trace), "at", call_json_time(h->at_ms),
		"what", what, "recipient", call_json_text(h->recipient), "peer",
		call_json_text(h->peer), "code", h->code, "detail",
		call_json_text(h->detail)));
}

/* Destinations with something to do now, and reports still to be written. */
static int
count_due(struct db *db, int64_t now_ms, size_t *due, struct fail *f)
{
	struct dsn_report_list reports;
	struct queue_turn *turns = NULL;
	struct buf after;
	int rc;

	buf_init(&after, ADDR_MAX);
	rc = queue_turns(db, now_ms, DUE_MOST, &after, &turns, due, f);
	buf_release(&after);
	free(turns);
	if (rc == -1 || dsn_report_next(db, 1, &reports, f) == -1)
		return -1;
	*due += reports.n;
	dsn_report_list_release(&reports);
	return 0;
}

static int
read_next(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;
	const struct call_arg *since = &r->call->args[SINCE];

	if (queue_next_due(db, &r->next_ms, f) == -1 ||
	    count_due(db, r->call->now_ms, &r->due, f) == -1)
		return -1;
	/* while something is under way the list would not be whole */
	return since->given && r->due == 0
	           ? hop_since(db, since->number, take_hop, r, f)
	           : 0;
}

static int
need_maild(const struct call *call, struct fail *f)
{
	return call->control->started_ms != 0
	           ? 0
	           : fail(f, FAIL_TEMP,
			 "maild does not run: nothing would happen");
}

int
call_test_next(struct call *call, struct fail *f)
{
	struct reading r = {.call = call};
	json_t *wait = json_null();

	if (need_maild(call, f) == -1)
		return -1;
	r.happened = json_array();
	r.counts = json_object();
	json_object_set_new(call->reply, "happened", r.happened);
	json_object_set_new(call->reply, "counts", r.counts);
	if (db_read(call->control->mail, read_next, &r, f) == -1)
		return -1;
	if (r.next_ms != INT64_MAX)
		wait = json_integer(
		    r.next_ms > call->now_ms ? r.next_ms - call->now_ms : 0);
	json_object_update_new(call->reply,
	    json_pack("{s:o, s:I, s:o, s:o, s:I}", "now",
		call_json_time(call->now_ms), "now_ms",
		(json_int_t)call->now_ms, "next",
		call_json_time(r.next_ms != INT64_MAX ? r.next_ms : 0),
		"wait_ms", wait, "active", (json_int_t)r.due));
	return 0;
}

int
call_test_advance(struct call *call, struct fail *f)
{
	const struct clock *clock = call->control->clock;
	int64_t now;

	if (need_maild(call, f) == -1)
		return -1;
	if (!clock_advance(clock, call->args[MS].number))
		return fail(f, FAIL_PERM,
		    "time cannot be moved here, or not so far: test.clock "
		    "names the file of a clock, `mailctl dev' has one");
	now = clock_wall_ms(clock);
	json_object_update_new(
	    call->reply, json_pack("{s:o, s:I}", "now", call_json_time(now),
			     "now_ms", (json_int_t)now));
	return 0;
}
