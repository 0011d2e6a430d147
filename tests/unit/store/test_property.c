/* SPDX-License-Identifier: MIT */
/* Random work on a store beside a simple model of it; the checker after each
 * step, and everything read back at the end.  Ids and UIDs only ever rise. */
#include "common/store/queue.h"
#include "tests/unit/store/fixture.h"

#define STEPS    400
#define PEOPLE   4
#define KEPT_MAX 600

struct kept { /* a message we know to be in a mailbox */
	int person;
	uint32_t uid;
	int text;
};

struct model {
	struct fixture x;
	uint64_t seed;
	char *texts[5];
	size_t sizes[5];
	int64_t people[PEOPLE]; /* account, 0: removed */
	struct kept kept[KEPT_MAX];
	size_t n_kept;
	int64_t waiting[KEPT_MAX]; /* traces with one recipient queued */
	size_t n_waiting;
	int64_t top_body, top_uid[PEOPLE];
};

static const char *const logins[PEOPLE] = {
    "p0@d.test", "p1@d.test", "p2@d.test", "p3@e.test"};

static size_t
pick(struct model *m, size_t n)
{
	m->seed = m->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(m->seed >> 33) % n;
}

static int
add_person(struct db *db, void *arg, struct fail *f)
{
	struct model *m = arg;

	for (int i = 0; i < PEOPLE; i++)
		if (m->people[i] == 0)
			return account_add(
			    db, str_of(logins[i]), 0, NOW, &m->people[i], f);
	return 0;
}

static void
forget(struct model *m, size_t i)
{
	m->kept[i] = m->kept[--m->n_kept];
}

static int64_t
inbox_of(struct model *m, int person)
{
	struct mailbox box;

	MUST(
	    mailbox_find(m->x.db, m->people[person], STR("INBOX"), &box, &why));
	return box.id;
}

static uint32_t
top_uid(struct model *m, int person)
{
	char sql[120];

	snprintf(sql, sizeof(sql),
	    "SELECT max(uid) FROM message WHERE mailbox = %lld",
	    (long long)inbox_of(m, person));
	return (uint32_t)fixture_number(&m->x, sql);
}

static void
deliver(struct model *m)
{
	struct delivery_target targets[PEOPLE + 1];
	int persons[PEOPLE], text = (int)pick(m, 5);
	size_t n = 0, locals;
	struct fail f;
	int64_t trace;

	for (int i = 0; i < PEOPLE; i++) {
		if (m->people[i] == 0 || pick(m, 2) == 0)
			continue;
		persons[n] = i;
		targets[n++] = (struct delivery_target){
		    m->people[i], str_of(logins[i]), .original = STR("")};
	}
	locals = n;
	if (n == 0 || pick(m, 3) == 0)
		targets[n++] = (struct delivery_target){
		    0, STR("x@remote.test"), .original = STR("")};
	trace = fixture_deliver(&m->x,
	    (struct str){m->texts[text], m->sizes[text]}, targets, n, &f);
	CHECK(trace > 0);
	for (size_t i = 0; i < locals && m->n_kept < KEPT_MAX; i++) {
		uint32_t uid = top_uid(m, persons[i]);

		CHECK(uid > m->top_uid[persons[i]]);
		m->top_uid[persons[i]] = uid;
		m->kept[m->n_kept++] = (struct kept){persons[i], uid, text};
	}
	if (n > locals)
		m->waiting[m->n_waiting++] = trace;
}

struct removal {
	int64_t mailbox;
	uint32_t uid;
	size_t removed;
	int64_t modseq;
};

static int
expunge_one(struct db *db, void *arg, struct fail *f)
{
	struct removal *r = arg;
	struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};

	return message_expunge(db, r->mailbox, &r->uid, 1, false, &who, NULL,
	    &r->removed, &r->modseq, f);
}

static void
expunge(struct model *m)
{
	size_t i;
	struct removal r;

	if (m->n_kept == 0)
		return;
	i = pick(m, m->n_kept);
	r = (struct removal){
	    inbox_of(m, m->kept[i].person), m->kept[i].uid, 0, 0};
	MUST(db_write(m->x.db, expunge_one, &r, &why));
	CHECK(r.removed == 1);
	forget(m, i);
}

static int
record_one(struct db *db, void *arg, struct fail *f)
{
	return queue_record(db, arg, f);
}

static void
record(struct model *m)
{
	struct queue_outcome o = {.n = 1, .now_ms = NOW, .next_ms = NOW + 5};
	size_t i;

	if (m->n_waiting == 0)
		return;
	i = pick(m, m->n_waiting);
	o.trace = m->waiting[i];
	o.result = (enum queue_result)pick(m, 4);
	MUST(db_write(m->x.db, record_one, &o, &why));
	if (o.result != QUEUE_DEFERRED)
		m->waiting[i] = m->waiting[--m->n_waiting];
}

static int
remove_login(struct db *db, void *arg, struct fail *f)
{
	struct str login = str_of(arg);
	bool over = false;

	if (account_remove_begin(db, login, f) == -1)
		return -1;
	while (!over)
		if (account_remove_some(db, login, 2, NOW, &over, f) == -1)
			return -1;
	return 0;
}

static void
remove_person(struct model *m)
{
	int person = (int)pick(m, PEOPLE);
	char login[16];

	if (m->people[person] == 0)
		return;
	snprintf(login, sizeof(login), "%s", logins[person]);
	MUST(db_write(m->x.db, remove_login, login, &why));
	m->people[person] = 0;
	m->top_uid[person] = 0; /* the next one's mailbox is another */
	for (size_t i = m->n_kept; i-- > 0;)
		if (m->kept[i].person == person)
			forget(m, i);
}

static int
sweep_some(struct db *db, void *arg, struct fail *f)
{
	return body_sweep(db, 3, arg, f);
}

static int
sweep_orphans(struct db *db, void *arg, struct fail *f)
{
	return body_sweep_files(db, arg, f);
}

static void
sweep(struct model *m)
{
	size_t n;

	MUST(db_write(m->x.db, sweep_some, &n, &why));
	MUST(db_write(m->x.db, sweep_orphans, &n, &why));
	CHECK(n == 0); /* nothing crashed: no orphans */
}

static void
step(struct model *m)
{
	static const struct {
		size_t weight;
		void (*run)(struct model *m);
	} acts[] = {
	    {40, deliver      },
            {30, expunge      },
            {15, record       },
            {12, sweep        },
	    {2,  remove_person}
        };
	size_t at = pick(m, 99);

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (at < acts[i].weight) {
			acts[i].run(m);
			return;
		}
		at -= acts[i].weight;
	}
}

/* What the model knows is there, byte for byte, and nothing else. */
static void
compare(struct model *m)
{
	CHECK(fixture_number(&m->x, "SELECT count(*) FROM message") ==
	      (int64_t)m->n_kept);
	CHECK(fixture_number(&m->x, "SELECT count(*) FROM queue") ==
	      (int64_t)m->n_waiting);
	for (size_t i = 0; i < m->n_kept; i++) {
		struct kept *k = &m->kept[i];
		struct buf out;
		char sql[120];

		snprintf(sql, sizeof(sql),
		    "SELECT body FROM message WHERE mailbox = %lld AND"
		    " uid = %u",
		    (long long)inbox_of(m, k->person), k->uid);
		buf_init(&out, 1 << 20);
		MUST(fixture_body(
		    &m->x, fixture_number(&m->x, sql), 1 << 20, &out, &why));
		CHECK(str_eq(buf_str(&out),
		    (struct str){m->texts[k->text], m->sizes[k->text]}));
		buf_release(&out);
	}
}

static void
run(uint64_t seed)
{
	static const size_t sizes[5] = {0, 50, 3000, 70000, 300000};
	struct model m = {.seed = seed};

	fixture_init(&m.x);
	for (size_t i = 0; i < 5; i++) {
		m.sizes[i] = sizes[i];
		m.texts[i] = fixture_noise(sizes[i], i);
	}
	for (int i = 0; i < PEOPLE; i++)
		MUST(db_write(m.x.db, add_person, &m, &why));
	for (int i = 0; i < STEPS && m.n_kept < KEPT_MAX - PEOPLE; i++) {
		int64_t top;

		step(&m);
		MUST(db_write(m.x.db, add_person, &m, &why));
		top = fixture_number(
		    &m.x, "SELECT coalesce(max(id), 0) FROM body");
		CHECK(top >= m.top_body);
		m.top_body = top;
		CHECK(fixture_is_clean(&m.x));
		if (test_failures > 0) {
			fprintf(stderr, "seed %llu, step %d\n",
			    (unsigned long long)seed, i);
			exit(1);
		}
	}
	compare(&m);
	for (size_t i = 0; i < 5; i++)
		free(m.texts[i]);
	fixture_release(&m.x);
}

int
main(void)
{
	for (uint64_t seed = 1; seed <= 3; seed++)
		run(seed);
	return TEST_EXIT();
}
