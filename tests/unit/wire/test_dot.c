/* SPDX-License-Identifier: MIT */
#include "common/wire/dot.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/test.h"

/* What dot_read() made of some bytes. */
struct outcome {
	bool ended, bare, nul;
	size_t longest;
	struct str rest; /* behind the end */
	struct buf text;
};

/* By definition (RFC 5321 s4.5.2): the end is the first CRLF.CRLF, the CRLF
 * before the data counting; lines stand between CRLFs; a line's first dot
 * goes. */
static void
define(struct str in, struct outcome *o)
{
	size_t crlf, at;

	*o = (struct outcome){0};
	buf_init(&o->text, 1 * MB);
	for (;;) {
		bool whole = str_find_str(in, STR("\r\n"), &crlf);
		struct str line = whole ? str_first(in, crlf) : in;
		struct str text = line;

		if (whole && str_eq(line, STR("."))) {
			o->ended = true;
			o->rest = str_after(in, 3);
			break;
		}
		if (!whole && text.len > 0 && text.at[text.len - 1] == '\r')
			text.len--; /* it may yet become a CRLF */
		o->bare |= str_find(text, '\r', &at) ||
		           str_find(text, '\n', &at);
		o->nul |= str_find(line, '\0', &at);
		if (!whole && str_eq(line, STR(".\r")))
			break; /* not decided yet */
		if (str_take(&line, '.'))
			str_take(&text, '.');
		if (text.len > o->longest)
			o->longest = text.len;
		buf_add(&o->text, line);
		if (!whole)
			break;
		buf_add(&o->text, STR("\r\n"));
		in = str_after(in, crlf + 2);
	}
}

/* The same by dot_read(), fed in pieces, drained whenever it holds `room'. */
static void
run(struct str in, size_t size, size_t room, struct outcome *o)
{
	struct dot_reader d;
	struct buf out;

	*o = (struct outcome){0};
	buf_init(&o->text, 1 * MB);
	buf_init(&out, room);
	dot_reader_init(&d);
	while (in.len > 0 && !o->ended) {
		struct str part = str_first(in, size), left;
		char *copy = mem_dup(part);

		left = (struct str){copy, part.len};
		do {
			size_t before = left.len;

			o->ended = dot_read(&d, &left, &out) == DOT_END;
			/* stops early only for want of room */
			CHECK(o->ended || left.len == 0 || out.len == room);
			CHECK(!out.overrun);
			CHECK(left.len < before || out.len > 0);
			buf_add(&o->text, buf_str(&out));
			buf_clear(&out);
		} while (left.len > 0 && !o->ended);
		in = str_after(in, part.len - left.len);
		free(copy);
	}
	o->rest = in;
	o->bare = d.bare;
	o->nul = d.nul;
	o->longest = d.longest;
	buf_release(&out);
}

static void
check_all_sizes(struct str in, size_t max_size)
{
	static const size_t rooms[] = {1, 2, 3, 7, 1 * MB};
	struct outcome want, got;

	define(in, &want);
	for (size_t size = 1; size <= in.len && size <= max_size; size++)
		for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
			run(in, size, rooms[i], &got);
			CHECK(got.ended == want.ended);
			CHECK(got.bare == want.bare);
			CHECK(got.nul == want.nul);
			CHECK(got.longest == want.longest);
			CHECK(!want.ended || str_eq(got.rest, want.rest));
			CHECK(str_eq(buf_str(&got.text), buf_str(&want.text)));
			buf_release(&got.text);
		}
	buf_release(&want.text);
}

/* Every string of up to n octets over those that matter. */
static void
check_all_strings(size_t n)
{
	static const char octets[] = {'\r', '\n', '.', 'a'};
	char text[8];

	for (size_t len = 1; len <= n; len++)
		for (unsigned code = 0; code < 1u << (2 * len); code++) {
			for (size_t i = 0; i < len; i++)
				text[i] = octets[code >> (2 * i) & 3];
			check_all_sizes((struct str){text, len}, len);
		}
}

#define SMUG                                                                   \
	"MAIL FROM:<evil@remote.test>\r\nRCPT TO:<bob@d.test>\r\nDATA\r\n"     \
	"From: <ceo@d.test>\r\n\r\nsmuggled\r\n.\r\n"
#define FALSE_END(x) STR("From: <a@remote.test>\r\n\r\none" x SMUG)

/* ATTACKS A001 to A011: no false end ends the data, and each is told. */
static void
check_false_ends(void)
{
	static const struct {
		struct str in;
		bool nul;
	} vectors[] = {
	    {FALSE_END("\n.\n"),         false},
	    {FALSE_END("\r.\r"),         false},
	    {FALSE_END("\r.\n"),         false},
	    {FALSE_END("\n.\r"),         false},
	    {FALSE_END("\n.\r\n"),       false},
	    {FALSE_END("\r\n.\n"),       false},
	    {FALSE_END("\r.\r\n"),       false},
	    {FALSE_END("\r\n.\rx"),      false},
	    {FALSE_END("\r\n\0.\r\n"),   true },
	    {FALSE_END("\r\n.\0\r\n"),   true },
	    {FALSE_END("\r\n.\r\r\n"),   false},
	    {FALSE_END("\r\r\n.\r\r\n"), false},
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct outcome got;

		run(vectors[i].in, 1, 64, &got);
		CHECK(got.ended);
		CHECK(got.rest.len == 0);
		CHECK(got.nul == vectors[i].nul);
		CHECK(got.bare != vectors[i].nul);
		buf_release(&got.text);
		check_all_sizes(vectors[i].in, 24);
	}
}

/* A014: a CR as the last octet of a piece, at sizes where buffers end. */
static void
check_cr_at_edge(void)
{
	static const size_t sizes[] = {1023, 1024, 1025, 4095, 4096, 4097, 8191,
	    8192, 8193, 16383, 16384, 16385, 65535, 65536, 65537};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int bare = 0; bare <= 1; bare++) {
			struct outcome got;
			struct buf in;

			buf_init(&in, 1 * MB);
			for (size_t n = 0; n < sizes[i]; n++)
				buf_add_char(&in, 'A');
			buf_add(&in, bare ? STR("\r\rB\r\n.\r\n")
					  : STR("\r\nB\r\n.\r\n"));
			run(buf_str(&in), sizes[i] + 1, 1 * MB, &got);
			CHECK(got.ended && got.bare == bare);
			CHECK(got.text.len == in.len - 3);
			CHECK(
			    memcmp(got.text.data, in.data, got.text.len) == 0);
			CHECK(bare || got.longest == sizes[i]);
			buf_release(&got.text);
			buf_release(&in);
		}
}

/* What is written in any pieces is read back as it was (A015). */
static void
check_round_trip(struct str text)
{
	struct outcome got;

	for (size_t size = 1; size <= text.len + 1; size++) {
		struct str left = text;
		struct dot_writer w;
		struct buf wire;

		buf_init(&wire, 1 * MB);
		dot_writer_init(&w);
		while (left.len > 0) {
			dot_write(&w, str_first(left, size), &wire);
			left = str_after(left, size);
		}
		dot_write_end(&w, &wire);
		run(buf_str(&wire), wire.len, 1 * MB, &got);
		CHECK(got.ended && got.rest.len == 0 && !got.bare);
		CHECK(str_starts(buf_str(&got.text), text));
		CHECK(got.text.len == text.len ||
		      (got.text.len == text.len + 2 &&
			  (text.len < 2 ||
			      memcmp(text.at + text.len - 2, "\r\n", 2) != 0)));
		buf_release(&got.text);
		buf_release(&wire);
	}
}

static void
check_writer(void)
{
	static const struct {
		struct str in;
		const char *out;
	} vectors[] = {
	    {STR(""),			 ".\r\n"               },
	    {STR("a"),			"a\r\n.\r\n"          },
	    {STR("."),			"..\r\n.\r\n"         },
	    {STR(".\r\n"),                    "..\r\n.\r\n"         },
	    {STR("..\r\n...\r\n.x\r\n\r\n."),
             "...\r\n....\r\n..x\r\n\r\n..\r\n.\r\n"                },
	    {STR("a.\r\n.b.c\r\n"),           "a.\r\n..b.c\r\n.\r\n"},
	    {STR("a\r"),                      "a\r\n.\r\n"          },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct dot_writer w;
		struct buf out;

		buf_init(&out, 1 * KB);
		dot_writer_init(&w);
		dot_write(&w, vectors[i].in, &out);
		dot_write_end(&w, &out);
		CHECK_STR(out.data, vectors[i].out);
		buf_release(&out);
		if (i + 1 < sizeof(vectors) / sizeof(vectors[0]))
			check_round_trip(vectors[i].in);
	}
	check_round_trip(STR("a\r\n.\r\n+OK\r\n.\r\n..b\r\n\r\n.c"));
}

int
main(void)
{
	check_false_ends();
	check_all_strings(6);
	check_cr_at_edge();
	check_writer();
	return TEST_EXIT();
}
