/* SPDX-License-Identifier: MIT */
#include "common/util/secret.h"

#include <sodium.h>
#include <stdlib.h>

#include "common/util/mem.h"

void
secret_init(struct secret *s)
{
	*s = (struct secret){0};
}

void
secret_set(struct secret *s, struct str bytes)
{
	char *data = mem_dup(bytes); /* first: bytes may be our own */

	secret_release(s);
	s->data = data;
	s->len = bytes.len;
}

struct str
secret_str(const struct secret *s)
{
	return (struct str){s->data, s->len};
}

void
secret_release(struct secret *s)
{
	if (s->data != NULL)
		sodium_memzero(s->data, s->len);
	free(s->data);
	secret_init(s);
}

bool
secret_eq(struct str a, struct str b)
{
	return a.len == b.len &&
	       (a.len == 0 || sodium_memcmp(a.at, b.at, a.len) == 0);
}

void
secret_wipe(struct buf *b)
{
	if (b->data != NULL)
		sodium_memzero(b->data - b->hole, b->hole + b->room);
	buf_release(b);
}
