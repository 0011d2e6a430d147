/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "common/mime/cte.h"

/* What an octet means in base64: 1 more than its six bits; 0: nothing. */
enum {
	PAD = 65,
	SPACE
};
static const uint8_t base64_values[256] = {
    ['A'] = 1,
    ['B'] = 2,
    ['C'] = 3,
    ['D'] = 4,
    ['E'] = 5,
    ['F'] = 6,
    ['G'] = 7,
    ['H'] = 8,
    ['I'] = 9,
    ['J'] = 10,
    ['K'] = 11,
    ['L'] = 12,
    ['M'] = 13,
    ['N'] = 14,
    ['O'] = 15,
    ['P'] = 16,
    ['Q'] = 17,
    ['R'] = 18,
    ['S'] = 19,
    ['T'] = 20,
    ['U'] = 21,
    ['V'] = 22,
    ['W'] = 23,
    ['X'] = 24,
    ['Y'] = 25,
    ['Z'] = 26,
    ['a'] = 27,
    ['b'] = 28,
    ['c'] = 29,
    ['d'] = 30,
    ['e'] = 31,
    ['f'] = 32,
    ['g'] = 33,
    ['h'] = 34,
    ['i'] = 35,
    ['j'] = 36,
    ['k'] = 37,
    ['l'] = 38,
    ['m'] = 39,
    ['n'] = 40,
    ['o'] = 41,
    ['p'] = 42,
    ['q'] = 43,
    ['r'] = 44,
    ['s'] = 45,
    ['t'] = 46,
    ['u'] = 47,
    ['v'] = 48,
    ['w'] = 49,
    ['x'] = 50,
    ['y'] = 51,
    ['z'] = 52,
    ['0'] = 53,
    ['1'] = 54,
    ['2'] = 55,
    ['3'] = 56,
    ['4'] = 57,
    ['5'] = 58,
    ['6'] = 59,
    ['7'] = 60,
    ['8'] = 61,
    ['9'] = 62,
    ['+'] = 63,
    ['/'] = 64,
    ['='] = PAD,
    [' '] = SPACE,
    ['\t'] = SPACE,
    ['\r'] = SPACE,
    ['\n'] = SPACE,
};

/* Where decoded octets go: to out if it is not NULL; counted anyway. */
struct sink {
	struct buf *out;
	uint64_t n;
};

static void
put(struct sink *to, struct str s)
{
	to->n += s.len;
	if (to->out != NULL)
		buf_add(to->out, s);
}

void
cte_decoder_init(struct cte_decoder *d, enum part_encoding encoding)
{
	*d = (struct cte_decoder){.encoding = encoding};
}

/* One octet; what it completes is written to *at, which is advanced. */
static inline void
base64_octet(struct cte_decoder *d, unsigned char c, char **at)
{
	unsigned value = base64_values[c];

	if (value == 0) {
		d->damaged = true;
	} else if (value < PAD) {
		d->bits = d->bits << 6 | (value - 1);
		d->n_bits += 6;
		if (d->n_bits >= 8) {
			d->n_bits -= 8;
			*(*at)++ = (char)(d->bits >> d->n_bits);
		}
	} else if (value == PAD) {
		/* what follows, some think, is more: joined encodings */
		d->damaged |= d->n_bits == 6;
		d->n_bits = 0;
	}
}

static uint32_t
digit(char c)
{
	return base64_values[(unsigned char)c] - 1U;
}

/* Whole groups of four at the front, which is nearly everything; how many
 * octets they are. */
static size_t
base64_groups(struct str s, char **at)
{
	size_t n = 0;

	for (; n + 4 <= s.len; n += 4) {
		uint32_t a = digit(s.at[n]), b = digit(s.at[n + 1]);
		uint32_t c = digit(s.at[n + 2]), e = digit(s.at[n + 3]);

		if ((a | b | c | e) > 63)
			break;
		*(*at)++ = (char)(a << 2 | b >> 4);
		*(*at)++ = (char)(b << 4 | c >> 2);
		*(*at)++ = (char)(c << 6 | e);
	}
	return n;
}

static void
base64(struct cte_decoder *d, struct str piece, struct sink *to)
{
	while (piece.len > 0) {
		char made[1024];
		char *at = made;
		struct str now = str_first(piece, sizeof(made));

		for (size_t i = 0; i < now.len;) {
			if (d->n_bits == 0)
				i += base64_groups(str_after(now, i), &at);
			if (i < now.len)
				base64_octet(
				    d, (unsigned char)now.at[i++], &at);
		}
		put(to, (struct str){made, (size_t)(at - made)});
		piece = str_after(piece, now.len);
	}
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

/* The octets held back stand for themselves. */
static void
put_held(struct cte_decoder *d, struct sink *to)
{
	put(to, (struct str){d->held, d->n_held});
	d->n_held = 0;
}

static void
hold(struct cte_decoder *d, char c, struct sink *to)
{
	if (d->n_held == sizeof(d->held)) {
		d->damaged = true;
		put_held(d, to);
	}
	d->held[d->n_held++] = c;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = str_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The octet behind a '=' and what is held since: "=", "=4", "= ", "=\r". */
static void
quoted_code(struct cte_decoder *d, char c, struct sink *to)
{
	char last = d->held[d->n_held - 1];
	int high = hex_value(last), low = hex_value(c);

	if (c == '\n') {
		d->n_held = 0; /* a soft line break (RFC 2045 s6.7 (5)) */
	} else if (last != '\r' && (is_blank(c) || c == '\r') && high == -1) {
		hold(d, c, to);
	} else if (d->n_held == 1 && low != -1) {
		hold(d, c, to);
	} else if (d->n_held == 2 && high != -1 && low != -1) {
		char code = (char)(high << 4 | low);

		d->n_held = 0;
		put(to, (struct str){&code, 1});
	} else {
		d->damaged = true;
		put_held(d, to);
		if (c == '=' || is_blank(c))
			hold(d, c, to);
		else
			put(to, (struct str){&c, 1});
	}
}

/* How many octets at the front stand for themselves, white space within a line
 * included. */
static size_t
plain_run(struct str s)
{
	size_t n = 0, kept = 0;

	while (n < s.len && s.at[n] != '=') {
		if (is_blank(s.at[n])) {
			n++;
			continue;
		}
		if (is_line_end(s.at[n]) && kept < n)
			break; /* white space before it is dropped */
		kept = ++n;
	}
	/* a '=' keeps the white space before it */
	return n < s.len && s.at[n] == '=' ? n : kept;
}

static void
quoted(struct cte_decoder *d, struct str piece, struct sink *to)
{
	while (piece.len > 0) {
		char c = piece.at[0];
		size_t run;

		if (d->n_held > 0 && d->held[0] == '=') {
			quoted_code(d, c, to);
			piece = str_after(piece, 1);
			continue;
		}
		if (d->n_held > 0 && !is_blank(c)) {
			/* RFC 2045 s6.7 (3): white space at the end of a line
			 * was added on the way */
			if (is_line_end(c))
				d->n_held = 0;
			put_held(d, to);
		}
		run = d->n_held == 0 ? plain_run(piece) : 0;
		put(to, str_first(piece, run));
		piece = str_after(piece, run);
		if (run == 0) {
			hold(d, c, to);
			piece = str_after(piece, 1);
		}
	}
}

static void
decode(struct cte_decoder *d, struct str piece, struct sink *to)
{
	if (d->encoding == PART_BASE64)
		base64(d, piece, to);
	else if (d->encoding == PART_QUOTED)
		quoted(d, piece, to);
	else
		put(to, piece);
}

/* A line break of a soft end may be missing at the very end. */
static void
finish(struct cte_decoder *d, struct sink *to)
{
	if (d->encoding == PART_QUOTED && d->n_held > 0) {
		bool soft = d->held[0] == '=';

		for (size_t i = 1; i < d->n_held; i++)
			soft &= is_blank(d->held[i]) || d->held[i] == '\r';
		if (soft || d->held[0] != '=')
			d->n_held = 0;
		d->damaged |= d->n_held > 0;
		put_held(d, to);
	}
	d->damaged |= d->n_bits == 6;
	d->n_bits = 0;
}

void
cte_decode(struct cte_decoder *d, struct str piece, struct buf *out)
{
	struct sink to = {.out = out};

	assert(out != NULL);
	decode(d, piece, &to);
}

void
cte_decode_end(struct cte_decoder *d, struct buf *out)
{
	struct sink to = {.out = out};

	finish(d, &to);
}

uint64_t
cte_count(struct cte_decoder *d, struct str piece)
{
	struct sink to = {0};

	decode(d, piece, &to);
	return to.n;
}

uint64_t
cte_count_end(struct cte_decoder *d)
{
	struct sink to = {0};

	finish(d, &to);
	return to.n;
}
