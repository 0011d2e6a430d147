/* SPDX-License-Identifier: MIT */
/*
 * setting: keys.h as a table, and values as text.  For common/conf itself and
 * for what is made from the table (the man page).
 */
#ifndef CONF_SETTING_H
#define CONF_SETTING_H

#include "common/conf/conf.h"

enum setting_type {
	SETTING_TEXT,
	SETTING_SIZE,
	SETTING_COUNT,
	SETTING_TIME,
	SETTING_BOOL,
	SETTING_LIST,
};

struct setting {
	const char *section, *name;
	enum setting_type type;
	const char *fallback;     /* as written in the file */
	const char *least, *most; /* so, too; empty: any value of the type */
	const char *help;
	size_t offset; /* of the value in struct conf */
};

/* All of them in the order of keys.h; a section's stand together. */
extern const struct setting settings[];
extern const size_t settings_n;

/* "size", for tables. */
const char *setting_type_name(enum setting_type type);

/* Append what its text must be, for a sentence: "a time like 5m, from 1s to
 * 1d". */
void setting_form(const struct setting *s, struct buf *out);

/* Set the value in c from its text.  False, and nothing is changed, if the
 * text is not of the type or out of range. */
bool setting_read(const struct setting *s, struct conf *c, struct str text);

/* Append the value's text, such that setting_read() gives it back. */
void setting_write(
    const struct setting *s, const struct conf *c, struct buf *out);

/* Free what the value owns. */
void setting_release(const struct setting *s, struct conf *c);

#endif
