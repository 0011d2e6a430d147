/* SPDX-License-Identifier: MIT */
/* Whatever is said, what is told of it is bounded, whole lines, printable, and
 * has the beginning of the session and the newest of the message. */
#include "maild/proto/smtp_dialogue.h"

#include "tests/test.h"

static void
check(const struct smtp_dialogue *d)
{
	struct str text = buf_str(&d->text);

	CHECK(text.len <= SMTP_DIALOGUE_MAX);
	CHECK(text.len == 0 || text.at[text.len - 1] == '\n');
	while (text.len > 0) {
		struct str line = str_cut(&text, '\n');

		CHECK(str_is_printable(line));
		CHECK(line.len <= SMTP_DIALOGUE_LINE + 40);
		CHECK(str_starts(line, STR("C: ")) ||
		      str_starts(line, STR("S: ")) ||
		      str_starts(line, STR("-- ")));
	}
}

static size_t
count(const struct smtp_dialogue *d, struct str what)
{
	struct str text = buf_str(&d->text);
	size_t n = 0;

	while (text.len > 0)
		n += str_eq(str_cut(&text, '\n'), what);
	return n;
}

static void
test_lines(void)
{
	struct smtp_dialogue d;
	struct smtp_reply r = {.code = 250, .enhanced = "2.1.0"};

	smtp_dialogue_init(&d);
	smtp_dialogue_add(&d, "-- ", STR("to mx\x1b[31m \xc3\xb6\t\r\n~\x7f."));
	smtp_dialogue_commands(&d, STR("MAIL FROM:<>\r\nDATA\r\n"));
	r.text = STR("one\ntwo\nthree");
	smtp_dialogue_reply(&d, &r);
	r = (struct smtp_reply){.code = 354};
	smtp_dialogue_reply(&d, &r);
	CHECK_STR(d.text.data, "-- to mx?[31m ?????~?.\n"
			       "C: MAIL FROM:<>\n"
			       "C: DATA\n"
			       "S: 250-2.1.0 one\n"
			       "S: 250-two\n"
			       "S: 250 three\n"
			       "S: 354 \n");
	check(&d);
	smtp_dialogue_release(&d);
}

static void
add_line(struct smtp_dialogue *d, const char *who, char c, size_t len)
{
	struct buf line;

	buf_init(&line, 64 * KB);
	while (line.len < len)
		buf_add_char(&line, c);
	smtp_dialogue_add(d, who, buf_str(&line));
	buf_release(&line);
	check(d);
}

/* At every length of line. */
static void
test_bounds(void)
{
	for (size_t len = 0; len < 3 * SMTP_DIALOGUE_LINE; len += 7) {
		struct smtp_dialogue d;

		smtp_dialogue_init(&d);
		smtp_dialogue_add(&d, "S: ", STR("220 hello"));
		for (int i = 0; i < 2; i++) {
			smtp_dialogue_begin(&d);
			CHECK_STR(d.text.data, "S: 220 hello\n");
			smtp_dialogue_add(&d, "C: ", STR("first"));
			for (int k = 0; k < 3000 && d.text.len + len + 4 <
							SMTP_DIALOGUE_MAX - 7;
			     k++)
				add_line(&d, "S: ", 'x', len);
			CHECK(count(&d, STR("C: first")) == 1);
			for (int k = 0; k < 40; k++)
				add_line(&d, "C: ", 'y', len);
			smtp_dialogue_add(&d, "C: ", STR("last"));
			CHECK(count(&d, STR("S: 220 hello")) == 1);
			CHECK(count(&d, STR("C: first")) == 0 || len < 3);
			CHECK(count(&d, STR("-- ...")) == 1 || len < 3);
			CHECK(count(&d, STR("C: last")) == 1);
		}
		smtp_dialogue_release(&d);
	}
}

/* The first line that is dropped may be shorter than what stands for it. */
static void
test_short_lines_first(void)
{
	struct smtp_dialogue d;

	smtp_dialogue_init(&d);
	smtp_dialogue_add(&d, "S: ", STR("220 hello"));
	smtp_dialogue_begin(&d);
	smtp_dialogue_add(&d, "C: ", STR(""));
	smtp_dialogue_add(&d, "C: ", STR("b"));
	smtp_dialogue_add(&d, "C: ", STR("third"));
	while (count(&d, STR("-- ...")) == 0)
		add_line(&d, "S: ", 'x', 100);
	CHECK(str_starts(buf_str(&d.text), STR("S: 220 hello\n"
					       "-- ...\n")));
	CHECK(count(&d, STR("C: ")) == 0 && count(&d, STR("C: b")) == 0);
	smtp_dialogue_release(&d);
}

/* A server that greets at length does not push out what follows. */
static void
test_long_beginning(void)
{
	struct smtp_dialogue d;

	smtp_dialogue_init(&d);
	smtp_dialogue_add(&d, "S: ", STR("220 hello"));
	for (int i = 0; i < 200; i++)
		add_line(&d, "S: ", 'x', 400);
	CHECK(count(&d, STR("S: 220 hello")) == 1);
	CHECK(d.head <= SMTP_DIALOGUE_HEAD && d.text.len > SMTP_DIALOGUE_HEAD);
	smtp_dialogue_begin(&d);
	CHECK(d.text.len == d.head);
	smtp_dialogue_add(&d, "C: ", STR("MAIL FROM:<>"));
	CHECK(count(&d, STR("C: MAIL FROM:<>")) == 1);
	check(&d);
	smtp_dialogue_release(&d);
}

int
main(void)
{
	test_lines();
	test_bounds();
	test_short_lines_first();
	test_long_beginning();
	return TEST_EXIT();
}
