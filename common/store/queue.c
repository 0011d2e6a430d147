/* SPDX-License-Identifier: MIT */
#include "common/store/queue.h"

#include <assert.h>

#include "common/mime/dsn.h"
#include "common/store/body_write.h"
#include "common/store/queue_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_address[] =
    "SELECT address, domain FROM recipient WHERE trace = ?1 AND n = ?2"
    " AND (?3 = '' OR address = ?3)";
static const char sql_there[] =
    "SELECT 1 FROM recipient WHERE trace = ?1 AND n = ?2"
    " AND address = ?3 AND domain = ?4";
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

static struct hop
hop_of(const struct queue_outcome *o)
{
	static const enum hop_kind kinds[] = {
	    [QUEUE_RELAYED] = HOP_RELAYED,
	    [QUEUE_DEFERRED] = HOP_TRIED,
	    [QUEUE_FAILED] = HOP_FAILED,
	    [QUEUE_EXPIRED] = HOP_EXPIRED,
	};

	return (struct hop){.trace = o->trace,
	    .at_ms = o->now_ms,
	    .daemon = HOP_MAILD,
	    .kind = kinds[o->result],
	    .code = o->code,
	    .recipient = o->address,
	    .peer = o->host,
	    .detail = o->detail.len > 0 ? o->detail : o->reply};
}

int
queue_defer(struct db *db, const struct queue_outcome *o, struct fail *f)
{
	const struct hop h = hop_of(o);

	if (sql_run(db, sql_defer, f, "iiiiiooi", o->trace, (int64_t)o->n,
		o->next_ms, o->now_ms, (int64_t)o->code, o->reply, o->host,
		(int64_t)o->told) == -1)
		return -1;
	return hop_write(db, &h, f);
}

/* The row's address is how the journey knows it. */
static int
record(struct db *db, const struct queue_outcome *o, bool elsewhere,
    struct fail *f)
{
	const struct hop h = hop_of(o);

	if (elsewhere && o->result != QUEUE_RELAYED)
		return hop_write(db, &h, f);
	if (o->result == QUEUE_DEFERRED)
		return queue_defer(db, o, f);
	if (end_recipient(db, o, f) == -1)
		return -1;
	return hop_write(db, &h, f);
}

int
queue_record(struct db *db, const struct queue_outcome *o, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_address, f, "iit", o->trace, (int64_t)o->n, o->address);
	int got = sql_step(st, f);
	const struct hop h = hop_of(o);
	struct queue_outcome known = *o;
	bool elsewhere;
	char *address;
	int rc;

	if (got == -1)
		return -1;
	if (got == 0) /* dropped or recalled: too late if it went */
		return o->result == QUEUE_RELAYED ? hop_write(db, &h, f) : 0;
	address = sql_dup(st, 0);
	elsewhere = o->domain.len > 0 && !str_eq(o->domain, sql_text(st, 1));
	sqlite3_reset(st);
	known.address = str_of(address);
	rc = record(db, &known, elsewhere, f);
	free(address);
	return rc;
}

int
queue_is_there(struct db *db, int64_t trace, int n, struct str address,
    struct str domain, struct fail *f)
{
	int64_t one;

	return sql_number(
	    db, &one, sql_there, f, "iitt", trace, (int64_t)n, address, domain);
}
