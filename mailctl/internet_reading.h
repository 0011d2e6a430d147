/* SPDX-License-Identifier: MIT */
/*
 * internet_reading: an internet file while it is read: where we are in it, and
 * what is said of what is wrong there.  Only for internet*.c.
 *
 * After a failure nothing is left again: the reading is over.
 */
#ifndef MAILCTL_INTERNET_READING_H
#define MAILCTL_INTERNET_READING_H

#include <jansson.h>

#include "mailctl/internet.h"

#define READING_DEPTH 8 /* members and elements one inside another */

struct reading {
	const char *file;
	struct str text;
	const char *path[READING_DEPTH]; /* to what is looked at */
	char numbers[READING_DEPTH][24];
	size_t depth;
	struct internet *out;
	struct fail *f;
};

/* Go to a member, to an element, and back. */
void reading_enter(struct reading *r, const char *name);
void reading_enter_number(struct reading *r, size_t n);
void reading_leave(struct reading *r);

/* Say what is wrong with the member's name, or with what is there.  -1. */
int reading_refuse(struct reading *r, bool name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One of these words; which, or -1. */
int reading_word(
    struct reading *r, const json_t *value, const char *const *words, size_t n);
int reading_duration(struct reading *r, const json_t *value, int64_t *out);
int reading_count(struct reading *r, const json_t *value, size_t *out);

/* Of a string, borrowed. */
struct str reading_string(const json_t *value);

/* An element or, if it is no array, the only one; NULL after the last. */
const json_t *reading_element(const json_t *value, size_t i);

/* As the resolver asks: lower case, no final dot.  The caller's. */
char *reading_name(struct str name);

/* {"TYPE": [records]} or a mood, and {"replies": ...}, of one name. */
int internet_read_name(struct reading *r, const char *name, json_t *value);
int internet_read_server(struct reading *r, const char *host, json_t *value);

#endif
