/* SPDX-License-Identifier: MIT */
#include "common/store/migrate.h"
#include "tests/unit/store/fixture.h"

/* Steps as a later version will have them. */
static const struct schema_step later[] = {
    {"mail", 1, "never run: the file is at 4"                            },
    {"mail", 2, "never run"					      },
    {"mail", 3, "never run"					      },
    {"mail", 4, "never run"					      },
    {"mail", 5,
     "CREATE TABLE two (x INTEGER) STRICT; INSERT INTO two"
	" SELECT count(*) FROM account"                                  },
    {"auth", 2, "not for mail.db"					},
    {"mail", 6, "ALTER TABLE two ADD COLUMN y INTEGER NOT NULL DEFAULT 7"},
    {NULL,   0, NULL						     },
};

static const struct schema_step broken[] = {
    {"mail", 1, ""				   },
    {"mail", 2, ""				   },
    {"mail", 3, ""				   },
    {"mail", 4, ""				   },
    {"mail", 5, "CREATE TABLE two (x INTEGER) STRICT"},
    {"mail", 6, "CREATE TABLE two (x INTEGER) STRICT"},
    {NULL,   0, NULL				 },
};

static int
migrate(struct fixture *x, const struct schema_step *steps, struct fail *f)
{
	int rc;

	MUST(txn_lock(x->db, &why));
	rc = migrate_run(x->db, steps, f);
	txn_unlock(x->db);
	return rc;
}

int
main(void)
{
	struct fixture x;
	struct fail f;

	fixture_init(&x);
	CHECK(migrate_look(x.db, schema_steps, &f) == MIGRATE_CURRENT);
	CHECK(migrate_look(x.db, later, &f) == MIGRATE_OLDER);
	/* one that fails half-way changes nothing */
	CHECK(migrate(&x, broken, &f) == -1);
	CHECK(migrate_look(x.db, schema_steps, &f) == MIGRATE_CURRENT);
	CHECK(fixture_number(&x, "SELECT count(*) FROM sqlite_schema"
				 " WHERE name = 'two'") == 0);
	MUST(migrate(&x, later, &why));
	CHECK(migrate_look(x.db, later, &f) == MIGRATE_CURRENT);
	CHECK(fixture_number(&x, "SELECT x * 10 + y FROM two") == 37);
	CHECK(fixture_number(&x, "SELECT count(*) FROM account") == 3);
	/* the program of before refuses it */
	CHECK(migrate_look(x.db, schema_steps, &f) == MIGRATE_FOREIGN);
	CHECK(strstr(f.text, "newer version") != NULL);
	db_close(x.db);
	x.db = NULL;
	CHECK(db_open(x.dir, DB_MAIL, DB_WRITER, &f) == NULL);
	CHECK(db_open(x.dir, DB_MAIL, DB_READER, &f) == NULL);
	fixture_release(&x);
	/* again and again is as once */
	fixture_init(&x);
	MUST(migrate(&x, later, &why));
	MUST(migrate(&x, later, &why));
	CHECK(fixture_number(&x, "SELECT count(*) FROM two") == 1);
	fixture_release(&x);
	return TEST_EXIT();
}
