/* SPDX-License-Identifier: MIT */
#include "common/mime/param.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/charset.h"
#include "common/mime/lenient.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#define INDEX_MAX 100000 /* of a piece */

/* A parameter as it is written; its strings are cut out of `text'. */
struct piece {
	size_t name_at, name_len, value_at, value_len;
	bool pieced;   /* its name ends in *, *n or *n*: base_len is before */
	bool extended; /* ... in * */
	size_t base_len;
	uint64_t index; /* of name*n; 0 of name* */
};

struct param_list {
	struct buf text;
	struct piece pieces[PARAM_MAX];
	size_t n;
};

static struct str
part_of(const struct param_list *list, size_t at, size_t len)
{
	return str_first(str_after(buf_str(&list->text), at), len);
}

static struct str
base_of(const struct param_list *list, const struct piece *p)
{
	return part_of(list, p->name_at, p->base_len);
}

/* RFC 2231 s3, s4: name*, name*0, name*0* */
static void
read_name(const struct param_list *list, struct piece *p)
{
	struct str name = part_of(list, p->name_at, p->name_len), digits;
	size_t star;

	if (!str_find(name, '*', &star))
		return;
	digits = str_after(name, star + 1);
	p->extended = digits.len == 0;
	if (digits.len > 0 && digits.at[digits.len - 1] == '*') {
		if (--digits.len == 0)
			return;
		p->extended = true;
	}
	if (digits.len > 0 && !str_to_u64(digits, INDEX_MAX, &p->index))
		return;
	p->base_len = star;
	p->pieced = true;
}

/* Some write name==?utf-8?b?...?= without quotes. */
static void
take_bare_word(struct str *s, struct buf *out)
{
	size_t n = 0;

	while (n < s->len && s->at[n] != ';' && s->at[n] != ' ' &&
	       s->at[n] != '\t')
		n++;
	buf_add(out, str_first(*s, n));
	*s = str_after(*s, n);
}

/* One at the front of *s.  False if it is broken: *s is where that showed. */
static bool
take_piece(struct str *s, struct buf *text, struct piece *p)
{
	enum lenient how = LENIENT_MORE;

	*p = (struct piece){.name_at = text->len};
	if (!str_take(s, ';') || lenient_skip(s, NULL) != LENIENT_MORE ||
	    lenient_token(s, text) != LENIENT_MORE || !str_take(s, '='))
		return false;
	p->name_len = text->len - p->name_at;
	p->value_at = text->len;
	how = lenient_skip(s, NULL);
	if (how == LENIENT_MORE && s->at[0] == '"')
		how = lenient_quoted(s, text, NULL);
	else if (how == LENIENT_MORE && s->at[0] == '=')
		take_bare_word(s, text);
	else if (how == LENIENT_MORE)
		how = lenient_token(s, text);
	p->value_len = text->len - p->value_at;
	return how != LENIENT_BAD;
}

/* Names mean the same in either case (RFC 2045 s5.1). */
static int
name_cmp(struct str a, struct str b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		unsigned char x = (unsigned char)str_lower(a.at[i]);
		unsigned char y = (unsigned char)str_lower(b.at[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}

static int
piece_cmp(const struct param_list *list, size_t a, size_t b)
{
	const struct piece *x = &list->pieces[a], *y = &list->pieces[b];
	int order = name_cmp(base_of(list, x), base_of(list, y));

	if (order != 0)
		return order;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* The numbers of all pieces, by name and index; those of one index in the
 * order they came. */
static size_t
sort_pieces(const struct param_list *list, size_t order[PARAM_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		size_t at = n;

		if (!list->pieces[i].pieced)
			continue;
		while (at > 0 && piece_cmp(list, order[at - 1], i) > 0) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = i;
		n++;
	}
	return n;
}

/* In the extended form a '%' of a plain piece must not be read as a code. */
static void
add_escaped(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '%')
			buf_add(out, STR("%25"));
		else
			buf_add_char(out, s.at[i]);
}

static void
add_value(const struct param_list *list, const struct piece *p, bool escape,
    struct buf *out)
{
	char *copy = mem_dup(part_of(list, p->value_at, p->value_len));

	if (escape)
		add_escaped((struct str){copy, p->value_len}, out);
	else
		buf_add(out, (struct str){copy, p->value_len});
	free(copy);
}

/* One parameter of the pieces order[from..to), which have one name. */
static struct piece
join(struct param_list *list, const size_t *order, size_t n)
{
	const struct piece *first = &list->pieces[order[0]];
	struct buf *text = &list->text;
	struct piece out = {.name_at = text->len};
	char *name = mem_dup(base_of(list, first));
	bool extended = false;

	for (size_t i = 0; i < n; i++)
		extended |= list->pieces[order[i]].extended;
	buf_add(text, (struct str){name, first->base_len});
	if (extended)
		buf_add_char(text, '*');
	free(name);
	out.name_len = text->len - out.name_at;
	out.value_at = text->len;
	if (extended && !first->extended)
		buf_add(text, STR("''"));
	for (size_t i = 0; i < n; i++)
		add_value(list, &list->pieces[order[i]],
		    extended && !list->pieces[order[i]].extended, text);
	out.value_len = text->len - out.value_at;
	return out;
}

/* Is it 0, 1, 2 ... without a gap? */
static bool
is_whole(const struct param_list *list, const size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list->pieces[order[i]].index != i)
			return false;
	return true;
}

/* Put pieces together: plain ones first, in their order, then these. */
static void
join_all(struct param_list *list)
{
	size_t order[PARAM_MAX], n = sort_pieces(list, order), run, kept = 0;
	struct piece out[PARAM_MAX];

	if (n == 0)
		return;
	for (size_t i = 0; i < list->n; i++)
		if (!list->pieces[i].pieced)
			out[kept++] = list->pieces[i];
	for (size_t i = 0; i < n; i += run) {
		const struct piece *first = &list->pieces[order[i]];

		for (run = 1; i + run < n; run++)
			if (!str_eq_nocase(base_of(list, first),
				base_of(list, &list->pieces[order[i + run]])))
				break;
		if (is_whole(list, order + i, run))
			out[kept++] = join(list, order + i, run);
		else
			for (size_t k = 0; k < run; k++)
				out[kept++] = list->pieces[order[i + k]];
	}
	assert(kept <= PARAM_MAX);
	memcpy(list->pieces, out, kept * sizeof(out[0]));
	list->n = kept;
}

struct param_list *
param_parse(struct str value)
{
	struct param_list *list = MEM_NEW(struct param_list);

	/* each is written at most twice, its plain pieces tripled */
	buf_init(&list->text, 4 * value.len + 4 * PARAM_MAX);
	while (value.len > 0 && list->n < PARAM_MAX) {
		struct piece *p = &list->pieces[list->n];

		if (!take_piece(&value, &list->text, p)) {
			/* go on behind what broke it, as Dovecot does */
			value = str_after(value, 1);
			continue;
		}
		read_name(list, p);
		list->n++;
	}
	join_all(list);
	return list;
}

void
param_free(struct param_list *list)
{
	if (list == NULL)
		return;
	buf_release(&list->text);
	free(list);
}

size_t
param_count(const struct param_list *list)
{
	return list->n;
}

struct str
param_name(const struct param_list *list, size_t i)
{
	assert(i < list->n);
	return part_of(list, list->pieces[i].name_at, list->pieces[i].name_len);
}

struct str
param_value(const struct param_list *list, size_t i)
{
	assert(i < list->n);
	return part_of(
	    list, list->pieces[i].value_at, list->pieces[i].value_len);
}

bool
param_find(const struct param_list *list, struct str name, struct str *value)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq_nocase(param_name(list, i), name)) {
			*value = param_value(list, i);
			return true;
		}
	return false;
}

void
param_decode(struct str extended, struct buf *out)
{
	struct str rest = extended, charset;
	struct buf octets;
	size_t at;

	if (!str_find(rest, '\'', &at) ||
	    !str_find(str_after(rest, at + 1), '\'', &at)) {
		charset_to_utf8(STR(""), extended, out);
		return;
	}
	charset = str_cut(&rest, '\'');
	str_cut(&rest, '\'');
	buf_init(&octets, rest.len + 1);
	while (rest.len > 0) {
		if (rest.at[0] == '%' && rest.len >= 3 &&
		    enc_hex_decode(str_first(str_after(rest, 1), 2), &octets)) {
			rest = str_after(rest, 3);
			continue;
		}
		buf_add_char(&octets, rest.at[0]);
		rest = str_after(rest, 1);
	}
	charset_to_utf8(charset, buf_str(&octets), out);
	buf_release(&octets);
}
