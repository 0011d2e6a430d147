/* SPDX-License-Identifier: MIT */
#include "popd/proto/mirror.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/test.h"

/*
 * The mirror with many views against a model that keeps whole lists: what the
 * store has, and for each session what its client believes.
 */

#define VIEWS  5
#define MAX    400 /* messages ever */
#define STEPS  4000
#define SEEDS  12
#define MODSEQ 100 /* of the mailbox at first */

struct model_message {
	uint64_t flags;
	int64_t modseq;
	bool there;
};

/* What a client was told. */
struct client {
	struct view *view;
	uint32_t uids[MAX]; /* by sequence number from 0 */
	uint64_t flags[MAX + 1];
	int64_t told[MAX + 1]; /* modseq of these flags, by UID */
	uint32_t n;
};

struct world {
	struct mirror *mirror;
	struct model_message store[MAX + 1]; /* by UID */
	uint32_t uid_next;
	int64_t modseq;
	struct client clients[VIEWS];
	unsigned random;
};

static unsigned
pick(struct world *w, unsigned n)
{
	w->random = w->random * 1103515245 + 12345;
	return (w->random >> 16) % n;
}

static struct mirror_message
message(const struct world *w, uint32_t uid)
{
	return (struct mirror_message){.uid = uid,
	    .flags = w->store[uid].flags,
	    .modseq = w->store[uid].modseq};
}

static struct mirror *
new_mirror(const struct world *w)
{
	struct mirror_facts facts = {.mailbox = 1,
	    .uid_validity = 1,
	    .uid_next = w->uid_next,
	    .modseq = w->modseq,
	    .recent_uid = 1};
	struct mirror_message *all = mem_new(MAX, sizeof(*all));
	size_t n = 0;

	for (uint32_t uid = 1; uid < w->uid_next; uid++)
		if (w->store[uid].there)
			all[n++] = message(w, uid);
	return mirror_new(&facts, all, n);
}

static void
open_view(struct world *w, struct client *c)
{
	c->view = view_new(w->mirror, false);
	c->n = 0;
	for (uint32_t uid = 1; uid < w->uid_next; uid++) {
		c->flags[uid] = w->store[uid].flags;
		c->told[uid] = w->store[uid].modseq;
		if (w->store[uid].there)
			c->uids[c->n++] = uid;
	}
}

static void
add_messages(struct world *w)
{
	struct mirror_message new[4];
	struct mirror_delta d = {
	    .mailbox = 1, .contiguous = true, .messages = new};
	size_t n = 1 + pick(w, 4);

	if (w->uid_next + n + 3 > MAX)
		return;
	w->uid_next += pick(w, 3); /* gaps */
	d.modseq = ++w->modseq;
	for (; d.n_messages < n; d.n_messages++) {
		uint32_t uid = w->uid_next++;

		w->store[uid] = (struct model_message){
		    .flags = pick(w, 32), .modseq = w->modseq, .there = true};
		new[d.n_messages] = message(w, uid);
	}
	CHECK(mirror_apply(w->mirror, &d));
}

static void
change_flags(struct world *w, unsigned one_of)
{
	struct mirror_message changed[MAX];
	struct mirror_delta d = {
	    .mailbox = 1, .contiguous = true, .messages = changed};

	for (uint32_t uid = 1; uid < w->uid_next; uid++) {
		if (!w->store[uid].there || pick(w, one_of) != 0)
			continue;
		w->store[uid].flags = pick(w, 32);
		w->store[uid].modseq = w->modseq + 1;
		changed[d.n_messages++] = message(w, uid);
	}
	if (d.n_messages == 0)
		return;
	d.modseq = ++w->modseq;
	CHECK(mirror_apply(w->mirror, &d));
}

static void
expunge(struct world *w, unsigned one_of)
{
	struct seqset gone = {.ranges = NULL};
	struct mirror_delta d = {.mailbox = 1, .contiguous = true};

	for (uint32_t uid = 1; uid < w->uid_next; uid++)
		if (w->store[uid].there && pick(w, one_of) == 0) {
			w->store[uid].there = false;
			seqset_add(&gone, uid, uid);
		}
	d.gone = gone.ranges;
	d.n_gone = gone.n;
	if (gone.n > 0) {
		d.modseq = ++w->modseq;
		CHECK(mirror_apply(w->mirror, &d));
		CHECK(mirror_apply(w->mirror, &d)); /* known already */
	}
	seqset_release(&gone);
}

/* Much happens at once, and the mirror reads what is new since its state. */
static void
refresh(struct world *w)
{
	struct mirror_message changed[MAX];
	struct seqset gone = {.ranges = NULL};
	struct mirror_delta d = {.mailbox = 1, .messages = changed};
	int64_t since = w->modseq;
	uint32_t first = w->uid_next;

	w->modseq += 3;
	for (uint32_t uid = 1; uid < w->uid_next; uid++) {
		if (!w->store[uid].there)
			continue;
		if (pick(w, 9) == 0) {
			w->store[uid].there = false;
			seqset_add(&gone, uid, uid);
		} else if (pick(w, 9) == 0) {
			w->store[uid].flags = pick(w, 32);
			w->store[uid].modseq = since + 1 + pick(w, 3);
		}
	}
	if (w->uid_next + 3 < MAX) { /* two come, one is gone at once */
		w->store[w->uid_next] = (struct model_message){
		    .modseq = since + 1, .there = true};
		seqset_add(&gone, w->uid_next + 1, w->uid_next + 1);
		w->uid_next += 2;
	}
	for (uint32_t uid = 1; uid < w->uid_next; uid++)
		if (w->store[uid].there &&
		    (uid >= first || w->store[uid].modseq > since))
			changed[d.n_messages++] = message(w, uid);
	d.modseq = w->modseq;
	d.gone = gone.ranges;
	d.n_gone = gone.n;
	d.uid_next = w->uid_next;
	d.contiguous = true;
	CHECK(!mirror_apply(w->mirror, &d)); /* two changes are missing */
	d.contiguous = false;
	CHECK(mirror_apply(w->mirror, &d));
	seqset_release(&gone);
}

static void
tell_expunged(struct client *c)
{
	uint32_t uid, seq, before = UINT32_MAX;

	while ((seq = view_next_expunged(c->view, &uid)) != 0) {
		CHECK(seq <= c->n && c->uids[seq - 1] == uid);
		CHECK(seq < before);
		before = seq;
		if (seq > c->n)
			return;
		memmove(&c->uids[seq - 1], &c->uids[seq],
		    (c->n - seq) * sizeof(c->uids[0]));
		c->n--;
	}
}

/* False: the client was not told all. */
static bool
tell_changed(struct world *w, struct client *c)
{
	const struct mirror_message *m;
	bool partly = pick(w, 3) == 0;

	while (!(partly && pick(w, 4) == 0)) {
		m = view_next_changed(c->view);
		if (m == NULL)
			return true;
		CHECK(m->modseq > c->told[m->uid]); /* nothing twice */
		c->flags[m->uid] = m->flags;
		c->told[m->uid] = m->modseq;
	}
	return false;
}

static void
tell_new(struct client *c, const struct world *w)
{
	uint32_t last = view_last_uid(c->view);
	uint32_t before = c->n;

	for (uint32_t uid = last + 1; uid < w->uid_next; uid++)
		if (w->store[uid].there) {
			c->uids[c->n++] = uid;
			c->flags[uid] = w->store[uid].flags;
			c->told[uid] = w->store[uid].modseq;
		}
	CHECK(view_announce(c->view) == (c->n > before));
}

/* A session changes flags itself and tells so. */
static void
store_own(struct world *w, struct client *c)
{
	uint32_t uid = c->n > 0 ? c->uids[pick(w, c->n)] : 0;
	struct mirror_message changed;
	struct mirror_delta d = {.mailbox = 1,
	    .contiguous = true,
	    .messages = &changed,
	    .n_messages = 1};

	if (uid == 0 || !w->store[uid].there)
		return;
	CHECK(view_told_modseq(c->view, uid) >= c->told[uid]);
	w->store[uid].flags = pick(w, 32);
	w->store[uid].modseq = d.modseq = ++w->modseq;
	changed = message(w, uid);
	CHECK(mirror_apply(w->mirror, &d));
	view_told(c->view, uid, w->modseq);
	c->flags[uid] = changed.flags;
	c->told[uid] = changed.modseq;
}

static bool
knows_changed(const struct world *w, const struct client *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t uid = c->uids[i];

		if (w->store[uid].there && c->told[uid] < w->store[uid].modseq)
			return false;
	}
	return true;
}

/* Does the view agree with what its client counts? */
static void
compare(const struct world *w, const struct client *c)
{
	uint32_t seen = 0;
	size_t there = 0;
	bool ghosts = false;

	CHECK(view_count(c->view) == c->n);
	CHECK(view_uid(c->view, 0) == 0 && view_uid(c->view, c->n + 1) == 0);
	CHECK(view_last_uid(c->view) == (c->n > 0 ? c->uids[c->n - 1] : 0));
	for (uint32_t uid = 1; uid <= w->uid_next; uid++) {
		bool counted = seen < c->n && c->uids[seen] == uid;
		bool ghost = counted && !w->store[uid].there;

		if (counted)
			seen++;
		CHECK(view_seq(c->view, uid) == (counted ? seen : 0));
		CHECK(!counted || view_uid(c->view, seen) == uid);
		CHECK(view_is_ghost(c->view, uid) == ghost);
		CHECK((view_message(c->view, uid) != NULL) ==
		      (counted && !ghost));
		ghosts |= ghost;
		if (counted && !ghost)
			CHECK(view_at(c->view, there++)->uid == uid);
	}
	CHECK(view_at(c->view, there) == NULL);
	CHECK(view_has_ghosts(c->view) == ghosts);
	CHECK(view_is_behind(c->view) ==
	      (ghosts || view_is_behind_but_expunged(c->view)));
}

static void
compare_ghosts(const struct client *c, const struct world *w)
{
	uint32_t next = 0;

	for (uint32_t uid = w->uid_next; uid > 0; uid--) {
		if (view_is_ghost(c->view, uid))
			next = uid;
		CHECK(view_ghost_from(c->view, uid) == next);
	}
}

static void
resolve_some(struct world *w, const struct client *c)
{
	struct seqset set = {.ranges = NULL}, out = {.ranges = NULL};
	uint32_t low, high;

	if (c->n == 0)
		return;
	low = 1 + pick(w, c->n);
	high = low + pick(w, c->n - low + 1);
	seqset_add(&set, low, high);
	CHECK(view_resolve(c->view, &set, false, &out));
	for (uint32_t i = 0; i < c->n; i++)
		CHECK(seqset_has(&out, c->uids[i]) ==
		      (i + 1 >= low && i + 1 <= high));
	seqset_add(&set, c->n + 1, c->n + 1);
	CHECK(!view_resolve(c->view, &set, false, &out));
	seqset_clear(&out);
	seqset_add(&set, SEQSET_STAR, SEQSET_STAR);
	CHECK(view_resolve(c->view, &set, true, &out));
	CHECK(seqset_has(&out, c->uids[c->n - 1]));
	CHECK(!seqset_has(&out, c->uids[c->n - 1] + 1));
	seqset_release(&set);
	seqset_release(&out);
}

static void
sync_client(struct world *w, struct client *c)
{
	bool expunged = pick(w, 2) == 0;

	if (expunged)
		tell_expunged(c);
	if (!tell_changed(w, c))
		return;
	CHECK(knows_changed(w, c));
	tell_new(c, w);
	CHECK(!view_is_behind_but_expunged(c->view));
	CHECK(!expunged || !view_is_behind(c->view));
}

static void
step(struct world *w)
{
	struct client *c = &w->clients[pick(w, VIEWS)];

	switch (pick(w, 10)) {
	case 0:
		add_messages(w);
		break;
	case 1:
		change_flags(w, pick(w, 20) == 0 ? 1 : 40);
		break;
	case 2:
		expunge(w, pick(w, 20) == 0 ? 2 : 60);
		break;
	case 3:
		store_own(w, c);
		break;
	case 4:
		if (pick(w, 10) == 0)
			refresh(w);
		break;
	case 5:
		if (pick(w, 10) == 0) {
			view_free(c->view);
			open_view(w, c);
		}
		break;
	default:
		sync_client(w, c);
	}
}

static void
play(unsigned seed)
{
	struct world *w = MEM_NEW(struct world);

	w->random = seed;
	w->uid_next = 1 + pick(w, 30);
	w->modseq = MODSEQ;
	for (uint32_t uid = 1; uid < w->uid_next; uid++)
		w->store[uid] = (struct model_message){
		    .there = pick(w, 3) > 0, .modseq = 1 + pick(w, 100)};
	w->mirror = new_mirror(w);
	for (size_t i = 0; i < VIEWS; i++)
		open_view(w, &w->clients[i]);
	CHECK(mirror_views(w->mirror) == VIEWS);
	for (size_t i = 0; i < STEPS && test_failures == 0; i++) {
		step(w);
		for (size_t v = 0; v < VIEWS && i % 16 == 0; v++) {
			compare(w, &w->clients[v]);
			compare_ghosts(&w->clients[v], w);
			resolve_some(w, &w->clients[v]);
		}
	}
	CHECK(mirror_facts(w->mirror)->modseq == w->modseq);
	CHECK(mirror_facts(w->mirror)->uid_next == w->uid_next);
	for (size_t i = 0; i < VIEWS; i++)
		view_free(w->clients[i].view);
	mirror_free(w->mirror);
	free(w);
	if (test_failures > 0)
		fprintf(stderr, "seed %u\n", seed);
}

/* ---- single facts ---- */

static struct mirror *
small_mirror(uint32_t n, uint32_t recent_uid)
{
	struct mirror_facts facts = {.mailbox = 1,
	    .uid_validity = 7,
	    .uid_next = n + 1,
	    .modseq = 10,
	    .recent_uid = recent_uid};
	struct mirror_message *all = mem_new(n + 1, sizeof(*all));

	for (uint32_t i = 0; i < n; i++)
		all[i] = (struct mirror_message){.uid = i + 1, .modseq = 5};
	return mirror_new(&facts, all, n);
}

static void
append_one(struct mirror *m)
{
	struct mirror_message new = {.uid = mirror_facts(m)->uid_next,
	    .modseq = mirror_facts(m)->modseq + 1};
	struct mirror_delta d = {.mailbox = 1,
	    .modseq = new.modseq,
	    .contiguous = true,
	    .messages = &new,
	    .n_messages = 1};

	CHECK(mirror_apply(m, &d));
}

/* RFC 3501 s2.3.2: one session is told that a message is recent; EXAMINE does
 * not take it away from others. */
static void
test_recent(void)
{
	struct mirror *m = small_mirror(5, 4);
	struct view *looks = view_new(m, true);
	struct view *first = view_new(m, false);
	struct view *second = view_new(m, false);

	CHECK(view_recents(looks) == 2 && view_recent(looks, 4));
	CHECK(view_recents(first) == 2 && view_recent(first, 5));
	CHECK(!view_recent(first, 3));
	CHECK(view_recents(second) == 0);
	CHECK(mirror_recent_uid(m) == 6);
	append_one(m);
	CHECK(view_announce(second));
	CHECK(view_recent(second, 6));
	CHECK(view_announce(first));
	CHECK(!view_recent(first, 6) && view_recents(first) == 2);
	view_free(looks);
	view_free(first);
	view_free(second);
	mirror_free(m);
}

static void
test_empty(void)
{
	struct mirror *m = small_mirror(0, 1);
	struct view *v = view_new(m, false);
	struct seqset set = {.ranges = NULL}, out = {.ranges = NULL};

	seqset_add(&set, 1, SEQSET_STAR);
	CHECK(!view_resolve(v, &set, false, &out)); /* RFC 9051 s9 */
	CHECK(view_resolve(v, &set, true, &out) && out.n == 0);
	CHECK(view_count(v) == 0 && view_last_uid(v) == 0);
	CHECK(view_at(v, 0) == NULL && !view_is_behind(v));
	view_free(v);
	mirror_free(m);
	seqset_release(&set);
	seqset_release(&out);
}

/* A range from beyond the end to `*' is the last message (RFC 9051 s9). */
static void
test_star(void)
{
	struct mirror *m = small_mirror(3, 1);
	struct view *v = view_new(m, false);
	struct seqset set = {.ranges = NULL}, out = {.ranges = NULL};

	append_one(m); /* not announced: not for the client's sets */
	seqset_add(&set, 1000, SEQSET_STAR);
	CHECK(view_resolve(v, &set, true, &out));
	CHECK(out.n == 1 && out.ranges[0].low == 3 && out.ranges[0].high == 3);
	seqset_clear(&out);
	seqset_clear(&set);
	seqset_add(&set, SEQSET_STAR, SEQSET_STAR);
	CHECK(view_resolve(v, &set, false, &out));
	CHECK(out.n == 1 && out.ranges[0].low == 3 && out.ranges[0].high == 3);
	view_free(v);
	mirror_free(m);
	seqset_release(&set);
	seqset_release(&out);
}

static void
test_keywords(void)
{
	struct mirror *m = small_mirror(1, 1);
	struct mirror_message changed = {
	    .uid = 1, .modseq = 11, .flags = 1 << 9};
	struct mirror_delta d = {.mailbox = 1,
	    .modseq = 11,
	    .contiguous = true,
	    .messages = &changed,
	    .n_messages = 1};
	struct view *v;

	mirror_set_keyword(m, 8, STR("$Junk"));
	v = view_new(m, false);
	CHECK(!view_next_keywords(v));
	CHECK(!mirror_apply(m, &d)); /* nobody knows its name */
	CHECK(!view_is_behind(v));
	mirror_set_keyword(m, 9, STR("later"));
	CHECK(mirror_apply(m, &d));
	CHECK(view_is_behind(v) && view_next_keywords(v));
	CHECK(!view_next_keywords(v));
	CHECK_STR(mirror_keyword(m, 9), "later");
	CHECK(mirror_keyword(m, 10) == NULL && mirror_keyword(m, 99) == NULL);
	CHECK(mirror_keywords(m) == (1 << 8 | 1 << 9));
	view_free(v);
	mirror_free(m);
}

/* Where many change at once, what is remembered is not enough. */
static void
test_many_changes(void)
{
	enum {
		N = 1000
	};
	struct mirror *m = small_mirror(N, 1);
	struct view *v = view_new(m, false);
	struct mirror_message *all = mem_new(N, sizeof(*all));
	struct mirror_delta d = {.mailbox = 1,
	    .modseq = 11,
	    .contiguous = true,
	    .messages = all,
	    .n_messages = N};
	const struct mirror_message *changed;
	uint32_t told = 0;

	for (uint32_t i = 0; i < N; i++)
		all[i] = (struct mirror_message){
		    .uid = i + 1, .modseq = 11, .flags = 1};
	CHECK(mirror_apply(m, &d));
	for (uint32_t uid = 2; uid <= N; uid += 2)
		view_told(v, uid, 11);
	while ((changed = view_next_changed(v)) != NULL)
		CHECK(changed->uid == 2 * told++ + 1);
	CHECK(told == N / 2);
	CHECK(view_next_changed(v) == NULL);
	free(all);
	view_free(v);
	mirror_free(m);
}

static void
test_gone(void)
{
	struct mirror *m = small_mirror(1, 1);
	struct view *v = view_new(m, false);

	CHECK(!mirror_gone(m));
	mirror_set_gone(m);
	CHECK(mirror_gone(m) && view_is_behind(v));
	view_free(v);
	mirror_free(m);
	view_free(NULL);
	mirror_free(NULL);
}

/* What comes late, of a state that is known already, changes nothing; a new
 * mirror is never behind its own messages. */
static void
test_stale(void)
{
	const struct mirror_facts facts = {
	    .mailbox = 1, .uid_next = 3, .modseq = 9};
	struct mirror_message *have = mem_new(2, sizeof(*have));
	struct mirror_message late[] = {
	    {.uid = 3, .flags = 4, .modseq = 7 },
	    {.uid = 4, .flags = 4, .modseq = 10},
	    {.uid = 5, .flags = 4, .modseq = 9 },
	};
	struct mirror_delta d = {.mailbox = 1,
	    .modseq = 10,
	    .contiguous = true,
	    .messages = late,
	    .n_messages = 3};
	struct mirror *m;
	struct view *v;

	have[0] = (struct mirror_message){.uid = 3, .flags = 1, .modseq = 8};
	have[1] = (struct mirror_message){.uid = 5, .flags = 1, .modseq = 9};
	m = mirror_new(&facts, have, 2);
	CHECK(mirror_facts(m)->uid_next == 6 && mirror_count(m) == 2);
	CHECK(mirror_apply(m, &d));
	CHECK(mirror_count(m) == 2); /* and what is gone does not come back */
	v = view_new(m, false);
	CHECK(view_at(v, 0)->uid == 3 && view_at(v, 0)->flags == 1);
	CHECK(view_at(v, 1)->uid == 5 && view_at(v, 1)->flags == 1);
	CHECK(view_at(v, 2) == NULL);
	view_free(v);
	mirror_free(m);
	mirror_free(NULL);
}

int
main(void)
{
	test_stale();
	test_recent();
	test_empty();
	test_star();
	test_keywords();
	test_many_changes();
	test_gone();
	for (unsigned seed = 1; seed <= SEEDS; seed++)
		play(seed);
	return TEST_EXIT();
}
