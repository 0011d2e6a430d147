/* SPDX-License-Identifier: MIT */
#include "common/control/figures.h"

#include "common/store/account.h"
#include "common/store/queue.h"

struct figures {
	uint64_t domains, accounts, messages, bytes;
	uint64_t waiting, held;
	double next_due_s; /* until the next attempt; 0: nothing waits */
};

static bool
count_domain(void *arg, struct str name)
{
	struct figures *n = arg;

	(void)name;
	n->domains++;
	return true;
}

static bool
count_account(void *arg, const struct account *a)
{
	struct figures *n = arg;

	n->accounts++;
	n->messages += a->messages;
	n->bytes += a->bytes;
	return true;
}

static int
count(struct db *db, int64_t now_ms, struct figures *n, struct fail *f)
{
	size_t waiting, held;
	int64_t due;

	if (domain_each(db, count_domain, n, f) == -1 ||
	    account_each(db, count_account, n, f) == -1 ||
	    queue_next_due(db, &due, f) == -1 ||
	    queue_count(db, &waiting, &held, f) == -1)
		return -1;
	n->waiting = waiting;
	n->held = held;
	if (due != INT64_MAX && due > now_ms)
		n->next_due_s = (double)(due - now_ms) / 1000;
	return 0;
}

static void
gauge(struct buf *out, const char *name, const char *help, double value)
{
	buf_addf(out,
	    "# HELP pennypost_%s %s\n# TYPE pennypost_%s gauge\n"
	    "pennypost_%s %.15g\n",
	    name, help, name, name, value);
}

int
figures_add(struct db *mail, int64_t now_ms, struct buf *out, struct fail *f)
{
	struct figures n = {0};

	if (count(mail, now_ms, &n, f) == -1)
		return -1;
	gauge(out, "domains", "Domains whose mail is delivered here.",
	    (double)n.domains);
	gauge(out, "accounts", "Accounts.", (double)n.accounts);
	gauge(out, "messages", "Messages in mailboxes.", (double)n.messages);
	gauge(
	    out, "message_bytes", "Octets of these messages.", (double)n.bytes);
	gauge(out, "queue_waiting", "Recipients that wait to be relayed.",
	    (double)n.waiting);
	gauge(
	    out, "queue_held", "Recipients held by a person.", (double)n.held);
	gauge(out, "queue_next_due_seconds",
	    "Until the next attempt; 0: now, or nothing waits.", n.next_due_s);
	return 0;
}
