/* SPDX-License-Identifier: MIT */
/* Whose turn it is, however much waits. */
#include "common/store/queue.h"
#include "tests/unit/store/fixture.h"

#define FAR 1000 /* destinations of the mailing */

static void
sql(struct fixture *x, const char *text)
{
	MUST(txn_lock(x->db, &why));
	MUST(sql_exec(x->db->sqlite, text, &why));
	txn_unlock(x->db);
}

/* A message of somebody to one recipient; its trace. */
static int64_t
letter(struct fixture *x, const char *address)
{
	struct delivery_target to = {0, str_of(address), .original = STR("")};
	struct fail f;
	int64_t trace = fixture_deliver(x, STR("a letter\r\n"), &to, 1, &f);

	CHECK(trace > 0);
	return trace;
}

/* n more recipients of the newest message: n % domains of them to each of
 * far0.test, far1.test...; due since NOW - 1000, a ms apart if `spread'. */
static void
mailing(struct fixture *x, int n, int domains, bool spread)
{
	char text[600];

	snprintf(text, sizeof(text),
	    "WITH RECURSIVE c (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < %d) INSERT INTO recipient (trace, n, address, domain,"
	    " next_at) SELECT (SELECT max(trace) FROM queue), i, 'x' || i ||"
	    " '@far.test', 'far' || (i %% %d) || '.test', 1794999999000 - %d *"
	    " (i %% 100000) FROM c",
	    n + 9, domains, (int)spread);
	sql(x, text);
}

static int
count_step(void *arg)
{
	++*(int *)arg;
	return 0;
}

struct looked {
	struct queue_turn *turns;
	size_t n;
	int steps;
};

static void
look(struct fixture *x, size_t max, struct buf *after, struct looked *l)
{
	l->steps = 0;
	sqlite3_progress_handler(x->db->sqlite, 1, count_step, &l->steps);
	MUST(queue_turns(x->db, NOW, max, after, &l->turns, &l->n, &why));
	sqlite3_progress_handler(x->db->sqlite, 0, NULL, NULL);
}

static const struct queue_turn *
turn_of(const struct looked *l, const char *domain)
{
	const struct queue_turn *found = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->turns[i].domain, domain) == 0) {
			CHECK(found == NULL); /* once is enough */
			found = &l->turns[i];
		}
	return found;
}

/* Letters older and newer than a mailing find their way, whatever it is. */
static void
a_letter_is_not_held_up(bool spread)
{
	struct fixture x;
	struct looked l;
	struct buf after;
	size_t looks = 0;
	bool seen = false;

	fixture_init(&x);
	buf_init(&after, 1 * KB);
	letter(&x, "old@far7777.test");
	mailing(&x, 5000, 5000, spread);
	letter(&x, "between@between.test");
	letter(&x, "crowd@crowd.test");
	mailing(&x, 5000, 5000, spread);
	letter(&x, "new@new.test");
	look(&x, 64, &after, &l);
	CHECK(l.n == 64);
	CHECK(turn_of(&l, "new.test") != NULL);
	CHECK(turn_of(&l, "between.test") != NULL);
	CHECK_STR(turn_of(&l, "new.test")->who, "sender@remote.test");
	CHECK(!turn_of(&l, "new.test")->tried);
	free(l.turns);
	/* and what is neither old nor new comes by its name */
	while (!seen && looks++ < 1000) {
		look(&x, 64, &after, &l);
		seen = turn_of(&l, "far4321.test") != NULL;
		CHECK(l.steps < 30000);
		free(l.turns);
	}
	CHECK(seen);
	buf_release(&after);
	fixture_release(&x);
}

static void
one_destination(void)
{
	struct fixture x;
	struct queue_list l;
	int64_t first, last;
	size_t theirs = 0;
	int steps = 0;

	fixture_init(&x);
	first = letter(&x, "a@far0.test");
	mailing(&x, 20000, 1, true);
	last = letter(&x, "b@far0.test");
	sql(&x, "UPDATE recipient SET next_at = 1795000000000 WHERE n = 1");
	sqlite3_progress_handler(x.db->sqlite, 1, count_step, &steps);
	MUST(queue_due(x.db, STR("far0.test"), NOW, 100, &l, &why));
	sqlite3_progress_handler(x.db->sqlite, 0, NULL, NULL);
	CHECK(l.n == 100);
	CHECK(l.entries[0].trace == last);
	for (size_t i = 0; i < l.n; i++) {
		theirs += l.entries[i].trace == first;
		for (size_t j = 0; j < i; j++)
			CHECK(l.entries[i].trace != l.entries[j].trace ||
			      l.entries[i].n != l.entries[j].n);
	}
	CHECK(theirs > 90); /* first, with its own newest ones, and the rest */
	CHECK(steps < 40000);
	queue_list_release(&l);
	/* less than max: each once */
	MUST(queue_due(x.db, STR("far0.test"), NOW, 50000, &l, &why));
	CHECK(l.n == 20002);
	queue_list_release(&l);
	fixture_release(&x);
}

static bool
is_due(struct fixture *x, const char *domain, int64_t *next_ms)
{
	struct buf after;
	struct looked l;
	struct queue_list list;
	bool due;

	buf_init(&after, 1 * KB);
	look(x, 10, &after, &l);
	due = turn_of(&l, domain) != NULL;
	MUST(queue_due(x->db, str_of(domain), NOW, 10, &list, &why));
	CHECK(due == (list.n > 0));
	queue_list_release(&list);
	MUST(queue_next_due(x->db, next_ms, &why));
	free(l.turns);
	buf_release(&after);
	return due;
}

static bool
wanted(struct fixture *x, int64_t trace, const char *domain)
{
	int got = -1;

	MUST(got = queue_is_wanted(x->db, trace, 1, str_of(domain), &why));
	return got == 1;
}

static void
paused_is_not_due(void)
{
	struct fixture x;
	int64_t one, two, next;

	fixture_init(&x);
	one = letter(&x, "a@one.test");
	two = letter(&x, "b@two.test");
	CHECK(is_due(&x, "one.test", &next) && next == NOW);
	CHECK(wanted(&x, one, "one.test") && wanted(&x, two, "two.test"));
	sql(&x, "INSERT INTO paused VALUES ('one.test', 1, '')");
	CHECK(!is_due(&x, "one.test", &next) && next == NOW);
	CHECK(is_due(&x, "two.test", &next));
	CHECK(!wanted(&x, one, "one.test") && wanted(&x, two, "two.test"));
	sql(&x, "INSERT INTO paused VALUES ('two.test', 1, '')");
	CHECK(!is_due(&x, "two.test", &next) && next == INT64_MAX);
	sql(&x, "DELETE FROM paused");
	CHECK(is_due(&x, "one.test", &next) && wanted(&x, one, "one.test"));
	sql(&x, "UPDATE recipient SET state = 1 WHERE domain = 'one.test'");
	CHECK(!is_due(&x, "one.test", &next) && !wanted(&x, one, "one.test"));
	sql(&x, "UPDATE recipient SET domain = '=h:1', state = 0 WHERE n = 1");
	CHECK(is_due(&x, "=h:1", &next) && !wanted(&x, one, "one.test"));
	CHECK(wanted(&x, one, "=h:1"));
	sql(&x, "DELETE FROM recipient");
	CHECK(!wanted(&x, one, "=h:1"));
	fixture_release(&x);
}

static void
who_it_is_for(void)
{
	struct fixture x;
	struct looked l;
	struct buf after;

	fixture_init(&x);
	buf_init(&after, 1 * KB);
	letter(&x, "a@one.test");
	letter(&x, "b@two.test");
	sql(&x, "UPDATE queue SET account = 7 WHERE trace = 1001");
	sql(&x, "UPDATE recipient SET tries = 1 WHERE domain = 'two.test'");
	look(&x, 10, &after, &l);
	CHECK(l.n == 2);
	CHECK_STR(turn_of(&l, "one.test")->who, "#7");
	CHECK(!turn_of(&l, "one.test")->tried);
	CHECK_STR(turn_of(&l, "two.test")->who, "sender@remote.test");
	CHECK(turn_of(&l, "two.test")->tried);
	free(l.turns);
	buf_release(&after);
	fixture_release(&x);
}

/* Each row of `destination' says what the recipients say. */
static bool
is_in_step(struct fixture *x)
{
	return fixture_number(x,
		   "SELECT count(*) FROM (SELECT domain, min(next_at) FROM"
		   " recipient WHERE state = 0 GROUP BY domain EXCEPT"
		   " SELECT domain, next_at FROM destination)") == 0 &&
	       fixture_number(x,
		   "SELECT count(*) FROM (SELECT domain, next_at FROM"
		   " destination EXCEPT SELECT domain, min(next_at) FROM"
		   " recipient WHERE state = 0 GROUP BY domain)") == 0 &&
	       fixture_number(x,
		   "SELECT count(*) FROM recipient r JOIN destination d"
		   " ON d.domain = r.domain WHERE r.state = 0 AND r.trace >"
		   " d.newest") == 0;
}

static void
destinations_follow_recipients(void)
{
	static const char *const steps[] = {
	    "INSERT OR IGNORE INTO recipient (trace, n, address, domain,"
	    " state, next_at) VALUES (1001 + %d %% 2, %d, 'a@x', 'd%d.test',"
	    " %d %% 3 = 0, %d)",
	    "UPDATE recipient SET next_at = next_at + %d - %d + %d %% 5"
	    " WHERE n %% 40 = (%d + %d) %% 40",
	    "UPDATE recipient SET state = 1 - state"
	    " WHERE n %% 40 = (%d + 3 * %d + %d + %d + %d) %% 40",
	    "UPDATE recipient SET domain = 'd' || (%d %% 7) || '.test'"
	    " WHERE n %% 40 = (%d + %d + %d + %d) %% 40",
	    "DELETE FROM recipient WHERE n %% 40 = (%d + %d + %d + %d + %d)"
	    " %% 40",
	};
	struct fixture x;
	uint64_t dice = 42;

	fixture_init(&x);
	letter(&x, "a@one.test");
	letter(&x, "b@two.test");
	MUST(txn_lock(x.db, &why));
	for (int i = 0; i < 3000; i++) {
		char text[400];
		int d[4];
		size_t which;

		for (int k = 0; k < 4; k++) {
			dice = dice * 6364136223846793005ULL +
			       1442695040888963407ULL;
			d[k] = (int)(dice >> 60) + 1;
		}
		which = (size_t)((dice >> 40) % 9);
		which = which > 4 ? 0 : which;
		snprintf(text, sizeof(text), steps[which], d[0], 10 + i,
		    d[1] % 7, d[2], d[3]);
		MUST(sql_exec(x.db->sqlite, text, &why));
		if (!is_in_step(&x)) {
			fprintf(stderr, "step %d: %s\n", i, text);
			test_failures++;
			break;
		}
	}
	txn_unlock(x.db);
	fixture_release(&x);
}

/* Nothing is gone through that is not asked for. */
static void
check_plan(struct fixture *x, const char *text)
{
	char explain[2000];
	sqlite3_stmt *st;

	snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", text);
	CHECK(sqlite3_prepare_v2(x->db->sqlite, explain, -1, &st, NULL) ==
	      SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(st, 3);

		/* d in the order of its index, as far as LIMIT goes */
		if ((strncmp(step, "SCAN ", 5) == 0 &&
			strncmp(step, "SCAN d USING ", 13) != 0) ||
		    strstr(step, "TEMP B-TREE") != NULL) {
			fprintf(stderr, "%s\n  %s\n", text, step);
			test_failures++;
		}
	}
	sqlite3_finalize(st);
}

static void
with_100000_recipients(void)
{
	static const size_t most = 264;
	struct fixture x;
	struct buf after;
	struct queue_list list;
	struct looked l;
	sqlite3_stmt *st = NULL;
	size_t plans = 0;
	int64_t next;
	int steps = 0;

	fixture_init(&x);
	buf_init(&after, 1 * KB);
	letter(&x, "a@one.test");
	mailing(&x, 100000, FAR, true);
	look(&x, most, &after, &l);
	CHECK(l.n == most);
	if (l.steps >= (int)most * 300)
		fprintf(stderr, "turns: %d steps\n", l.steps);
	CHECK(l.steps < (int)most * 300);
	free(l.turns);
	sqlite3_progress_handler(x.db->sqlite, 1, count_step, &steps);
	MUST(queue_due(x.db, STR("far1.test"), NOW, 50, &list, &why));
	CHECK(list.n == 50);
	queue_list_release(&list);
	CHECK(steps < 50 * 300);
	steps = 0;
	MUST(queue_next_due(x.db, &next, &why));
	CHECK(next < NOW && steps < 100);
	steps = 0;
	CHECK(wanted(&x, x.trace, "one.test") && steps < 100);
	sqlite3_progress_handler(x.db->sqlite, 0, NULL, NULL);
	while ((st = sqlite3_next_stmt(x.db->sqlite, st)) != NULL) {
		const char *text = sqlite3_sql(st);

		if (strncmp(text, "SELECT", 6) != 0 ||
		    (strstr(text, "recipient") == NULL &&
			strstr(text, "destination") == NULL))
			continue;
		check_plan(&x, text);
		plans++;
	}
	CHECK(plans >= 10);
	buf_release(&after);
	fixture_release(&x);
}

int
main(void)
{
	a_letter_is_not_held_up(false);
	a_letter_is_not_held_up(true);
	one_destination();
	paused_is_not_due();
	who_it_is_for();
	destinations_follow_recipients();
	with_100000_recipients();
	return TEST_EXIT();
}
