/* SPDX-License-Identifier: MIT */
/* queue_change: the orders of people. */
#include <assert.h>

#include "common/store/queue_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_set[] =
    "UPDATE recipient SET state = ?3, next_at = ?4, domain = ?5"
    " WHERE trace = ?1 AND n = ?2";

#define WAITING 0
#define HELD    1
#define KEPT    (-1)

/* What an order does to a recipient, and how its journey tells it. */
static const struct order {
	int64_t state; /* then; KEPT: as it was */
	bool now;      /* its turn has come, unless it is scheduled */
	bool out;      /* it leaves the queue */
	enum hop_kind kind;
	const char *detail;
} orders[] = {
    [QUEUE_RETRY] = {WAITING, true,  false, HOP_QUEUED,   "to be tried now"},
    [QUEUE_HOLD] = {HELD,    false, false, HOP_HELD,     ""               },
    [QUEUE_RELEASE] = {WAITING, true,  false, HOP_RELEASED, ""               },
    [QUEUE_DROP] = {KEPT,    false, true,  HOP_DROPPED,  ""               },
    [QUEUE_RECALL] = {KEPT,    false, true,  HOP_RECALLED, ""               },
    [QUEUE_REROUTE] = {KEPT,    true,  false, HOP_REROUTED, ""               },
};

/* A person who names it wants what is scheduled to go now. */
static bool
is_hurried(const struct queue_command *c)
{
	return c->order == QUEUE_RETRY &&
	       (c->which.trace != 0 || c->which.state == QUEUE_SCHEDULED);
}

/* Does the order change anything for this one? */
static bool
applies(const struct queue_command *c, const struct queue_pick *p)
{
	switch (c->order) {
	case QUEUE_RETRY: /* what a person holds stays held */
		return !p->held && (!p->scheduled || is_hurried(c));
	case QUEUE_HOLD:
		return !p->held;
	case QUEUE_RELEASE:
		return p->held;
	case QUEUE_DROP:
	case QUEUE_RECALL:
	case QUEUE_REROUTE:
		return true;
	}
	return false;
}

static int
set(struct db *db, const struct queue_command *c, const struct queue_pick *p,
    struct str domain, struct fail *f)
{
	const struct order *o = &orders[c->order];
	int64_t state = o->state != KEPT ? o->state : p->held ? HELD : WAITING;
	bool now = o->now && (!p->scheduled || is_hurried(c));

	return sql_run(db, sql_set, f, "iiiit", p->trace, p->n, state,
	    now ? c->now_ms : p->next_ms, domain);
}

/* Where a recipient goes from now on, and what its journey says of it. */
static int
reroute(const struct queue_command *c, const struct queue_pick *p,
    struct buf *domain, struct buf *detail, struct fail *f)
{
	if (c->to.len > 0) {
		buf_add(domain, c->to);
		buf_addf(detail, "to %.*s", STR_FMT(str_after(c->to, 1)));
		return 0;
	}
	buf_addf(detail, "to where DNS says");
	return queue_destination(str_of(p->address), domain, f);
}

static int
change(struct db *db, const struct queue_command *c, const struct queue_pick *p,
    struct fail *f)
{
	const struct order *o = &orders[c->order];
	struct buf domain, detail;
	struct hop h = {.trace = p->trace,
	    .at_ms = c->now_ms,
	    .daemon = c->daemon != 0 ? c->daemon : HOP_MAILCTL,
	    .kind = o->kind,
	    .recipient = str_of(p->address)};
	int rc = 0;

	buf_init(&domain, KB);
	buf_init(&detail, 2 * KB);
	if (c->order == QUEUE_REROUTE)
		rc = reroute(c, p, &domain, &detail, f);
	else
		buf_add(&detail, str_of(o->detail));
	if (rc == 0 && o->out)
		rc = queue_take_out(db, p->trace, p->n, f);
	else if (rc == 0)
		rc = set(db, c, p,
		    domain.len > 0 ? buf_str(&domain) : str_of(p->domain), f);
	h.detail = buf_str(&detail);
	if (rc == 0)
		rc = hop_write(db, &h, f);
	buf_release(&domain);
	buf_release(&detail);
	return rc == -1 ? -1 : 0;
}

/* All of picks that the order changes something for; releases them. */
static int
change_picks(struct db *db, const struct queue_command *c,
    struct queue_picks *picks, size_t *changed, struct fail *f)
{
	int rc = 0;

	for (size_t i = 0; i < picks->n && rc == 0; i++)
		if (applies(c, &picks->at[i])) {
			rc = change(db, c, &picks->at[i], f);
			*changed += rc == 0;
		}
	queue_picks_release(picks);
	return rc;
}

static void
check_command(const struct queue_command *c)
{
	assert(c->order != QUEUE_RECALL || c->which.account != 0);
	assert(c->to.len == 0 || c->to.at[0] == QUEUE_REROUTED);
}

int
queue_change(struct db *db, const struct queue_command *c, size_t *changed,
    struct fail *f)
{
	struct queue_picks picks;

	check_command(c);
	*changed = 0;
	if (queue_choose(db, &c->which, c->now_ms, SIZE_MAX, &picks, f) == -1) {
		queue_picks_release(&picks);
		return -1;
	}
	return change_picks(db, c, &picks, changed, f);
}

int
queue_change_some(struct db *db, const struct queue_command *c,
    const struct queue_key *keys, size_t n, size_t *changed, struct fail *f)
{
	check_command(c);
	*changed = 0;
	for (size_t i = 0; i < n; i++) {
		struct queue_picks one;

		if (queue_choose_one(
			db, &c->which, &keys[i], c->now_ms, &one, f) == -1 ||
		    change_picks(db, c, &one, changed, f) == -1)
			return -1;
	}
	return 0;
}
