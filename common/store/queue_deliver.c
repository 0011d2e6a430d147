/* SPDX-License-Identifier: MIT */
#include "common/mime/dsn.h"
#include "common/store/delivery.h"
#include "common/store/queue_internal.h"
#include "common/store/route.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_last[] =
    "SELECT coalesce(max(n), 0) FROM recipient WHERE trace = ?1";

/* Refused in words that can stand in a DSN. */
static int
check(const struct route *r, const struct queue_entry *e, struct fail *f)
{
	switch (r->result) {
	case ROUTE_OK:
		return 0;
	case ROUTE_FULL:
		return fail(
		    f, FAIL_QUOTA, "the mailbox of %s is full", e->address);
	case ROUTE_LOOP:
		return fail(
		    f, FAIL_PERM, "%s is an alias of itself", e->address);
	case ROUTE_UNKNOWN:
	case ROUTE_REMOTE:
		break;
	}
	return fail(f, FAIL_PERM, "there is no %s any more", e->address);
}

/* RFC 3461 s5.2.7.3 (c): of a list's members failures are told. */
static unsigned
notify_of(const struct queue_entry *e, const struct route *r)
{
	unsigned notify = e->notify;

	if (!(notify & DSN_NOTIFY_SUCCESS) || r->n < 2)
		return notify;
	notify &= ~(unsigned)DSN_NOTIFY_SUCCESS;
	return notify != 0 ? notify : DSN_NOTIFY_NEVER;
}

/* What leads elsewhere waits for its own turn. */
static int
pass_on(struct db *db, const struct queue_entry *e, struct str address,
    unsigned notify, int64_t now_ms, struct fail *f)
{
	const struct hop h = {.trace = e->trace,
	    .at_ms = now_ms,
	    .daemon = HOP_MAILD,
	    .kind = HOP_ROUTED,
	    .recipient = str_of(e->address),
	    .detail = address};
	int64_t last = 0;

	if (sql_number(db, &last, sql_last, f, "i", e->trace) == -1)
		return -1;
	if (queue_add(db,
		&(struct queue_recipient){.trace = e->trace,
		    .n = last + 1,
		    .address = address,
		    .original = str_of(
			e->original != NULL ? e->original : e->address),
		    .next_ms = now_ms,
		    .notify = notify,
		    .original_recipient = str_of(e->original_recipient)},
		f) == -1)
		return -1;
	return hop_write(db, &h, f);
}

static int
deliver_along(struct db *db, const struct queue_entry *e, const struct route *r,
    int64_t now_ms, struct delivery_target *local, int64_t *mailboxes,
    size_t *n_mailboxes, struct fail *f)
{
	struct delivery_put p = {.trace = e->trace,
	    .body = e->body,
	    .now_ms = now_ms,
	    .size = e->size,
	    .targets = local};
	const struct queue_outcome o = {
	    .trace = e->trace, .n = e->n, .now_ms = now_ms};

	for (size_t i = 0; i < r->n; i++)
		if (r->targets[i].account != 0)
			local[p.n_targets++] = (struct delivery_target){
			    .account = r->targets[i].account,
			    .address = str_of(r->targets[i].address)};
	if (p.n_targets > 0 && delivery_put(db, &p, mailboxes, f) == -1)
		return -1;
	*n_mailboxes = p.n_targets;
	for (size_t i = 0; i < r->n; i++)
		if (r->targets[i].account == 0 &&
		    pass_on(db, e, str_of(r->targets[i].address),
			notify_of(e, r), now_ms, f) == -1)
			return -1;
	if (r->n > 1 || p.n_targets > 0) { /* else whoever takes it tells */
		enum dsn_report_action what = r->n > 1 ? DSN_REPORT_EXPANDED
		                                       : DSN_REPORT_DELIVERED;

		if (queue_report(db, &o, what, f) == -1)
			return -1;
	}
	return queue_take_out(db, e->trace, e->n, f);
}

static int
deliver(struct db *db, const struct queue_entry *e,
    const struct route_options *o, int64_t now_ms, int64_t **mailboxes,
    size_t *n_mailboxes, struct fail *f)
{
	struct route_options sized = *o;
	struct delivery_target *local;
	struct route r = {0};
	size_t n = 0;
	int rc;

	sized.size = e->size;
	if (route_find(db, str_of(e->address), &sized, &r, f) == -1)
		return -1;
	rc = check(&r, e, f);
	if (rc == 0) {
		local = mem_new(r.n + 1, sizeof(*local));
		*mailboxes = mem_grow(
		    *mailboxes, *n_mailboxes + r.n + 1, sizeof(**mailboxes));
		rc = deliver_along(
		    db, e, &r, now_ms, local, *mailboxes + *n_mailboxes, &n, f);
		free(local);
	}
	*n_mailboxes += n;
	route_release(&r);
	return rc;
}

/* Nobody has said otherwise meanwhile. */
static bool
is_wanted(const struct queue_entry *e, const struct queue_outcome *of)
{
	return !e->held && !e->paused &&
	       (of->address.len == 0 ||
		   str_eq(str_of(e->address), of->address)) &&
	       (of->domain.len == 0 || str_eq(str_of(e->domain), of->domain));
}

int
queue_deliver(struct db *db, const struct queue_outcome *of,
    const struct route_options *o, int64_t **mailboxes, size_t *n_mailboxes,
    struct fail *f)
{
	struct queue_list found;
	int rc = queue_read_one(db, of->trace, of->n, &found, f);

	if (rc == 0 && found.n > 0 && is_wanted(&found.entries[0], of))
		rc = deliver(db, &found.entries[0], o, of->now_ms, mailboxes,
		    n_mailboxes, f);
	queue_list_release(&found);
	return rc;
}
