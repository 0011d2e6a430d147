/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_lex.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/secret.h"

/* "~{9223372036854775807+}" and CRLF, and some zeros before the number. */
#define TAIL_MAX 64

/* Kept of a command that is broken, for its tag. */
#define BEGINNING 100

enum phase {
	LINE,
	JUDGED, /* by the engine, now */
	KEEPING,
	GIVING,
	SWALLOWING,
};

struct imap_lex {
	struct buf text;
	enum phase phase;
	size_t max;
	bool cr;              /* the last octet of the line was CR */
	char tail[TAIL_MAX];  /* the last octets of the line */
	size_t n_tail;        /* all of this line if not full */
	uint64_t line_octets; /* of all lines of the command */
	uint64_t left;        /* octets of the literal to come */
	uint64_t swallowed;   /* octets of literals nobody wants */
	struct imap_lex_literal literal;
	struct str octets;
	struct imap_lex_blame blame; /* text NULL: nothing is wrong */
	bool over;                   /* text is a whole command */
};

struct imap_lex *
imap_lex_new(void)
{
	struct imap_lex *l = MEM_NEW(struct imap_lex);

	buf_init(&l->text, 0);
	return l;
}

void
imap_lex_clear(struct imap_lex *l)
{
	secret_wipe(&l->text);
	*l = (struct imap_lex){.text = l->text};
}

void
imap_lex_free(struct imap_lex *l)
{
	if (l == NULL)
		return;
	imap_lex_clear(l);
	free(l);
}

/* Whatever else is wrong: the first reason counts. */
static void
blame(struct imap_lex *l, bool syntax, enum imap_code code, const char *text)
{
	if (l->blame.text == NULL)
		l->blame = (struct imap_lex_blame){syntax, code, text};
}

static void
keep_tail(struct imap_lex *l, struct str piece)
{
	size_t old = l->n_tail;

	if (piece.len > TAIL_MAX)
		piece = str_after(piece, piece.len - TAIL_MAX);
	if (old + piece.len > TAIL_MAX)
		old = TAIL_MAX - piece.len;
	memmove(l->tail, l->tail + (l->n_tail - old), old);
	memcpy(l->tail + old, piece.at, piece.len);
	l->n_tail = old + piece.len;
}

/* A bare CR or LF is no end of a line (RFC 9051 s2.2), and NUL has no place in
 * one (s9, CHAR). */
static void
judge_octets(struct imap_lex *l, struct str piece)
{
	bool cr = l->cr;

	for (size_t i = 0; i < piece.len; i++) {
		char c = piece.at[i];

		if (c == '\0')
			blame(l, true, IMAP_CODE_NONE,
			    "There is a NUL in the command");
		else if (cr != (c == '\n'))
			blame(l, true, IMAP_CODE_NONE,
			    "Lines end with CRLF, not with CR or LF alone");
		cr = c == '\r';
	}
	l->cr = cr;
}

/* All of the line while nothing is wrong, else what its tag may be in. */
static void
keep(struct imap_lex *l, struct str piece)
{
	if (l->text.len + piece.len > l->max + 2) /* CRLF */
		blame(l, false, IMAP_CODE_TOOBIG, "The command is too long");
	l->text.limit = l->max + BEGINNING;
	if (l->blame.text != NULL)
		piece = str_first(piece,
		    l->text.len < BEGINNING ? BEGINNING - l->text.len : 0);
	buf_add(&l->text, piece);
}

/* Take bytes up to the end of the line: READY, MORE, or ENDLESS. */
static enum imap_lex_result
take_line(struct imap_lex *l, struct str *in)
{
	struct str piece = *in;
	size_t lf;
	bool ends = str_find(*in, '\n', &lf);

	if (ends)
		piece = str_first(*in, lf + 1);
	*in = str_after(*in, piece.len);
	if (piece.len == 0)
		return IMAP_LEX_MORE;
	judge_octets(l, piece);
	keep_tail(l, piece);
	keep(l, piece);
	l->line_octets += piece.len;
	if (l->line_octets > l->max + IMAP_LEX_LINE_EXCESS)
		return IMAP_LEX_ENDLESS;
	return ends ? IMAP_LEX_READY : IMAP_LEX_MORE;
}

/* Does the line end in {3}, {3+}, ~{3} or ~{3+}? */
static bool
announced(struct imap_lex *l, size_t *n)
{
	struct str tail = {l->tail, l->n_tail}, digits;
	struct imap_lex_literal lit = {.waits = true};
	size_t open;

	if (tail.len > 0 && tail.at[tail.len - 1] == '\n')
		tail.len--;
	if (tail.len > 0 && tail.at[tail.len - 1] == '\r')
		tail.len--;
	if (!str_find_last(tail, '{', &open))
		return false;
	digits = str_after(tail, open + 1);
	lit.binary = open > 0 && tail.at[open - 1] == '~';
	if (digits.len == 0 || digits.at[--digits.len] != '}')
		return false;
	if (digits.len > 0 && digits.at[digits.len - 1] == '+') {
		digits.len--;
		lit.waits = false;
	}
	if (digits.len == 0)
		return false;
	for (size_t i = 0; i < digits.len; i++)
		if (digits.at[i] < '0' || digits.at[i] > '9')
			return false;
	if (!str_to_u64(digits, INT64_MAX, &lit.size))
		lit.size = UINT64_MAX;
	l->literal = lit;
	*n = l->n_tail - open + lit.binary;
	return true;
}

static void
begin_line(struct imap_lex *l)
{
	l->phase = LINE;
	l->cr = false;
	l->n_tail = 0;
}

/* Octets nobody wants follow. */
static bool
swallow(struct imap_lex *l)
{
	if (l->literal.size > IMAP_LEX_SWALLOW_MAX - l->swallowed)
		return false;
	l->swallowed += l->literal.size;
	l->left = l->literal.size;
	l->phase = SWALLOWING;
	return true;
}

static enum imap_lex_result
finish(struct imap_lex *l)
{
	l->over = true;
	if (l->blame.text == NULL) {
		buf_cut(&l->text, l->text.len - 2);
		return IMAP_LEX_READY;
	}
	return IMAP_LEX_BROKEN;
}

/* A line has ended: MORE if it goes on behind a literal. */
static enum imap_lex_result
end_line(struct imap_lex *l, bool line)
{
	size_t n;

	if (line || !announced(l, &n))
		return finish(l);
	begin_line(l);
	if (l->blame.text == NULL) {
		l->literal.head = str_first(buf_str(&l->text), l->text.len - n);
		l->phase = JUDGED;
		return IMAP_LEX_LITERAL;
	}
	if (l->literal.waits) /* it is told, and sends no more */
		return finish(l);
	return swallow(l) ? IMAP_LEX_MORE : IMAP_LEX_ENDLESS;
}

/* The next octets of a literal, as many as there are. */
static enum imap_lex_result
take_octets(struct imap_lex *l, struct str *in)
{
	size_t n = in->len < l->left ? in->len : (size_t)l->left;

	l->octets = str_first(*in, n);
	*in = str_after(*in, n);
	l->left -= n;
	if (l->phase == KEEPING)
		buf_add(&l->text, l->octets);
	return l->phase == GIVING && n > 0 ? IMAP_LEX_OCTETS : IMAP_LEX_MORE;
}

enum imap_lex_result
imap_lex_step(struct imap_lex *l, struct str *in, size_t max, bool line)
{
	enum imap_lex_result result = IMAP_LEX_MORE;

	assert(l->phase != JUDGED);
	if (l->over)
		imap_lex_clear(l);
	l->max = max;
	while (result == IMAP_LEX_MORE) {
		if (l->phase == LINE) {
			result = take_line(l, in);
			if (result == IMAP_LEX_MORE)
				return result;
			if (result == IMAP_LEX_READY)
				result = end_line(l, line);
		} else if (l->left == 0) {
			begin_line(l);
		} else if (in->len == 0) {
			return IMAP_LEX_MORE;
		} else {
			result = take_octets(l, in);
		}
	}
	return result;
}

struct str
imap_lex_text(const struct imap_lex *l)
{
	return buf_str(&l->text);
}

struct str
imap_lex_octets(const struct imap_lex *l)
{
	return l->octets;
}

const struct imap_lex_blame *
imap_lex_blame(const struct imap_lex *l)
{
	return &l->blame;
}

const struct imap_lex_literal *
imap_lex_literal(const struct imap_lex *l)
{
	return &l->literal;
}

static void
begin_literal(struct imap_lex *l, enum phase phase)
{
	assert(l->phase == JUDGED);
	l->phase = phase;
	l->left = l->literal.size;
}

bool
imap_lex_fits(const struct imap_lex *l)
{
	/* the text has a CRLF already, which max leaves room for */
	return l->text.len <= l->max && l->literal.size <= l->max - l->text.len;
}

void
imap_lex_keep(struct imap_lex *l)
{
	assert(imap_lex_fits(l));
	begin_literal(l, KEEPING);
}

void
imap_lex_give(struct imap_lex *l)
{
	begin_literal(l, GIVING);
}

enum imap_lex_result
imap_lex_refuse(
    struct imap_lex *l, bool syntax, enum imap_code code, const char *text)
{
	assert(l->phase == JUDGED);
	begin_line(l);
	blame(l, syntax, code, text);
	if (l->literal.waits)
		return finish(l);
	return swallow(l) ? IMAP_LEX_MORE : IMAP_LEX_ENDLESS;
}

bool
imap_lex_is_empty(const struct imap_lex *l)
{
	return l->over || (l->phase == LINE && l->line_octets == 0);
}
