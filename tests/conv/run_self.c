/* SPDX-License-Identifier: MIT */
/* The runner itself: it lets right conversations pass and reports wrong ones.
 */
#include <stdlib.h>

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/conv/conv.h"
#include "tests/test.h"

/* A peer that says every line back; "bye" closes. */
struct echo {
	struct buf in, out;
	bool fragile; /* has the bug that a line must come in one piece */
	bool closed;
};

static void *
echo_open(struct str options)
{
	struct echo *e = MEM_NEW(struct echo);

	buf_init(&e->in, 64 * KB);
	buf_init(&e->out, 64 * KB);
	while (options.len > 0) {
		struct str o = str_cut(&options, '\n');

		if (str_eq(o, STR("greet twice")))
			buf_add(&e->out, STR("hello\r\n"));
		else
			CHECK(str_eq(o, STR("fragile")));
		e->fragile = str_eq(o, STR("fragile"));
	}
	buf_add(&e->out, STR("hello\r\n"));
	return e;
}

static void
echo_feed(void *p, struct str bytes)
{
	struct echo *e = p;
	size_t end;

	if (e->fragile)
		buf_clear(&e->in);
	buf_add(&e->in, bytes);
	while (!e->closed && str_find_str(buf_str(&e->in), STR("\r\n"), &end)) {
		e->closed = str_eq(str_first(buf_str(&e->in), end), STR("bye"));
		buf_add(&e->out, str_first(buf_str(&e->in), end + 2));
		buf_drop(&e->in, end + 2);
	}
}

static void
echo_tls(void *p)
{
	buf_add(&((struct echo *)p)->out, STR("tls\r\n"));
}

static void
echo_eof(void *p)
{
	((struct echo *)p)->closed = true;
}

static struct str
echo_output(void *p)
{
	return buf_str(&((struct echo *)p)->out);
}

static void
echo_drop(void *p, size_t n)
{
	buf_drop(&((struct echo *)p)->out, n);
}

static bool
echo_closed(void *p)
{
	return ((struct echo *)p)->closed;
}

static void
echo_free(void *p)
{
	struct echo *e = p;

	buf_release(&e->in);
	buf_release(&e->out);
	free(e);
}

int
main(void)
{
	struct conv_peer peer = {
	    .open = echo_open,
	    .feed = echo_feed,
	    .tls = echo_tls,
	    .eof = echo_eof,
	    .output = echo_output,
	    .drop = echo_drop,
	    .closed = echo_closed,
	    .free = echo_free,
	};
	struct conv_peer client = peer;

	client.client = true;
	fprintf(stderr, "(differences below are what this test is about)\n");
	CHECK(conv_run_dir("tests/conv/self/good", &peer) == 0);
	CHECK(conv_run_dir("tests/conv/self/bad", &peer) == 10);
	CHECK(conv_run_dir("tests/conv/self/client", &client) == 0);
	CHECK(conv_run_dir("tests/conv/self", &peer) == 1); /* none there */
	return TEST_EXIT();
}
