/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_fetch_item.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_state.h"

static const struct {
	const char *asked, *answered;
	enum imap_fetch_from from;
	enum imap_cap cap;
} table[] = {
#define F(NAME, asked, answered, from, cap)                                    \
	{asked, answered, IMAP_FROM_##from, IMAP_CAP_##cap},
    IMAP_FETCH_ITEMS(F)
#undef F
};

void
imap_fetch_query_release(struct imap_fetch_query *q)
{
	for (size_t i = 0; i < q->n; i++) {
		buf_release(&q->items[i].label);
		imap_section_release(&q->items[i].section);
	}
	free(q->items);
	*q = (struct imap_fetch_query){0};
}

void
imap_fetch_query_copy(
    const struct imap_fetch_query *q, struct imap_fetch_query *out)
{
	*out = *q;
	out->items = mem_new(q->n, sizeof(*out->items));
	for (size_t i = 0; i < q->n; i++) {
		const struct imap_fetch_item *from = &q->items[i];
		struct imap_fetch_item *to = &out->items[i];

		*to = *from;
		buf_init(&to->label, from->label.limit);
		buf_add(&to->label, buf_str(&from->label));
		imap_section_copy(&from->section, &to->section);
	}
}

bool
imap_fetch_wants(const struct imap_fetch_query *q, enum imap_fetch_kind kind)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->items[i].kind == kind)
			return true;
	return false;
}

/* Room for one more, empty but for its kind and its label's begin. */
static struct imap_fetch_item *
add(struct imap_fetch_query *q, enum imap_fetch_kind kind)
{
	struct imap_fetch_item *i;

	if ((q->n & (q->n - 1)) == 0) /* full at each power of two */
		q->items = mem_grow(
		    q->items, q->n == 0 ? 1 : 2 * q->n, sizeof(*q->items));
	i = &q->items[q->n++];
	*i = (struct imap_fetch_item){.kind = kind, .from = table[kind].from};
	buf_init(&i->label, 2 * IMAP_COMMAND_MAX);
	buf_add(&i->label, str_of(table[kind].answered));
	q->from |= i->from;
	return i;
}

void
imap_fetch_want(
    struct imap_fetch_query *q, enum imap_fetch_kind kind, bool first)
{
	assert(table[kind].from != IMAP_FROM_OCTETS);
	if (imap_fetch_wants(q, kind))
		return;
	add(q, kind);
	for (size_t i = q->n - 1; first && i > 0; i--) {
		struct imap_fetch_item before = q->items[i - 1];

		q->items[i - 1] = q->items[i];
		q->items[i] = before;
	}
}

/* "<0.1024>" (RFC 9051 s9 partial). */
static bool
take_partial(struct imap_args *a, struct imap_fetch_item *i)
{
	if (!imap_arg_char(a, '<'))
		return true;
	i->partial = true;
	if (!imap_arg_number64(a, &i->start) || !imap_arg_char(a, '.') ||
	    !imap_arg_number64(a, &i->count) || i->count == 0)
		return false;
	buf_addf(&i->label, "<%llu>", (unsigned long long)i->start);
	return imap_arg_char(a, '>');
}

/* What stands behind the name of an item. */
static bool
take_rest(
    struct imap_args *a, struct imap_fetch_query *q, struct imap_fetch_item *i)
{
	switch (i->kind) {
	case IMAP_FETCH_RFC822_HEADER: /* as BODY.PEEK[HEADER] */
		i->section.what = IMAP_SECTION_HEADER;
		return true;
	case IMAP_FETCH_RFC822_TEXT:
		i->section.what = IMAP_SECTION_TEXT;
		q->seen = q->text = true;
		return true;
	case IMAP_FETCH_RFC822:
		q->seen = q->text = true;
		return true;
	case IMAP_FETCH_BINARY:
	case IMAP_FETCH_BINARY_PEEK:
	case IMAP_FETCH_BINARY_SIZE:
		i->decoded = true;
		break;
	case IMAP_FETCH_PREVIEW: /* RFC 8970 s4: ours is always at hand */
		return !str_take_nocase(&a->rest, STR(" (")) ||
		       str_take_nocase(&a->rest, STR("LAZY)"));
	default:
		break;
	}
	if (i->from != IMAP_FROM_OCTETS)
		return true;
	if (!imap_section_take(a, i->decoded, &i->section, &i->label))
		return false;
	if (i->kind == IMAP_FETCH_BINARY_SIZE)
		return true;
	q->seen |= i->kind == IMAP_FETCH_SECTION ||
	           i->kind == IMAP_FETCH_BINARY;
	q->text |= imap_section_is_text(&i->section);
	return take_partial(a, i);
}

/* The name of an item, '[' with it if it has one. */
static struct str
peek_name(const struct imap_args *a)
{
	struct str s = a->rest;
	size_t n = 0;

	while (n < s.len && s.at[n] > ' ' && s.at[n] != '[' && s.at[n] != '(' &&
	       s.at[n] != ')')
		n++;
	return str_first(s, n + (n < s.len && s.at[n] == '['));
}

static bool
take_item(struct imap *p, struct imap_args *a, struct imap_fetch_query *q,
    const char **what_is_wrong)
{
	struct str name = peek_name(a);
	struct imap_fetch_item *i;
	size_t kind = 0;

	while (kind < IMAP_FETCH_KINDS &&
	       !(str_eq_nocase(name, str_of(table[kind].asked)) &&
		   imap_offers(p, table[kind].cap)))
		kind++;
	if (kind == IMAP_FETCH_KINDS || q->n == IMAP_FETCH_ITEMS_MAX) {
		*what_is_wrong = kind == IMAP_FETCH_KINDS ? "Unknown item"
		                                          : "Too many items";
		return false;
	}
	/* the section begins with its bracket */
	a->rest = str_after(a->rest, name.len - (name.at[name.len - 1] == '['));
	i = add(q, (enum imap_fetch_kind)kind);
	if (take_rest(a, q, i))
		return true;
	*what_is_wrong = "Not a section";
	return false;
}

static const struct {
	const char *name;
	enum imap_fetch_kind kinds[5];
	size_t n;
} macros[] = {
    {"ALL",
     {IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_SIZE,
	    IMAP_FETCH_ENVELOPE},
     4								      },
    {"FAST", {IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_SIZE}, 3},
    {"FULL",
     {IMAP_FETCH_FLAGS, IMAP_FETCH_INTERNALDATE, IMAP_FETCH_SIZE,
	    IMAP_FETCH_ENVELOPE, IMAP_FETCH_BODY},
     5								      },
};

static bool
take_macro(struct imap_args *a, struct imap_fetch_query *q)
{
	for (size_t m = 0; m < sizeof(macros) / sizeof(*macros); m++) {
		if (!imap_arg_word(a, str_of(macros[m].name)))
			continue;
		for (size_t i = 0; i < macros[m].n; i++)
			add(q, macros[m].kinds[i]);
		return true;
	}
	return false;
}

bool
imap_fetch_take_items(struct imap *p, struct imap_args *a,
    struct imap_fetch_query *out, const char **what_is_wrong)
{
	if (take_macro(a, out))
		return true;
	if (!imap_arg_char(a, '('))
		return take_item(p, a, out, what_is_wrong);
	do {
		if (!take_item(p, a, out, what_is_wrong))
			return false;
	} while (imap_arg_space(a));
	*what_is_wrong = "No ) behind the items";
	return imap_arg_char(a, ')');
}

/* "1:100" or "-1:-100" (RFC 9394 s4 partial-range). */
static bool
take_range(struct imap_args *a, struct imap_fetch_modifiers *m)
{
	uint32_t swap;

	m->partial = true;
	m->from_end = imap_arg_char(a, '-');
	if (!imap_arg_number(a, &m->low) || !imap_arg_char(a, ':') ||
	    imap_arg_char(a, '-') != m->from_end ||
	    !imap_arg_number(a, &m->high) || m->low == 0 || m->high == 0)
		return false;
	if (m->low > m->high) {
		swap = m->low;
		m->low = m->high;
		m->high = swap;
	}
	return true;
}

static bool
take_modifier(struct imap *p, struct imap_args *a,
    struct imap_fetch_modifiers *m, const char **what_is_wrong)
{
	*what_is_wrong = "Not a modifier";
	if (imap_offers(p, IMAP_CAP_CONDSTORE) && !m->changed_since &&
	    imap_arg_word(a, STR("CHANGEDSINCE"))) {
		m->changed_since = true; /* since 0: iOS asks so */
		return imap_arg_space(a) && imap_arg_number64(a, &m->since);
	}
	if (imap_offers(p, IMAP_CAP_QRESYNC) && !m->vanished &&
	    imap_arg_word(a, STR("VANISHED"))) {
		m->vanished = true;
		return true;
	}
	if (imap_offers(p, IMAP_CAP_PARTIAL) && !m->partial &&
	    imap_arg_word(a, STR("PARTIAL")))
		return imap_arg_space(a) && take_range(a, m);
	return false;
}

bool
imap_fetch_take_modifiers(struct imap *p, struct imap_args *a,
    struct imap_fetch_modifiers *out, const char **what_is_wrong)
{
	*out = (struct imap_fetch_modifiers){0};
	if (imap_arg_end(a))
		return true;
	*what_is_wrong = "Something behind the items";
	if (!imap_arg_space(a) || !imap_arg_char(a, '('))
		return false;
	do {
		if (!take_modifier(p, a, out, what_is_wrong))
			return false;
	} while (imap_arg_space(a));
	*what_is_wrong = "No ) behind the modifiers";
	return imap_arg_char(a, ')') && imap_arg_end(a);
}
