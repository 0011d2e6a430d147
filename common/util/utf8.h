/* SPDX-License-Identifier: MIT */
/*
 * utf8: is it UTF-8 (RFC 3629)?  No overlong forms, no surrogates, nothing
 * beyond U+10FFFF.
 */
#ifndef UTIL_UTF8_H
#define UTIL_UTF8_H

#include "common/util/str.h"

/* Take one character from the front of *s.  False, and *s is unchanged, if
 * it is empty or does not begin with one. */
bool utf8_take(struct str *s, uint32_t *code);

/* Is all of it UTF-8?  The empty str is. */
bool utf8_valid(struct str s);

/* The longest beginning of at most n octets that cuts no character. */
struct str utf8_first(struct str s, size_t n);

#endif
