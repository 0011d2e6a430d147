/* SPDX-License-Identifier: MIT */
/* json_print: JSON on standard output that is safe for a terminal.  What a
 * peer said may hold characters that nobody sees or that turn a line around:
 * control characters beyond ASCII, format and unassigned ones, ends of lines.
 * They are written as \uXXXX, which means the same. */
#ifndef MAILCTL_JSON_PRINT_H
#define MAILCTL_JSON_PRINT_H

#include <jansson.h>

/* flags: as json_dumpf().  No newline behind it. */
void json_print(const json_t *json, size_t flags);

#endif
