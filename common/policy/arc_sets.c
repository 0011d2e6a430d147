/* SPDX-License-Identifier: MIT */
#include "common/policy/arc_sets.h"

#include "common/mime/addr.h"
#include "common/mime/cfws.h"
#include "common/mime/header.h"
#include "common/policy/dkim_fields.h"
#include "common/policy/tags.h"

#include <stdio.h>
#include <string.h>

#define TIME_DIGITS  12 /* of t= and x= */
#define NAME_OCTETS  253
#define LABEL_OCTETS 63

static const struct {
	struct str name;
} kinds[ARC_FIELDS] = {
    [ARC_RESULTS] = {{"ARC-Authentication-Results", 26}},
    [ARC_MESSAGE] = {{"ARC-Message-Signature", 21}},
    [ARC_SEAL] = {{"ARC-Seal", 8}},
};

/* ---- sets ---- */

static bool
kind_of(struct str name, enum arc_field *out)
{
	for (size_t i = 0; i < ARC_FIELDS; i++) {
		if (str_eq_nocase(name, kinds[i].name)) {
			*out = (enum arc_field)i;
			return true;
		}
	}
	return false;
}

/* RFC 8617 s3.9: 1 to 50, in one or two digits */
static bool
read_position(struct str digits, unsigned *out)
{
	uint64_t n;

	if (digits.len > 2 || !str_to_u64(digits, 99, &n) || n == 0)
		return false;
	*out = (unsigned)n;
	return true;
}

/* "i=1;" in front of results, with CFWS anywhere (RFC 8617 s4.1.1); *value is
 * then behind it. */
static bool
take_instance(struct str *value, unsigned *out)
{
	struct str s = *value;
	int n;

	if (!cfws_skip(&s) || !str_take(&s, 'i') || !cfws_skip(&s) ||
	    !str_take(&s, '=') || !cfws_skip(&s) ||
	    !cfws_number(&s, 1, 2, &n) || n == 0 || !cfws_skip(&s) ||
	    !str_take(&s, ';'))
		return false;
	*value = s;
	*out = (unsigned)n;
	return true;
}

/* The field's place in the chain; a seal's cv= too. */
static bool
read_instance(
    enum arc_field kind, struct str *value, unsigned *out, struct str *chain)
{
	struct tags tags;
	struct str i;

	if (kind == ARC_RESULTS)
		return take_instance(value, out);
	if (!tags_parse(*value, &tags))
		return false;
	if (!tags_find(&tags, "cv", chain))
		*chain = (struct str){0};
	return tags_find(&tags, "i", &i) && read_position(i, out);
}

static void
add_field(struct arc_sets *s, enum arc_field kind,
    const struct header_field *field, struct str chains[ARC_SETS_MAX])
{
	struct str value = field->value, chain = {0};
	struct arc_set *set;
	unsigned i;

	s->fields++;
	if (field->bad || !read_instance(kind, &value, &i, &chain)) {
		s->why = "an ARC field cannot be read";
		return;
	}
	if (i > ARC_SETS_MAX) {
		s->why = "there are more than 50 ARC sets";
		return;
	}
	if (i > s->n)
		s->n = i;
	set = &s->at[i - 1];
	if (set->whole[kind].len > 0)
		s->why = "an ARC field is there twice";
	set->whole[kind] = field->whole;
	set->value[kind] = value;
	if (kind == ARC_SEAL)
		chains[i - 1] = chain;
}

/* RFC 8617 s5.2, step 3.  The words of cv= are strings of ABNF: they have no
 * case (s3.9). */
static const char *
check_sets(const struct arc_sets *s, const struct str chains[ARC_SETS_MAX])
{
	for (unsigned i = 0; i < s->n; i++) {
		for (size_t kind = 0; kind < ARC_FIELDS; kind++)
			if (s->at[i].whole[kind].len == 0)
				return "an ARC set is not complete";
		if (!str_eq_nocase(
			chains[i], i == 0 ? STR("none") : STR("pass")))
			return "a seal says that the chain was broken before";
	}
	return NULL;
}

void
arc_sets_read(struct str block, struct arc_sets *out)
{
	struct str chains[ARC_SETS_MAX] = {0};
	struct header_field field;
	enum arc_field kind;

	*out = (struct arc_sets){0};
	while (header_next(&block, &field))
		if (kind_of(field.name, &kind))
			add_field(out, kind, &field, chains);
	if (out->n > 0)
		out->chain = chains[out->n - 1];
	if (out->why == NULL)
		out->why = check_sets(out, chains);
}

void
arc_set_canon(const struct arc_set *set, bool seal, struct buf *out)
{
	canon_field(CANON_RELAXED, set->whole[ARC_RESULTS], out);
	canon_field(CANON_RELAXED, set->whole[ARC_MESSAGE], out);
	if (seal)
		canon_field(CANON_RELAXED, set->whole[ARC_SEAL], out);
}

/* ---- signatures ---- */

static bool
is_label(struct str label)
{
	if (label.len == 0 || label.len > LABEL_OCTETS)
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = str_lower(label.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' &&
		    c != '_')
			return false;
	}
	return true;
}

/* A name as it is asked, in A-labels and lower case. */
static bool
fold_name(struct str name, size_t min_labels, char out[256])
{
	size_t labels = 0;
	struct str rest;
	struct buf text;
	bool ok = true;

	buf_init(&text, ADDR_MAX);
	if (str_has_8bit(name))
		ok = addr_domain_fold(name, &text);
	else
		for (size_t i = 0; i < name.len; i++)
			buf_add_char(&text, str_lower(name.at[i]));
	rest = buf_str(&text);
	ok = ok && !text.overrun && text.len > 0 && text.len <= NAME_OCTETS &&
	     text.data[text.len - 1] != '.';
	for (; ok && rest.len > 0; labels++)
		ok = is_label(str_cut(&rest, '.'));
	ok = ok && labels >= min_labels;
	if (ok)
		memcpy(out, text.data, text.len + 1);
	buf_release(&text);
	return ok;
}

struct reading {
	const struct tags *tags;
	enum arc_field field;
	int64_t now_s;
	struct arc_signature *out;
};

static const char *
read_names(struct reading *r)
{
	char selector[256];
	struct str d, s;
	int n;

	if (!tags_find(r->tags, "d", &d) || !fold_name(d, 2, r->out->domain))
		return "d= is no domain name";
	if (!tags_find(r->tags, "s", &s) || !fold_name(s, 1, selector))
		return "s= is no selector";
	n = snprintf(r->out->question, sizeof(r->out->question),
	    "%s._domainkey.%s", selector, r->out->domain);
	return n > NAME_OCTETS ? "s= and d= make too long a name" : NULL;
}

static const char *
read_algorithm(struct reading *r)
{
	struct str a;

	if (!tags_find(r->tags, "a", &a))
		return "a= is missing";
	if (str_eq(a, STR("rsa-sha256")))
		r->out->algorithm = KEY_RSA;
	else if (str_eq(a, STR("ed25519-sha256")))
		r->out->algorithm = KEY_ED25519;
	else
		return "a= is no algorithm we know";
	return NULL;
}

/* Base64 of at most `most' octets. */
static bool
read_base64(
    struct reading *r, const char *tag, uint8_t *out, size_t most, size_t *n)
{
	struct buf bytes;
	struct str text;
	bool ok;

	if (!tags_find(r->tags, tag, &text))
		return false;
	buf_init(&bytes, most + 3); /* the last group, before it is cut */
	ok = key_base64(text, &bytes) && bytes.len > 0 && bytes.len <= most;
	if (ok)
		memcpy(out, bytes.data, bytes.len);
	*n = bytes.len;
	buf_release(&bytes);
	return ok;
}

static const char *
read_bytes(struct reading *r)
{
	return read_base64(r, "b", r->out->bytes, KEY_SIGNATURE_MAX, &r->out->n)
	           ? NULL
	           : "b= is no signature";
}

static bool
read_time(struct reading *r, const char *tag, uint64_t *out)
{
	struct str digits;

	return !tags_find(r->tags, tag, &digits) ||
	       (digits.len <= TIME_DIGITS &&
		   str_to_u64(digits, UINT64_MAX, out));
}

static const char *
read_times(struct reading *r)
{
	uint64_t t = 0, x = UINT64_MAX;

	if (!read_time(r, "t", &t) || !read_time(r, "x", &x) || x <= t)
		return "t= or x= is no time";
	if (r->now_s > 0 && x < (uint64_t)r->now_s)
		return "it has expired";
	return NULL;
}

/* RFC 8617 s4.1.3: a seal that says what it covers is none. */
static const char *
read_seal(struct reading *r)
{
	struct str h;

	if (r->field == ARC_SEAL && tags_find(r->tags, "h", &h))
		return "a seal has no h=";
	return NULL;
}

static bool
canon_of(struct str word, enum canon *out)
{
	*out = str_eq(word, STR("relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
	return *out == CANON_RELAXED || str_eq(word, STR("simple"));
}

static const char *
read_canon(struct reading *r)
{
	struct str c = STR("simple"), header;
	size_t slash;

	if (r->field == ARC_SEAL)
		return NULL;
	r->out->unsaid = !tags_find(r->tags, "c", &c);
	header = str_find(c, '/', &slash) ? str_first(c, slash) : c;
	c = str_find(c, '/', &slash) ? str_after(c, slash + 1) : STR("simple");
	return canon_of(header, &r->out->header) && canon_of(c, &r->out->body)
	           ? NULL
	           : "c= is no canonicalization we know";
}

/* An empty list is one (and vouches for nobody), and an empty name is of no
 * field; a seal in it can never be right (RFC 8617 s4.1.2).  One without From
 * is none (RFC 6376 s6.1.1). */
static const char *
read_covered(struct reading *r)
{
	struct str names, name;
	bool bad;

	if (r->field == ARC_SEAL)
		return NULL;
	if (!tags_find(r->tags, "h", &names))
		return "h= is missing";
	r->out->names = names;
	while (dkim_fields_name(&names, &name, &bad)) {
		if (bad && name.len > 0)
			return "h= is no list of fields";
		if (str_eq_nocase(name, kinds[ARC_SEAL].name))
			return "h= has ARC-Seal";
		r->out->from |= str_eq_nocase(name, STR("From"));
	}
	return r->out->from || r->out->names.len == 0 ? NULL
	                                              : "h= does not have From";
}

static const char *
read_body(struct reading *r)
{
	struct str l;
	size_t n;

	if (r->field == ARC_SEAL)
		return NULL;
	r->out->octets = BODY_HASH_ALL;
	if (tags_find(r->tags, "l", &l) &&
	    !str_to_u64(l, BODY_HASH_ALL - 1, &r->out->octets))
		return "l= is no number of octets";
	if (!read_base64(r, "bh", r->out->body_hash, BODY_HASH_LEN, &n) ||
	    n != BODY_HASH_LEN)
		return "bh= is no SHA-256";
	return NULL;
}

static const char *(*const readers[])(struct reading *r) = {
    read_names,
    read_algorithm,
    read_bytes,
    read_times,
    read_seal,
    read_canon,
    read_covered,
    read_body,
};

const char *
arc_signature_read(struct str value, enum arc_field field, int64_t now_s,
    struct arc_signature *out)
{
	struct tags tags;
	struct reading r = {&tags, field, now_s, out};
	const char *why = NULL;

	*out = (struct arc_signature){0};
	if (!tags_parse(value, &tags))
		return "not a list of tags";
	for (size_t i = 0;
	     why == NULL && i < sizeof(readers) / sizeof(readers[0]); i++)
		why = readers[i](&r);
	return why;
}
