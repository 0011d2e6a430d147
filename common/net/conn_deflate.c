/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/net/conn_internal.h"

#define PACKED_LIMIT (1024 * MB) /* never reached: `out' has its own */

void
conn_start_deflate(struct conn *c)
{
	struct conn_squeeze *z;

	assert(c->squeeze == NULL && c->in.len == 0);
	if (c->state != CONN_OPEN)
		return;
	z = MEM_NEW(struct conn_squeeze);
	z->deflate = deflate_new();
	buf_init(&z->raw, c->limits.in_limit);
	/* what was said before goes out as it is, before all else */
	z->packed = c->out;
	z->packed.limit = PACKED_LIMIT;
	buf_init(&c->out, c->out.limit);
	c->squeeze = z;
	conn_flush_soon(c);
}

void
squeeze_free(struct conn_squeeze *z)
{
	if (z == NULL)
		return;
	deflate_free(z->deflate);
	buf_release(&z->raw);
	buf_release(&z->packed);
	free(z);
}

/* No more input of this peer makes sense. */
static void
damaged(struct conn *c)
{
	c->eof = true;
	buf_release(&c->squeeze->raw);
	c->squeeze->full = false;
	conn_end(c, CONN_RESET, "compressed input is damaged");
}

void
squeeze_input(struct conn *c)
{
	struct conn_squeeze *z = c->squeeze;
	struct str raw = buf_str(&z->raw);
	size_t before = c->in.len, room = c->limits.in_limit - before;
	enum deflate_result result;

	if (c->paused || room == 0 || (raw.len == 0 && !z->full))
		return;
	result = deflate_unpack(z->deflate, &raw, room, &c->in);
	buf_drop(&z->raw, z->raw.len - raw.len);
	z->full = result == DEFLATE_FULL;
	if (result == DEFLATE_BAD) {
		damaged(c);
		return;
	}
	if (result == DEFLATE_END) { /* what follows it is nothing */
		c->eof = c->eof_clean = true;
		buf_clear(&z->raw);
	}
	if (z->raw.len == 0)
		buf_release(&z->raw);
	if (c->in.len > before || c->eof)
		conn_soon(c);
}

void
squeeze_output(struct conn *c)
{
	deflate_pack(
	    c->squeeze->deflate, buf_str(&c->out), &c->squeeze->packed);
	buf_release(&c->out);
}
