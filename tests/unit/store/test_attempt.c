/* SPDX-License-Identifier: MIT */
/* What was said in attempts: the newest ones, the newest lines. */
#include "common/store/attempt.h"
#include "tests/unit/store/fixture.h"

struct putting {
	int64_t trace;
	struct attempt_row row;
};

static int
put(struct db *db, void *arg, struct fail *f)
{
	const struct putting *p = arg;

	return attempt_put(db, p->trace, &p->row, f);
}

static void
say(struct fixture *x, int64_t trace, int64_t at, struct str dialogue)
{
	struct putting p = {
	    .trace = trace,
	    .row = {.at_ms = at,
		    .host = STR("mx.one.test [192.0.2.1]"),
		    .dialogue = dialogue}
        };

	MUST(db_write(x->db, put, &p, &why));
}

struct listing {
	int64_t trace;
	size_t n;
	int64_t first, last;
	struct buf text; /* the last one's */
};

static void
take(void *arg, const struct attempt_row *a)
{
	struct listing *l = arg;

	if (l->n++ == 0)
		l->first = a->at_ms;
	CHECK(a->at_ms >= l->last);
	l->last = a->at_ms;
	CHECK(str_eq(a->host, STR("mx.one.test [192.0.2.1]")));
	buf_clear(&l->text);
	buf_add(&l->text, a->dialogue);
}

static int
list(struct db *db, void *arg, struct fail *f)
{
	struct listing *l = arg;

	return attempt_list(db, l->trace, take, l, f);
}

static struct listing
look(struct fixture *x, int64_t trace)
{
	struct listing l = {.trace = trace};

	buf_init(&l.text, 64 * KB);
	MUST(db_read(x->db, list, &l, &why));
	return l;
}

static void
the_newest_are_kept(void)
{
	struct fixture x;
	struct listing l;

	fixture_init(&x);
	l = look(&x, 7);
	CHECK(l.n == 0);
	for (int64_t i = 1; i <= ATTEMPT_KEPT + 3; i++) {
		say(&x, 7, NOW + i, STR("C: EHLO d.test\nS: 421 no\n"));
		l = look(&x, 7);
		CHECK(l.n == (size_t)(i < ATTEMPT_KEPT ? i : ATTEMPT_KEPT));
		CHECK(l.last == NOW + i);
		CHECK_STR(l.text.data, "C: EHLO d.test\nS: 421 no\n");
		buf_release(&l.text);
	}
	say(&x, 8, NOW, STR("S: 554 go away\n"));
	l = look(&x, 7);
	CHECK(l.n == ATTEMPT_KEPT && l.first == NOW + 4);
	buf_release(&l.text);
	l = look(&x, 8);
	CHECK(l.n == 1);
	CHECK_STR(l.text.data, "S: 554 go away\n");
	buf_release(&l.text);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

/* n lines of ten octets. */
static void
lines(struct buf *b, size_t n)
{
	buf_clear(b);
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "S: %06zu\n", i % 1000000);
}

static void
the_newest_lines_are_kept(void)
{
	struct fixture x;
	struct listing l;
	struct buf b;
	size_t whole = ATTEMPT_DIALOGUE_MAX / 10;

	fixture_init(&x);
	buf_init(&b, 64 * KB);
	lines(&b, whole + 50);
	say(&x, 7, NOW, buf_str(&b));
	l = look(&x, 7);
	CHECK(l.text.len == whole * 10);
	CHECK(str_eq(
	    buf_str(&l.text), str_after(buf_str(&b), b.len - l.text.len)));
	buf_release(&l.text);
	/* as much as there may be is not cut; nor, of one octet more, is
	 * a line that would fit */
	for (size_t more = 0; more < 3; more++) {
		buf_clear(&b);
		for (size_t i = 0; i < more; i++)
			buf_add_char(&b, i + 1 == more ? '\n' : 'x');
		for (size_t i = 0; i < ATTEMPT_DIALOGUE_MAX; i++)
			buf_add_char(&b, i % 100 == 99 ? '\n' : 'y');
		say(&x, 7, NOW, buf_str(&b));
		l = look(&x, 7);
		CHECK(l.text.len == ATTEMPT_DIALOGUE_MAX);
		buf_release(&l.text);
	}
	fixture_release(&x);
	buf_release(&b);
}

/* One line that does not fit is cut between characters. */
static void
a_line_too_long(void)
{
	struct fixture x;
	struct listing l;
	struct buf b;

	fixture_init(&x);
	for (size_t before = 0; before < 4; before++) {
		buf_init(&b, 64 * KB);
		for (size_t i = 0; i < before; i++)
			buf_add_char(&b, 'S');
		for (size_t i = 0; i < ATTEMPT_DIALOGUE_MAX; i++)
			buf_add(&b, STR("\xe2\x82\xac"));
		say(&x, 7, NOW, buf_str(&b));
		l = look(&x, 7);
		CHECK(l.text.len <= ATTEMPT_DIALOGUE_MAX);
		CHECK(l.text.len > ATTEMPT_DIALOGUE_MAX - 3);
		CHECK(l.text.len % 3 == 0);
		CHECK(str_starts(buf_str(&l.text), STR("\xe2\x82\xac")));
		buf_release(&l.text);
		buf_release(&b);
	}
	fixture_release(&x);
}

int
main(void)
{
	the_newest_are_kept();
	the_newest_lines_are_kept();
	a_line_too_long();
	return TEST_EXIT();
}
