/* SPDX-License-Identifier: MIT */
/* Which recipients a person means, and what is done to them. */
#include "common/store/queue.h"
#include "common/store/queue_internal.h"
#include "tests/unit/store/fixture.h"

#define HOUR INT64_C(3600000)
#define MAX  1000

struct change {
	struct queue_command command;
	size_t changed;
};

static int
change_work(struct db *db, void *arg, struct fail *f)
{
	struct change *c = arg;

	return queue_change(db, &c->command, &c->changed, f);
}

struct part {
	const struct queue_command *command;
	const struct queue_key *keys;
	size_t n, changed;
};

static int
part_work(struct db *db, void *arg, struct fail *f)
{
	struct part *p = arg;

	return queue_change_some(db, p->command, p->keys, p->n, &p->changed, f);
}

/* All but a recall in parts, as people's orders are carried out. */
static size_t
change(struct fixture *x, const struct queue_command *c)
{
	struct change work = {.command = *c};
	struct queue_key *keys = NULL;
	size_t n = 0;

	if (c->order == QUEUE_RECALL)
		MUST(db_write(x->db, change_work, &work, &why));
	else
		MUST(queue_find(x->db, &c->which, c->now_ms, &keys, &n, &why));
	for (size_t i = 0; i < n; i += 2) {
		struct part p = {c, keys + i, n - i < 2 ? n - i : 2, 0};

		MUST(db_write(x->db, part_work, &p, &why));
		work.changed += p.changed;
	}
	free(keys);
	CHECK(fixture_is_clean(x));
	return work.changed;
}

static int
pause_work(struct db *db, void *arg, struct fail *f)
{
	int got = queue_pause(db, *(struct str *)arg, STR("no"), NOW, f);

	CHECK(got != 0);
	return got == -1 ? -1 : 0;
}

struct letter {
	const char *sender, *recipient, *original;
	bool submitted;         /* by bob */
	int64_t at_ms, hold_ms; /* hold_ms: until then */
};

static int64_t
deliver(struct fixture *x, const struct letter *l)
{
	struct delivery_target target = {
	    .address = str_of(l->recipient), .original = str_of(l->original)};
	struct stage *stage = stage_new(x->dir);
	struct delivery d = fixture_delivery(++x->trace, stage, &target, 1);

	d.sender = str_of(l->sender);
	d.now_ms = l->at_ms;
	d.expires_ms = l->at_ms + 100 * HOUR;
	d.hold_until_ms = l->hold_ms;
	d.account = l->submitted ? x->bob : 0;
	stage_add(stage, STR("Subject: x\r\n\r\nx\r\n"));
	MUST(stage_seal(stage, STR(""), &why));
	MUST(db_write(x->db, fixture_deliver_work, &d, &why));
	stage_free(stage);
	return d.trace;
}

/* Seven letters, called a to g by who they are for. */
static void
write_letters(struct fixture *x, int64_t traces[7])
{
	static const struct letter letters[7] = {
	    {"bob@d.test",   "a@one.test",     "",            true,  NOW,            0             },
	    {"Bob@d.test",   "b@sub.one.test", "",            true,  NOW + HOUR,     0             },
	    {"",             "c@two.test",     "",            false, NOW + 2 * HOUR, 0             },
	    {"x@far.test",   "d@one.test",     "list@d.test", false, NOW + 3 * HOUR,
             0										     },
	    {"bob@d.test",   "e@two.test",     "",            true,  NOW,            NOW + 9 * HOUR},
	    {"carol@e.test", "f@[192.0.2.1]",  "",            false, NOW,            0             },
	    {"carol@e.test", "g@paused.test",  "",            false, NOW,            0             },
	};
	struct str paused = STR("paused.test");

	for (size_t i = 0; i < 7; i++)
		traces[i] = deliver(x, &letters[i]);
	MUST(db_write(x->db, pause_work, &paused, &why));
	CHECK(change(x, &(struct queue_command){.order = QUEUE_HOLD,
			    .which = {.trace = traces[3]},
			    .now_ms = NOW + 3 * HOUR}) == 1);
}

/* First letters of those it means, in order. */
static const char *
meant(struct fixture *x, const struct queue_filter *q, char out[16])
{
	struct queue_list l;

	MUST(queue_read(x->db, q, NOW + 4 * HOUR, 15, &l, &why));
	for (size_t i = 0; i < l.n; i++)
		out[i] = l.entries[i].address[0];
	out[l.n] = '\0';
	queue_list_release(&l);
	return out;
}

static void
filters(void)
{
	struct fixture x;
	int64_t traces[7];
	char got[16];

	fixture_init(&x);
	write_letters(&x, traces);
	const struct {
		struct queue_filter q;
		const char *who;
	} rows[] = {
	    {{0},						 "abcdefg"},
	    {{.trace = traces[1]},                                "b"      },
	    {{.trace = traces[1], .domain = STR("two.test")},     ""       },
	    {{.account = x.bob},				  "abe"    },
	    {{.account = x.alice},                                ""       },
	    {{.account = x.bob, .domain = STR("two.test")},       "e"      },
	    {{.domain = STR("one.test")},                         "ad"     },
	    {{.domain = STR("ONE.test")},                         "ad"     },
	    {{.domain = STR("*one.test")},                        "abd"    },
	    {{.domain = STR("*.test")},                           "abcdeg" },
	    {{.domain = STR("???.test")},                         "acde"   },
	    {{.domain = STR("[192.0.2.1]")},                      "f"      },
	    {{.domain = STR("[192.0.2.*")},                       "f"      },
	    {{.domain = STR("none.test")},                        ""       },
	    {{.sender = STR("<>")},                               "c"      },
	    {{.sender = STR("bob@d.test")},                       "abe"    },
	    {{.sender = STR("*@far.test")},                       "d"      },
	    {{.sender = STR("*")},                                "abcdefg"},
	    {{.recipient = STR("?@one.test")},                    "ad"     },
	    {{.recipient = STR("LIST@*")},                        "d"      },
	    {{.state = QUEUE_WAITING},                            "abcf"   },
	    {{.state = QUEUE_HELD},                               "d"      },
	    {{.state = QUEUE_SCHEDULED},                          "e"      },
	    {{.state = QUEUE_PAUSED},                             "g"      },
	    {{.state = QUEUE_HELD, .domain = STR("one.test")},    "d"      },
	    {{.state = QUEUE_WAITING, .domain = STR("one.test")}, "a"      },
	    {{.before_ms = NOW + HOUR},                           "abefg"  },
	    {{.after_ms = NOW + HOUR},                            "bcd"    },
	    {{.before_ms = NOW + HOUR, .after_ms = NOW + 1},      "b"      },
	    {{.domain = STR("*.test"),
		 .sender = STR("bob@*"),
		 .recipient = STR("?@*.test"),
		 .state = QUEUE_WAITING,
		 .before_ms = NOW + 2 * HOUR},
             "ab"							  },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		meant(&x, &rows[i].q, got);
		if (strcmp(got, rows[i].who) != 0)
			fprintf(stderr, "row %zu\n", i);
		CHECK_STR(got, rows[i].who);
	}
	fixture_release(&x);
}

static enum queue_state
state_at(struct fixture *x, int64_t trace, int64_t now_ms)
{
	struct queue_list l;
	enum queue_state state;

	MUST(queue_read(x->db, &(struct queue_filter){.trace = trace}, now_ms,
	    1, &l, &why));
	state = queue_entry_state(&l.entries[0], now_ms);
	queue_list_release(&l);
	return state;
}

static void
states(void)
{
	struct fixture x;
	int64_t traces[7];
	char got[16];

	fixture_init(&x);
	write_letters(&x, traces);
	CHECK(state_at(&x, traces[0], NOW) == QUEUE_WAITING);
	CHECK(state_at(&x, traces[3], NOW) == QUEUE_HELD);
	CHECK(state_at(&x, traces[4], NOW) == QUEUE_SCHEDULED);
	CHECK(state_at(&x, traces[4], NOW + 9 * HOUR) == QUEUE_WAITING);
	CHECK(state_at(&x, traces[6], NOW) == QUEUE_PAUSED);
	/* not more than asked for: the oldest */
	struct queue_list l;
	MUST(queue_read(x.db, &(struct queue_filter){0}, NOW, 2, &l, &why));
	CHECK(l.n == 2 && l.entries[0].trace == traces[0]);
	CHECK(l.entries[1].trace == traces[1]);
	queue_list_release(&l);
	MUST(queue_read(x.db, &(struct queue_filter){0}, NOW, 0, &l, &why));
	CHECK(l.n == 0);
	queue_list_release(&l);
	CHECK_STR(meant(&x, &(struct queue_filter){0}, got), "abcdefg");
	fixture_release(&x);
}

static int64_t
next_of(struct fixture *x, int64_t trace)
{
	char sql[100];

	snprintf(sql, sizeof(sql),
	    "SELECT next_at FROM recipient WHERE trace = %lld",
	    (long long)trace);
	return fixture_number(x, sql);
}

static void
what_is_scheduled_keeps_its_time(void)
{
	struct fixture x;
	int64_t traces[7], e;
	struct queue_command c = {.now_ms = NOW + HOUR};

	fixture_init(&x);
	write_letters(&x, traces);
	e = traces[4];
	c.order = QUEUE_RETRY; /* all but the held and the scheduled one */
	CHECK(change(&x, &c) == 5);
	CHECK(next_of(&x, traces[0]) == NOW + HOUR);
	CHECK(next_of(&x, e) == NOW + 9 * HOUR);
	c.order = QUEUE_HOLD;
	c.which.trace = e;
	CHECK(change(&x, &c) == 1);
	CHECK(state_at(&x, e, NOW) == QUEUE_HELD);
	c.order = QUEUE_RELEASE;
	CHECK(change(&x, &c) == 1);
	CHECK(next_of(&x, e) == NOW + 9 * HOUR);
	CHECK(state_at(&x, e, NOW) == QUEUE_SCHEDULED);
	c.order = QUEUE_REROUTE;
	c.to = STR("=mx.backup.test:25");
	CHECK(change(&x, &c) == 1);
	CHECK(next_of(&x, e) == NOW + 9 * HOUR);
	c.order = QUEUE_RETRY;
	c.to = STR("");
	CHECK(change(&x, &c) == 1);
	CHECK(next_of(&x, e) == NOW + HOUR);
	CHECK(state_at(&x, e, NOW + HOUR) == QUEUE_WAITING);
	fixture_release(&x);
}

static void
destination_of(struct fixture *x, int64_t trace, char out[64])
{
	struct queue_list l;

	MUST(queue_read(
	    x->db, &(struct queue_filter){.trace = trace}, NOW, 1, &l, &why));
	snprintf(out, 64, "%s", l.entries[0].domain);
	queue_list_release(&l);
}

static void
rerouted_and_back(void)
{
	struct fixture x;
	int64_t traces[7];
	char domain[64], got[16];
	struct queue_command c = {.order = QUEUE_REROUTE,
	    .which = {.domain = STR("one.test")},
	    .to = STR("=mx.backup.test:2525"),
	    .now_ms = NOW + HOUR};
	struct queue_list l;

	fixture_init(&x);
	write_letters(&x, traces);
	CHECK(change(&x, &c) == 2);
	destination_of(&x, traces[0], domain);
	CHECK_STR(domain, "=mx.backup.test:2525");
	CHECK(state_at(&x, traces[3], NOW) == QUEUE_HELD);
	CHECK_STR(meant(&x, &(struct queue_filter){.domain = c.to}, got), "ad");
	CHECK_STR(
	    meant(&x, &(struct queue_filter){.domain = STR("one.test")}, got),
	    "");
	MUST(queue_due(x.db, c.to, NOW + HOUR, 10, &l, &why));
	CHECK(l.n == 1 && l.entries[0].trace == traces[0]);
	queue_list_release(&l);
	CHECK(fixture_number(&x,
		  "SELECT count(*) FROM hop WHERE kind = 20 AND daemon = 4"
		  " AND detail = 'to mx.backup.test:2525'") == 2);
	c.which.domain = STR("=mx.*");
	c.to = STR("");
	CHECK(change(&x, &c) == 2);
	destination_of(&x, traces[0], domain);
	CHECK_STR(domain, "one.test");
	c.which = (struct queue_filter){.recipient = STR("f@*")};
	c.to = STR("=[192.0.2.9]:25");
	CHECK(change(&x, &c) == 1);
	c.to = STR("");
	CHECK(change(&x, &c) == 1);
	destination_of(&x, traces[5], domain);
	CHECK_STR(domain, "[192.0.2.1]");
	fixture_release(&x);
}

static void
recalled(void)
{
	struct fixture x;
	int64_t traces[7];
	struct queue_command c = {.order = QUEUE_RECALL, .now_ms = NOW + HOUR};
	size_t left;

	fixture_init(&x);
	write_letters(&x, traces);
	c.which = (struct queue_filter){.trace = traces[0], .account = x.alice};
	CHECK(change(&x, &c) == 0);
	c.which.account = x.bob;
	c.daemon = HOP_POPD;
	MUST(queue_left(x.db, traces[0], &left, &why));
	CHECK(left == 1);
	CHECK(change(&x, &c) == 1);
	MUST(queue_left(x.db, traces[0], &left, &why));
	CHECK(left == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 19"
				 " AND daemon = 3 AND recipient ="
				 " 'a@one.test'") == 1);
	/* before its time; by mailctl unless said */
	c.which.trace = traces[4];
	c.daemon = 0;
	CHECK(change(&x, &c) == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 19"
				 " AND daemon = 4") == 1);
	CHECK(change(&x, &c) == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM queue") == 5);
	CHECK(fixture_number(&x, "SELECT count(*) FROM report") == 0);
	fixture_release(&x);
}

/* A local recipient that is to get it later has a row like any other. */
static void
local_ones_too(void)
{
	struct fixture x;
	struct letter l = {
	    "bob@d.test", "alice@d.test", "", true, NOW, NOW + HOUR};
	int64_t trace;

	fixture_init(&x);
	trace = deliver(&x, &l);
	CHECK(change(&x, &(struct queue_command){
			     .order = QUEUE_RECALL,
			     .which = {.trace = trace, .account = x.bob},
			     .now_ms = NOW
        }) == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM recipient") == 0);
	CHECK(fixture_number(&x, "SELECT refs FROM body") == 0);
	fixture_release(&x);
}

static int
count_step(void *arg)
{
	++*(int *)arg;
	return 0;
}

/* A message, a domain: by their indexes, whatever else waits. */
static void
only_what_is_meant_is_looked_at(void)
{
	struct fixture x;
	int64_t traces[7];
	struct queue_filter by[] = {{0}, {.domain = STR("one.test")},
	    {.domain = STR("none.test")}, {0}};
	int steps;

	fixture_init(&x);
	write_letters(&x, traces);
	by[0].trace = traces[2];
	by[3].account = x.bob;
	MUST(txn_lock(x.db, &why));
	MUST(sql_exec(x.db->sqlite,
	    "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < 20000) INSERT INTO queue (trace, body, sender, created,"
	    " expires) SELECT 100000 + i, (SELECT min(id) FROM body), 'x', 1, 2"
	    " FROM c",
	    &why));
	MUST(sql_exec(x.db->sqlite,
	    "INSERT INTO recipient (trace, n, address, domain, state, next_at)"
	    " SELECT trace, 1, 'x@far.test', 'far' || trace % 1000 || '.test',"
	    " trace % 3 = 0, 5 FROM queue WHERE trace >= 100000",
	    &why));
	txn_unlock(x.db);
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		struct queue_list l;
		steps = 0;
		sqlite3_progress_handler(x.db->sqlite, 1, count_step, &steps);
		MUST(queue_read(x.db, &by[i], NOW, MAX, &l, &why));
		sqlite3_progress_handler(x.db->sqlite, 0, NULL, NULL);
		if (steps >= 1500)
			fprintf(stderr, "filter %zu: %d steps\n", i, steps);
		CHECK(steps < 1500);
		queue_list_release(&l);
	}
	fixture_release(&x);
}

int
main(void)
{
	filters();
	states();
	what_is_scheduled_keeps_its_time();
	rerouted_and_back();
	recalled();
	local_ones_too();
	only_what_is_meant_is_looked_at();
	return TEST_EXIT();
}
