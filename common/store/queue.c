/* SPDX-License-Identifier: MIT */
#include "common/store/queue.h"

#include <assert.h>

#include "common/mime/dsn.h"
#include "common/store/body_write.h"
#include "common/store/queue_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_address[] =
    "SELECT address FROM recipient WHERE trace = ?1 AND n = ?2";
static const char sql_defer[] =
    "UPDATE recipient SET next_at = ?3, tries = tries + 1, last_at = ?4,"
    " last_code = ?5, last_reply = ?6, last_host = ?7, told = max(told, ?8)"
    " WHERE trace = ?1 AND n = ?2";
static const char sql_done[] =
    "DELETE FROM recipient WHERE trace = ?1 AND n = ?2";
static const char sql_end[] =
    "DELETE FROM queue WHERE trace = ?1"
    " AND NOT EXISTS (SELECT 1 FROM recipient WHERE trace = ?1)"
    " RETURNING body";

/* An order of a person: NULL text means every message, every domain. */
static const char sql_chosen[] =
    "SELECT trace, n, address, state FROM recipient"
    " WHERE (?1 = 0 OR trace = ?1) AND (?2 IS NULL OR domain = ?2)"
    " ORDER BY trace, n";
static const char sql_set_state[] =
    "UPDATE recipient SET state = ?3, next_at = iif(?4 > 0, ?4, next_at)"
    " WHERE trace = ?1 AND n = ?2";

#define WAITING 0
#define HELD    1

/* The queue row and its hold on the body go with the last recipient. */
static int
end_message(struct db *db, int64_t trace, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_end, f, "i", trace);
	int got = sql_step(st, f);
	int64_t body;

	if (got != 1)
		return got;
	body = sql_int(st, 0);
	if (sql_step(st, f) != 0)
		return -1;
	return body_hold(db, body, -1, f);
}

int
queue_report(struct db *db, const struct queue_outcome *o,
    enum dsn_report_action action, struct fail *f)
{
	struct queue_list found;
	const struct queue_entry *e;
	int rc = queue_read_one(db, o->trace, o->n, &found, f);

	if (rc == -1 || found.n == 0)
		return rc;
	e = &found.entries[0];
	if ((e->notify & DSN_NOTIFY_SUCCESS) && queue_entry_sender(e) != NULL)
		rc = dsn_report_put(db,
		    &(struct dsn_report){.trace = o->trace,
			.action = action,
			.sender = str_of(e->return_to),
			.recipient = str_of(
			    e->original != NULL ? e->original : e->address),
			.original_recipient = str_of(e->original_recipient),
			.envelope_id = str_of(e->envelope_id),
			.ret = e->ret,
			.require_tls = e->require_tls,
			.body = e->body,
			.skip = e->skip,
			.host = o->host,
			.reply = o->reply,
			.arrived_ms = e->created_ms,
			.at_ms = o->now_ms},
		    f);
	queue_list_release(&found);
	return rc;
}

int
queue_take_out(struct db *db, int64_t trace, int64_t n, struct fail *f)
{
	if (sql_run(db, sql_done, f, "ii", trace, n) == -1)
		return -1;
	return end_message(db, trace, f);
}

/* The report holds the body before the queue lets go of it. */
static int
end_recipient(struct db *db, const struct queue_outcome *o, struct fail *f)
{
	if (o->report && queue_report(db, o, DSN_REPORT_RELAYED, f) == -1)
		return -1;
	return queue_take_out(db, o->trace, o->n, f);
}

int
queue_record(struct db *db, const struct queue_outcome *o, struct fail *f)
{
	static const enum hop_kind kinds[] = {
	    [QUEUE_RELAYED] = HOP_RELAYED,
	    [QUEUE_DEFERRED] = HOP_TRIED,
	    [QUEUE_FAILED] = HOP_FAILED,
	    [QUEUE_EXPIRED] = HOP_EXPIRED,
	};
	sqlite3_stmt *st = sql_bind(
	    db, sql_address, f, "ii", o->trace, (int64_t)o->n);
	int got = sql_step(st, f);
	struct hop h = {.trace = o->trace,
	    .at_ms = o->now_ms,
	    .daemon = HOP_MAILD,
	    .kind = kinds[o->result],
	    .code = o->code,
	    .peer = o->host,
	    .detail = o->detail.len > 0 ? o->detail : o->reply};
	char *address;
	int rc;

	if (got != 1)
		return got; /* dropped meanwhile */
	address = sql_dup(st, 0);
	sqlite3_reset(st);
	if (o->result == QUEUE_DEFERRED)
		rc = sql_run(db, sql_defer, f, "iiiiiooi", o->trace,
		    (int64_t)o->n, o->next_ms, o->now_ms, (int64_t)o->code,
		    o->reply, o->host, (int64_t)o->told);
	else
		rc = end_recipient(db, o, f);
	if (rc == 0) {
		h.recipient = str_of(address);
		rc = hop_write(db, &h, f);
	}
	free(address);
	return rc;
}

/* What an order does to a recipient, and how its journey tells it. */
static const struct order {
	int64_t state;
	bool now, out;
	enum hop_kind kind;
	const char *detail;
} orders[] = {
    [QUEUE_RETRY] = {WAITING, true,  false, HOP_QUEUED,   "to be tried now"},
    [QUEUE_HOLD] = {HELD,    false, false, HOP_HELD,     ""               },
    [QUEUE_RELEASE] = {WAITING, true,  false, HOP_RELEASED, ""               },
    [QUEUE_DROP] = {WAITING, false, true,  HOP_DROPPED,  ""               },
};

struct chosen {
	int64_t trace, n, state;
	char *address;
};

/* Does the order change anything for a recipient in this state? */
static bool
applies(enum queue_order order, int64_t state)
{
	switch (order) {
	case QUEUE_RETRY: /* what a person holds stays held */
	case QUEUE_HOLD:
		return state == WAITING;
	case QUEUE_RELEASE:
		return state == HELD;
	case QUEUE_DROP:
		return true;
	}
	return false;
}

static int
choose(struct db *db, enum queue_order order, int64_t trace, struct str domain,
    struct chosen **out, size_t *n, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_chosen, f, "io", trace, domain);
	size_t room = 0;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		if (!applies(order, sql_int(st, 3)))
			continue;
		if (*n == room) {
			room = room > 0 ? 2 * room : 16;
			*out = mem_grow(*out, room, sizeof(**out));
		}
		(*out)[(*n)++] = (struct chosen){.trace = sql_int(st, 0),
		    .n = sql_int(st, 1),
		    .state = sql_int(st, 3),
		    .address = sql_dup(st, 2)};
	}
	return got;
}

static int
change(struct db *db, const struct order *o, const struct chosen *c,
    int64_t now_ms, struct fail *f)
{
	struct hop h = {.trace = c->trace,
	    .at_ms = now_ms,
	    .daemon = HOP_MAILCTL,
	    .kind = o->kind,
	    .recipient = str_of(c->address),
	    .detail = str_of(o->detail)};
	int rc;

	if (o->out)
		rc = queue_take_out(db, c->trace, c->n, f);
	else
		rc = sql_run(db, sql_set_state, f, "iiii", c->trace, c->n,
		    o->state, o->now ? now_ms : (int64_t)0);
	return rc == -1 ? -1 : hop_write(db, &h, f);
}

int
queue_change(struct db *db, enum queue_order order, int64_t trace,
    struct str domain, int64_t now_ms, size_t *changed, struct fail *f)
{
	struct chosen *chosen = NULL;
	size_t n = 0;
	int rc = choose(db, order, trace, domain, &chosen, &n, f);

	*changed = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = change(db, &orders[order], &chosen[i], now_ms, f);
		*changed += rc == 0;
	}
	for (size_t i = 0; i < n; i++)
		free(chosen[i].address);
	free(chosen);
	return rc;
}
