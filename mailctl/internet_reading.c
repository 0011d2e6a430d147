/* SPDX-License-Identifier: MIT */
#include "mailctl/internet_reading.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mailctl/duration.h"
#include "mailctl/json_place.h"

#define KNOWN_MOST 400

void
reading_enter(struct reading *r, const char *name)
{
	assert(r->depth < READING_DEPTH);
	r->path[r->depth++] = name;
}

void
reading_enter_number(struct reading *r, size_t n)
{
	char *text = r->numbers[r->depth];

	snprintf(text, sizeof(r->numbers[0]), "%zu", n);
	reading_enter(r, text);
}

void
reading_leave(struct reading *r)
{
	r->depth--;
}

int
reading_refuse(struct reading *r, bool name, const char *fmt, ...)
{
	struct json_place at = json_place_find(
	    r->text, r->path, r->depth, name);
	char text[sizeof(r->f->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail(r->f, FAIL_SYNTAX, "%s:%zu:%zu: %s", r->file, at.line,
	    at.column, text);
}

struct str
reading_string(const json_t *value)
{
	return (struct str){
	    json_string_value(value), json_string_length(value)};
}

int
reading_word(
    struct reading *r, const json_t *value, const char *const *words, size_t n)
{
	struct buf known;

	for (size_t i = 0; json_is_string(value) && i < n; i++)
		if (str_eq(reading_string(value), str_of(words[i])))
			return (int)i;
	buf_init(&known, KNOWN_MOST);
	for (size_t i = 0; i < n; i++)
		buf_addf(&known, "%s%s", i == 0 ? "" : ", ", words[i]);
	reading_refuse(
	    r, false, "it must be one of: %.*s", STR_FMT(buf_str(&known)));
	buf_release(&known);
	return -1;
}

int
reading_duration(struct reading *r, const json_t *value, int64_t *out)
{
	if (json_is_string(value) && duration_parse(reading_string(value), out))
		return 0;
	return reading_refuse(r, false, "it must be " DURATION_FORM);
}

int
reading_count(struct reading *r, const json_t *value, size_t *out)
{
	if (!json_is_integer(value) || json_integer_value(value) < 1)
		return reading_refuse(
		    r, false, "it must be a whole number of octets from 1");
	*out = (size_t)json_integer_value(value);
	return 0;
}

const json_t *
reading_element(const json_t *value, size_t i)
{
	if (json_is_array(value))
		return json_array_get(value, i);
	return i == 0 ? value : NULL;
}

char *
reading_name(struct str name)
{
	char *folded;

	if (name.len > 1 && name.at[name.len - 1] == '.')
		name.len--;
	folded = mem_dup(name);
	for (char *c = folded; *c != '\0'; c++)
		*c = str_lower(*c);
	return folded;
}
