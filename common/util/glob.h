/* SPDX-License-Identifier: MIT */
/* glob: patterns for people: `*' stands for any octets, `?' for one. */
#ifndef UTIL_GLOB_H
#define UTIL_GLOB_H

#include "common/util/str.h"

/* Is all of text what the pattern says, ASCII letters in either case?  Takes no
 * memory, and time of at most the product of both lengths. */
bool glob_match(struct str pattern, struct str text);

/* Has it anything to fill in?  Without, it matches itself alone. */
bool glob_is_open(struct str pattern);

#endif
