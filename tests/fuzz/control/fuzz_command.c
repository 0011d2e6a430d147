/* SPDX-License-Identifier: MIT */
/*
 * Lines on maild's control socket, before a store with one domain, one account
 * and one alias: each is answered by one JSON object that says whether it was
 * good and, if it was not, of what kind that is and why.
 *
 * Each input has a store of its own, a copy of one that is made once.
 */
#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/control/command.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW   1795341600000
#define LINES 4

static int64_t
now_ms(void *arg)
{
	(void)arg;
	return NOW;
}

static const struct clock fixed = {now_ms, now_ms, NULL};

/* The store that is copied: made at the first input, removed at the end. */
static char template[64];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static void
remove_dir(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
remove_template(void)
{
	remove_dir(template);
}

static void
make_dir(char dir[64])
{
	bool shm = access("/dev/shm", W_OK) == 0; /* it is faster there */

	snprintf(
	    dir, 64, "%s/pennypost-fuzz-XXXXXX", shm ? "/dev/shm" : "/tmp");
	if (mkdtemp(dir) == NULL)
		abort();
}

static struct control
open_store(const char *dir)
{
	struct fail f = {0};
	struct control c = {
	    .mail = db_open(dir, DB_MAIL, DB_WRITER, &f),
	    .auth = db_open(dir, DB_AUTH, DB_WRITER, &f),
	    .clock = &fixed,
	    .hostname = "mx.d.test",
	};

	assert(c.mail != NULL && c.auth != NULL);
	return c;
}

static void
close_store(struct control *c)
{
	db_close(c->mail);
	db_close(c->auth);
}

static bool
ask(const struct control *c, struct str line)
{
	struct control_outcome outcome;
	char *text = control_answer(c, line, 64 * KB, &outcome);
	json_t *reply = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	size_t at;

	assert(json_is_object(reply));
	assert(!str_find(str_of(text), '\n', &at));
	assert(json_is_boolean(json_object_get(reply, "ok")));
	/* an answer that is too long is none, however the command went */
	if (!json_is_true(json_object_get(reply, "ok"))) {
		const char *kind = json_string_value(
		    json_object_get(reply, "kind"));

		assert(kind != NULL && (strcmp(kind, "usage") == 0 ||
					   strcmp(kind, "permanent") == 0 ||
					   strcmp(kind, "temporary") == 0));
		assert(json_string_length(json_object_get(reply, "text")) > 0);
	}
	json_decref(reply);
	free(text);
	return outcome.ok;
}

static void
make_template(void)
{
	static const struct str first[] = {
	    STR("{\"command\":\"domain.add\",\"domain\":\"d.test\","
		"\"keys\":false}"),
	    STR("{\"command\":\"user.add\",\"address\":\"a@d.test\","
		"\"password\":\"sesame\"}"),
	    STR("{\"command\":\"alias.add\",\"alias\":\"b@d.test\","
		"\"target\":\"a@d.test\"}"),
	};
	struct control c;

	make_dir(template);
	atexit(remove_template);
	c = open_store(template);
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		bool good = ask(&c, first[i]);

		assert(good);
	}
	close_store(&c);
}

static void
copy_file(const char *to_dir, const char *name)
{
	char from[128], to[128], octets[16384];
	FILE *in, *out;
	size_t n;

	snprintf(from, sizeof(from), "%s/%s", template, name);
	snprintf(to, sizeof(to), "%s/%s", to_dir, name);
	if ((in = fopen(from, "rb")) == NULL)
		return; /* there need be no log */
	out = fopen(to, "wb");
	assert(out != NULL);
	while ((n = fread(octets, 1, sizeof(octets), in)) > 0)
		fwrite(octets, 1, n, out);
	fclose(out);
	fclose(in);
}

/* Commands that make keys or passwords take a second of a processor each under
 * the sanitizers, and are fuzzed in their arguments only. */
static bool
is_slow(struct str line)
{
	size_t at;

	return str_find_str(line, STR("\"domain.rotate\""), &at) ||
	       (str_find_str(line, STR("\"domain.add\""), &at) &&
		   !str_find_str(line, STR("\"keys\":false"), &at));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = {
	    "mail.db", "mail.db-wal", "auth.db", "auth.db-wal"};
	struct str rest = {(const char *)data, size};
	struct control c;
	char dir[64];

	if (size == 0 || size > 8 * KB)
		return 0;
	if (template[0] == '\0')
		make_template();
	make_dir(dir);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		copy_file(dir, files[i]);
	c = open_store(dir);
	for (int i = 0; i < LINES && rest.len > 0; i++) {
		struct str line = str_cut(&rest, '\n');

		if (!is_slow(line))
			ask(&c, line);
	}
	close_store(&c);
	remove_dir(dir);
	return 0;
}
