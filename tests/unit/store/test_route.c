/* SPDX-License-Identifier: MIT */
#include "common/store/route.h"
#include "tests/unit/store/fixture.h"

static int
add_aliases(struct db *db, void *arg, struct fail *f)
{
	static const char *const aliases[][2] = {
	    {"team@d.test",  "alice@d.test"     },
	    {"team@d.test",  "bob@d.test"       },
	    {"team@d.test",  "x@remote.test"    },
	    {"both@d.test",  "team@d.test"      },
	    {"both@d.test",  "alice+x@d.test"   },
	    {"fwd@d.test",   "x@remote.test"    },
	    {"@e.test",      "carol@e.test"     },
	    {"abuse@e.test", "bob@d.test"       },
	    {"case@d.test",  "Big.X@remote.test"},
	    {"ours@d.test",  "BOB@d.test"       },
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (alias_add(db, str_of(aliases[i][0]), str_of(aliases[i][1]),
			f) == -1)
			return -1;
	return 0;
}

/* What alias_add() would refuse; addresses may come to it by other ways. */
static const char sql_odd[] =
    "INSERT INTO address (domain, local, n, forward) VALUES"
    " (1, 'loop1', 0, 'loop2@d.test'), (1, 'loop2', 0, 'loop3@d.test'),"
    " (1, 'loop3', 0, 'loop1@d.test'), (1, 'self', 0, 'self@d.test'),"
    " (1, 'half', 0, 'gone@d.test'), (1, 'half', 1, 'bob@d.test'),"
    " (1, 'dead', 0, 'gone@d.test'), (1, 'later', 0, 'Bob@d.test');"
    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 30) INSERT INTO address (domain, local, n, forward)"
    " SELECT 1, 'deep' || i, 0, 'deep' || (i + 1) || '@d.test' FROM n;"
    "INSERT INTO address (domain, local, n, forward)"
    " VALUES (1, 'deep31', 0, 'bob@d.test');"
    "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 1000) INSERT INTO address (domain, local, n, forward)"
    " SELECT 1, 'many', i, 'x' || i || '@remote.test' FROM n;"
    "INSERT INTO address (domain, local, n, forward)"
    " SELECT 1, 'enough', n, forward FROM address"
    " WHERE local = 'many' AND n < 1000;";

static const struct {
	const char *address;
	enum route_result result;
	const char *targets; /* space after each; NULL: any */
	const char *postmaster;
} cases[] = {
    {"alice@d.test",                    ROUTE_OK,      "alice@d.test ",                           ""                 },
    {"ALICE@D.TEST.",                   ROUTE_OK,      "alice@d.test ",                           ""                 },
    {"\"alice\"@d.test",                ROUTE_OK,      "alice@d.test ",                           ""                 },
    {"alice+detail@d.test",             ROUTE_OK,      "alice@d.test ",                           ""                 },
    {"alice++@d.test",                  ROUTE_OK,      "alice@d.test ",                           ""                 },
    {"+x@d.test",		       ROUTE_UNKNOWN, "",					""                 },
    {"team@d.test",		     ROUTE_OK,      "alice@d.test bob@d.test x@remote.test! ", ""                 },
    {"case@d.test",		     ROUTE_OK,      "Big.X@remote.test! ",                     ""                 },
    {"ours@d.test",		     ROUTE_OK,      "bob@d.test ",                             ""                 },
    {"later@d.test",                    ROUTE_OK,      "bob@d.test ",                             ""                 },
    {"team+x@d.test",                   ROUTE_OK,      "alice@d.test bob@d.test x@remote.test! ", ""                 },
    {"both@d.test",		     ROUTE_OK,      "alice@d.test bob@d.test x@remote.test! ", ""                 },
    {"fwd@d.test",		      ROUTE_OK,      "x@remote.test! ",                         ""                 },
    {"nobody@d.test",                   ROUTE_UNKNOWN, "",                                        ""                 },
    {"nobody@e.test",                   ROUTE_OK,      "carol@e.test ",                           ""                 },
    {"Any.Case@Remote.TEST",            ROUTE_REMOTE,  "Any.Case@remote.test! ",                  ""                 },
    {"x@[192.0.2.1]",                   ROUTE_REMOTE,  "x@[192.0.2.1]! ",                         ""                 },
    {"x@sub.d.test",                    ROUTE_REMOTE,  "x@sub.d.test! ",                          ""                 },
    {"loop1@d.test",                    ROUTE_LOOP,    NULL,                                      ""                 },
    {"self@d.test",		     ROUTE_LOOP,    NULL,				      ""                 },
    {"deep0@d.test",                    ROUTE_LOOP,    NULL,                                      ""                 },
    {"deep12@d.test",                   ROUTE_OK,      "bob@d.test ",                             ""                 },
    {"deep11@d.test",                   ROUTE_LOOP,    NULL,                                      ""                 },
    {"many@d.test",		     ROUTE_LOOP,    NULL,				      ""                 },
    {"enough@d.test",                   ROUTE_OK,      NULL,				      ""                 },
    {"half@d.test",		     ROUTE_OK,      "bob@d.test ",                             ""                 },
    {"dead@d.test",		     ROUTE_UNKNOWN, "",					""                 },
    {"postmaster",		      ROUTE_OK,      "alice@d.test ",                           ""                 },
    {"Postmaster",		      ROUTE_OK,      "bob@d.test ",                             "bob@d.test"       },
    {"postmaster@d.test",               ROUTE_OK,      "alice@d.test ",                           ""                 },
    {"PostMaster@D.test",               ROUTE_OK,      "bob@d.test ",                             "bob@d.test"       },
    {"abuse@d.test",                    ROUTE_OK,      "x@remote.test! ",                         "fwd@d.test"       },
    {"abuse@d.test",                    ROUTE_OK,      "admin@other.test! ",                      "admin@other.test" },
    {"abuse@e.test",                    ROUTE_OK,      "bob@d.test ",                             "carol@e.test"     },
    {"postmaster@e.test",               ROUTE_OK,      "alice@d.test ",                           ""                 },
    {"postmaster@d.test",               ROUTE_OK,      "alice@d.test ",                           "postmaster@d.test"},
    {"postmaster@d.test",               ROUTE_OK,      "alice@d.test ",                           "nobody@d.test"    },
    {"postmaster",		      ROUTE_OK,      "alice@d.test ",                           "nobody@d.test"    },
    {"postmaster@remote.test",          ROUTE_REMOTE,  "postmaster@remote.test! ",                ""                 },
    {"alice",			   ROUTE_UNKNOWN, "",					""                 },
    {"",				ROUTE_UNKNOWN, "",					""                 },
    {"@",			       ROUTE_UNKNOWN, "",					""                 },
    {"@d.test",			 ROUTE_UNKNOWN, "",					""                 },
    {"a b@d.test",		      ROUTE_UNKNOWN, "",					""                 },
    {"'; DROP TABLE message;--@d.test", ROUTE_UNKNOWN, "",                                        ""                 },
};

/* "address " for an account, "address! " for one elsewhere. */
static void
describe(const struct route *r, struct buf *b)
{
	buf_add(b, STR(""));
	for (size_t i = 0; i < r->n; i++)
		buf_addf(b, "%s%s ", r->targets[i].address,
		    r->targets[i].account != 0 ? "" : "!");
	buf_add_char(b, '\0');
}

static void
table(struct fixture *x)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_options o = {
		    .postmaster = str_of(cases[i].postmaster)};
		struct route r;
		struct buf b;

		MUST(route_find(x->db, str_of(cases[i].address), &o, &r, &why));
		if (r.result != cases[i].result)
			fprintf(stderr, "%s: result %d\n", cases[i].address,
			    (int)r.result);
		CHECK(r.result == cases[i].result);
		CHECK(r.n <= ROUTE_TARGETS_MAX);
		buf_init(&b, 1 << 20);
		describe(&r, &b);
		if (cases[i].targets != NULL)
			CHECK_STR(b.data, cases[i].targets);
		buf_release(&b);
		route_release(&r);
	}
}

static void
room(struct fixture *x)
{
	static const struct {
		const char *address;
		uint64_t quota, size;
		enum route_result result;
	} sizes[] = {
	    {"bob@d.test",   0,   1 << 30, ROUTE_OK  },
	    {"bob@d.test",   100, 90,      ROUTE_OK  },
	    {"bob@d.test",   100, 91,      ROUTE_FULL},
	    {"bob@d.test",   10,  0,       ROUTE_FULL},
	    {"bob@d.test",   11,  0,       ROUTE_OK  },
	    {"bob@d.test",   5,   0,       ROUTE_FULL},
	    {"team@d.test",  10,  0,       ROUTE_FULL},
	    {"alice@d.test", 10,  0,       ROUTE_OK  },
	};
	struct delivery_target t = {
	    x->bob, STR("bob@d.test"), .original = STR("")};
	struct fail f;

	CHECK(fixture_deliver(x, STR("12345678\r\n"), &t, 1, &f) > 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct route_options o = {.size = sizes[i].size};
		struct route r;

		MUST(txn_lock(x->db, &why));
		MUST(account_set_quota(
		    x->db, STR("bob@d.test"), sizes[i].quota, &why));
		txn_unlock(x->db);
		MUST(route_find(x->db, str_of(sizes[i].address), &o, &r, &why));
		CHECK(r.result == sizes[i].result);
		route_release(&r);
	}
}

int
main(void)
{
	struct fixture x;

	fixture_init(&x);
	MUST(db_write(x.db, add_aliases, NULL, &why));
	MUST(txn_lock(x.db, &why));
	MUST(sql_exec(x.db->sqlite, sql_odd, &why));
	txn_unlock(x.db);
	table(&x);
	room(&x);
	fixture_release(&x);
	return TEST_EXIT();
}
