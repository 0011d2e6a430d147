/* SPDX-License-Identifier: MIT */
/*
 * State i stands before item i of the patterns, which follow each other in one
 * array; an item is an octet, a wildcard or the end of a pattern.  A wildcard
 * may be skipped, and never follows another one (`*%' is `*'), so what can be
 * reached without an octet is one shift away.
 */
#include "popd/proto/imap_match.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"

#define WORD       64
#define WORDS      (IMAP_MATCH_STATES / WORD)
#define INBOX_TEXT STR("INBOX")

struct states {
	uint64_t words[WORDS];
};

struct imap_match {
	size_t n, words; /* states, and words they take */
	bool percent;
	struct states first;   /* where a pattern begins */
	struct states end;     /* where one is over */
	struct states star;    /* at `*' */
	struct states wild;    /* at `*' or `%' */
	struct states now;     /* while a name is read */
	struct states at[256]; /* before this octet */
};

static void
set(struct states *s, size_t i)
{
	s->words[i / WORD] |= (uint64_t)1 << i % WORD;
}

static bool
is_wild(char c)
{
	return c == '*' || c == '%';
}

struct imap_match *
imap_match_new(void)
{
	return MEM_NEW(struct imap_match);
}

void
imap_match_free(struct imap_match *m)
{
	free(m);
}

static void
add_octets(struct imap_match *m, struct str octets)
{
	for (size_t i = 0; i < octets.len; i++)
		set(&m->at[(unsigned char)octets.at[i]], m->n++);
}

/* A run of wildcards from the front of *rest: it is `*' if one of it is. */
static void
add_wild(struct imap_match *m, struct str *rest)
{
	bool star = false;

	for (; rest->len > 0 && is_wild(rest->at[0]);
	     *rest = str_after(*rest, 1)) {
		star |= rest->at[0] == '*';
		m->percent |= rest->at[0] == '%';
	}
	if (star)
		set(&m->star, m->n);
	set(&m->wild, m->n++);
}

/* The octets that a name must have at least. */
static size_t
octets_of(struct str pattern)
{
	size_t n = 0;

	for (size_t i = 0; i < pattern.len; i++)
		n += !is_wild(pattern.at[i]);
	return n;
}

bool
imap_match_add(struct imap_match *m, struct str reference, struct str pattern)
{
	struct str rest = pattern;
	size_t len;

	if (reference.len + octets_of(pattern) > IMAP_MATCH_NAME)
		return true;
	/* each octet may have a wildcard before it; one behind them; the end */
	len = reference.len + 2 * octets_of(pattern) + 2;
	if (len > IMAP_MATCH_STATES - m->n)
		return false;
	set(&m->first, m->n);
	add_octets(m, reference);
	while (rest.len > 0) {
		if (is_wild(rest.at[0])) {
			add_wild(m, &rest);
			continue;
		}
		add_octets(m, str_first(rest, 1));
		rest = str_after(rest, 1);
	}
	set(&m->end, m->n++);
	m->words = (m->n + WORD - 1) / WORD;
	assert(m->n <= IMAP_MATCH_STATES);
	return true;
}

/* Beyond a wildcard that stands for nothing. */
static void
skip_wild(struct imap_match *m)
{
	uint64_t carry = 0;

	for (size_t w = 0; w < m->words; w++) {
		uint64_t at = m->now.words[w] & m->wild.words[w];

		m->now.words[w] |= at << 1 | carry;
		carry = at >> (WORD - 1);
	}
}

/* Read an octet that may be a or b; false: no state is left. */
static bool
read_octet(struct imap_match *m, unsigned char a, unsigned char b)
{
	const struct states *stay = a == '/' ? &m->star : &m->wild;
	uint64_t carry = 0, any = 0;

	for (size_t w = 0; w < m->words; w++) {
		uint64_t now = m->now.words[w];
		uint64_t on = now & (m->at[a].words[w] | m->at[b].words[w]);

		m->now.words[w] = on << 1 | carry | (now & stay->words[w]);
		carry = on >> (WORD - 1);
		any |= m->now.words[w];
	}
	skip_wild(m);
	return any != 0;
}

bool
imap_match_name(struct imap_match *m, struct str name)
{
	size_t inbox = INBOX_TEXT.len, level = name.len;
	bool is_inbox;

	str_find(name, '/', &level);
	is_inbox = str_eq_nocase(str_first(name, level), INBOX_TEXT);
	m->now = m->first;
	skip_wild(m);
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.at[i], other = c;

		if (is_inbox && i < inbox) /* RFC 9051 s5.1 */
			other = (unsigned char)(c ^ 0x20);
		if (!read_octet(m, c, other))
			return false;
	}
	for (size_t w = 0; w < m->words; w++)
		if ((m->now.words[w] & m->end.words[w]) != 0)
			return true;
	return false;
}

bool
imap_match_has_percent(const struct imap_match *m)
{
	return m->percent;
}
