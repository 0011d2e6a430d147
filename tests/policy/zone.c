/* SPDX-License-Identifier: MIT */
#include "tests/policy/zone.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/buf.h"
#include "common/util/mem.h"

#define DATA_MAX  (256 * 1024)
#define CNAMES    8
#define TYPE_ANY  255
#define TYPE_NAME 5

enum special {
	RECORD,
	TIMEOUT,
	NODATA,
	NXDOMAIN,
	SECURE
};

struct row {
	char *name; /* octets, "\DDD" undone */
	size_t name_len;
	int type;
	enum special special;
	char *data;
	size_t len;
};

struct zone {
	struct row *rows;
	size_t n;
};

static const struct {
	const char *word;
	int type;
} types[] = {
    {"A",     FACT_A   },
    {"AAAA",  FACT_AAAA},
    {"MX",    FACT_MX  },
    {"TXT",   FACT_TXT },
    {"PTR",   FACT_PTR },
    {"CNAME", TYPE_NAME},
    {"ANY",   TYPE_ANY }
};

static const struct {
	const char *word;
	enum special special;
} specials[] = {
    {"TIMEOUT",  TIMEOUT },
    {"SERVFAIL", TIMEOUT },
    {"NODATA",   NODATA  },
    {"NXDOMAIN", NXDOMAIN},
    {"SECURE",   SECURE  }
};

struct zone *
zone_new(void)
{
	return MEM_NEW(struct zone);
}

void
zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	for (size_t i = 0; i < z->n; i++) {
		free(z->rows[i].name);
		free(z->rows[i].data);
	}
	free(z->rows);
	free(z);
}

/* "\DDD" undone, into a copy the caller frees. */
static char *
octets(struct str text, size_t *len)
{
	char *out = mem_new(text.len + 1, 1);
	uint64_t code;

	*len = 0;
	while (text.len > 0) {
		if (text.at[0] == '\\' && text.len >= 4 &&
		    str_to_u64(str_first(str_after(text, 1), 3), 255, &code)) {
			out[(*len)++] = (char)code;
			text = str_after(text, 4);
		} else {
			out[(*len)++] = text.at[0];
			text = str_after(text, 1);
		}
	}
	return out;
}

/* A name as facts.h gives names: lower case, no final dot. */
static struct str
name_data(struct str text)
{
	char *copy = mem_dup(text);

	for (size_t i = 0; i < text.len; i++)
		copy[i] = str_lower(copy[i]);
	if (text.len > 0 && copy[text.len - 1] == '.')
		text.len--;
	return (struct str){copy, text.len};
}

static bool
set_data(struct row *r, struct str text)
{
	char *word = mem_dup(text), bytes[16];
	uint64_t preference;
	struct str name = {0}, first;
	bool ok = true;

	switch (r->type) {
	case FACT_A:
	case FACT_AAAA:
		ok = inet_pton(r->type == FACT_A ? AF_INET : AF_INET6, word,
			 bytes) == 1;
		r->len = r->type == FACT_A ? 4 : 16;
		r->data = mem_dup((struct str){bytes, r->len});
		break;
	case FACT_MX:
		first = str_cut(&text, ' ');
		ok = str_to_u64(first, 65535, &preference);
		name = name_data(str_trim(text));
		r->len = name.len + 2;
		r->data = mem_new(r->len + 1, 1);
		r->data[0] = (char)(preference >> 8);
		r->data[1] = (char)preference;
		memcpy(r->data + 2, name.at, name.len);
		free((char *)name.at);
		break;
	case FACT_TXT:
		r->data = octets(text, &r->len);
		break;
	default:
		name = name_data(text);
		r->data = (char *)name.at;
		r->len = name.len;
	}
	free(word);
	return ok && r->type != TYPE_ANY;
}

bool
zone_add(struct zone *z, struct str line)
{
	struct row r = {0};
	struct str name, type, data;
	bool known = false;

	if (line.len > DATA_MAX)
		return false;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	if (str_trim(line).len == 0 || line.at[0] == '#')
		return true;
	name = str_cut(&line, ' ');
	type = str_cut(&line, ' ');
	data = line;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (str_eq(type, str_of(types[i].word))) {
			r.type = types[i].type;
			known = true;
		}
	}
	if (!known)
		return false;
	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
		if (str_eq(data, str_of(specials[i].word)))
			r.special = specials[i].special;
	if (r.special == RECORD && !set_data(&r, data)) {
		free(r.data);
		return false;
	}
	if (name.len > 0 && name.at[name.len - 1] == '.')
		name.len--;
	r.name = octets(name, &r.name_len);
	z->rows = mem_grow(z->rows, z->n + 1, sizeof(*z->rows));
	z->rows[z->n++] = r;
	return true;
}

struct zone *
zone_of(const char *lines)
{
	struct zone *z = zone_new();
	struct str text = str_of(lines);

	while (text.len > 0) {
		struct str line = str_cut(&text, '\n');

		if (!zone_add(z, line)) {
			fprintf(
			    stderr, "no line of a zone: %.*s\n", STR_FMT(line));
			exit(2);
		}
	}
	return z;
}

static struct str
row_name(const struct row *r)
{
	return (struct str){r->name, r->name_len};
}

/* Is name this, or above this? */
static bool
exists_by(struct str name, struct str at)
{
	return str_eq_nocase(name, at) ||
	       (at.len > name.len && str_ends_nocase(at, name) &&
		   at.at[at.len - name.len - 1] == '.');
}

/* What the rows say of one name; false: it is another's name, in *other. */
static bool
look_up(const struct zone *z, struct str name, int type, struct fact *out,
    struct str records[FACTS_RECORDS_MAX], struct str *other)
{
	bool dead = false, gone = false;

	*out = (struct fact){
	    .status = FACT_NXDOMAIN, .records = records, .secure = out->secure};
	for (size_t i = 0; i < z->n; i++) {
		const struct row *r = &z->rows[i];

		if (exists_by(name, row_name(r)))
			out->status = FACT_NODATA;
		if (!str_eq_nocase(name, row_name(r)))
			continue;
		if (r->special == SECURE)
			out->secure = true;
		if (r->type == TYPE_NAME && r->special == RECORD) {
			*other = (struct str){r->data, r->len};
			return false;
		}
		if (r->type != type && r->type != TYPE_ANY)
			continue;
		if (r->special == TIMEOUT)
			dead = true;
		if (r->special == NXDOMAIN)
			gone = true;
		if (r->special == RECORD && out->n < FACTS_RECORDS_MAX)
			records[out->n++] = (struct str){r->data, r->len};
	}
	if (out->n > 0)
		out->status = FACT_OK;
	else if (dead)
		out->status = FACT_TEMPFAIL;
	else if (gone)
		out->status = FACT_NXDOMAIN;
	return true;
}

static void
answer(const struct zone *z, struct facts *f, const struct facts_question *q)
{
	struct str records[FACTS_RECORDS_MAX], name, other;
	struct fact fact = {0};
	char *buffer = octets(q->name, &name.len);
	int hops = 0;

	name.at = buffer;
	while (!look_up(z, name, (int)q->type, &fact, records, &other)) {
		name = other;
		if (++hops > CNAMES) {
			fact = (struct fact){.status = FACT_TEMPFAIL};
			break;
		}
	}
	facts_answer(f, q->id, &fact);
	free(buffer);
}

size_t
zone_answer(const struct zone *z, struct facts *f)
{
	struct facts_question q;
	size_t n = 0;

	for (; facts_wanted(f, &q); n++)
		answer(z, f, &q);
	return n;
}
