/* SPDX-License-Identifier: MIT */
/* The queue by destination: how full, how old, and which are stopped. */
#include "common/control/queue_filter.h"
#include "common/util/mem.h"

#define SHOWN_DEFAULT 50
#define SHOWN_MOST    5000

/* queue.summary */
enum {
	MAX
};

/* queue.pause and queue.resume */
enum {
	DOMAIN,
	WHY
};

struct summary {
	int64_t now_ms;
	size_t max, shown;
	struct queue_shape all;
	bool more;
	json_t *rows, *paused;
};

static json_t *
numbers(const size_t ages[QUEUE_AGES])
{
	json_t *out = json_array();

	for (size_t i = 0; i < QUEUE_AGES; i++)
		json_array_append_new(out, json_integer((json_int_t)ages[i]));
	return out;
}

static void
take_shape(void *arg, const struct queue_shape *s)
{
	struct summary *sum = arg;

	sum->more = sum->shown == sum->max;
	if (sum->more)
		return;
	sum->shown++;
	json_array_append_new(
	    sum->rows, json_pack("{s:o, s:I, s:o, s:o, s:o, s:b}",
			   "destination", call_json_text(s->domain), "total",
			   (json_int_t)s->total, "ages", numbers(s->ages),
			   "next", call_json_time(s->next_ms), "last_reply",
			   s->last_reply.len > 0 ? call_json_text(s->last_reply)
						 : json_null(),
			   "paused", s->paused));
}

static void
take_paused(void *arg, struct str domain, int64_t since_ms, struct str why)
{
	struct summary *sum = arg;

	json_array_append_new(sum->paused,
	    json_pack("{s:o, s:o, s:o}", "domain", call_json_text(domain),
		"since", call_json_time(since_ms), "why", call_json_text(why)));
}

/* All are counted, the fullest are shown. */
static int
read_summary(struct db *db, void *arg, struct fail *f)
{
	struct summary *sum = arg;

	/* one more than is shown says whether there are more */
	if (queue_shape_all(db, sum->now_ms, &sum->all, f) == -1 ||
	    queue_shape(db, sum->now_ms, sum->max + 1, take_shape, sum, f) ==
		-1)
		return -1;
	return queue_paused(db, take_paused, sum, f);
}

int
call_queue_summary(struct call *call, struct fail *f)
{
	const struct call_arg *max = &call->args[MAX];
	struct summary sum = {.now_ms = call->now_ms,
	    .max = SHOWN_DEFAULT,
	    .rows = json_array(),
	    .paused = json_array()};
	json_t *bounds = json_array();

	if (max->given && max->number > 0)
		sum.max = max->number < SHOWN_MOST ? (size_t)max->number
		                                   : SHOWN_MOST;
	for (size_t i = 0; i < QUEUE_AGES - 1; i++)
		json_array_append_new(bounds, json_integer(queue_ages_ms[i]));
	json_object_set_new(call->reply, "bounds_ms", bounds);
	json_object_set_new(call->reply, "destinations", sum.rows);
	json_object_set_new(call->reply, "paused", sum.paused);
	if (db_read(call->control->mail, read_summary, &sum, f) == -1)
		return -1;
	json_object_set_new(
	    call->reply, "total", json_integer((json_int_t)sum.all.total));
	json_object_set_new(call->reply, "ages", numbers(sum.all.ages));
	json_object_set_new(call->reply, "more", json_boolean(sum.more));
	return 0;
}

static int
pause_domain(struct db *db, void *arg, struct fail *f)
{
	const struct call *call = arg;
	int got = queue_pause(db, buf_str(&call->args[DOMAIN].text),
	    buf_str(&call->args[WHY].text), call->now_ms, f);

	if (got == 0)
		return fail(f, FAIL_PERM, "%.100s is paused already",
		    call->args[DOMAIN].text.data);
	return got == -1 ? -1 : 0;
}

static int
resume_domain(struct db *db, void *arg, struct fail *f)
{
	const struct call *call = arg;
	int got = queue_unpause(db, buf_str(&call->args[DOMAIN].text), f);

	if (got == 0)
		return fail(f, FAIL_PERM,
		    "%.100s is not paused: `mailctl queue summary' tells what "
		    "is",
		    call->args[DOMAIN].text.data);
	return got == -1 ? -1 : 0;
}

static int
change(struct call *call, db_work *work, struct fail *f)
{
	if (queue_filter_fold(&call->args[DOMAIN].text, f) == -1 ||
	    db_write(call->control->mail, work, call, f) == -1)
		return -1;
	json_object_set_new(call->reply, "domain",
	    call_json_text(buf_str(&call->args[DOMAIN].text)));
	return 0;
}

int
call_queue_pause(struct call *call, struct fail *f)
{
	return change(call, pause_domain, f);
}

int
call_queue_resume(struct call *call, struct fail *f)
{
	return change(call, resume_domain, f);
}
