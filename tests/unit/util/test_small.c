/* SPDX-License-Identifier: MIT */
/* The small modules of util: fail, mem, clock, rand, secret. */
#include <stdlib.h>
#include <unistd.h>

#include "common/util/clock.h"
#include "common/util/fail.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "common/util/secret.h"
#include "tests/test.h"

static void
check_fail(void)
{
	char huge[1000];
	struct fail f;

	CHECK(fail(&f, FAIL_TEMP, "disk %s is %d %% full", "a", 100) == -1);
	CHECK(f.kind == FAIL_TEMP);
	CHECK_STR(f.text, "disk a is 100 % full");
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	fail(&f, FAIL_PERM, "%s", huge);
	CHECK(strlen(f.text) == sizeof(f.text) - 1);
}

static void
check_mem(void)
{
	char *zeroed = mem_new(3, 5), *copy = mem_dup(STR("a\0b"));
	int *one = MEM_NEW(int);

	for (int i = 0; i < 15; i++)
		CHECK(zeroed[i] == 0);
	CHECK(*one == 0);
	CHECK(memcmp(copy, "a\0b", 4) == 0);
	zeroed = mem_grow(zeroed, 100, 1);
	zeroed[99] = 'x';
	free(zeroed);
	free(copy);
	free(one);
	free(mem_new(0, 0));
	copy = mem_dup((struct str){0});
	CHECK_STR(copy, "");
	free(copy);
}

static int64_t
fixed(void *arg)
{
	return *(int64_t *)arg;
}

static void
check_clock(void)
{
	int64_t now = 42, before = clock_mono_ms(&clock_system);
	struct clock c = {fixed, fixed, &now};

	CHECK(clock_wall_ms(&c) == 42);
	now = 43;
	CHECK(clock_mono_ms(&c) == 43);
	CHECK(clock_mono_ms(&clock_system) >= before);
	CHECK(clock_wall_ms(&clock_system) > 1577836800000); /* 2020 */
}

static void
write_file(const char *path, struct str bytes)
{
	FILE *file = fopen(path, "we");

	CHECK(file != NULL);
	fwrite(bytes.at, 1, bytes.len, file);
	fclose(file);
}

/* Two programs that have one file open see one time. */
static void
check_moved_clock(void)
{
	const int64_t day = 86400000, back[] = {-day / 24};
	char dir[] = "/tmp/pp-clock-XXXXXX", path[64];
	struct clock a, b, c = clock_system;
	struct fail f;
	int64_t mono;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/clock", dir);
	CHECK(clock_moved(&a, path, &f) == 0);
	CHECK(clock_moved(&b, path, &f) == 0);
	CHECK(clock_wall_ms(&a) >= clock_wall_ms(&clock_system));
	CHECK(clock_wall_ms(&a) < clock_wall_ms(&clock_system) + day);
	mono = clock_mono_ms(&a);
	CHECK(clock_advance(&a, 5 * day));
	CHECK(clock_advance(&a, 0));
	CHECK(
	    clock_wall_ms(&b) >= clock_wall_ms(&clock_system) + 5 * day - day);
	CHECK(clock_mono_ms(&b) >= mono && clock_mono_ms(&b) < mono + day);
	CHECK(clock_lapse_ms(&b) >= mono + 5 * day);
	CHECK(!clock_advance(&a, -1));
	CHECK(!clock_advance(&a, INT64_MAX));
	CHECK(!clock_advance(&c, 1));
	CHECK(clock_lapse_ms(&c) < mono + day);
	clock_moved_release(&a);
	clock_moved_release(&b);
	clock_moved_release(&c);
	CHECK(clock_wall_ms(&a) <= clock_wall_ms(&clock_system));

	/* a server that is started again goes on from there */
	CHECK(clock_moved(&a, path, &f) == 0);
	CHECK(clock_wall_ms(&a) > clock_wall_ms(&clock_system) + 4 * day);
	clock_moved_release(&a);

	write_file(path, STR("[server]\n"));
	CHECK(clock_moved(&a, path, &f) == -1);
	write_file(path, STR("\377\377\377\377\377\377\377\377"
			     "\377\377\377\377\377\377\377\377"));
	CHECK(clock_moved(&a, path, &f) == -1);
	CHECK(strstr(f.text, "is no clock's file") != NULL);

	/* one that was set back by an hour: no time has passed */
	write_file(
	    path, (struct str){(const char *)back, 8}); /* as older ones were */
	CHECK(clock_moved(&a, path, &f) == 0);
	CHECK(clock_wall_ms(&a) <= clock_wall_ms(&clock_system) - day / 24);
	CHECK(clock_wall_ms(&a) > clock_wall_ms(&clock_system) - day);
	CHECK(clock_lapse_ms(&a) >= mono && clock_lapse_ms(&a) < mono + day);
	clock_moved_release(&a);
	CHECK(clock_moved(&a, "/nowhere/clock", &f) == -1);
	unlink(path);
	rmdir(dir);
}

static void
check_rand(void)
{
	unsigned seen = 0;
	char a[32] = {0}, b[32] = {0};

	rand_init();
	rand_init(); /* twice does no harm */
	rand_bytes(a, sizeof(a));
	rand_bytes(b, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK(rand_u64() != rand_u64());
	for (int i = 0; i < 1000; i++) {
		uint32_t n = rand_below(5);

		CHECK(n < 5);
		seen |= 1u << n;
	}
	CHECK(seen == 31);
	CHECK(rand_below(1) == 0);
}

static void
check_secret(void)
{
	struct secret s;
	struct buf b;

	secret_init(&s);
	CHECK(secret_str(&s).len == 0);
	secret_set(&s, STR("pass word"));
	CHECK(str_eq(secret_str(&s), STR("pass word")));
	CHECK(s.data[s.len] == '\0');
	secret_set(&s, str_after(secret_str(&s), 5)); /* of itself */
	CHECK(str_eq(secret_str(&s), STR("word")));
	CHECK(secret_eq(secret_str(&s), STR("word")));
	CHECK(!secret_eq(secret_str(&s), STR("wore")));
	CHECK(!secret_eq(secret_str(&s), STR("words")));
	CHECK(secret_eq(STR(""), (struct str){0}));
	secret_release(&s);
	CHECK(s.data == NULL && s.len == 0);
	secret_release(&s);

	buf_init(&b, 1 * KB);
	secret_wipe(&b);
	buf_add(&b, STR("0123456789"));
	buf_drop(&b, 5);
	secret_wipe(&b);
	CHECK(b.data == NULL && b.len == 0 && b.limit == 1 * KB);
}

int
main(void)
{
	check_fail();
	check_mem();
	check_clock();
	check_moved_clock();
	check_rand();
	check_secret();
	return TEST_EXIT();
}
