/* SPDX-License-Identifier: MIT */
#include "common/util/buf.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/test.h"

#define MODEL_MAX 300

/* The simplest thing that behaves as a buf should. */
struct model {
	char data[MODEL_MAX];
	size_t len;
	bool overrun;
};

static void
model_add(struct model *m, struct str s)
{
	if (s.len > MODEL_MAX - m->len) {
		m->overrun = true;
		return;
	}
	if (s.len > 0)
		memcpy(m->data + m->len, s.at, s.len);
	m->len += s.len;
}

static void
model_drop(struct model *m, size_t n)
{
	memmove(m->data, m->data + n, m->len - n);
	m->len -= n;
}

static void
check_same(const struct buf *b, const struct model *m)
{
	CHECK(b->len == m->len && b->overrun == m->overrun);
	CHECK(b->len == 0 || memcmp(b->data, m->data, m->len) == 0);
	CHECK(b->data == NULL || b->data[b->len] == '\0');
	CHECK(b->data == NULL || b->len < b->room);
	/* no more is allocated than the limit asks for */
	CHECK(b->hole + b->room <= MODEL_MAX + 1);
}

/* A plain generator with a fixed start: each run is the same. */
static uint32_t
next_number(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void
one_step(struct buf *b, struct model *m, uint32_t *state)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				   "0123456789abcdefghijklmnopqrstuvwxyz";
	size_t n = next_number(state) % (sizeof(text) - 1);
	struct str piece = {text + n / 2, n / 2};
	char *room;

	switch (next_number(state) % 12) {
	case 0:
	case 1:
	case 2:
		buf_add(b, piece);
		model_add(m, piece);
		break;
	case 3:
		buf_add_char(b, text[n]);
		model_add(m, (struct str){text + n, 1});
		break;
	case 4:
		buf_addf(b, "%.*s", STR_FMT(piece));
		model_add(m, piece);
		break;
	case 5:
		room = buf_reserve(b, n);
		CHECK((room == NULL) == (n > MODEL_MAX - m->len));
		if (room != NULL) {
			memcpy(room, text, n);
			buf_added(b, n / 2); /* less than was asked for */
			model_add(m, (struct str){text, n / 2});
		} else
			m->overrun = true;
		break;
	case 6:
	case 7:
	case 8:
		n = n % (m->len + 1);
		buf_drop(b, n);
		model_drop(m, n);
		break;
	case 9:
		n = m->len - n % (m->len + 1);
		buf_cut(b, n);
		m->len = n;
		break;
	case 10:
		if (n < 60)
			break; /* not too often */
		buf_clear(b);
		*m = (struct model){0};
		break;
	case 11:
		if (n < 60)
			break;
		char *all = buf_take(b);
		CHECK(memcmp(all, m->data, m->len) == 0);
		CHECK(all[m->len] == '\0');
		free(all);
		*m = (struct model){0};
		break;
	}
}

static void
check_random(void)
{
	for (uint32_t seed = 1; seed <= 200; seed++) {
		struct model m = {0};
		uint32_t state = seed;
		struct buf b;

		buf_init(&b, MODEL_MAX);
		for (int step = 0; step < 1000; step++) {
			one_step(&b, &m, &state);
			check_same(&b, &m);
		}
		buf_release(&b);
		CHECK(b.data == NULL && b.limit == MODEL_MAX);
	}
}

static void
check_limit(void)
{
	struct buf b;

	buf_init(&b, 4);
	buf_add(&b, STR("abcd"));
	CHECK(!b.overrun);
	buf_add_char(&b, 'e');
	CHECK(b.overrun);
	CHECK_STR(b.data, "abcd"); /* all or nothing */
	buf_add(&b, STR(""));
	buf_clear(&b);
	CHECK(!b.overrun && b.len == 0);
	buf_addf(&b, "%d", 12345);
	CHECK(b.overrun && b.len == 0);
	buf_release(&b);
}

/* Draining in small pieces does not move the rest each time: a megabyte by
 * single octets would be 2^39 octets moved. */
static void
check_drain(void)
{
	struct buf b;
	size_t n = 0;

	buf_init(&b, 1 * MB);
	CHECK(buf_reserve(&b, 1 * MB) != NULL);
	memset(b.data, 'x', 1 * MB);
	buf_added(&b, 1 * MB);
	for (; b.len > 0; n++)
		buf_drop(&b, 1);
	CHECK(n == 1 * MB);
	buf_release(&b);
}

int
main(void)
{
	check_random();
	check_limit();
	check_drain();
	return TEST_EXIT();
}
