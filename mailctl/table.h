/* SPDX-License-Identifier: MIT */
/*
 * table: aligned columns for people, safe for a terminal.
 *
 * Cells hold whatever a peer said: control characters are shown as \xNN, so
 * that nothing in them can move the cursor or paint a false line.  Widths are
 * those of the characters, not of their bytes.
 */
#ifndef MAILCTL_TABLE_H
#define MAILCTL_TABLE_H

#include <stdio.h>

#include "common/util/str.h"

#define TABLE_COLUMNS_MAX 12

struct table;

/* headings: NULL-terminated; one beginning with '>' is of a column aligned
 * to the right. */
struct table *table_new(const char *const *headings);

/* The next cell, row by row; copied. */
void table_add(struct table *t, struct str cell);
void table_addf(struct table *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Print and free.  Without rows, says so: "no users". */
void table_print(struct table *t, FILE *out, const char *none);

/* Text alone, made safe the same way. */
void table_print_text(FILE *out, struct str text);

/* Is it nothing to see, or what could turn the direction of a line around? */
bool table_is_hidden(uint32_t code);

/* Columns the text takes when printed so. */
size_t table_width(struct str text);

#endif
