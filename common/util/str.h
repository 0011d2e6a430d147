/* SPDX-License-Identifier: MIT */
/*
 * str: a borrowed run of bytes.
 *
 * A str never owns its bytes and is not NUL-terminated; it is valid for as
 * long as the buffer it points into.  Pass it by value.  An empty str may
 * have a NULL `at'.
 */
#ifndef UTIL_STR_H
#define UTIL_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *at;
	size_t len;
};

#define STR(lit)   ((struct str){(lit), sizeof(lit) - 1})
#define STR_FMT(s) (int)(s).len, (s).at != NULL ? (s).at : "" /* "%.*s" */

/* A C string as a str; NULL gives the empty str. */
struct str str_of(const char *text);

/* Compare bytes; the second ignores ASCII case, whatever the locale. */
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b);

/* Order by bytes, shorter first among equals: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* Does s begin or end with these bytes? */
bool str_starts(struct str s, struct str head);
bool str_starts_nocase(struct str s, struct str head);
bool str_ends_nocase(struct str s, struct str tail);

/* The first n bytes of s, and what follows them; n beyond the end is the end.
 */
struct str str_first(struct str s, size_t n);
struct str str_after(struct str s, size_t n);

/* Cut s at the first sep: returns what precedes it, leaves the rest in *s.
 * Without a sep all of s is returned and *s is left empty. */
struct str str_cut(struct str *s, char sep);

/* Position of the first or last c; false if there is none. */
bool str_find(struct str s, char c, size_t *at);
bool str_find_last(struct str s, char c, size_t *at);

/* Position of the first occurrence of these bytes; false if there is none. */
bool str_find_str(struct str s, struct str what, size_t *at);

/* Without the spaces and tabs at both ends. */
struct str str_trim(struct str s);

/* Consume c (or the word, ignoring case) at the front of *s, if it is there. */
bool str_take(struct str *s, char c);
bool str_take_nocase(struct str *s, struct str word);

/* All of s as a decimal number without sign.  False if empty, not all digits,
 * or over max. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);
bool str_to_size(struct str s, size_t max, size_t *out);

/* Is every byte printable ASCII, space included? */
bool str_is_printable(struct str s);

/* Is there a byte over 127? */
bool str_has_8bit(struct str s);

/* The byte in ASCII lower case, whatever the locale. */
char str_lower(char c);

#endif
