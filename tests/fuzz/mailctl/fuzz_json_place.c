/* SPDX-License-Identifier: MIT */
/* A path, LF, then any text: what is found is a place in the text.  The path is
 * also how long something lasts. */
#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "mailctl/duration.h"
#include "mailctl/json_place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS 8

static void
check(struct str text, struct json_place p)
{
	struct str line = {0};

	assert(p.line >= 1 && p.column >= 1);
	for (size_t i = 0; i < p.line; i++)
		line = str_cut(&text, '\n');
	assert(p.column <= line.len + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct str path = str_cut(&text, '\n');
	char *steps[STEPS];
	size_t n = 0;
	int64_t ms;

	if (duration_parse(path, &ms))
		assert(ms >= 0);
	while (path.len > 0 && n < STEPS)
		steps[n++] = mem_dup(str_cut(&path, ' '));
	check(text, json_place_find(text, (const char *const *)steps, n, true));
	check(
	    text, json_place_find(text, (const char *const *)steps, n, false));
	while (n > 0)
		free(steps[--n]);
	return 0;
}
