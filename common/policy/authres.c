/* SPDX-License-Identifier: MIT */
#include "common/policy/authres.h"

#include "common/mime/addr.h"
#include "common/mime/cfws.h"
#include "common/mime/header.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

#include <stdio.h>
#include <string.h>

#define LINE_ADVISED 78  /* octets (RFC 5322 s2.1.1) */
#define VALUE_MAX    400 /* so that no line comes near to 998 */

/* ---- writing ---- */

/* RFC 2045 s5.1, with the octets of UTF-8 (RFC 8601 s5, RFC 6532) */
static bool
is_token_char(char c)
{
	if ((unsigned char)c > 127)
		return true;
	return c > ' ' && c < 127 && strchr("()<>@,;:\\/[]?=\"", c) == NULL;
}

static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_char(s.at[i]))
			return false;
	return s.len > 0;
}

/* atoms with dots between */
static bool
is_dot_atom(struct str s)
{
	struct str atom;

	do {
		if (!cfws_atom(&s, &atom))
			return false;
	} while (str_take(&s, '.'));
	return s.len == 0;
}

void
authres_begin(struct authres *a, struct buf *out, struct str host)
{
	*a = (struct authres){.out = out};
	buf_add(out, STR("Authentication-Results: "));
	buf_add(out, host);
}

/* How long the last line is. */
static size_t
line_length(const struct buf *out)
{
	size_t at;

	return str_find_last(buf_str(out), '\n', &at) ? out->len - at - 1
	                                              : out->len;
}

void
authres_method(struct authres *a, const char *method, const char *result,
    const char *comment)
{
	struct str words = str_first(str_of(comment), VALUE_MAX);

	buf_add(a->out, STR(";\r\n\t"));
	buf_add(a->out, str_of(method));
	buf_add_char(a->out, '=');
	buf_add(a->out, str_of(result));
	a->methods++;
	if (words.len == 0)
		return;
	buf_add(a->out, STR(" ("));
	for (size_t i = 0; i < words.len; i++)
		if (words.at[i] >= ' ' && words.at[i] <= '~' &&
		    strchr("()\\;", words.at[i]) == NULL)
			buf_add_char(a->out, words.at[i]);
	buf_add_char(a->out, ')');
}

/* As a quoted string.  A semicolon would be safe in it, but not from readers
 * who split at semicolons first: they get a question mark. */
static void
add_quoted(struct buf *out, struct str value)
{
	bool text = utf8_valid(value);

	buf_add_char(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		if ((unsigned char)c < ' ' || c == 127 ||
		    ((unsigned char)c > 127 && !text))
			continue;
		if (c == '"' || c == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, c == ';' ? '?' : c);
	}
	buf_add_char(out, '"');
}

/* [[local-part] "@"] domain-name, the local part only if nothing in it needs
 * quotes: those who read results do not all know quoted strings here. */
static bool
add_address(struct buf *out, struct str value)
{
	struct str domain;
	size_t at;

	if (!str_find_last(value, '@', &at))
		return false;
	domain = str_after(value, at + 1);
	if (!is_dot_atom(domain) || !is_token(domain) || !utf8_valid(value))
		return false;
	if (is_dot_atom(str_first(value, at)))
		buf_add(out, str_first(value, at));
	buf_add_char(out, '@');
	buf_add(out, domain);
	return true;
}

/* On a line of its own where the last one would be too long. */
static void
add_property(
    struct authres *a, const char *type, const char *name, struct str text)
{
	if (line_length(a->out) + strlen(type) + strlen(name) + text.len + 3 >
	    LINE_ADVISED)
		buf_add(a->out, STR("\r\n\t"));
	else
		buf_add_char(a->out, ' ');
	buf_add(a->out, str_of(type));
	buf_add_char(a->out, '.');
	buf_add(a->out, str_of(name));
	buf_add_char(a->out, '=');
	buf_add(a->out, text);
}

void
authres_property(
    struct authres *a, const char *type, const char *name, struct str value)
{
	struct buf text;

	value = utf8_first(value, VALUE_MAX);
	if (is_token(value) && utf8_valid(value)) {
		add_property(a, type, name, value);
		return;
	}
	buf_init(&text, 4 * KB);
	if (!add_address(&text, value))
		add_quoted(&text, value);
	if (!str_eq(buf_str(&text), STR("\"\""))) /* is anything left? */
		add_property(a, type, name, buf_str(&text));
	buf_release(&text);
}

void
authres_end(struct authres *a)
{
	if (a->methods == 0)
		buf_add(a->out, STR("; none"));
	buf_add(a->out, STR("\r\n"));
}

/* ---- reading ---- */

/* Characters from the front of *s as long as they are of this kind. */
static struct str
take_while(struct str *s, bool (*is)(char))
{
	size_t n = 0;
	struct str out;

	while (n < s->len && is(s->at[n]))
		n++;
	out = str_first(*s, n);
	*s = str_after(*s, n);
	return out;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 5321 s4.1.2, Keyword; and "_" and ".", which some write ("x-tls.subject"
 * is no method of ours to refuse) */
static bool
is_keyword_char(char c)
{
	char l = str_lower(c);

	return (l >= 'a' && l <= 'z') || is_digit(c) || c == '-' || c == '_' ||
	       c == '.';
}

/* What a quoted string says. */
static bool
unquote(struct str quoted, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 1; i + 1 < quoted.len; i++) {
		if (quoted.at[i] == '\r' || quoted.at[i] == '\n')
			continue;
		if (quoted.at[i] == '\\')
			i++;
		if (len + 1 >= size)
			return false;
		out[len++] = quoted.at[i];
	}
	out[len] = '\0';
	return true;
}

bool
authres_read_id(struct str *value, char id[256])
{
	struct str s = *value, word;

	if (!cfws_skip(&s))
		return false;
	if (cfws_quoted(&s, &word)) {
		if (!unquote(word, id, 256))
			return false;
	} else {
		word = take_while(&s, is_token_char);
		if (word.len == 0 || word.len > 255)
			return false;
		memcpy(id, word.at, word.len);
		id[word.len] = '\0';
	}
	/* a version (RFC 8601 s2.2), then results or nothing */
	if (!cfws_skip(&s))
		return false;
	take_while(&s, is_digit);
	if (!cfws_skip(&s) || (s.len > 0 && s.at[0] != ';'))
		return false;
	*value = s;
	return true;
}

static bool
copy_word(struct str word, char *out, size_t size)
{
	if (word.len == 0 || word.len >= size)
		return false;
	for (size_t i = 0; i < word.len; i++)
		out[i] = str_lower(word.at[i]);
	out[word.len] = '\0';
	return true;
}

/* "/1", the version of a method */
static bool
skip_version(struct str *s)
{
	if (!cfws_skip(s))
		return false;
	if (!str_take(s, '/'))
		return true;
	return cfws_skip(s) && take_while(s, is_digit).len > 0 && cfws_skip(s);
}

/* Is a word over here?  "pass/x" is no "pass". */
static bool
is_end(struct str s)
{
	return s.len == 0 || strchr(" \t\r\n(;", s.at[0]) != NULL;
}

/* What comes before the next semicolon that is in no quotes or comment. */
static bool
take_rest(struct str *s, struct str *out)
{
	struct str start = *s, quoted;

	for (;;) {
		if (!cfws_skip(s))
			return false;
		if (s->len == 0 || s->at[0] == ';')
			break;
		if (s->at[0] == '"') {
			if (!cfws_quoted(s, &quoted))
				return false;
		} else {
			*s = str_after(*s, 1);
		}
	}
	*out = str_first(start, start.len - s->len);
	while (out->len > 0 && strchr(" \t\r\n", out->at[0]) != NULL)
		*out = str_after(*out, 1);
	while (out->len > 0 && strchr(" \t\r\n", out->at[out->len - 1]) != NULL)
		out->len--;
	return true;
}

/* One result behind its semicolon: 1, 0 for "none" or nothing, -1. */
static int
read_result(struct str *s, struct authres_result *out)
{
	if (!cfws_skip(s))
		return -1;
	if (s->len == 0)
		return 0;
	if (!copy_word(take_while(s, is_keyword_char), out->method,
		sizeof(out->method)) ||
	    !skip_version(s))
		return -1;
	if (s->len == 0 && strcmp(out->method, "none") == 0)
		return 0;
	if (!str_take(s, '=') || !cfws_skip(s) ||
	    !copy_word(take_while(s, is_keyword_char), out->result,
		sizeof(out->result)) ||
	    !is_end(*s) || !take_rest(s, &out->rest))
		return -1;
	return 1;
}

int
authres_read_next(struct str *value, struct authres_result *out)
{
	struct str s = *value;
	int rc;

	*value = str_after(*value, value->len);
	if (!cfws_skip(&s))
		return -1;
	if (s.len == 0)
		return 0;
	if (!str_take(&s, ';') || (rc = read_result(&s, out)) == -1)
		return -1;
	if (rc == 1)
		*value = s;
	return rc;
}

/* ---- taking out ---- */

/* The same name, for any reader: a bad one may have controls or blanks in it
 * that some reader skips. */
static bool
is_named(const struct header_field *field, struct str name)
{
	size_t n = 0;

	if (!field->bad)
		return str_eq_nocase(field->name, name);
	for (size_t i = 0; i < field->name.len; i++) {
		char c = field->name.at[i];

		if (c <= ' ' || c > '~') /* 8-bit too, where char has a sign */
			continue;
		if (n == name.len || str_lower(c) != str_lower(name.at[n]))
			return false;
		n++;
	}
	return n == name.len;
}

/* The same host, for any reader: in any case, as A- or U-label. */
static bool
is_host(struct str id, struct str host)
{
	struct buf a, b;
	bool same;

	buf_init(&a, ADDR_MAX);
	buf_init(&b, ADDR_MAX);
	same = str_eq_nocase(str_trim(id), host);
	if (!same && addr_domain_fold(str_trim(id), &a))
		same = addr_domain_fold(host, &b) &&
		       str_eq(buf_str(&a), buf_str(&b));
	else if (!same) /* no domain: what is in it shows to nobody */
		same = str_has_8bit(id);
	buf_release(&a);
	buf_release(&b);
	return same;
}

/* "receiver=mx.d.test" in a Received-SPF (RFC 7208 s9.1). */
static bool
read_receiver(struct str value, char id[256])
{
	static const struct str key = {"receiver=", 9};
	struct str word;

	for (; value.len >= key.len; value = str_after(value, 1)) {
		if (!str_starts_nocase(value, key))
			continue;
		value = str_after(value, key.len);
		if (cfws_quoted(&value, &word))
			return unquote(word, id, 256);
		word = take_while(&value, is_token_char);
		if (word.len == 0 || word.len > 255)
			return false;
		memcpy(id, word.at, word.len);
		id[word.len] = '\0';
		return true;
	}
	return false;
}

/* Without receiver= some name themselves in the comment alone: "(mx.d.test:
 * domain of ...)"; and where nobody can read an id, somebody may read ours. */
static bool
speaks_of(struct str value, struct str host)
{
	for (; value.len >= host.len; value = str_after(value, 1))
		if (str_starts_nocase(value, host))
			return true;
	return false;
}

static bool
is_forged(const struct header_field *field, struct str host)
{
	struct str value = field->value;
	char id[256];

	if (is_named(field, STR("Authentication-Results")))
		return field->bad || (authres_read_id(&value, id)
					     ? is_host(str_of(id), host)
					     : speaks_of(field->value, host) ||
						   str_has_8bit(field->value));
	if (is_named(field, STR("Received-SPF")))
		return field->bad ||
		       (read_receiver(value, id) ? is_host(str_of(id), host)
						 : speaks_of(value, host));
	return false;
}

void
authres_strip(
    struct str block, struct str host, struct buf *out, size_t *removed)
{
	struct header_field field;

	*removed = 0;
	while (header_next(&block, &field)) {
		if (is_forged(&field, host))
			++*removed;
		else
			buf_add(out, field.whole);
	}
}
