/* SPDX-License-Identifier: MIT */
#include "common/policy/author.h"

#include "common/mime/addr.h"
#include "common/mime/cfws.h"
#include "common/mime/header.h"

#include <string.h>

#define AUTHORS_MAX 100
#define DOMAIN_MAX  253 /* octets */
#define LABEL_MAX   63
#define SPEC_MAX    400 /* a local part and a domain, before folding */

/* RFC 5322 s3.2.2 without comments: where one stands inside an address, a
 * careless reader finds another address in it. */
static void
skip_blanks(struct str *s)
{
	while (s->len > 0 && strchr(" \t\r\n", s->at[0]) != NULL &&
	       s->at[0] != '\0')
		*s = str_after(*s, 1);
}

/* RFC 2047 s5: no part of an address is ever an encoded word, and who decodes
 * one there finds another address. */
static bool
is_encoded_word(struct str s)
{
	return str_starts(s, STR("=?")) || str_ends_nocase(s, STR("?="));
}

/* A quoted local part in which a careless reader may find another address, or
 * its end. */
static bool
is_tricky(struct str quoted)
{
	struct str inside = str_first(str_after(quoted, 1), quoted.len - 2);

	for (size_t i = 0; i < inside.len; i++)
		if (strchr("@<>,;:()[]\\\"", inside.at[i]) != NULL)
			return true;
	return is_encoded_word(inside);
}

/* dot-atom / quoted-string, with nothing inside or around it */
static bool
take_local(struct str *s, struct str *out)
{
	struct str start = *s, atom;

	if (cfws_quoted(s, out))
		return !is_tricky(*out);
	do {
		if (!cfws_atom(s, &atom))
			return false;
	} while (str_take(s, '.'));
	*out = str_first(start, start.len - s->len);
	return !is_encoded_word(*out);
}

/* local@domain, nothing inside */
static bool
take_spec(struct str *s, struct str *local, struct str *domain)
{
	struct str start, atom;

	if (!take_local(s, local) || !str_take(s, '@'))
		return false;
	start = *s;
	do {
		if (!cfws_atom(s, &atom))
			return false;
	} while (str_take(s, '.'));
	*domain = str_first(start, start.len - s->len);
	return true;
}

/* Words of a display name, dots too (RFC 5322 s4.1, obs-phrase). */
static bool
skip_phrase(struct str *s)
{
	struct str word;

	for (;;) {
		if (!cfws_skip(s))
			return false;
		if (!str_take(s, '.') && !cfws_atom(s, &word) &&
		    !cfws_quoted(s, &word))
			return true;
	}
}

/* Letters, digits, blanks, and what holds names together: no @, nothing that
 * is decoded or unquoted into one. */
static bool
is_words(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = str_lower(value.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
		    strchr(" -_.<>\"", c) == NULL)
			return false;
	}
	return true;
}

/* "a@d.test <a@d.test>": not by the grammar, but often seen, and the same
 * whichever of the two is read. */
static bool
skip_twin(struct str *s, struct str local, struct str domain)
{
	struct str l, d;

	if (!str_take(s, '<'))
		return true;
	return take_spec(s, &l, &d) && str_eq(l, local) &&
	       str_eq_nocase(d, domain) && str_take(s, '>') && cfws_skip(s);
}

/* "Doe, John <j@d.test>": the name's comma should have been quoted.  Words
 * alone are nobody's address. */
static void
skip_words(struct str *s)
{
	struct str rest = *s, words = str_cut(&rest, ',');
	size_t at;

	if (rest.len > 0 && str_trim(words).len > 0 && is_words(words) &&
	    !str_find(words, '"', &at) && !str_find(words, '<', &at) &&
	    !str_find(words, '>', &at))
		*s = rest;
}

/* mailbox (RFC 5322 s3.4): no route, no group, no comment inside */
static bool
take_mailbox(struct str *s, struct str *local, struct str *domain)
{
	struct str plain;

	if (!cfws_skip(s))
		return false;
	plain = *s;
	if (take_spec(&plain, local, domain)) {
		*s = plain;
		return cfws_skip(s) && skip_twin(s, *local, *domain);
	}
	if (!skip_phrase(s) || !str_take(s, '<'))
		return false;
	skip_blanks(s);
	if (!take_spec(s, local, domain))
		return false;
	skip_blanks(s);
	return str_take(s, '>') && cfws_skip(s);
}

/* Letters, digits, "-" and "_", in labels of 1 to 63: no host has such a name,
 * but it can be asked, and mail comes from some. */
static bool
fold_odd_domain(struct str name, struct buf *out)
{
	if (name.len > DOMAIN_MAX || name.at[name.len - 1] == '.')
		return false;
	while (name.len > 0) {
		struct str label = str_cut(&name, '.');

		if (label.len == 0 || label.len > LABEL_MAX)
			return false;
		for (size_t i = 0; i < label.len; i++) {
			char c = str_lower(label.at[i]);

			if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
			    c != '-' && c != '_')
				return false;
			buf_add_char(out, c);
		}
		if (name.len > 0)
			buf_add_char(out, '.');
	}
	return true;
}

static bool
fold_domain(struct str name, struct buf *out)
{
	size_t at;

	return str_find(name, '_', &at) ? fold_odd_domain(name, out)
	                                : addr_domain_fold(name, out);
}

/* The next address, folded: 1, 0 at the end, -1 unclear. */
static int
next_author(struct str *s, size_t nth, struct buf *address, struct str *domain)
{
	struct str local, name;
	size_t at;

	if (nth > 0 && s->len == 0)
		return 0;
	if (nth > 0 && !str_take(s, ','))
		return -1;
	buf_clear(address);
	if (nth == 0)
		skip_words(s);
	if (!take_mailbox(s, &local, &name) || !addr_local_fold(local, address))
		return -1;
	buf_add_char(address, '@');
	at = address->len;
	if (!fold_domain(name, address) || address->overrun)
		return -1;
	*domain = str_after(buf_str(address), at);
	return 1;
}

static int
read_authors(struct str value, struct author *out, struct fail *f)
{
	struct buf address;
	struct str domain;
	int found, rc = -1;
	size_t n = 0;

	buf_init(&address, SPEC_MAX);
	while ((found = next_author(&value, n, &address, &domain)) == 1) {
		if (n == AUTHORS_MAX) {
			fail(f, FAIL_PERM,
			    "The From field may have at most %d addresses",
			    AUTHORS_MAX);
			goto out;
		}
		if (n++ > 0) {
			if (str_eq(domain, str_of(out->domain)))
				continue;
			fail(f, FAIL_PERM,
			    "The From field has addresses of more than one "
			    "domain");
			goto out;
		}
		if (address.len >= sizeof(out->address) ||
		    domain.len >= sizeof(out->domain)) {
			found = -1;
			break;
		}
		memcpy(out->address, address.data, address.len + 1);
		memcpy(out->domain, domain.at, domain.len + 1);
	}
	if (found == -1)
		fail(f, FAIL_PERM,
		    "The From field must be an address that can be read in "
		    "one way only (RFC 5322 s3.6.2)");
	else
		rc = 0;
out:
	buf_release(&address);
	return rc;
}

/* A line break or NUL where one reader goes on and another ends. */
static bool
is_whole(struct str block)
{
	size_t at;

	if (str_find(block, '\0', &at))
		return false;
	for (size_t i = 0; i < block.len; i++) {
		bool cr = block.at[i] == '\r', lf = block.at[i] == '\n';

		if ((cr && (i + 1 == block.len || block.at[i + 1] != '\n')) ||
		    (lf && (i == 0 || block.at[i - 1] != '\r')))
			return false;
	}
	return true;
}

/* A line that nobody takes for a field: mbox's "From x@y Mon ...", or words
 * without a colon.  Who ends the header there sees fewer fields, never another
 * From. */
static bool
is_prose(struct str whole)
{
	struct str line = str_cut(&whole, '\n'), name;
	size_t at;

	if (whole.len > 0 || line.at[0] == ' ' || line.at[0] == '\t')
		return false; /* who drops one line of it may keep the other */
	if (!str_find(line, ':', &at))
		return true;
	name = str_trim(str_first(line, at));
	/* "From \1:" is From where controls are trimmed */
	return str_is_printable(name) && str_find(name, ' ', &at);
}

/* The one From field, where nobody can find another. */
static int
find_from(struct str block, struct header_field *out, struct fail *f)
{
	struct header_field field;
	struct str rest = block;
	size_t n = 0;

	if (!is_whole(block))
		return fail(
		    f, FAIL_PERM, "The header has a NUL or a broken line end");
	while (header_next(&rest, &field)) {
		if (field.bad && is_prose(field.whole))
			continue;
		if (field.bad)
			return fail(f, FAIL_PERM,
			    "A line of the header is not a header field "
			    "(RFC 5322 s2.2)");
		if (!str_eq_nocase(field.name, STR("From")))
			continue;
		if (!str_starts_nocase(field.whole, STR("From:")))
			return fail(f, FAIL_PERM,
			    "The From field has white space before its colon");
		*out = field;
		n++;
	}
	if (n != 1)
		return fail(f, FAIL_PERM,
		    "The message must have exactly one From field, not %zu "
		    "(RFC 5322 s3.6)",
		    n);
	return 0;
}

int
author_find(struct str block, struct author *out, struct fail *f)
{
	struct header_field from;

	*out = (struct author){0};
	if (find_from(block, &from, f) == -1)
		return -1;
	return read_authors(from.value, out, f);
}

bool
author_is_program(struct str block)
{
	struct header_field from;
	struct fail f;

	return find_from(block, &from, &f) == 0 && is_words(from.value) &&
	       str_trim(from.value).len > 0;
}
