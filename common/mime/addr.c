/* SPDX-License-Identifier: MIT */
#include "common/mime/addr.h"

#include <string.h>

#include "common/mime/cfws.h"
#include "common/util/utf8.h"

/* A spec as it is put together: words and dots, each without what white
 * space and comments stand around it. */
struct spec {
	char *text; /* of ADDR_MAX */
	size_t len;
	bool fits;
	bool word;  /* the last part was a word, not a dot or nothing */
	bool valid; /* so far words and dots took turns */
};

static void
begin(struct spec *p, char text[ADDR_MAX])
{
	*p = (struct spec){.text = text, .fits = true, .valid = true};
	text[0] = '\0';
}

static void
add(struct spec *p, struct str bytes)
{
	if (!p->fits || bytes.len >= ADDR_MAX - p->len) {
		p->fits = false;
		return;
	}
	memcpy(p->text + p->len, bytes.at, bytes.len);
	p->len += bytes.len;
	p->text[p->len] = '\0';
}

static void
add_word(struct spec *p, struct str word)
{
	p->valid &= !p->word;
	p->word = true;
	/* a quoted string may be folded: the line break is not part of it */
	while (word.len > 0) {
		struct str line = str_cut(&word, '\r');

		add(p, line);
		str_take(&word, '\n');
	}
}

static void
add_dot(struct spec *p)
{
	p->valid &= p->word;
	p->word = false;
	add(p, STR("."));
}

/* Words and dots, as many as there are: a local part, or a phrase. */
static bool
take_words(struct str *s, struct spec *p)
{
	struct str word;

	for (;;) {
		if (!cfws_skip(s))
			return false;
		if (str_take(s, '.'))
			add_dot(p);
		else if (cfws_atom(s, &word) || cfws_quoted(s, &word))
			add_word(p, word);
		else
			return true;
	}
}

/* A domain and what white space follows it. */
static bool
take_domain(struct str *s, struct spec *p)
{
	struct str word;

	p->word = false;
	if (!cfws_skip(s))
		return false;
	if (cfws_literal(s, &word)) {
		add(p, word);
		return cfws_skip(s);
	}
	do {
		if (!cfws_skip(s) || !cfws_atom(s, &word))
			return false;
		add(p, word);
		if (!cfws_skip(s))
			return false;
		if (s->len == 0 || s->at[0] != '.')
			return true;
		add(p, STR("."));
	} while (str_take(s, '.'));
	return true;
}

/* The @ and the domain behind a local part. */
static bool
take_at_domain(struct str *s, struct spec *p)
{
	if (!p->valid || !p->word || !str_take(s, '@'))
		return false;
	add(p, STR("@"));
	return take_domain(s, p) && p->fits &&
	       utf8_valid((struct str){p->text, p->len});
}

/* RFC 5322 s4.4: "@a,@b:" before the address means nothing today. */
static bool
skip_route(struct str *s)
{
	char unused[ADDR_MAX];
	struct spec p;

	if (!cfws_skip(s))
		return false;
	if (s->len == 0 || s->at[0] != '@')
		return true;
	for (;;) {
		begin(&p, unused);
		if (!str_take(s, '@') || !take_domain(s, &p))
			return false;
		if (str_take(s, ':'))
			return true;
		do {
			if (!str_take(s, ',') || !cfws_skip(s))
				return false;
		} while (s->len > 0 && s->at[0] == ',');
	}
}

/* What stands between < and >, and the >. */
static bool
take_angle(struct str *s, struct addr *out)
{
	struct spec p;

	begin(&p, out->spec);
	return skip_route(s) && take_words(s, &p) && take_at_domain(s, &p) &&
	       str_take(s, '>') && cfws_skip(s);
}

/* Without the white space and line breaks at its end. */
static struct str
trim_end(struct str s)
{
	size_t at;

	while (s.len > 0 && str_find(STR(" \t\r\n"), s.at[s.len - 1], &at))
		s.len--;
	return s;
}

/* A mailbox; or nothing but the beginning of a group, then spec is empty. */
static bool
take_mailbox(struct str *s, struct addr *out)
{
	struct str start = *s;
	struct spec p;

	begin(&p, out->spec);
	out->display = str_first(start, 0);
	if (!take_words(s, &p))
		return false;
	if (s->len > 0 && s->at[0] == '<') {
		out->display = trim_end(str_first(start, start.len - s->len));
		return str_take(s, '<') && take_angle(s, out);
	}
	if (p.len > 0 && str_take(s, ':')) {
		out->spec[0] = '\0';
		return true;
	}
	return take_at_domain(s, &p);
}

/* Empty members and ends of groups mean nothing to a flat list. */
static bool
skip_separators(struct str *s)
{
	do {
		if (!cfws_skip(s))
			return false;
	} while (str_take(s, ',') || str_take(s, ';'));
	return true;
}

int
addr_next(struct str *list, struct addr *out)
{
	struct str at = *list;

	*list = str_after(*list, list->len);
	do {
		if (!skip_separators(&at))
			return -1;
		if (at.len == 0)
			return 0;
		if (!take_mailbox(&at, out))
			return -1;
	} while (out->spec[0] == '\0');
	if (at.len > 0 && at.at[0] != ',' && at.at[0] != ';')
		return -1;
	*list = at;
	return 1;
}

bool
addr_split(struct str spec, struct str *local, struct str *domain)
{
	bool quoted = false, found = false;

	for (size_t i = 0; i < spec.len; i++) {
		if (spec.at[i] == '"') {
			quoted = !quoted;
		} else if (spec.at[i] == '\\' && quoted) {
			i++;
		} else if (spec.at[i] == '@' && !quoted) {
			*local = str_first(spec, i);
			*domain = str_after(spec, i + 1);
			found = true;
		}
	}
	return found && !quoted;
}
