/* SPDX-License-Identifier: MIT */
/* Keys of a domain from the first pair through a rotation, and what is to be
 * published at each step. */
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/control/command.h"
#include "common/control/domain_keys.h"
#include "common/policy/key.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define DAY_MS (24 * 3600 * 1000LL)

static char dir[64];
static struct control control;
static int64_t now = 1795000000000LL; /* 2026-11-18 */

static int64_t
test_time(void *arg)
{
	(void)arg;
	return now;
}

static const struct clock test_clock = {test_time, test_time, NULL};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static json_t *
ask(const char *command, const char *domain)
{
	struct control_outcome outcome;
	json_t *request = json_pack(
	    "{s:s, s:s}", "command", command, "domain", domain);
	json_t *reply = control_run(&control, request, &outcome);

	json_decref(request);
	return reply;
}

static bool
is_ok(json_t *reply)
{
	bool ok = json_is_true(json_object_get(reply, "ok"));

	json_decref(reply);
	return ok;
}

static const char *
step_of(const json_t *reply)
{
	const char *s = json_string_value(json_object_get(reply, "step"));

	return s != NULL ? s : "";
}

/* Keys by state, and how many of them have a secret that signs. */
struct count {
	size_t of[3], signs;
};

static int
try_secret(struct db *db, void *arg, struct fail *f)
{
	struct signing_key *k = arg;
	struct key_private *key;
	struct buf secret;
	int got;

	buf_init(&secret, 8 * KB);
	got = signing_secret_get(
	    db, str_of(k->domain), str_of(k->selector), &secret, f);
	if (got == 1) {
		key = key_private_read(buf_str(&secret), f);
		got = key != NULL;
		key_private_free(key);
	}
	buf_release(&secret);
	return got == 1 ? 0 : -1;
}

static bool
count_key(void *arg, const struct signing_key *k)
{
	struct count *c = arg;
	struct signing_key copy = *k;
	struct fail f;

	c->of[k->state]++;
	c->signs += db_read(control.auth, try_secret, &copy, &f) == 0;
	return true;
}

static int
count_keys(struct db *db, void *arg, struct fail *f)
{
	return signing_key_each(db, STR("d.test"), count_key, arg, f);
}

static struct count
count(void)
{
	struct count c = {0};
	struct fail f;

	CHECK(db_read(control.mail, count_keys, &c, &f) == 0);
	return c;
}

/* Records of this kind that are to be published. */
static size_t
published(const char *begin, const char *need)
{
	json_t *reply = ask("domain.dns", "d.test");
	const json_t *record;
	size_t n = 0, i;

	json_array_foreach(json_object_get(reply, "records"), i, record)
	{
		const char *value = json_string_value(
		    json_object_get(record, "value"));
		const char *is = json_string_value(
		    json_object_get(record, "need"));

		n += strncmp(value, begin, strlen(begin)) == 0 &&
		     strcmp(is, need) == 0;
	}
	json_decref(reply);
	return n;
}

static void
test_rotation(void)
{
	struct count c;
	json_t *reply;

	CHECK(is_ok(ask("domain.add", "D.test")));
	c = count();
	CHECK(c.of[SIGNING_KEY_SIGNS] == 2 && c.signs == 2);
	CHECK(published("v=DKIM1", "needed") == 2);

	reply = ask("domain.rotate", "d.test");
	CHECK_STR(step_of(reply), "next");
	json_decref(reply);
	c = count();
	CHECK(c.of[SIGNING_KEY_SIGNS] == 2 && c.of[SIGNING_KEY_NEXT] == 2);
	CHECK(c.signs == 4);
	CHECK(published("v=DKIM1", "needed") == 4);

	now += DAY_MS;
	reply = ask("domain.rotate", "d.test");
	CHECK_STR(step_of(reply), "turn");
	json_decref(reply);
	c = count();
	CHECK(c.of[SIGNING_KEY_SIGNS] == 2 && c.of[SIGNING_KEY_RETIRED] == 2);
	CHECK(c.signs == 2); /* a retired one has no secret */
	CHECK(published("v=DKIM1", "needed") == 2);
	CHECK(published("v=DKIM1", "advised") == 2);

	/* the old ones stay for the overlap, then go */
	now += 6 * DAY_MS;
	CHECK(is_ok(ask("domain.rotate", "d.test")));
	CHECK(count().of[SIGNING_KEY_RETIRED] == 2);
	now += 8 * DAY_MS;
	CHECK(is_ok(ask("domain.rotate", "d.test")));
	c = count();
	CHECK(c.of[SIGNING_KEY_RETIRED] == 2 && c.of[SIGNING_KEY_SIGNS] == 2 &&
	      c.of[SIGNING_KEY_NEXT] == 0 && c.signs == 2);

	CHECK(is_ok(ask("domain.remove", "d.test")));
	c = count();
	CHECK(c.of[SIGNING_KEY_SIGNS] == 0 && c.signs == 0);
}

static void
test_without_keys(void)
{
	struct control_outcome outcome;
	json_t *request = json_pack("{s:s, s:s, s:b}", "command", "domain.add",
	    "domain", "d.test", "keys", 0);
	json_t *reply = control_run(&control, request, &outcome);

	json_decref(request);
	CHECK(is_ok(reply));
	CHECK(count().of[SIGNING_KEY_SIGNS] == 0);
	reply = ask("domain.rotate", "d.test");
	CHECK_STR(step_of(reply), "first");
	json_decref(reply);
	CHECK(count().of[SIGNING_KEY_SIGNS] == 2);
}

static void
test_unknown(void)
{
	CHECK(!is_ok(ask("domain.dns", "elsewhere.test")));
	CHECK(!is_ok(ask("domain.rotate", "elsewhere.test")));
}

int
main(void)
{
	struct fail f = {0};

	snprintf(dir, sizeof(dir), "/tmp/control-XXXXXX");
	if (mkdtemp(dir) == NULL)
		abort();
	control.mail = db_open(dir, DB_MAIL, DB_WRITER, &f);
	control.auth = db_open(dir, DB_AUTH, DB_WRITER, &f);
	control.clock = &test_clock;
	control.hostname = "mx.d.test";
	if (control.mail == NULL || control.auth == NULL) {
		fprintf(stderr, "%s\n", f.text);
		abort();
	}
	test_rotation();
	test_without_keys();
	test_unknown();
	db_close(control.mail);
	db_close(control.auth);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return TEST_EXIT();
}
