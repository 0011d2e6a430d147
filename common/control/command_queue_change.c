/* SPDX-License-Identifier: MIT */
/* Orders about what waits. */
#include <stdlib.h>

#include "common/control/queue_filter.h"
#include "common/control/server_name.h"
#include "common/mime/addr.h"
#include "common/util/mem.h"

#define SMTP_PORT 25u

enum {
	ID = FILTER_ARGS,
	ALL,
	TO
};

#define PART 500 /* recipients in one transaction: others want to write */

struct ordering {
	struct queue_command command;
	struct queue_key *keys;
	size_t n;
	size_t first, part; /* of keys: the transaction under way */
	size_t changed;     /* by it */
};

static int
find(struct db *db, void *arg, struct fail *f)
{
	struct ordering *o = arg;

	return queue_find(
	    db, &o->command.which, o->command.now_ms, &o->keys, &o->n, f);
}

static int
change_part(struct db *db, void *arg, struct fail *f)
{
	struct ordering *o = arg;

	return queue_change_some(
	    db, &o->command, o->keys + o->first, o->part, &o->changed, f);
}

/* An order that fails on its way can be given again. */
static int
change_queue(struct db *db, struct ordering *o, size_t *changed, struct fail *f)
{
	int rc = db_read(db, find, o, f);

	*changed = 0;
	for (; rc == 0 && o->first < o->n; o->first += o->part) {
		o->part = o->n - o->first < PART ? o->n - o->first : PART;
		rc = db_write(db, change_part, o, f);
		if (rc == 0)
			*changed += o->changed;
	}
	free(o->keys);
	return rc;
}

/* Everything is changed only when that is said. */
static int
read_which(struct call *call, struct queue_filter *out, struct fail *f)
{
	bool all = call->args[ALL].given && call->args[ALL].number;
	bool some = call->args[ID].given || queue_filter_is_given(call);

	if (all == some)
		return fail(f, FAIL_SYNTAX,
		    "say which: a message id, or a domain, sender, recipient, "
		    "state or age, or all");
	if (queue_filter_read(call, out, f) == -1)
		return -1;
	out->trace = call->args[ID].number;
	return 0;
}

static int
order(struct call *call, enum queue_order what, struct str to, struct fail *f)
{
	struct ordering o = {
	    .command = {.order = what, .to = to, .now_ms = call->now_ms}
        };

	size_t changed;

	if (read_which(call, &o.command.which, f) == -1 ||
	    change_queue(call->control->mail, &o, &changed, f) == -1)
		return -1;
	if (changed == 0 && call->args[ID].given)
		return fail(f, FAIL_PERM,
		    "nothing of this id waits in the queue that this would "
		    "change");
	json_object_set_new(
	    call->reply, "changed", json_integer((json_int_t)changed));
	return 0;
}

int
call_queue_retry(struct call *call, struct fail *f)
{
	return order(call, QUEUE_RETRY, STR(""), f);
}

int
call_queue_hold(struct call *call, struct fail *f)
{
	return order(call, QUEUE_HOLD, STR(""), f);
}

int
call_queue_release(struct call *call, struct fail *f)
{
	return order(call, QUEUE_RELEASE, STR(""), f);
}

int
call_queue_drop(struct call *call, struct fail *f)
{
	return order(call, QUEUE_DROP, STR(""), f);
}

/* The destination that mail for this server has. */
static bool
read_server(struct str text, struct buf *out)
{
	uint16_t port;

	buf_add_char(out, QUEUE_REROUTED);
	if (!server_name_read(text, out, &port))
		return false;
	buf_addf(out, ":%u", port != 0 ? (unsigned)port : SMTP_PORT);
	return true;
}

/* "mx" ends a route of this kind. */
int
call_queue_reroute(struct call *call, struct fail *f)
{
	struct str text = buf_str(&call->args[TO].text);
	struct buf to;
	int rc;

	buf_init(&to, ADDR_MAX);
	if (!str_eq_nocase(text, STR("mx")) && !read_server(text, &to))
		rc = fail(f, FAIL_SYNTAX,
		    "%.100s is no server: write HOST, HOST:PORT or "
		    "[ADDRESS]:PORT, or mx for where DNS says",
		    call->args[TO].text.data);
	else
		rc = order(call, QUEUE_REROUTE, buf_str(&to), f);
	if (rc == 0)
		json_object_set_new(call->reply, "to",
		    call_json_text(to.len > 0 ? buf_str(&to) : STR("mx")));
	buf_release(&to);
	return rc;
}
