/* SPDX-License-Identifier: MIT */
#include "common/store/route_cache.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "common/store/route_mark.h"
#include "tests/unit/store/fixture.h"

#define TEAM STR("team@d.test")

/* One of the changes that decide where mail goes. */
struct change {
	db_work *make;
	const char *what;
};

static int
add_domain(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return domain_add(db, STR("new.test"), NOW, f);
}

static int
remove_domain(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return domain_remove(db, STR("new.test"), f);
}

static int
add_account(struct db *db, void *arg, struct fail *f)
{
	int64_t id;

	(void)arg;
	return account_add(db, STR("dan@d.test"), 0, NOW, &id, f);
}

static int
set_quota(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return account_set_quota(db, STR("dan@d.test"), 1000, f);
}

static int
disable(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return account_set_disabled(db, STR("dan@d.test"), true, f);
}

static int
begin_removal(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return account_remove_begin(db, STR("dan@d.test"), f);
}

static int
end_removal(struct db *db, void *arg, struct fail *f)
{
	bool over;

	(void)arg;
	return account_remove_some(db, STR("dan@d.test"), 10, NOW, &over, f);
}

static int
add_alias(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return alias_add(db, TEAM, STR("bob@d.test"), f);
}

static int
remove_alias(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return alias_remove(db, TEAM, STR(""), f);
}

static const struct change changes[] = {
    {add_domain,    "domain added"    },
    {remove_domain, "domain removed"  },
    {add_account,   "account added"   },
    {set_quota,     "quota set"       },
    {disable,       "account disabled"},
    {begin_removal, "removal begun"   },
    {end_removal,   "removal ended"   },
    {add_alias,     "alias added"     },
    {remove_alias,  "alias removed"   },
};

static struct route
route_to(int64_t account, struct route_target *target)
{
	*target = (struct route_target){.account = account};
	snprintf(target->address, sizeof(target->address), "to@d.test");
	return (struct route){.n = 1, .targets = target, .room = UINT64_MAX};
}

/* As a daemon does: look, ask the store, keep it. */
static void
keep(struct route_cache *c, struct str address, int64_t now)
{
	struct route_target target;
	struct route route = route_to(7, &target);
	uint64_t mark;

	CHECK(route_cache_find(c, address, now, &mark) == NULL);
	route_cache_put(c, address, &route, now, mark);
}

static bool
knows(struct route_cache *c, struct str address, int64_t now)
{
	uint64_t mark;
	const struct route *r = route_cache_find(c, address, now, &mark);

	CHECK(r == NULL || (r->n == 1 && r->targets[0].account == 7));
	return r != NULL;
}

static struct route_cache *
cache_of(struct fixture *x)
{
	struct fail f;
	struct route_cache *c = route_cache_new(x->dir, &f);

	if (c == NULL) {
		fprintf(stderr, "%s\n", f.text);
		exit(1);
	}
	return c;
}

static void
is_kept_for_a_while(void)
{
	struct fixture x;
	struct route_cache *c;

	fixture_init(&x);
	c = cache_of(&x);
	keep(c, TEAM, 1000);
	CHECK(knows(c, TEAM, 1000));
	CHECK(knows(c, TEAM, 999 + ROUTE_CACHE_MS));
	CHECK(!knows(c, TEAM, 1000 + ROUTE_CACHE_MS));
	CHECK(!knows(c, STR("TEAM@d.test"), 1000));
	CHECK(!knows(c, STR("team@d.tes"), 1000));
	CHECK(!knows(c, STR(""), 1000));
	route_cache_free(c);
	route_cache_free(NULL);
	fixture_release(&x);
}

/* Whoever made the change: this process, or another one. */
static void
each_change_ends_it(bool elsewhere)
{
	struct fixture x;
	struct route_cache *c;

	fixture_init(&x);
	c = cache_of(&x);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		int status = 0;

		keep(c, TEAM, 1000);
		CHECK(knows(c, TEAM, 1000));
		if (!elsewhere) {
			MUST(db_write(x.db, changes[i].make, NULL, &why));
		} else if (fork() == 0) {
			fixture_open(&x); /* a connection is not inherited */
			MUST(db_write(x.db, changes[i].make, NULL, &why));
			_exit(0);
		} else {
			CHECK(wait(&status) > 0 && status == 0);
		}
		if (knows(c, TEAM, 1000)) {
			fprintf(stderr, "not seen: %s\n", changes[i].what);
			CHECK(false);
		}
	}
	CHECK(fixture_is_clean(&x));
	route_cache_free(c);
	fixture_release(&x);
}

/* The change is being written: what the store says now is what was before. */
struct between {
	struct route_cache *c;
	uint64_t mark;
};

static int
change_and_look(struct db *db, void *arg, struct fail *f)
{
	struct between *b = arg;
	int rc = add_alias(db, NULL, f);

	CHECK(route_cache_find(b->c, TEAM, 1000, &b->mark) == NULL);
	return rc;
}

static void
an_answer_from_before_is_not_kept(void)
{
	struct fixture x;
	struct between b;
	struct route_target target;
	struct route route = route_to(7, &target);
	uint64_t before;

	fixture_init(&x);
	b.c = cache_of(&x);
	CHECK(route_cache_find(b.c, TEAM, 1000, &before) == NULL);
	MUST(db_write(x.db, change_and_look, &b, &why));
	route_cache_put(b.c, TEAM, &route, 1000, before);
	CHECK(!knows(b.c, TEAM, 1000));
	route_cache_put(b.c, TEAM, &route, 1000, b.mark);
	CHECK(!knows(b.c, TEAM, 1000));
	keep(b.c, TEAM, 1000);
	CHECK(knows(b.c, TEAM, 1000));
	route_cache_free(b.c);
	fixture_release(&x);
}

static int
change_and_fail(struct db *db, void *arg, struct fail *f)
{
	add_alias(db, arg, f);
	return fail(f, FAIL_PERM, "no");
}

/* What is not kept at all, and what ends it though nothing changed. */
static void
what_is_left_to_the_store(void)
{
	struct fixture x;
	struct route_cache *c;
	struct route_target target, many[17] = {0};
	struct route route = route_to(7, &target);
	struct fail f;
	uint64_t mark;

	fixture_init(&x);
	c = cache_of(&x);
	CHECK(route_cache_find(c, TEAM, 1000, &mark) == NULL);
	for (int r = ROUTE_REMOTE; r <= ROUTE_LOOP; r++) {
		route.result = (enum route_result)r;
		route_cache_put(c, TEAM, &route, 1000, mark);
	}
	route.result = ROUTE_OK;
	route.room = ROUTE_CACHE_ROOM - 1;
	route_cache_put(c, TEAM, &route, 1000, mark);
	route = (struct route){.n = 17, .targets = many, .room = UINT64_MAX};
	route_cache_put(c, TEAM, &route, 1000, mark);
	CHECK(!knows(c, TEAM, 1000));
	keep(c, TEAM, 1000);
	CHECK(db_write(x.db, change_and_fail, NULL, &f) == -1);
	CHECK(!knows(c, TEAM, 1000)); /* nobody can tell so soon */
	route_cache_free(c);
	fixture_release(&x);
}

/* Bounded: many more than there is room for, and those of late are there. */
static void
many(void)
{
	struct fixture x;
	struct route_cache *c;
	size_t found = 0;
	char name[32];

	fixture_init(&x);
	c = cache_of(&x);
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "user%d@d.test", i);
		keep(c, str_of(name), 1000 + i / 10);
		CHECK(knows(c, str_of(name), 1000 + i / 10));
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "user%d@d.test", i);
		found += knows(c, str_of(name), 3000);
	}
	CHECK(found > 2000 && found <= 4096);
	route_cache_free(c);
	fixture_release(&x);
}

static void
without_a_mark(void)
{
	struct fixture x;
	struct fail f;
	char path[100];
	uint64_t mark;

	fixture_init(&x);
	snprintf(path, sizeof(path), "%s/" ROUTE_MARK_FILE, x.dir);
	CHECK(unlink(path) == 0);
	CHECK(route_cache_new(x.dir, &f) == NULL);
	CHECK(strstr(f.text, ROUTE_MARK_FILE) != NULL);
	CHECK(!route_mark_read(-1, &mark));
	MUST(db_write(x.db, add_alias, NULL, &why)); /* makes it again */
	route_cache_free(cache_of(&x));
	/* nothing may change of which nobody would hear */
	CHECK(unlink(path) == 0 && mkdir(path, 0700) == 0);
	CHECK(db_write(x.db, remove_alias, NULL, &f) == -1);
	CHECK(f.kind == FAIL_TEMP);
	fixture_release(&x);
}

int
main(void)
{
	is_kept_for_a_while();
	each_change_ends_it(false);
	each_change_ends_it(true);
	an_answer_from_before_is_not_kept();
	what_is_left_to_the_store();
	many();
	without_a_mark();
	return TEST_EXIT();
}
