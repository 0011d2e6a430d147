/* SPDX-License-Identifier: MIT */
/* Orders about what waits. */
#include <arpa/inet.h>

#include "common/control/queue_filter.h"
#include "common/mime/addr.h"
#include "common/util/mem.h"

#define SMTP_PORT 25

enum {
	ID = FILTER_ARGS,
	ALL,
	TO
};

struct ordering {
	struct queue_command command;
	size_t changed;
};

static int
change_queue(struct db *db, void *arg, struct fail *f)
{
	struct ordering *o = arg;

	return queue_change(db, &o->command, &o->changed, f);
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

	if (read_which(call, &o.command.which, f) == -1 ||
	    db_write(call->control->mail, change_queue, &o, f) == -1)
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

/* An address with or without brackets, as the wire has it. */
static bool
add_address(struct str text, struct buf *out)
{
	char plain[INET6_ADDRSTRLEN], shown[INET6_ADDRSTRLEN];
	uint8_t octets[16];
	int family;

	if (str_take(&text, '['))
		text = str_first(text, text.len > 0 ? text.len - 1 : 0);
	if (text.len >= sizeof(plain))
		return false;
	snprintf(plain, sizeof(plain), "%.*s", STR_FMT(text));
	family = strchr(plain, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(family, plain, octets) != 1)
		return false;
	inet_ntop(family, octets, shown, sizeof(shown));
	buf_addf(out, "[%s]", shown);
	return true;
}

/* "HOST", "HOST:PORT"; HOST is a name or an address, of IPv6 in brackets. */
static bool
read_server(struct str text, struct buf *out)
{
	uint64_t port = SMTP_PORT;
	struct str host = text, rest = STR("");
	size_t at;

	if (str_starts(text, STR("["))) {
		if (!str_find(text, ']', &at))
			return false;
		host = str_first(text, at + 1);
		rest = str_after(text, at + 1);
	} else if (str_find(text, ':', &at)) {
		host = str_first(text, at);
		rest = str_after(text, at);
	}
	if (rest.len > 0 &&
	    (!str_take(&rest, ':') || !str_to_u64(rest, UINT16_MAX, &port) ||
		port == 0))
		return false;
	buf_add_char(out, QUEUE_REROUTED);
	if (!add_address(host, out) &&
	    (str_starts(host, STR("[")) || !addr_domain_fold(host, out)))
		return false;
	buf_addf(out, ":%u", (unsigned)port);
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
