/* SPDX-License-Identifier: MIT */
#include "common/control/queue_filter.h"

#include "common/mime/addr.h"
#include "common/util/glob.h"

static const struct {
	struct str word;
	enum queue_state state;
} states[] = {
    {STR("waiting"),   QUEUE_WAITING  },
    {STR("held"),      QUEUE_HELD     },
    {STR("scheduled"), QUEUE_SCHEDULED},
    {STR("paused"),    QUEUE_PAUSED   },
};
#define N_STATES (sizeof(states) / sizeof(states[0]))

const char *
queue_state_word(enum queue_state state)
{
	for (size_t i = 0; i < N_STATES; i++)
		if (states[i].state == state)
			return states[i].word.at;
	return "?";
}

static int
read_state(const struct call_arg *arg, enum queue_state *out, struct fail *f)
{
	struct str word = buf_str(&arg->text);

	if (!arg->given)
		return 0;
	for (size_t i = 0; i < N_STATES; i++)
		if (str_eq_nocase(states[i].word, word)) {
			*out = states[i].state;
			return 0;
		}
	return fail(f, FAIL_SYNTAX,
	    "there is no state %.60s: it is waiting, held, scheduled or paused",
	    arg->text.data);
}

static void
lower(struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		b->data[i] = str_lower(b->data[i]);
}

int
queue_filter_fold(struct buf *destination, struct fail *f)
{
	struct str text = buf_str(destination);
	struct buf folded;
	bool good = true;

	if (str_starts(text, STR("[")) || text.at[0] == QUEUE_REROUTED) {
		lower(destination);
		return 0;
	}
	buf_init(&folded, ADDR_MAX);
	good = addr_domain_fold(text, &folded);
	if (good) {
		buf_clear(destination);
		buf_add(destination, buf_str(&folded));
	}
	buf_release(&folded);
	if (good)
		return 0;
	return fail(f, FAIL_SYNTAX,
	    "%.100s is no domain: write one like example.org",
	    destination->data);
}

static int
read_domain(struct call_arg *arg, struct str *out, struct fail *f)
{
	if (!arg->given)
		return 0;
	if (!glob_is_open(buf_str(&arg->text)) &&
	    queue_filter_fold(&arg->text, f) == -1)
		return -1;
	*out = buf_str(&arg->text);
	return 0;
}

/* So long ago; a time before all mail is that of no mail. */
static int64_t
ago(const struct call *call, size_t arg)
{
	int64_t ms = call->args[arg].number;

	return ms < call->now_ms ? call->now_ms - ms : 1;
}

int
queue_filter_read(struct call *call, struct queue_filter *out, struct fail *f)
{
	struct call_arg *args = call->args;

	*out = (struct queue_filter){
	    .sender = buf_str(&args[FILTER_SENDER].text),
	    .recipient = buf_str(&args[FILTER_RECIPIENT].text),
	};
	if (args[FILTER_OLDER].given)
		out->before_ms = ago(call, FILTER_OLDER);
	if (args[FILTER_NEWER].given)
		out->after_ms = ago(call, FILTER_NEWER);
	if (read_state(&args[FILTER_STATE], &out->state, f) == -1)
		return -1;
	return read_domain(&args[FILTER_DOMAIN], &out->domain, f);
}

bool
queue_filter_is_given(const struct call *call)
{
	for (size_t i = 0; i < FILTER_ARGS; i++)
		if (call->args[i].given)
			return true;
	return false;
}
