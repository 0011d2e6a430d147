/* SPDX-License-Identifier: MIT */
/* Anything, in any order: what a step does follows from the world's seed and
 * what is there, so that a step that failed is tried again as it was. */
#include "common/store/queue.h"
#include "common/store/search.h"
#include "tests/fault/acts_parts.h"

#define TRIES 8 /* of a step while the disk fails */

struct lot {
	uint64_t seed;
};

static uint64_t
below(struct lot *l, uint64_t n)
{
	l->seed = l->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (l->seed >> 33) % n;
}

/* A random row of a query's first two columns: 1, 0 there is none, -1. */
static int
some(struct world *w, struct lot *l, const char *sql, int64_t row[2],
    struct fail *f)
{
	sqlite3_stmt *st;
	uint64_t n = 0;
	int rc;

	if (sqlite3_prepare_v2(w->x.db->sqlite, sql, -1, &st, NULL) !=
	    SQLITE_OK)
		return sql_fail(w->x.db->sqlite, f);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		/* each of n is the one with the same chance */
		if (below(l, ++n) == 0) {
			row[0] = sqlite3_column_int64(st, 0);
			row[1] = sqlite3_column_int64(st, 1);
		}
	if (rc != SQLITE_DONE)
		sql_fail(w->x.db->sqlite, f);
	sqlite3_finalize(st);
	return rc != SQLITE_DONE ? -1 : n > 0;
}

static int
some_mail(struct world *w, struct lot *l, struct fail *f)
{
	/* one that compresses, now and then */
	if (below(l, 3) == 0)
		return acts_deliver_text(w, 1 + below(l, 4), f);
	return acts_deliver(
	    w, 300 + below(l, 30000), below(l, 1000000), 1 + below(l, 4), f);
}

static int
large_mail(struct world *w, struct lot *l, struct fail *f)
{
	uint64_t size = below(l, 4) == 0 ? 280000 : 70000 + below(l, 60000);

	return acts_deliver(w, size, below(l, 1000000), 1 + below(l, 3), f);
}

static int
equal_mail(struct world *w, struct lot *l, struct fail *f)
{
	return acts_deliver(w, 150000, 3, 1 + below(l, 4), f);
}

/* ---- alice and her mailboxes ---- */

struct change {
	int64_t mailbox, to, now;
	uint32_t uid;
	bool move;
	int64_t trace, n;
	bool sent;
	size_t swept;
};

static const char sql_hers[] =
    "SELECT g.mailbox, g.uid FROM message g JOIN mailbox m ON m.id = g.mailbox"
    " WHERE m.account = 1 AND m.special & 32 = 0 ORDER BY 1, 2";
static const char sql_boxes[] =
    "SELECT id, 0 FROM mailbox WHERE account = 1 AND special & 32 = 0"
    " ORDER BY 1";

static int
flip_flag(struct db *db, void *arg, struct fail *f)
{
	struct change *c = arg;
	struct message_state *state;
	struct message_change *changes = NULL;
	size_t n;
	int64_t modseq;
	int rc = message_states(
	    db, c->mailbox, c->uid, INT64_MAX, &state, &n, f);

	if (rc == -1)
		return -1;
	rc = message_set_flags(db, c->mailbox, &c->uid, 1,
	    (state[0].flags & MESSAGE_FLAGGED) != 0 ? MESSAGE_REMOVE
						    : MESSAGE_ADD,
	    MESSAGE_FLAGGED, INT64_MAX, &changes, &n, &modseq, f);
	free(changes);
	free(state);
	return rc;
}

static int
copy(struct db *db, void *arg, struct fail *f)
{
	struct change *c = arg;
	struct message_pair *pairs = NULL;
	int64_t from, to;
	size_t n;
	int rc = message_copy(db, c->mailbox, &c->uid, 1, c->to, c->move, NOW,
	    &pairs, &n, &from, &to, f);

	free(pairs);
	return rc;
}

static int
expunge(struct db *db, void *arg, struct fail *f)
{
	const struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};
	struct change *c = arg;
	size_t removed;
	int64_t modseq;

	return message_expunge(db, c->mailbox, &c->uid, 1, false, &who, NULL,
	    &removed, &modseq, f);
}

static int
change_one(struct world *w, struct lot *l, db_work *work, struct fail *f)
{
	struct change c = {.move = below(l, 2) == 0};
	int64_t row[2];
	int got = some(w, l, sql_hers, row, f);

	if (got != 1)
		return got == 0 ? some_mail(w, l, f) : -1;
	c.mailbox = row[0];
	c.uid = (uint32_t)row[1];
	if (some(w, l, sql_boxes, row, f) == -1)
		return -1;
	c.to = row[0];
	return acts_step(w, work, &c, f);
}

static int
flags(struct world *w, struct lot *l, struct fail *f)
{
	return change_one(w, l, flip_flag, f);
}

static int
copies(struct world *w, struct lot *l, struct fail *f)
{
	return change_one(w, l, copy, f);
}

static int
expunges(struct world *w, struct lot *l, struct fail *f)
{
	return change_one(w, l, expunge, f);
}

struct naming {
	struct world *w;
	char from[40], to[40];
};

static int
add_box(struct db *db, void *arg, struct fail *f)
{
	struct naming *n = arg;
	enum mailbox_refusal refusal;
	int64_t id;

	return mailbox_add(
	    db, n->w->x.alice, str_of(n->to), 0, NOW, &id, &refusal, f);
}

static int
rename_box(struct db *db, void *arg, struct fail *f)
{
	struct naming *n = arg;
	enum mailbox_refusal refusal;

	return mailbox_rename(db, n->w->x.alice, str_of(n->from), str_of(n->to),
	    NOW, &refusal, f);
}

static int
remove_box(struct db *db, void *arg, struct fail *f)
{
	const struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};
	struct naming *n = arg;
	enum mailbox_refusal refusal;

	return mailbox_remove(
	    db, n->w->x.alice, str_of(n->from), &who, &refusal, f);
}

/* Boxes are called by the number of the step that named them. */
static int
boxes(struct world *w, struct lot *l, struct fail *f)
{
	static const char mine[] =
	    "SELECT CAST(substr(name, 4) AS INTEGER), 0 FROM mailbox"
	    " WHERE account = 1 AND name LIKE 'box%' ORDER BY id";
	static db_work *const works[] = {add_box, rename_box, remove_box};
	struct naming n = {.w = w};
	uint64_t which = below(l, 3);
	int64_t row[2];
	int got = some(w, l, mine, row, f);

	if (got == -1)
		return -1;
	if (got == 0)
		which = 0;
	snprintf(n.to, sizeof(n.to), "box%d", w->said + 1);
	snprintf(n.from, sizeof(n.from), "box%d", (int)row[0]);
	return acts_step(w, works[which], &n, f);
}

/* ---- what the daemons do ---- */

static int
outcome(struct db *db, void *arg, struct fail *f)
{
	struct change *c = arg;
	const struct queue_outcome o = {.trace = c->trace,
	    .n = (int)c->n,
	    .result = c->sent ? QUEUE_RELAYED : QUEUE_DEFERRED,
	    .next_ms = c->now + 1000,
	    .now_ms = c->now,
	    .code = c->sent ? 250 : 451};

	return queue_record(db, &o, f);
}

static int
relays(struct world *w, struct lot *l, struct fail *f)
{
	struct change c = {.sent = below(l, 2) == 0, .now = NOW + w->said};
	int64_t row[2];
	int got = some(
	    w, l, "SELECT trace, n FROM recipient ORDER BY 1, 2", row, f);

	if (got != 1)
		return got == 0 ? some_mail(w, l, f) : -1;
	c.trace = row[0];
	c.n = row[1];
	return acts_step(w, outcome, &c, f);
}

static int
sweep_bodies(struct db *db, void *arg, struct fail *f)
{
	return body_sweep(db, 100, arg, f);
}

static int
sweep_files(struct db *db, void *arg, struct fail *f)
{
	return body_sweep_files(db, arg, f);
}

static int
sweeps(struct world *w, struct lot *l, struct fail *f)
{
	int64_t row[2];
	size_t n;
	int got = some(w, l,
	    "SELECT id, 0 FROM body WHERE refs = 0"
	    " AND id < (SELECT max(id) FROM body)",
	    row, f);

	if (got != 1)
		return got == 0 ? some_mail(w, l, f) : -1;
	if (acts_step(w, sweep_bodies, &n, f) == -1)
		return -1;
	/* that is done, whatever becomes of this */
	db_write(w->x.db, sweep_files, &n, &(struct fail){0});
	return 0;
}

static int
checkpoints(struct world *w, struct lot *l, struct fail *f)
{
	if (acts_checkpoint(w, f) == -1)
		return -1;
	return some_mail(w, l, f);
}

static int
reopens(struct world *w, struct lot *l, struct fail *f)
{
	world_close(w);
	if (world_open(w, f) == -1)
		return -1;
	return some_mail(w, l, f);
}

/* search.db may lag or be thrown away; nobody is told of it. */
static int
indexes(struct world *w, struct lot *l, struct fail *f)
{
	struct fail ignored;
	struct db *search = db_open(w->x.dir, DB_SEARCH, DB_WRITER, &ignored);
	bool more = true;

	while (search != NULL && more &&
	       search_index(w->x.db, search, 3, &more, &ignored) == 0)
		continue;
	db_close(search);
	return some_mail(w, l, f);
}

static const struct kind {
	int (*run)(struct world *w, struct lot *l, struct fail *f);
	unsigned weight;
} kinds[] = {
    {some_mail,   6},
    {large_mail,  4},
    {equal_mail,  1},
    {flags,       3},
    {copies,      3},
    {expunges,    4},
    {boxes,       2},
    {relays,      3},
    {sweeps,      2},
    {checkpoints, 3},
    {reopens,     1},
    {indexes,     1},
};

static int
one_step(struct world *w, struct fail *f)
{
	struct lot l = {w->seed + (uint64_t)w->said * 1000003};
	unsigned all = 0, at;
	size_t i = 0;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		all += kinds[k].weight;
	below(&l, 2);
	for (at = (unsigned)below(&l, all); at >= kinds[i].weight; i++)
		at -= kinds[i].weight;
	if (w->x.db == NULL && world_open(w, f) == -1)
		return -1;
	return kinds[i].run(w, &l, f);
}

int
act_random(struct world *w, struct fail *f)
{
	int steps = w->steps > 0 ? w->steps : 12;

	while (w->said < steps) {
		int tries = 0;

		while (one_step(w, f) == -1)
			if (++tries == TRIES)
				return -1;
	}
	return 0;
}
