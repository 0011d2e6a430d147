/* SPDX-License-Identifier: MIT */
/* queue_internal: what the files of the queue share. */
#ifndef STORE_QUEUE_INTERNAL_H
#define STORE_QUEUE_INTERNAL_H

#include "common/store/dsn_report.h"
#include "common/store/queue.h"
#include "common/util/buf.h"

/* What queue_gather() reads: r is the recipient, q its message. */
#define QUEUE_ENTRY                                                            \
	"SELECT r.trace, r.n, r.address, r.domain, r.original, r.state,"       \
	" r.next_at, q.created, q.expires, r.tries, coalesce(r.last_code, 0)," \
	" coalesce(r.last_at, 0), r.last_reply, r.last_host, q.sender,"        \
	" q.body, coalesce(q.account, 0), q.skip, b.size, q.utf8,"             \
	" q.eight_bit, coalesce(q.return_to, q.sender), r.original_recipient," \
	" q.envelope_id, r.notify, q.ret, q.hold_until, r.told, q.binary,"     \
	" q.require_tls,"                                                      \
	" EXISTS (SELECT 1 FROM paused p WHERE p.domain = r.domain),"          \
	" q.tls_optional"                                                      \
	" FROM recipient r JOIN queue q ON q.trace = r.trace"                  \
	" JOIN body b ON b.id = q.body"

struct sqlite3_stmt;

/* Every row of a statement that begins with QUEUE_ENTRY.  0 or -1. */
int queue_gather(
    struct sqlite3_stmt *st, struct queue_list *out, struct fail *f);

/* A recipient that a filter lets through. */
struct queue_pick {
	int64_t trace, n;
	bool held, scheduled;
	int64_t next_ms;
	char *address, *domain;
};
struct queue_picks {
	struct queue_pick *at;
	size_t n;
};

/* At most max, by trace.  0 or -1; to be released in either case. */
int queue_choose(struct db *db, const struct queue_filter *q, int64_t now_ms,
    size_t max, struct queue_picks *out, struct fail *f);
/* This one, or none if the filter does not mean it. */
int queue_choose_one(struct db *db, const struct queue_filter *q,
    const struct queue_key *key, int64_t now_ms, struct queue_picks *out,
    struct fail *f);
void queue_picks_release(struct queue_picks *p);

/* By what is known of it. */
struct queue_moment {
	bool held, paused;
	int tries;
	int64_t next_ms, hold_until_ms;
};
bool queue_is_scheduled(const struct queue_moment *m, int64_t now_ms);
enum queue_state queue_state_of(const struct queue_moment *m, int64_t now_ms);

/* The destination that an address has of itself.  FAIL_PERM as below. */
int queue_destination(struct str address, struct buf *out, struct fail *f);

struct queue_recipient {
	int64_t trace, n;
	struct str address, original; /* original may be empty */
	int64_t next_ms;
	unsigned notify;
	struct str original_recipient; /* may be empty */
};

/* One more recipient of a message that is in the queue.  FAIL_PERM for an
 * address nobody can be sent mail at. */
int queue_add(struct db *db, const struct queue_recipient *r, struct fail *f);

/* The entry of one recipient, or none. */
int queue_read_one(struct db *db, int64_t trace, int64_t n,
    struct queue_list *out, struct fail *f);

/* QUEUE_DEFERRED for a recipient that is there, with its hop. */
int queue_defer(struct db *db, const struct queue_outcome *o, struct fail *f);

/* A report row for a recipient that is still there, if that was asked for. */
int queue_report(struct db *db, const struct queue_outcome *o,
    enum dsn_report_action action, struct fail *f);

/* Remove a recipient; the last one takes the queue row along. */
int queue_take_out(struct db *db, int64_t trace, int64_t n, struct fail *f);

#endif
