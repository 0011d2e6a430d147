/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/mime/structure_compare.h"

#include <assert.h>

#include "common/mime/cte.h"
#include "common/mime/structure.h"
#include "common/util/mem.h"
#include "tests/fuzz/mime/plain_structure.h"

struct comparison {
	struct str message;
	const struct plain_structure *plain;
	size_t at;       /* part that is compared */
	struct str body; /* rest of BODYSTRUCTURE */
	struct buf word; /* taken from it last */
	struct buf *why;
};

static bool
differs(struct comparison *c, const char *what, uint64_t ours, uint64_t plain)
{
	buf_addf(c->why, "part %zu: %s: %llu, plainly %llu", c->at, what,
	    (unsigned long long)ours, (unsigned long long)plain);
	return false;
}

static bool
text_differs(struct comparison *c, const char *what, struct str plain)
{
	buf_addf(c->why, "part %zu: %s: \"%.*s\", plainly \"%.*s\"", c->at,
	    what, STR_FMT(buf_str(&c->word)), STR_FMT(plain));
	return false;
}

/* ---- the packed parts ---- */

/* Of a leaf: how many octets its body decodes to. */
static uint64_t
decoded_len(struct str message, const struct part *p)
{
	struct cte_decoder d;

	cte_decoder_init(&d, p->encoding);
	return cte_count(&d, str_first(str_after(message, (size_t)p->body_at),
				 (size_t)p->body_len)) +
	       cte_count_end(&d);
}

static bool
compare_part(struct comparison *c, const struct part *ours)
{
	const struct part *plain = &c->plain->parts[c->at].at;
	const struct {
		const char *what;
		uint64_t ours, plain;
	} numbers[] = {
	    {"kind",       ours->kind,       plain->kind      },
	    {"depth",      ours->depth,      plain->depth     },
	    {"header_at",  ours->header_at,  plain->header_at },
	    {"header_len", ours->header_len, plain->header_len},
	    {"body_at",    ours->body_at,    plain->body_at   },
	    {"body_len",   ours->body_len,   plain->body_len  },
	    {"lines",      ours->lines,      plain->lines     },
	    {"encoding",   ours->encoding,   plain->encoding  },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].ours != numbers[i].plain)
			return differs(c, numbers[i].what, numbers[i].ours,
			    numbers[i].plain);
	if ((plain->kind == PART_TEXT || plain->kind == PART_OTHER) &&
	    ours->decoded_len != decoded_len(c->message, plain))
		return differs(c, "decoded_len", ours->decoded_len,
		    decoded_len(c->message, plain));
	return true;
}

static bool
compare_parts(struct comparison *c, struct str packed)
{
	struct part ours;
	size_t n = 0;

	for (struct str rest = packed; parts_next(&rest, &ours);)
		n++;
	if (n != c->plain->n) {
		c->at = 0;
		return differs(c, "parts", n, c->plain->n);
	}
	for (c->at = 0; parts_next(&packed, &ours); c->at++)
		if (!compare_part(c, &ours))
			return false;
	return true;
}

/* ---- BODYSTRUCTURE (RFC 9051 s9): a grammar so small that it is read here
 * without the help of what wrote it ---- */

static bool
broken(struct comparison *c)
{
	buf_addf(c->why, "part %zu: BODYSTRUCTURE goes on with \"%.*s\"", c->at,
	    STR_FMT(str_first(c->body, 40)));
	return false;
}

/* A quoted string, a literal or an atom, into word. */
static bool
take_word(struct comparison *c)
{
	struct str digits;
	size_t n;

	buf_clear(&c->word);
	if (str_take(&c->body, '"')) {
		while (c->body.len > 0 && c->body.at[0] != '"') {
			str_take(&c->body, '\\');
			buf_add(&c->word, str_first(c->body, 1));
			c->body = str_after(c->body, 1);
		}
		return str_take(&c->body, '"');
	}
	if (str_take(&c->body, '{')) {
		digits = str_cut(&c->body, '}');
		if (!str_to_size(digits, c->body.len, &n) ||
		    !str_take_nocase(&c->body, STR("\r\n")) || n > c->body.len)
			return false;
		buf_add(&c->word, str_first(c->body, n));
		c->body = str_after(c->body, n);
		return true;
	}
	for (n = 0; n < c->body.len && c->body.at[n] > ' ' &&
		    c->body.at[n] != '(' && c->body.at[n] != ')';)
		n++;
	buf_add(&c->word, str_first(c->body, n));
	c->body = str_after(c->body, n);
	return n > 0;
}

/* A word or a list of any depth, passed over. */
static bool
skip_value(struct comparison *c)
{
	size_t depth = 0;

	do {
		if (str_take(&c->body, '('))
			depth++;
		else if (depth > 0 && str_take(&c->body, ')'))
			depth--;
		else if (!take_word(c))
			return broken(c);
		if (depth > 0)
			str_take(&c->body, ' ');
	} while (depth > 0);
	return true;
}

/* No string of IMAP has NUL: U+FFFD stands for it. */
static void
show(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '\0')
			buf_add(out, STR("\xef\xbf\xbd"));
		else
			buf_add_char(out, s.at[i]);
}

static bool
compare_text(struct comparison *c, const char *what, struct str plain)
{
	struct buf shown;
	bool same;

	if (!take_word(c))
		return broken(c);
	buf_init(&shown, 16 * MB);
	show(plain, &shown);
	same = str_eq(buf_str(&c->word), buf_str(&shown));
	buf_release(&shown);
	return same || text_differs(c, what, plain);
}

static bool
take_space(struct comparison *c)
{
	return str_take(&c->body, ' ') || broken(c);
}

static bool
compare_number(struct comparison *c, const char *what, uint64_t plain)
{
	uint64_t ours;

	if (!take_space(c))
		return false;
	if (!take_word(c) || !str_to_u64(buf_str(&c->word), UINT64_MAX, &ours))
		return broken(c);
	return ours == plain || differs(c, what, ours, plain);
}

/* " NIL" or " (name value ...)"; text that names no charset is in us-ascii
 * (RFC 2045 s5.2). */
static bool
compare_params(struct comparison *c, const struct plain_part *p)
{
	size_t n = p->octets ? 0 : p->n_params;
	bool charset = p->text;

	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(buf_str(&p->params[i].name), STR("charset")))
			charset = false;
	if (!take_space(c))
		return false;
	if (n == 0 && !charset)
		return compare_text(c, "parameters", STR("NIL"));
	if (!str_take(&c->body, '('))
		return broken(c);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && !take_space(c))
			return false;
		if (!compare_text(c, "name", buf_str(&p->params[i].name)) ||
		    !take_space(c) ||
		    !compare_text(c, "value", buf_str(&p->params[i].value)))
			return false;
	}
	if (charset &&
	    ((n > 0 && !take_space(c)) ||
		!compare_text(c, "name", STR("charset")) || !take_space(c) ||
		!compare_text(c, "value", STR("us-ascii"))))
		return false;
	return str_take(&c->body, ')') || broken(c);
}

/* What no oracle is for: " value" up to the end of the list. */
static bool
skip_rest(struct comparison *c)
{
	while (str_take(&c->body, ' '))
		if (!skip_value(c))
			return false;
	return str_take(&c->body, ')') || broken(c);
}

/* Up to the size: " "type" "subtype" params id description encoding". */
static bool
compare_basics(struct comparison *c, const struct plain_part *p)
{
	struct str type = buf_str(&p->type), subtype = buf_str(&p->subtype);

	if (p->octets) {
		type = STR("application");
		subtype = STR("octet-stream");
	}
	return compare_text(c, "type", type) && take_space(c) &&
	       compare_text(c, "subtype", subtype) && compare_params(c, p) &&
	       take_space(c) && skip_value(c) && take_space(c) &&
	       skip_value(c) && take_space(c) &&
	       compare_text(c, "encoding",
		   p->octets ? STR("7bit") : buf_str(&p->encoding)) &&
	       compare_number(c, "size", p->at.body_len);
}

static bool
compare_body(struct comparison *c)
{
	size_t me = c->at++;
	const struct plain_part *p = &c->plain->parts[me];
	bool good;

	assert(me < c->plain->n);
	if (!str_take(&c->body, '('))
		return broken(c);
	if (p->at.kind == PART_MULTIPART) {
		if (c->at == c->plain->n ||
		    c->plain->parts[c->at].at.depth <= p->at.depth) {
			/* there must be one: an empty one is made up */
			good = skip_value(c);
		} else {
			do
				good = compare_body(c);
			while (good && c->at < c->plain->n &&
			       c->plain->parts[c->at].at.depth > p->at.depth);
		}
		return good && take_space(c) &&
		       compare_text(c, "subtype", buf_str(&p->subtype)) &&
		       compare_params(c, p) && skip_rest(c);
	}
	good = compare_basics(c, p);
	if (p->at.kind == PART_MESSAGE)
		good = good && take_space(c) && skip_value(c) &&
		       take_space(c) && compare_body(c);
	if (p->text || p->at.kind == PART_MESSAGE)
		good = good && compare_number(c, "lines", p->at.lines);
	return good && skip_rest(c);
}

bool
structure_compare(struct str message, size_t piece, struct buf *why)
{
	struct structure *s = structure_new();
	struct plain_structure *plain = plain_structure_read(message);
	struct comparison c = {.message = message, .plain = plain, .why = why};
	const struct structure_result *ours;
	bool same;

	for (struct str rest = message; rest.len > 0;
	     rest = str_after(rest, piece))
		structure_feed(s, str_first(rest, piece));
	ours = structure_finish(s);
	buf_init(&c.word, 16 * MB);
	c.body = ours->body_structure;
	same = compare_parts(&c, ours->parts);
	c.at = 0;
	same = same && compare_body(&c);
	if (same && c.body.len > 0)
		same = broken(&c);
	buf_release(&c.word);
	structure_free(s);
	plain_structure_free(plain);
	return same;
}
