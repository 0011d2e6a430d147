/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_arg.h"

#include "common/mime/mutf7.h"
#include "common/util/utf8.h"
#include "popd/proto/imap_chars.h"

bool
imap_arg_char(struct imap_args *a, char c)
{
	return str_take(&a->rest, c);
}

bool
imap_arg_space(struct imap_args *a)
{
	return str_take(&a->rest, ' ');
}

bool
imap_arg_end(const struct imap_args *a)
{
	return a->rest.len == 0;
}

/* As many of these from the front as there are. */
static struct str
take_run(struct str *in, bool (*is)(char c))
{
	struct str run;
	size_t n = 0;

	while (n < in->len && is(in->at[n]))
		n++;
	run = str_first(*in, n);
	*in = str_after(*in, n);
	return run;
}

bool
imap_arg_word(struct imap_args *a, struct str word)
{
	struct str rest = a->rest;

	if (!str_take_nocase(&rest, word) ||
	    (rest.len > 0 && imap_is_atom_char(rest.at[0])))
		return false;
	a->rest = rest;
	return true;
}

bool
imap_arg_atom(struct imap_args *a, struct str *out)
{
	*out = take_run(&a->rest, imap_is_atom_char);
	return out->len > 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
take_number(struct imap_args *a, uint64_t max, uint64_t *out)
{
	struct str rest = a->rest;

	if (!str_to_u64(take_run(&rest, is_digit), max, out))
		return false;
	a->rest = rest;
	return true;
}

bool
imap_arg_number(struct imap_args *a, uint32_t *out)
{
	uint64_t n;

	if (!take_number(a, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

bool
imap_arg_number64(struct imap_args *a, uint64_t *out)
{
	return take_number(a, INT64_MAX, out);
}

bool
imap_arg_seqset(struct imap_args *a, struct seqset *out)
{
	return seqset_take(&a->rest, out) == 1;
}

/* The announcement of a literal: {3}, {3+}, ~{3} and CRLF. */
static bool
take_announcement(struct str *in, uint64_t *size, bool *binary)
{
	struct str rest = *in, digits;

	*binary = str_take(&rest, '~');
	if (!str_take(&rest, '{'))
		return false;
	digits = take_run(&rest, is_digit);
	str_take(&rest, '+');
	if (!str_to_u64(digits, INT64_MAX, size) || !str_take(&rest, '}') ||
	    !str_take(&rest, '\r') || !str_take(&rest, '\n'))
		return false;
	*in = rest;
	return true;
}

bool
imap_arg_message(struct imap_args *a, uint64_t *size, bool *binary)
{
	return take_announcement(&a->rest, size, binary);
}

bool
imap_arg_literal(struct imap_args *a, struct str *out, bool *binary)
{
	struct str rest = a->rest;
	uint64_t size;

	if (!take_announcement(&rest, &size, binary) || size > rest.len)
		return false;
	*out = str_first(rest, (size_t)size);
	a->rest = str_after(rest, (size_t)size);
	return true;
}

/* What stands in quotes, from behind the first of them to the last. */
static bool
take_quoted(struct str *in, bool utf8, struct buf *out)
{
	struct str rest = *in;
	size_t begin = out->len;

	for (; rest.len > 0 && rest.at[0] != '"'; rest = str_after(rest, 1)) {
		unsigned char c = (unsigned char)rest.at[0];

		if (c == '\\') { /* RFC 9051 s9 QUOTED-CHAR */
			rest = str_after(rest, 1);
			if (rest.len == 0 ||
			    (rest.at[0] != '"' && rest.at[0] != '\\'))
				return false;
		} else if (c == '\0' || c == '\r' || c == '\n' ||
			   (c > 127 && !utf8)) {
			return false;
		}
		buf_add_char(out, rest.at[0]);
	}
	*in = rest;
	return str_take(in, '"') && !out->overrun &&
	       utf8_valid(str_after(buf_str(out), begin));
}

bool
imap_arg_string(struct imap_args *a, struct buf *out)
{
	struct str rest = a->rest, octets;
	size_t len = out->len, nul;
	bool binary;

	if (str_take(&rest, '"')) {
		if (!take_quoted(&rest, a->utf8, out)) {
			buf_cut(out, len);
			return false;
		}
		a->rest = rest;
		return true;
	}
	/* RFC 9051 s9: no NUL but in a literal8, which is no string */
	if (!imap_arg_literal(a, &octets, &binary))
		return false;
	if (!binary && !str_find(octets, '\0', &nul))
		buf_add(out, octets);
	else
		out = NULL;
	if (out == NULL || out->overrun) {
		a->rest = rest;
		return false;
	}
	return true;
}

bool
imap_arg_astring(struct imap_args *a, struct buf *out)
{
	struct str rest = a->rest;
	struct str atom = take_run(&rest, imap_is_astring_char);

	if (atom.len == 0)
		return imap_arg_string(a, out);
	buf_add(out, atom);
	if (out->overrun)
		return false;
	a->rest = rest;
	return true;
}

bool
imap_arg_nstring(struct imap_args *a, struct buf *out, bool *nil)
{
	*nil = imap_arg_word(a, STR("NIL"));
	return *nil || imap_arg_string(a, out);
}

/* A name or pattern as it came becomes UTF-8, with INBOX in capitals. */
static bool
add_name(struct str wire, bool utf8, struct buf *out)
{
	size_t begin = out->len, nul;
	struct str name;

	if (!utf8) {
		if (!mutf7_decode(wire, out))
			return false;
	} else if (utf8_valid(wire) && !str_find(wire, '\0', &nul)) {
		buf_add(out, wire);
	} else {
		return false;
	}
	name = str_after(buf_str(out), begin);
	if (str_starts_nocase(name, STR("INBOX")) &&
	    (name.len == 5 || name.at[5] == '/'))
		for (size_t i = 0; i < 5; i++)
			out->data[begin + i] = "INBOX"[i];
	return !out->overrun;
}

static bool
take_name(struct imap_args *a, bool (*is)(char c), struct buf *out)
{
	struct str before = a->rest, atom = take_run(&a->rest, is);
	size_t len = out->len;
	struct buf text;
	bool good;

	if (atom.len > 0) {
		good = add_name(atom, a->utf8, out);
	} else {
		buf_init(&text, before.len + 1);
		good = imap_arg_string(a, &text) &&
		       add_name(buf_str(&text), a->utf8, out);
		buf_release(&text);
	}
	if (!good) {
		a->rest = before;
		buf_cut(out, len);
	}
	return good;
}

bool
imap_arg_mailbox(struct imap_args *a, struct buf *out)
{
	return take_name(a, imap_is_astring_char, out);
}

bool
imap_arg_pattern(struct imap_args *a, struct buf *out)
{
	return take_name(a, imap_is_pattern_char, out);
}
