/* SPDX-License-Identifier: MIT */
/* json_place: where in the text of a JSON document something stands: jansson
 * tells it only of what is no JSON. */
#ifndef MAILCTL_JSON_PLACE_H
#define MAILCTL_JSON_PLACE_H

#include "common/util/str.h"

struct json_place {
	size_t line, column; /* from 1; columns are octets */
};

/* Of the value that this path leads to: names of members, and numbers of
 * elements from 0 in decimal; of the last member's name if name is true.  As
 * far as the path can be followed.  text is JSON (what is not leads nowhere).
 */
struct json_place json_place_find(
    struct str text, const char *const *path, size_t n, bool name);

#endif
