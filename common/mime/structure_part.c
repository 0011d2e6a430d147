/* SPDX-License-Identifier: MIT */
#include "common/mime/structure_part.h"

#include <string.h>

#include "common/mime/fields.h"
#include "common/mime/imapstring.h"
#include "common/mime/lenient.h"
#include "common/mime/param.h"
#include "common/util/mem.h"

#define VALUE_MAX (512 * KB) /* more than any header block has */

/* The fields that say something (RFC 2045, 1864, 2183, 3282, 2557). */
enum field {
	TYPE,
	ENCODING,
	ID,
	DESCRIPTION,
	MD5,
	DISPOSITION,
	LANGUAGE,
	LOCATION,
	MIME_VERSION,
	FIELDS
};

static const struct str names[FIELDS] = {
    [TYPE] = {"Content-Type",              12},
    [ENCODING] = {"Content-Transfer-Encoding", 25},
    [ID] = {"Content-ID",                10},
    [DESCRIPTION] = {"Content-Description",       19},
    [MD5] = {"Content-MD5",               11},
    [DISPOSITION] = {"Content-Disposition",       19},
    [LANGUAGE] = {"Content-Language",          16},
    [LOCATION] = {"Content-Location",          16},
    [MIME_VERSION] = {"MIME-Version",              12},
};

/* A header as it is read: its fields' first values, as written. */
struct reader {
	struct str values[FIELDS];
	bool has[FIELDS];
	struct buf value; /* the one looked at, unfolded */
	struct buf type, subtype;
	struct param_list *params;
};

/* The first; a disposition only if those before had no parameters. */
static bool
is_wanted(const struct reader *r, enum field field)
{
	size_t at;

	return !r->has[field] ||
	       (field == DISPOSITION && !str_find(r->values[field], ';', &at));
}

static void
gather(struct reader *r, struct str header)
{
	struct fields_line line;

	while (fields_next(&header, &line))
		for (size_t i = 0; i < FIELDS; i++)
			if (str_eq_nocase(line.name, names[i]) &&
			    is_wanted(r, i)) {
				r->has[i] = true;
				r->values[i] = line.value;
			}
}

static struct str
unfold(struct reader *r, enum field field)
{
	buf_clear(&r->value);
	fields_unfold(r->values[field], &r->value);
	return buf_str(&r->value);
}

static bool
is(const struct buf *word, const char *what)
{
	return str_eq_nocase(buf_str(word), str_of(what));
}

/* What follows must be something that can.  Many forget a ';': a leaf is what
 * it says all the same, but nothing is taken apart on such a word. */
static bool
take_subtype(struct reader *r, struct str *s)
{
	struct str after;
	size_t n = 0, at;

	while (n < s->len && s->at[n] != ';' &&
	       !str_find(STR(" \t("), s->at[n], &at))
		n++;
	lenient_token(s, &r->subtype);
	after = *s;
	if (r->subtype.len == 0 || r->subtype.len != n)
		return false;
	return after.len == 0 || after.at[0] == ';' ||
	       !(is(&r->type, "multipart") || is(&r->type, "message"));
}

/* RFC 2045 s5.1: type "/" subtype *(";" parameter) */
static void
read_type(struct reader *r)
{
	struct str s = unfold(r, TYPE);

	if (!r->has[TYPE])
		return;
	lenient_skip(&s, NULL);
	if (lenient_token(&s, &r->type) == LENIENT_MORE && r->type.len > 0 &&
	    str_take(&s, '/') && lenient_skip(&s, NULL) == LENIENT_MORE &&
	    take_subtype(r, &s)) {
		r->params = param_parse(s);
		return;
	}
	/* RFC 2045 s5.2: one that is no type is as if it were not there */
	buf_clear(&r->type);
	buf_clear(&r->subtype);
}

static enum part_kind
kind_of(const struct reader *r, struct structure_place place)
{
	if (!r->has[TYPE])
		return place.in_digest ? PART_MESSAGE : PART_TEXT;
	if (r->type.len == 0)
		return PART_TEXT;
	if (is(&r->type, "multipart"))
		return PART_MULTIPART;
	/* RFC 6532 s3.7: message/global is message/rfc822 with UTF-8 */
	if (is(&r->type, "message") &&
	    (is(&r->subtype, "rfc822") || is(&r->subtype, "global")))
		return PART_MESSAGE;
	return is(&r->type, "text") ? PART_TEXT : PART_OTHER;
}

static enum part_encoding
encoding_of(struct str token)
{
	static const struct {
		const char *name;
		enum part_encoding encoding;
	} known[] = {
	    {"7bit",             PART_PLAIN },
	    {"8bit",             PART_PLAIN },
	    {"binary",           PART_PLAIN },
	    {"base64",           PART_BASE64},
	    {"quoted-printable", PART_QUOTED},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_eq_nocase(token, str_of(known[i].name)))
			return known[i].encoding;
	return PART_UNKNOWN_ENCODING;
}

static void
copy_short(struct str from, char *to, size_t max, size_t *len)
{
	*len = from.len < max ? from.len : max;
	if (*len > 0)
		memcpy(to, from.at, *len);
}

static void
read_params(const struct reader *r, struct structure_part *out)
{
	struct str value;

	if (r->params == NULL)
		return;
	if (param_find(r->params, STR("boundary"), &value))
		copy_short(value, out->boundary, sizeof(out->boundary),
		    &out->boundary_len);
	if (param_find(r->params, STR("charset"), &value))
		copy_short(value, out->charset, sizeof(out->charset),
		    &out->charset_len);
}

/* " (name value ...)" or " NIL"; charset: one without is us-ascii. */
static void
add_params(const struct param_list *params, bool charset, struct buf *out)
{
	size_t n = params != NULL ? param_count(params) : 0;
	struct str value;

	if (charset && params != NULL &&
	    (param_find(params, STR("charset"), &value)))
		charset = false;
	if (n == 0 && !charset) {
		buf_add(out, STR(" NIL"));
		return;
	}
	buf_add(out, STR(" ("));
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_add_char(out, ' ');
		imapstring_add(param_name(params, i), out);
		buf_add_char(out, ' ');
		imapstring_add(param_value(params, i), out);
	}
	if (charset) /* RFC 2045 s5.2 */
		buf_addf(out, "%s\"charset\" \"us-ascii\"", n > 0 ? " " : "");
	buf_add_char(out, ')');
}

/* A field's value as it is, or NIL. */
static void
add_value(struct reader *r, enum field field, struct buf *out)
{
	buf_add_char(out, ' ');
	if (r->has[field])
		imapstring_add(unfold(r, field), out);
	else
		buf_add(out, STR("NIL"));
}

static void
add_encoding(struct reader *r, struct structure_part *about, struct buf *out)
{
	struct str s = unfold(r, ENCODING);
	struct buf token;

	buf_init(&token, VALUE_MAX);
	lenient_skip(&s, NULL);
	if (r->has[ENCODING] && lenient_token(&s, &token) == LENIENT_END &&
	    token.len > 0) {
		about->encoding = encoding_of(buf_str(&token));
		buf_add_char(out, ' ');
		imapstring_add(buf_str(&token), out);
	} else
		buf_add(out, STR(" \"7bit\""));
	buf_release(&token);
}

/* RFC 2183: ("attachment" ("filename" "x")) */
static void
add_disposition(struct reader *r, struct structure_part *about, struct buf *out)
{
	struct str s = unfold(r, DISPOSITION);
	struct param_list *params;
	struct buf token;

	buf_init(&token, VALUE_MAX);
	lenient_skip(&s, NULL);
	if (!r->has[DISPOSITION] || lenient_token(&s, &token) == LENIENT_BAD) {
		buf_add(out, STR(" NIL"));
		buf_release(&token);
		return;
	}
	about->attachment = is(&token, "attachment");
	buf_add(out, STR(" ("));
	imapstring_add(buf_str(&token), out);
	params = param_parse(s);
	add_params(params, false, out);
	buf_add_char(out, ')');
	param_free(params);
	buf_release(&token);
}

/* RFC 3282: a list of tags */
static void
add_language(struct reader *r, struct buf *out)
{
	struct str s = unfold(r, LANGUAGE);
	struct buf tag;
	size_t n = 0;

	buf_init(&tag, VALUE_MAX);
	buf_add_char(out, ' ');
	lenient_skip(&s, NULL);
	while (
	    r->has[LANGUAGE] && lenient_atom(&s, &tag, NULL) != LENIENT_BAD) {
		buf_add_char(out, n++ > 0 ? ' ' : '(');
		imapstring_add(buf_str(&tag), out);
		buf_clear(&tag);
		if (!str_take(&s, ','))
			break;
		lenient_skip(&s, NULL);
	}
	buf_add(out, n > 0 ? STR(")") : STR("NIL"));
	buf_release(&tag);
}

static void
add_extension(struct reader *r, struct structure_part *about, struct buf *out)
{
	add_disposition(r, about, out);
	add_language(r, out);
	add_value(r, LOCATION, out);
}

static void
write_multipart(struct reader *r, struct structure_part *about,
    struct structure_place place, struct buf *tail)
{
	buf_add_char(tail, ' ');
	if (place.brief)
		buf_add(tail, STR("\"x-unknown\""));
	else
		imapstring_add(buf_str(&r->subtype), tail);
	if (place.brief) {
		buf_add(tail, STR(" NIL NIL NIL NIL"));
		return;
	}
	add_params(r->params, false, tail);
	add_extension(r, about, tail);
}

/* Type and subtype, as written or as they are when not written. */
static void
write_type(
    const struct reader *r, const struct structure_part *about, struct buf *out)
{
	if (r->type.len == 0) {
		buf_add(out, about->text ? STR("\"text\" \"plain\"")
					 : STR("\"message\" \"rfc822\""));
		return;
	}
	imapstring_add(buf_str(&r->type), out);
	buf_add_char(out, ' ');
	imapstring_add(buf_str(&r->subtype), out);
}

static void
write_single(struct reader *r, struct structure_part *about,
    struct structure_place place, struct buf *head, struct buf *tail)
{
	bool text = about->text;

	if (place.brief) {
		buf_addf(head, "%s NIL NIL NIL \"7bit\"",
		    about->kind == PART_MESSAGE ? "\"message\" \"rfc822\""
		    : text                      ? "\"text\" \"plain\""
			   : "\"application\" \"octet-stream\"");
		buf_add(tail, STR(" NIL NIL NIL NIL"));
		return;
	}
	write_type(r, about, head);
	add_params(r->params, text, head);
	add_value(r, ID, head);
	add_value(r, DESCRIPTION, head);
	add_encoding(r, about, head);
	add_value(r, MD5, tail);
	add_extension(r, about, tail);
}

/* Content fields mean nothing in a message that is not MIME (RFC 2045 s4;
 * Content-Type alone makes it that, as it does for everybody). */
static void
forget_content(struct reader *r)
{
	memset(r->values, 0, sizeof(r->values));
	memset(r->has, 0, sizeof(r->has));
}

void
structure_part_read(struct str header, struct structure_place place,
    struct structure_part *out, struct buf *head, struct buf *tail)
{
	struct reader r = {.params = NULL};

	*out = (struct structure_part){0};
	buf_init(&r.value, VALUE_MAX);
	buf_init(&r.type, VALUE_MAX);
	buf_init(&r.subtype, VALUE_MAX);
	gather(&r, header);
	if (!place.in_multipart && !r.has[TYPE] && !r.has[MIME_VERSION])
		forget_content(&r);
	read_type(&r);
	out->kind = kind_of(&r, place);
	out->text = out->kind == PART_TEXT;
	out->html = is(&r.subtype, "html");
	out->digest = out->kind == PART_MULTIPART && is(&r.subtype, "digest");
	read_params(&r, out);
	if (place.leaf &&
	    (out->kind == PART_MULTIPART || out->kind == PART_MESSAGE)) {
		out->kind = PART_OTHER;
		place.brief = true;
	}
	if (out->kind == PART_MULTIPART)
		write_multipart(&r, out, place, tail);
	else
		write_single(&r, out, place, head, tail);
	param_free(r.params);
	buf_release(&r.subtype);
	buf_release(&r.type);
	buf_release(&r.value);
}
