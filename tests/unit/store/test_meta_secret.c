/* SPDX-License-Identifier: MIT */
#include "common/store/meta_secret.h"

#include <string.h>

#include "tests/unit/store/fixture.h"

static int
make(struct db *db, void *arg, struct fail *f)
{
	return meta_secret_make(db, "a", arg, f);
}

static int
make_b(struct db *db, void *arg, struct fail *f)
{
	return meta_secret_make(db, "b", arg, f);
}

static int
put_two_octets(struct db *db, void *arg, struct fail *f)
{
	static const char sql_put[] =
	    "INSERT INTO meta (key, value) VALUES ('a', x'0102')";

	(void)arg;
	return sql_run(db, sql_put, f, "");
}

/* Made once, then found; each has its own name. */
static void
once(void)
{
	uint8_t first[META_SECRET_OCTETS] = {0};
	uint8_t again[META_SECRET_OCTETS] = {0};
	struct fixture x;
	struct fail f;

	fixture_init(&x);
	CHECK(meta_secret_get(x.db, "a", again, &f) == 0);
	MUST(db_write(x.db, make, first, &why));
	CHECK(meta_secret_get(x.db, "a", again, &f) == 1);
	CHECK(memcmp(first, again, sizeof(first)) == 0);
	memset(again, 0, sizeof(again));
	MUST(db_write(x.db, make, again, &why));
	CHECK(memcmp(first, again, sizeof(first)) == 0);
	CHECK(meta_secret_get(x.db, "b", again, &f) == 0);
	MUST(db_write(x.db, make_b, again, &why));
	CHECK(memcmp(first, again, sizeof(first)) != 0);
	fixture_release(&x);
}

/* One of another length is neither used nor replaced. */
static void
no_secret(void)
{
	uint8_t out[META_SECRET_OCTETS] = {0};
	struct fixture x;
	struct fail f = {0};

	fixture_init(&x);
	MUST(db_write(x.db, put_two_octets, NULL, &why));
	CHECK(meta_secret_get(x.db, "a", out, &f) == -1);
	CHECK(f.kind == FAIL_TEMP);
	CHECK_STR(f.text, "store: a makes no sense");
	CHECK(db_write(x.db, make, out, &f) == -1);
	CHECK(fixture_number(
		  &x, "SELECT length(value) FROM meta WHERE key = 'a'") == 2);
	fixture_release(&x);
}

int
main(void)
{
	once();
	no_secret();
	return TEST_EXIT();
}
