/* SPDX-License-Identifier: MIT */
#include "popd/proto/top.h"

void
top_init(struct top *t, uint64_t lines)
{
	*t = (struct top){.lines = lines};
}

static void
end_line(struct top *t)
{
	if (t->body)
		t->lines--;
	else if (t->octets == 1) /* only the CR: the blank line */
		t->body = true;
	t->octets = 0;
	t->cr = false;
}

struct str
top_take(struct top *t, struct str chunk)
{
	size_t i;

	for (i = 0; i < chunk.len && !top_is_full(t); i++) {
		if (chunk.at[i] == '\n' && t->cr) {
			end_line(t);
			continue;
		}
		t->cr = chunk.at[i] == '\r';
		t->octets++;
	}
	return str_first(chunk, i);
}

bool
top_is_full(const struct top *t)
{
	return t->body && t->lines == 0;
}
