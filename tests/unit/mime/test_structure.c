/* SPDX-License-Identifier: MIT */
#include "common/mime/structure.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mime/parts.h"
#include "tests/test.h"

static struct structure *
read_in(struct str message, size_t piece, const struct structure_result **r)
{
	struct structure *s = structure_new();

	/* of another message before it nothing remains, ended or not */
	structure_feed(s, STR("Message-ID: <a@b>\r\nDate: 1 Jan 2026 00:00:00"
			      " +0000\r\nContent-Type: multipart/mixed;"
			      " boundary=x\r\n\r\n--x\r\nContent-Type:"
			      " text/plain\r\n\r\nwords\r\n--x"));
	if (message.len % 2 == 0)
		structure_finish(s);
	structure_reset(s);
	while (message.len > 0) {
		structure_feed(s, str_first(message, piece));
		message = str_after(message, piece);
	}
	*r = structure_finish(s);
	return s;
}

/* "1:7 2.1:5": the body's length of every section that has a number. */
static void
list_parts(struct str packed, uint32_t *numbers, size_t n, struct buf *out)
{
	struct part p, inner;

	for (numbers[n] = 1; parts_find(packed, numbers, n + 1, &p, &inner);
	     numbers[n]++) {
		for (size_t i = 0; i <= n; i++)
			buf_addf(out, "%c%u", i == 0 ? ' ' : '.', numbers[i]);
		buf_addf(out, ":%llu", (unsigned long long)p.body_len);
		list_parts(packed, numbers, n + 1, out);
	}
}

static void
check_vector(struct str message, struct str structure, struct str parts)
{
	for (size_t piece = 1; piece <= message.len + 1; piece++) {
		const struct structure_result *r;
		struct structure *s = read_in(message, piece, &r);
		uint32_t numbers[STRUCTURE_DEPTH_MAX + 1];
		struct buf shown;

		buf_init(&shown, 4 * KB);
		buf_add(&shown, r->body_structure);
		if (!str_eq(buf_str(&shown), structure)) {
			char *want = mem_dup(structure);

			CHECK_STR(shown.data, want);
			free(want);
		}
		buf_clear(&shown);
		buf_add(&shown, STR("parts"));
		list_parts(r->parts, numbers, 0, &shown);
		if (!str_eq(buf_str(&shown), parts)) {
			char *want = mem_dup(parts);

			CHECK_STR(shown.data, want);
			free(want);
		}
		buf_release(&shown);
		structure_free(s);
	}
}

static void
check_vectors(void)
{
	FILE *f = fopen("tests/vectors/mime/structures.txt", "r");
	char line[1024];
	struct buf message, structure;
	enum {
		OUTSIDE,
		MESSAGE,
		STRUCTURE
	} state = OUTSIDE;
	size_t n = 0;

	assert(f != NULL);
	buf_init(&message, 64 * KB);
	buf_init(&structure, 4 * KB);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct str s = str_first(str_of(line), strlen(line) - 1);

		if (state == MESSAGE && str_eq(s, STR("structure"))) {
			state = STRUCTURE;
		} else if (state == MESSAGE) {
			buf_add(&message, s);
			buf_add(&message, STR("\r\n"));
		} else if (state == STRUCTURE && str_starts(s, STR("parts"))) {
			check_vector(buf_str(&message), buf_str(&structure), s);
			buf_clear(&message);
			buf_clear(&structure);
			state = OUTSIDE;
			n++;
		} else if (state == STRUCTURE) {
			buf_add(&structure, s);
		} else if (str_eq(s, STR("message"))) {
			state = MESSAGE;
		}
	}
	CHECK(n == 19 && state == OUTSIDE);
	buf_release(&message);
	buf_release(&structure);
	fclose(f);
}

/* --- generated multiparts, and a slow reader that is obviously right --- */

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* A part as it was written: how deep, and where its body is. */
struct made {
	unsigned depth;
	size_t body_at, body_len;
};

struct maker {
	uint32_t seed;
	struct buf text;
	struct made parts[4096];
	size_t n;
	unsigned boundaries;
};

static void
make_lines(struct maker *m)
{
	static const char *const lines[] = {
	    "text", "", "-", "--", "--not", "a=", "From x", "----------"};

	for (uint32_t n = next_random(&m->seed) % 4; n > 0; n--)
		buf_addf(&m->text, "%s\r\n", lines[next_random(&m->seed) % 8]);
	buf_add(&m->text, STR("end"));
}

/* Writes header and body, not the line end behind; its body is remembered. */
static void
make_part(struct maker *m, unsigned depth)
{
	size_t number = m->n++;
	uint32_t what = next_random(&m->seed) % 10;

	assert(number < 4096);
	m->parts[number].depth = depth;
	if (depth < 6 && what < 4) {
		unsigned boundary = m->boundaries++;

		buf_addf(&m->text,
		    "Content-Type: multipart/mixed; boundary=\"=%u=\"\r\n\r\n",
		    boundary);
		m->parts[number].body_at = m->text.len;
		make_lines(m);
		for (uint32_t n = 1 + next_random(&m->seed) % 3; n > 0; n--) {
			buf_addf(&m->text, "\r\n--=%u=\r\n", boundary);
			make_part(m, depth + 1);
		}
		buf_addf(&m->text, "\r\n--=%u=--", boundary);
		if (what == 0) {
			buf_add(&m->text, STR("\r\n"));
			make_lines(m);
		}
	} else if (depth < 6 && what == 4) {
		buf_add(&m->text, STR("Content-Type: message/rfc822\r\n\r\n"));
		m->parts[number].body_at = m->text.len;
		make_part(m, depth + 1);
	} else {
		buf_add(&m->text, STR("Content-Type: text/plain\r\n\r\n"));
		m->parts[number].body_at = m->text.len;
		make_lines(m);
	}
	m->parts[number].body_len = m->text.len - m->parts[number].body_at;
}

static void
check_generated(uint32_t seed)
{
	struct maker *m = MEM_NEW(struct maker);
	const struct structure_result *r;
	struct structure *s;
	struct str packed;
	struct part p;
	size_t n = 0;

	m->seed = seed;
	buf_init(&m->text, 4 * MB);
	make_part(m, 0);
	s = read_in(buf_str(&m->text), 1 + seed % 61, &r);
	packed = r->parts;
	for (; n < m->n && parts_next(&packed, &p); n++) {
		CHECK(p.depth == m->parts[n].depth);
		CHECK(p.body_at == m->parts[n].body_at);
		CHECK(p.body_len == m->parts[n].body_len);
	}
	CHECK(n == m->n && packed.len == 0);
	structure_free(s);
	buf_release(&m->text);
	free(m);
}

/* --- limits --- */

static size_t
count_parts(const struct structure_result *r, unsigned *deepest)
{
	struct str packed = r->parts;
	struct part p;
	size_t n = 0;

	*deepest = 0;
	for (; parts_next(&packed, &p); n++)
		if (p.depth > *deepest)
			*deepest = p.depth;
	CHECK(packed.len == 0);
	return n;
}

static void
check_limits(void)
{
	const struct structure_result *r;
	struct structure *s;
	struct buf text, body;
	unsigned deepest;

	buf_init(&text, 8 * MB);
	buf_init(&body, 16 * MB);
	for (unsigned i = 0; i < 300; i++)
		buf_addf(&text,
		    "Content-Type: multipart/mixed; boundary=b%03u\r\n"
		    "\r\n--b%03u\r\n",
		    i, i);
	s = read_in(buf_str(&text), 1000, &r);
	CHECK(count_parts(r, &deepest) == STRUCTURE_DEPTH_MAX);
	CHECK(deepest == STRUCTURE_DEPTH_MAX - 1);
	structure_strip(r->body_structure, &body);
	CHECK(body.len > 100 && body.data[body.len - 1] == ')');
	structure_free(s);

	buf_clear(&text);
	buf_add(
	    &text, STR("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
	for (unsigned i = 0; i < STRUCTURE_PARTS_MAX + 100; i++)
		buf_add(&text, STR("--b\r\n\r\n"));
	s = read_in(buf_str(&text), 1000, &r);
	CHECK(count_parts(r, &deepest) == STRUCTURE_PARTS_MAX);
	structure_free(s);

	/* the last two parts there may be: a message and, empty, what is in it
	 */
	buf_clear(&text);
	buf_add(
	    &text, STR("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
	for (unsigned i = 0; i < STRUCTURE_PARTS_MAX - 3; i++)
		buf_add(&text, STR("--b\r\n\r\n"));
	buf_add(&text, STR("--b\r\nContent-Type: message/rfc822\r\n"
			   "--b\r\nmore\r\n--b\r\n"));
	s = read_in(buf_str(&text), 1000, &r);
	CHECK(count_parts(r, &deepest) == STRUCTURE_PARTS_MAX && deepest == 2);
	structure_free(s);

	buf_clear(&text);
	for (unsigned i = 0; i < 30000; i++)
		buf_addf(&text, "X-Filler-%u: 0123456789\r\n", i);
	buf_add(&text, STR("Subject: too late\r\n\r\nbody\r\n"));
	s = read_in(buf_str(&text), 1000, &r);
	CHECK_STR(r->envelope.at, "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
	CHECK(str_eq(r->preview, STR("body")));
	structure_free(s);
	buf_release(&text);
	buf_release(&body);
}

/* Of a message whose description grows without measure, the later parts are
 * told briefly. */
static void
check_brief(void)
{
	const struct structure_result *r;
	struct structure *s;
	struct buf text;
	size_t at;

	buf_init(&text, 8 * MB);
	buf_add(
	    &text, STR("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
	for (unsigned i = 0; i < 9; i++) {
		buf_add(&text, STR("--b\r\nContent-ID: "));
		for (unsigned k = 0; k < 240 * KB; k++)
			buf_add_char(&text, 'x');
		buf_add(&text, STR("\r\n\r\n"));
	}
	buf_add(&text,
	    STR("--b\r\nContent-Type: image/png; name=x\r\nContent-ID: "
		"x\r\n\r\n--b\r\nContent-ID: x\r\n\r\n"
		"--b\r\nContent-Type: message/rfc822; name=x\r\n\r\n"
		"Subject: in\r\nContent-ID: x\r\n\r\n"
		"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n"
		"\r\n--c\r\n\r\n--c--\r\n--b--\r\n"));
	s = read_in(buf_str(&text), 1000, &r);
	CHECK(str_find_str(r->body_structure, STR("xxx\" NIL"), &at));
	CHECK(str_ends_nocase(r->body_structure,
	    STR("(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\" 0"
		" NIL NIL NIL NIL)"
		"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0"
		" NIL NIL NIL NIL)"
		"(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 28"
		" (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
		" (\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0"
		" NIL NIL NIL NIL) 2 NIL NIL NIL NIL)"
		"((\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0"
		" NIL NIL NIL NIL) \"x-unknown\" NIL NIL NIL NIL)"
		" \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)")));
	structure_free(s);
	buf_release(&text);
}

/* --- what else is told of a message --- */

static void
check_facts(void)
{
	struct str message = STR(
	    "Message-ID: <3@x>\r\nReferences: <1@x>\r\n <2@x>\r\n"
	    "In-Reply-To: <9@x>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "--b\r\nContent-Type: image/gif\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n"
	    "--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "<b>gr=FC=DFe</b>\r\n  <p>all\r\n--b--\r\n");
	struct str bare = STR("In-Reply-To: <8@x> <9@x>\nSubject: a\n\nb\n");

	for (size_t piece = 1; piece <= message.len; piece++) {
		const struct structure_result *r;
		struct structure *s = read_in(message, piece, &r);
		struct part p, inner;

		CHECK(str_eq(r->refs, STR("3@x\n1@x\n2@x\n")));
		CHECK(r->has_sent && r->sent_s == 1795341600);
		CHECK(str_eq(r->preview, STR("gr\xc3\xbc\xc3\x9f"
					     "e all")));
		CHECK(parts_find(r->parts, (uint32_t[]){1}, 1, &p, &inner));
		CHECK(p.decoded_len == 5 && p.encoding == PART_BASE64);
		CHECK(parts_find(r->parts, (uint32_t[]){2}, 1, &p, &inner));
		CHECK(p.decoded_len == p.body_len - 4 && p.lines == 1);
		structure_free(s);
	}
	for (size_t piece = 1; piece <= bare.len; piece++) {
		const struct structure_result *r;
		struct structure *s = read_in(bare, piece, &r);

		CHECK(str_eq(r->refs, STR("\n8@x\n")));
		CHECK(!r->has_sent && str_eq(r->preview, STR("b")));
		structure_free(s);
	}
}

/* What begins like a boundary where the message ends; a date nobody reads. */
static void
check_ends(void)
{
	static const struct {
		const char *end;
		size_t parts, body_len; /* of the last part */
	} rows[] = {
	    {"\r\nx\r\n-",       2, 4},
	    {"\r\nx\r\n--",      2, 5},
	    {"\r\nx\r\n--c",     2, 6},
	    {"\r\nx\r\n--b",     2, 1},
	    {"\r\nx\r\n--b\r",   2, 1},
	    {"\r\nx\r\n--b\r\n", 3, 0},
	    {"\r\nx\r\n--b--",   2, 1},
	    {"\r\nx\r\n\r",      2, 4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece < 100; piece++) {
			const struct structure_result *r;
			struct structure *s;
			struct part p = {0};
			struct str packed;
			char text[200];
			size_t n = 0;

			snprintf(text, sizeof(text),
			    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
			    "--b\r\n%s",
			    rows[i].end);
			s = read_in(str_of(text), piece, &r);
			packed = r->parts;
			while (parts_next(&packed, &p))
				n++;
			CHECK(n == rows[i].parts);
			CHECK(p.body_len == rows[i].body_len);
			structure_free(s);
		}
}

static void
check_long_date(void)
{
	struct buf text;

	buf_init(&text, 4 * KB);
	for (size_t len = 900; len < 1200; len += 100) {
		const struct structure_result *r;
		struct structure *s;

		buf_clear(&text);
		buf_add(&text, STR("Date: Sun, 22 Nov 2026 10:00:00 +0000 ("));
		for (size_t i = 0; i < len; i++)
			buf_add_char(&text, 'x');
		buf_add(&text, STR(")\r\n\r\n"));
		s = read_in(buf_str(&text), 1000, &r);
		CHECK(r->has_sent == (len < 1000));
		structure_free(s);
	}
	buf_release(&text);
	structure_free(NULL);
}

static void
check_strip(void)
{
	static const struct {
		const char *structure, *body;
	} vectors[] = {
	    {"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 2 NIL NIL NIL NIL)",
             "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 2)"									 },
	    {"(\"a\" \"b\" (\"n\" {3}\r\n)(\") NIL NIL \"7bit\" 1 NIL"
	     " (\"x\" (\"y\" \"z)\")) NIL NIL)",		  "(\"a\" \"b\" (\"n\" {3}\r\n)(\") NIL NIL \"7bit\" 1)"},
	    {"((\"a\" \"b\" NIL NIL NIL \"7bit\" 1 NIL NIL NIL NIL) \"mixed\""
	     " (\"boundary\" \"b\") NIL NIL NIL)",		"((\"a\" \"b\" NIL NIL NIL \"7bit\" 1) \"mixed\")"    },
	    {"(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 9 (NIL \"(\" NIL NIL"
	     " NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" NIL NIL NIL"
	     " \"7bit\" 1 2 NIL NIL NIL NIL) 3 NIL NIL NIL NIL)", "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 9 (NIL \"(\" NIL"
		" NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" NIL NIL NIL"
		" \"7bit\" 1 2) 3)"                    },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf out;

		buf_init(&out, 1 * KB);
		structure_strip(str_of(vectors[i].structure), &out);
		CHECK_STR(out.data, vectors[i].body);
		buf_release(&out);
	}
}

int
main(void)
{
	check_vectors();
	for (uint32_t seed = 0; seed < 500; seed++)
		check_generated(seed);
	check_limits();
	check_brief();
	check_facts();
	check_ends();
	check_long_date();
	check_strip();
	return TEST_EXIT();
}
