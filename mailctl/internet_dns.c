/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "mailctl/internet_reading.h"
#include "mailctl/rrtext.h"

#define RDATA_MOST 4096

static struct internet_habit *
add_habit(struct reading *r, const char *name, uint16_t type)
{
	struct internet *i = r->out;
	struct internet_habit *h;

	i->habits = mem_grow(i->habits, i->n_habits + 1, sizeof(*i->habits));
	h = &i->habits[i->n_habits++];
	*h = (struct internet_habit){
	    .name = reading_name(str_of(name)), .type = type};
	return h;
}

static int
read_mood(
    struct reading *r, const char *name, uint16_t type, const json_t *value)
{
	static const char *const words[] = {
#define H(mood, word) word,
	    INTERNET_MOODS(H)
#undef H
	};
	int mood = reading_word(r, value, words, INTERNET_MOODS_N);

	if (mood == -1)
		return -1;
	add_habit(r, name, type)->mood = (enum internet_mood)mood;
	return 0;
}

static int
read_record(
    struct reading *r, const char *name, uint16_t type, const json_t *value)
{
	struct internet *i = r->out;
	struct internet_record *record;

	i->records = mem_grow(
	    i->records, i->n_records + 1, sizeof(*i->records));
	record = &i->records[i->n_records++];
	record->name = reading_name(str_of(name));
	record->type = type;
	buf_init(&record->rdata, RDATA_MOST);
	if (json_is_string(value) &&
	    rrtext_read(type, reading_string(value), &record->rdata))
		return 0;
	return reading_refuse(
	    r, false, "it must be text like \"%s\"", rrtext_form(type));
}

/* "MX": [...], "TXT": "servfail" is a mood of one type: no record is one. */
static int
read_type(
    struct reading *r, const char *name, const char *key, const json_t *value)
{
	const json_t *one;
	uint16_t type;
	int rc = 0;

	if (!rrtext_type(str_of(key), &type))
		return reading_refuse(r, true,
		    "\"%s\" is no type of records (A, AAAA, CNAME, MX, NS, "
		    "PTR, SRV, TLSA, TXT, TYPE65280), nor \"delay\"",
		    key);
	if (json_is_string(value))
		return read_mood(r, name, type, value);
	if (!json_is_array(value))
		return reading_refuse(r, false,
		    "it must be a list of records, or a word like "
		    "\"servfail\"");
	for (size_t n = 0; rc == 0 && (one = reading_element(value, n)) != NULL;
	     n++) {
		reading_enter_number(r, n);
		rc = read_record(r, name, type, one);
		reading_leave(r);
	}
	return rc;
}

int
internet_read_name(struct reading *r, const char *name, json_t *value)
{
	const char *key;
	json_t *member;
	int rc = 0;

	if (json_is_string(value))
		return read_mood(r, name, 0, value);
	if (!json_is_object(value))
		return reading_refuse(r, false,
		    "it must be {\"TYPE\": [records]}, or a word like "
		    "\"servfail\"");
	/* a name that has nothing exists all the same */
	if (json_object_size(value) == 0)
		add_habit(r, name, 0)->mood = INTERNET_NODATA;
	json_object_foreach(value, key, member)
	{
		reading_enter(r, key);
		rc = strcmp(key, "delay") == 0
		         ? reading_duration(
			       r, member, &add_habit(r, name, 0)->delay_ms)
		         : read_type(r, name, key, member);
		reading_leave(r);
		if (rc == -1)
			break;
	}
	return rc;
}
