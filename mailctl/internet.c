/* SPDX-License-Identifier: MIT */
#include "mailctl/internet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/dns/message.h"
#include "mailctl/internet_reading.h"

/* Can DNS have such a name? */
static int
check_name(struct reading *r, const char *name)
{
	struct buf wire;
	bool good;
	char *folded = reading_name(str_of(name));

	buf_init(&wire, KB);
	good = dns_name_write(&wire, str_of(folded));
	buf_release(&wire);
	free(folded);
	return good ? 0
	            : reading_refuse(r, true, "\"%s\" is no domain name", name);
}

static int
read_part(struct reading *r, const char *name, json_t *part,
    int (*read)(struct reading *r, const char *name, json_t *value))
{
	const char *key;
	json_t *value;

	reading_enter(r, name);
	if (!json_is_object(part))
		return reading_refuse(r, false, "it must be {\"name\": ...}");
	json_object_foreach(part, key, value)
	{
		reading_enter(r, key);
		if (check_name(r, key) == -1 || read(r, key, value) == -1)
			return -1;
		reading_leave(r);
	}
	reading_leave(r);
	return 0;
}

static int
read_world(struct reading *r, json_t *world)
{
	const char *key;
	json_t *part;

	if (!json_is_object(world))
		return reading_refuse(
		    r, false, "it must be {\"dns\": {}, \"servers\": {}}");
	json_object_foreach(world, key, part)
	{
		bool dns = strcmp(key, "dns") == 0;

		if (!dns && strcmp(key, "servers") != 0) {
			reading_enter(r, key);
			return reading_refuse(r, true,
			    "there is no \"%s\", only \"dns\" and \"servers\"",
			    key);
		}
		if (read_part(r, key, part,
			dns ? internet_read_name : internet_read_server) == -1)
			return -1;
	}
	return 0;
}

struct internet *
internet_parse(const char *path, struct str text, struct fail *f)
{
	struct reading r = {.file = path, .text = text, .f = f};
	json_error_t error;
	json_t *world = json_loadb(text.len > 0 ? text.at : "", text.len,
	    JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (world == NULL) {
		fail(f, FAIL_SYNTAX, "%s:%d:%d: %s", path, error.line,
		    error.column, error.text);
		return NULL;
	}
	r.out = MEM_NEW(struct internet);
	rc = read_world(&r, world);
	json_decref(world);
	if (rc == 0)
		return r.out;
	internet_free(r.out);
	return NULL;
}

struct internet *
internet_read(const char *path, struct fail *f)
{
	FILE *file = fopen(path, "re");
	struct internet *i = NULL;
	struct buf text;
	char *at;
	size_t n = 0;

	if (file == NULL) {
		fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
		return NULL;
	}
	buf_init(&text, INTERNET_FILE_MAX);
	while ((at = buf_reserve(&text, KB)) != NULL &&
	       (n = fread(at, 1, KB, file)) > 0)
		buf_added(&text, n);
	if (text.overrun)
		fail(f, FAIL_SYNTAX, "%s is too large", path);
	else if (ferror(file))
		fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
	else
		i = internet_parse(path, buf_str(&text), f);
	buf_release(&text);
	fclose(file);
	return i;
}

void
internet_free(struct internet *i)
{
	if (i == NULL)
		return;
	for (size_t n = 0; n < i->n_records; n++) {
		free(i->records[n].name);
		buf_release(&i->records[n].rdata);
	}
	for (size_t n = 0; n < i->n_habits; n++)
		free(i->habits[n].name);
	for (size_t n = 0; n < i->n_servers; n++)
		actor_rules_release(&i->servers[n]);
	free(i->records);
	free(i->habits);
	free(i->servers);
	free(i);
}
