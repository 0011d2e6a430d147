/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_lex.h"

#include <stdlib.h>

#include "tests/test.h"

#define MAX 40 /* octets of a command */

/* What comes of an input, as text: "c(...)" a command, "b(...)" one that is
 * broken, "k" "g" "r" what was done with a literal, "o(...)" octets given,
 * "E" endless.  A literal is given if its size is 5, refused if it is 6 or
 * does not fit. */
static const char *
judge(struct imap_lex *l, struct buf *said)
{
	const struct imap_lex_literal *lit = imap_lex_literal(l);

	buf_addf(said, "[%.*s|%llu%s%s]", STR_FMT(lit->head),
	    (unsigned long long)lit->size, lit->waits ? "" : "+",
	    lit->binary ? "~" : "");
	if (lit->size == 5) {
		imap_lex_give(l);
		return "g";
	}
	if (lit->size != 6 && imap_lex_fits(l)) {
		imap_lex_keep(l);
		return "k";
	}
	switch (imap_lex_refuse(l, false, IMAP_CODE_TOOBIG, "large")) {
	case IMAP_LEX_BROKEN:
		buf_addf(said, "b(%.*s:%s)",
		    STR_FMT(str_first(imap_lex_text(l), 3)),
		    imap_lex_blame(l)->text);
		return "";
	case IMAP_LEX_ENDLESS:
		return "E";
	default:
		return "r";
	}
}

static bool
feed(struct imap_lex *l, struct str in, bool line, struct buf *said)
{
	enum imap_lex_result r;

	while ((r = imap_lex_step(l, &in, MAX, line)) != IMAP_LEX_MORE) {
		struct str text = imap_lex_text(l);

		if (r == IMAP_LEX_READY)
			buf_addf(said, "c(%.*s)", STR_FMT(text));
		else if (r == IMAP_LEX_BROKEN) /* pieces differ in what more
		                                * is kept of it */
			buf_addf(said, "b(%.*s:%s)",
			    STR_FMT(str_first(text, 3)),
			    imap_lex_blame(l)->text);
		else if (r == IMAP_LEX_OCTETS)
			buf_add(said, imap_lex_octets(l));
		else if (r == IMAP_LEX_LITERAL)
			buf_add(said, str_of(judge(l, said)));
		else
			buf_add(said, STR("E"));
		if (r == IMAP_LEX_ENDLESS || said->data[said->len - 1] == 'E')
			return false;
		if (r == IMAP_LEX_READY || r == IMAP_LEX_BROKEN)
			CHECK(imap_lex_is_empty(l));
	}
	CHECK(in.len == 0);
	return true;
}

static void
play(struct str in, bool line, size_t chunk, struct buf *said)
{
	struct imap_lex *l = imap_lex_new();
	bool open = true;

	buf_clear(said);
	CHECK(imap_lex_is_empty(l));
	while (in.len > 0 && open) {
		struct str piece = str_first(in, chunk);
		char *copy = mem_new(piece.len, 1);

		memcpy(copy, piece.at, piece.len);
		open = feed(l, (struct str){copy, piece.len}, line, said);
		free(copy);
		in = str_after(in, piece.len);
	}
	imap_lex_free(l);
}

static void
check(struct str in, bool line, const char *want)
{
	struct buf said;

	buf_init(&said, 1 * MB);
	for (size_t chunk = in.len; chunk > 0; chunk--) {
		play(in, line, chunk, &said);
		CHECK_STR(said.len > 0 ? said.data : "", want);
	}
	buf_release(&said);
}

static void
test_commands(void)
{
	check(STR("a b\r\n"), false, "c(a b)");
	check(STR("\r\n"), false, "c()");
	check(STR("a\r\nb\r\nc"), false, "c(a)c(b)");
	check(STR("a {3}\r\n"), true, "c(a {3})");
	check(STR("a {3}x\r\n"), false, "c(a {3}x)");
	check(STR("a {}\r\n"), false, "c(a {})");
	check(STR("a {+}\r\n"), false, "c(a {+})");
	check(STR("a {3 }\r\n"), false, "c(a {3 })");
	check(STR("a {-3}\r\n"), false, "c(a {-3})");
	check(STR("a {3}}\r\n"), false, "c(a {3}})");
	check(STR("{3\r\n"), false, "c({3)");
	check(STR("3}\r\n"), false, "c(3})");
}

static void
test_literals(void)
{
	check(STR("a {3}\r\nxyz\r\n"), false, "[a |3]kc(a {3}\r\nxyz)");
	check(STR("a {3+}\r\nx\r\n {0}\r\n b\r\nc\r\n"), false,
	    "[a |3+]k[a {3+}\r\nx\r\n |0]kc(a {3+}\r\nx\r\n {0}\r\n b)c(c)");
	check(STR("a ~{003}\r\n\0\r\n)\r\n"), false,
	    "[a |3~]kc(a ~{003}\r\n)"); /* up to the NUL */
	check(STR("a{5}\r\n12345 c\r\n"), false, "[a|5]g12345c(a{5}\r\n c)");
	check(STR("a{5}\r\n12345 {5+}\r\n\r\n\r\n.\r\n"), false,
	    "[a|5]g12345[a{5}\r\n |5+]g\r\n\r\n.c(a{5}\r\n {5+}\r\n)");
}

/* What is not wanted is not asked for, and never read as a command. */
static void
test_refused(void)
{
	check(STR("a {6}\r\nb\r\n"), false, "[a |6]b(a {:large)c(b)");
	check(STR("a {6+}\r\nb\r\nc\r\nd\r\ne\r\n"), false,
	    "[a |6+]rb(a {:large)c(e)");
	check(STR("a {6+}\r\n123456 {9+}\r\nb\r\nc\r\nd\r\n e\r\nf\r\n"), false,
	    "[a |6+]rb(a {:large)c(f)");
	/* one more that waits: it is told */
	check(STR("a {6+}\r\n123456 {3}\r\nb\r\n"), false,
	    "[a |6+]rb(a {:large)c(b)");
	check(STR("a {99}\r\nb\r\n"), false, "[a |99]b(a {:large)c(b)");
	check(STR("a {9223372036854775807}\r\nb\r\n"), false,
	    "[a |9223372036854775807]b(a {:large)c(b)");
	check(STR("a {9223372036854775808}\r\nb\r\n"), false,
	    "[a |18446744073709551615]b(a {:large)c(b)");
	check(STR("a {99999999999999999999999999}\r\nb\r\n"), false,
	    "[a |18446744073709551615]b(a {:large)c(b)");
	check(STR("a {99999999999+}\r\nb\r\n"), false, "[a |99999999999+]E");
}

#define CRLF_BLAME "Lines end with CRLF, not with CR or LF alone"
#define NUL_BLAME  "There is a NUL in the command"
#define LONG_BLAME "The command is too long"

static void
test_broken(void)
{
	check(STR("a b\nc\r\n"), false, "b(a b:" CRLF_BLAME ")c(c)");
	check(STR("a b\rc\r\nd\r\n"), false, "b(a b:" CRLF_BLAME ")c(d)");
	check(STR("a b\r\r\nc\r\n"), false, "b(a b:" CRLF_BLAME ")c(c)");
	check(STR("\na\r\n"), false, "b(\n:" CRLF_BLAME ")c(a)");
	check(STR("a b\0\r\nc\r\n"), false, "b(a b:" NUL_BLAME ")c(c)");
	check(STR("a b\0\nc\r\n"), false, "b(a b:" NUL_BLAME ")c(c)");
	/* a literal of a broken command */
	check(STR("a b {3+}\nb\r\n\r\nc\r\n"), false,
	    "b(a b:" CRLF_BLAME ")c(c)");
	check(STR("a\r{3}\r\nb\r\n"), false, "b(a\r{:" CRLF_BLAME ")c(b)");
	/* too long: MAX is 40 */
	check(STR("a b4567890123456789012345678901234567890\r\nb\r\n"), false,
	    "c(a b4567890123456789012345678901234567890)c(b)");
	check(STR("a b45678901234567890123456789012345678901\r\nb\r\n"), false,
	    "b(a b:" LONG_BLAME ")c(b)");
	check(STR("a b {30+}\r\n123456789012345678901234567890 b\r\nc\r\n"),
	    false, "[a b |30+]rb(a b:large)c(c)");
	check(STR("a b {20+}\r\n12345678901234567890 123456789\r\nc\r\n"),
	    false, "[a b |20+]kb(a b:" LONG_BLAME ")c(c)");
	check(STR("a b4567890\r\n123456789012345678901234567890123456789012"),
	    true, "c(a b4567890)");
}

/* Neither a line nor literals go on for ever. */
static void
test_endless(void)
{
	struct buf text, said;

	buf_init(&text, 1 * MB);
	buf_init(&said, 1 * MB);
	for (size_t i = 0; i < MAX + IMAP_LEX_LINE_EXCESS + 1; i++)
		buf_add_char(&text, 'x');
	play(buf_str(&text), false, text.len, &said);
	CHECK_STR(said.data, "E");
	play(buf_str(&text), true, 1, &said);
	CHECK_STR(said.data, "E");
	play(str_after(buf_str(&text), 1), false, 100, &said);
	CHECK(said.len == 0);
	/* many lines of one command */
	buf_clear(&text);
	buf_add(&text, STR("a {6+}\r\n123456"));
	for (size_t i = 0; i < IMAP_LEX_LINE_EXCESS / 4; i++)
		buf_add(&text, STR("{1+}\r\nx"));
	play(buf_str(&text), false, text.len, &said);
	CHECK_STR(said.data, "[a |6+]rE");
	play(buf_str(&text), false, 11, &said);
	CHECK_STR(said.data, "[a |6+]rE");
	/* a few literals, each of which alone would be read */
	buf_clear(&text);
	buf_addf(&text, "a {6+}\r\n123456{%zu+}\r\n", IMAP_LEX_SWALLOW_MAX - 5);
	play(buf_str(&text), false, text.len, &said);
	CHECK_STR(said.data, "[a |6+]rE");
	buf_release(&text);
	buf_release(&said);
}

int
main(void)
{
	test_commands();
	test_literals();
	test_refused();
	test_broken();
	test_endless();
	return TEST_EXIT();
}
