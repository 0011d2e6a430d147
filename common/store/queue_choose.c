/* SPDX-License-Identifier: MIT */
/* queue_choose: which recipients a filter means.  What an index knows is left
 * to SQL, the rest is looked at row by row. */
#include "common/store/queue_internal.h"
#include "common/store/sql.h"
#include "common/util/glob.h"
#include "common/util/mem.h"

#define CANDIDATE                                                              \
	"SELECT r.trace, r.n, r.address, coalesce(r.original, ''), r.domain,"  \
	" r.state, r.next_at, r.tries, q.hold_until, q.created, q.sender,"     \
	" coalesce(q.return_to, q.sender), coalesce(q.account, 0),"            \
	" EXISTS (SELECT 1 FROM paused p WHERE p.domain = r.domain)"           \
	" FROM recipient r JOIN queue q ON q.trace = r.trace"
#define BY_TRACE " ORDER BY r.trace, r.n"

static const char sql_all[] = CANDIDATE BY_TRACE;
static const char sql_one[] = CANDIDATE " WHERE r.trace = ?1 AND r.n = ?2";
static const char sql_message[] = CANDIDATE " WHERE r.trace = ?1" BY_TRACE;
static const char sql_account[] = CANDIDATE " WHERE q.account = ?1" BY_TRACE;
/* Each state has an index of its own. */
static const char sql_domain[] = CANDIDATE
    " WHERE (r.domain = ?1 AND r.state = 0) OR (r.domain = ?1 AND r.state = "
    "1)" BY_TRACE;

struct candidate {
	struct str address, original, domain, sender, return_to;
	int64_t created_ms, account;
	struct queue_moment moment;
};

bool
queue_is_scheduled(const struct queue_moment *m, int64_t now_ms)
{
	return m->hold_until_ms > now_ms && m->tries == 0 &&
	       m->next_ms > now_ms;
}

enum queue_state
queue_state_of(const struct queue_moment *m, int64_t now_ms)
{
	if (m->held)
		return QUEUE_HELD;
	if (queue_is_scheduled(m, now_ms))
		return QUEUE_SCHEDULED;
	return m->paused ? QUEUE_PAUSED : QUEUE_WAITING;
}

static bool
fits(struct str pattern, struct str text)
{
	return pattern.len == 0 || glob_match(pattern, text);
}

static bool
sender_fits(struct str pattern, const struct candidate *c)
{
	if (str_eq(pattern, STR("<>")))
		return c->return_to.len == 0;
	return fits(pattern, c->return_to) || fits(pattern, c->sender);
}

static bool
is_meant(
    const struct queue_filter *q, const struct candidate *c, int64_t now_ms)
{
	if (q->account != 0 && q->account != c->account)
		return false;
	if (q->before_ms != 0 && c->created_ms > q->before_ms)
		return false;
	if (q->after_ms != 0 && c->created_ms < q->after_ms)
		return false;
	if (q->state != QUEUE_ANY &&
	    queue_state_of(&c->moment, now_ms) != q->state)
		return false;
	return fits(q->domain, c->domain) && sender_fits(q->sender, c) &&
	       (fits(q->recipient, c->address) ||
		   (c->original.len > 0 && fits(q->recipient, c->original)));
}

/* The statement that finds the fewest; domain holds what is bound. */
static sqlite3_stmt *
candidates(struct db *db, const struct queue_filter *q, struct buf *domain,
    struct fail *f)
{
	if (q->trace != 0)
		return sql_bind(db, sql_message, f, "i", q->trace);
	if (q->account != 0)
		return sql_bind(db, sql_account, f, "i", q->account);
	if (q->domain.len == 0 || glob_is_open(q->domain))
		return sql_bind(db, sql_all, f, "");
	for (size_t i = 0; i < q->domain.len; i++)
		buf_add_char(domain, str_lower(q->domain.at[i]));
	return sql_bind(db, sql_domain, f, "t", buf_str(domain));
}

static struct candidate
candidate(sqlite3_stmt *st)
{
	return (struct candidate){
	    .address = sql_text(st, 2),
	    .original = sql_text(st, 3),
	    .domain = sql_text(st, 4),
	    .moment = {.held = sql_int(st, 5) != 0,
		       .next_ms = sql_int(st, 6),
		       .tries = (int)sql_int(st, 7),
		       .hold_until_ms = sql_int(st, 8),
		       .paused = sql_int(st, 13) != 0},
	    .created_ms = sql_int(st, 9),
	    .sender = sql_text(st, 10),
	    .return_to = sql_text(st, 11),
	    .account = sql_int(st, 12)
        };
}

/* The next one that is meant.  1, 0, -1. */
static int
next_meant(sqlite3_stmt *st, const struct queue_filter *q, int64_t now_ms,
    struct candidate *c, struct fail *f)
{
	int got;

	while ((got = sql_step(st, f)) == 1) {
		*c = candidate(st);
		if (is_meant(q, c, now_ms))
			return 1;
	}
	return got;
}

static struct queue_pick
pick(sqlite3_stmt *st, const struct candidate *c, int64_t now_ms)
{
	return (struct queue_pick){.trace = sql_int(st, 0),
	    .n = sql_int(st, 1),
	    .held = c->moment.held,
	    .scheduled = queue_is_scheduled(&c->moment, now_ms),
	    .next_ms = c->moment.next_ms,
	    .address = mem_dup(c->address),
	    .domain = mem_dup(c->domain)};
}

int
queue_choose_one(struct db *db, const struct queue_filter *q,
    const struct queue_key *key, int64_t now_ms, struct queue_picks *out,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_one, f, "ii", key->trace, (int64_t)key->n);
	struct candidate c;
	int got = next_meant(st, q, now_ms, &c, f);

	*out = (struct queue_picks){0};
	if (got != 1)
		return got;
	if (q->trace == 0 || q->trace == key->trace) {
		out->at = mem_new(1, sizeof(*out->at));
		out->at[out->n++] = pick(st, &c, now_ms);
	}
	sqlite3_reset(st);
	return 0;
}

int
queue_find(struct db *db, const struct queue_filter *q, int64_t now_ms,
    struct queue_key **keys, size_t *n, struct fail *f)
{
	struct candidate c;
	struct buf domain;
	sqlite3_stmt *st;
	size_t room = 0;
	int got;

	*keys = NULL;
	*n = 0;
	buf_init(&domain, q->domain.len + 1);
	st = candidates(db, q, &domain, f);
	while ((got = next_meant(st, q, now_ms, &c, f)) == 1) {
		if (*n == room) {
			room = room > 0 ? 2 * room : 16;
			*keys = mem_grow(*keys, room, sizeof(**keys));
		}
		(*keys)[(*n)++] = (struct queue_key){
		    .trace = sql_int(st, 0), .n = (int)sql_int(st, 1)};
	}
	buf_release(&domain);
	return got;
}

int
queue_choose(struct db *db, const struct queue_filter *q, int64_t now_ms,
    size_t max, struct queue_picks *out, struct fail *f)
{
	struct candidate c;
	struct buf domain;
	sqlite3_stmt *st;
	size_t room = 0;
	int got = 1;

	*out = (struct queue_picks){0};
	buf_init(&domain, q->domain.len + 1);
	st = candidates(db, q, &domain, f);
	while (out->n < max && (got = next_meant(st, q, now_ms, &c, f)) == 1) {
		if (out->n == room) {
			room = room > 0 ? 2 * room : 16;
			out->at = mem_grow(out->at, room, sizeof(*out->at));
		}
		out->at[out->n++] = pick(st, &c, now_ms);
	}
	if (st != NULL)
		sqlite3_reset(st);
	buf_release(&domain);
	return got == -1 || st == NULL ? -1 : 0;
}

void
queue_picks_release(struct queue_picks *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->at[i].address);
		free(p->at[i].domain);
	}
	free(p->at);
	*p = (struct queue_picks){0};
}
