/* SPDX-License-Identifier: MIT */
#include "common/policy/dkim_signature.h"

#include <stdio.h>
#include <string.h>

#include "common/mime/addr.h"
#include "common/policy/dkim_fields.h"
#include "common/policy/tags.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

#define NAME_MAX_TEXT 253 /* octets of a domain name */
#define LABEL_MAX     63
#define SHOWN         8 /* of b= (RFC 6008 s4) */
#define TIME_DIGITS   12

struct reading {
	const struct tags *tags;
	int64_t now_s;
	struct dkim_signature *out;
	struct dkim_verdict *v;
};

/* ---- names ---- */

/* RFC 5321 sub-domain; and "_", which selectors in use have. */
static bool
is_label(struct str label)
{
	if (label.len == 0 || label.len > LABEL_MAX || label.at[0] == '-' ||
	    label.at[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = str_lower(label.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' &&
		    c != '_')
			return false;
	}
	return true;
}

static bool
is_name(struct str name, unsigned min_labels)
{
	unsigned labels = 0;

	if (name.len == 0 || name.len > NAME_MAX_TEXT ||
	    name.at[name.len - 1] == '.')
		return false;
	for (; name.len > 0; labels++)
		if (!is_label(str_cut(&name, '.')))
			return false;
	return labels >= min_labels;
}

/* A name in A-labels (RFC 8616 s5) and lower case, or false. */
static bool
fold_name(struct str name, unsigned min_labels, char out[256])
{
	struct buf folded;
	bool ok;

	buf_init(&folded, ADDR_MAX);
	if (str_has_8bit(name))
		addr_domain_fold(name, &folded);
	else
		for (size_t i = 0; i < name.len; i++)
			buf_add_char(&folded, str_lower(name.at[i]));
	ok = !folded.overrun && is_name(buf_str(&folded), min_labels);
	if (ok)
		snprintf(out, 256, "%s", folded.data);
	buf_release(&folded);
	return ok;
}

/* ---- one tag each: NULL, or what is wrong with it ---- */

static const char *
read_domain(struct reading *r)
{
	struct str d;

	if (!tags_find(r->tags, "d", &d))
		return "d= is missing";
	return fold_name(d, 2, r->v->domain) ? NULL : "d= is no domain name";
}

static const char *
read_selector(struct reading *r)
{
	struct str s;
	int n;

	if (!tags_find(r->tags, "s", &s))
		return "s= is missing";
	if (!fold_name(s, 1, r->v->selector))
		return "s= is no selector";
	n = snprintf(r->out->question, sizeof(r->out->question),
	    "%s._domainkey.%s", r->v->selector, r->v->domain);
	if (n > NAME_MAX_TEXT)
		return "s= and d= make too long a name";
	return NULL;
}

/* RFC 8301 s3.1: rsa-sha1 has failed for good. */
static const char *
read_algorithm(struct reading *r)
{
	struct str a;

	if (!tags_find(r->tags, "a", &a))
		return "a= is missing";
	if (a.len < sizeof(r->v->algorithm) && str_is_printable(a))
		snprintf(r->v->algorithm, sizeof(r->v->algorithm), "%.*s",
		    STR_FMT(a));
	if (str_eq(a, STR("rsa-sha256")))
		r->out->algorithm = KEY_RSA;
	else if (str_eq(a, STR("ed25519-sha256")))
		r->out->algorithm = KEY_ED25519;
	else if (str_eq(a, STR("rsa-sha1")))
		return "a=rsa-sha1 is not believed any more";
	else
		return "a= is no algorithm we know";
	return NULL;
}

/* Its first octets, without folds. */
static void
show_signature(struct str b, char out[SHOWN + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < b.len && n < SHOWN; i++)
		if (b.at[i] > ' ')
			out[n++] = b.at[i];
	out[n] = '\0';
}

static const char *
read_bytes(struct reading *r)
{
	struct buf bytes;
	struct str b;
	bool ok;

	if (!tags_find(r->tags, "b", &b))
		return "b= is missing";
	buf_init(&bytes, KEY_SIGNATURE_MAX + 2); /* of a group of base64 */
	ok = key_base64(b, &bytes) && bytes.len > 0 &&
	     bytes.len <= KEY_SIGNATURE_MAX;
	if (ok) {
		memcpy(r->out->bytes, bytes.data, bytes.len);
		r->out->n = bytes.len;
		show_signature(b, r->v->signature);
	}
	buf_release(&bytes);
	return ok ? NULL : "b= is not base64, or too long";
}

static const char *
read_version(struct reading *r)
{
	struct str v;

	if (!tags_find(r->tags, "v", &v))
		return "v= is missing";
	return str_eq(v, STR("1")) ? NULL : "v= is not 1";
}

/* dkim-quoted-printable (RFC 6376 s2.11), white space already gone.  What
 * comes out is text. */
static bool
decode(struct str s, struct buf *out)
{
	struct str all;
	uint32_t code;

	while (s.len > 0) {
		if (s.at[0] != '=')
			buf_add_char(out, s.at[0]);
		else if (s.len < 3 ||
			 !enc_hex_decode(str_first(str_after(s, 1), 2), out))
			return false;
		s = str_after(s, s.at[0] == '=' ? 3 : 1);
	}
	all = buf_str(out);
	while (all.len > 0)
		if (!utf8_take(&all, &code) || code < ' ' ||
		    (code >= 127 && code < 160))
			return false;
	return !out->overrun;
}

/* Is it the domain, or below it? */
static bool
is_under(struct str name, struct str domain, bool *below)
{
	struct str tail;

	*below = name.len > domain.len;
	if (!*below)
		return str_eq(name, domain);
	tail = str_after(name, name.len - domain.len - 1);
	return tail.at[0] == '.' && str_eq(str_after(tail, 1), domain);
}

static const char *
judge_identity(struct reading *r, struct str text)
{
	char domain[256];
	size_t at;

	if (!str_find_last(text, '@', &at) ||
	    !fold_name(str_after(text, at + 1), 2, domain))
		return "i= is no identity";
	if (!is_under(str_of(domain), str_of(r->v->domain), &r->out->below))
		return "i= is not under d=";
	if (at + strlen(domain) + 2 > sizeof(r->v->identity))
		return "i= is too long";
	snprintf(r->v->identity, sizeof(r->v->identity), "%.*s@%s", (int)at,
	    text.at, domain);
	return NULL;
}

static const char *
read_identity(struct reading *r)
{
	struct buf text, plain;
	struct str i;
	const char *why;

	snprintf(r->v->identity, sizeof(r->v->identity), "@%s", r->v->domain);
	if (!tags_find(r->tags, "i", &i))
		return NULL;
	buf_init(&text, 4 * KB);
	buf_init(&plain, 4 * KB);
	tags_squeeze(i, &text);
	if (text.overrun || !decode(buf_str(&text), &plain))
		why = "i= is no identity";
	else
		why = judge_identity(r, buf_str(&plain));
	buf_release(&plain);
	buf_release(&text);
	return why;
}

/* One that we know must be among them (RFC 6376 s3.5). */
static const char *
read_query(struct reading *r)
{
	struct str q, name;
	bool bad;

	if (!tags_find(r->tags, "q", &q))
		return NULL;
	while (dkim_fields_name(&q, &name, &bad))
		if (str_eq(name, STR("dns/txt")))
			return NULL;
	return "q= has no way to ask that we know";
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
	struct str c, header, body = STR("simple");
	size_t slash;

	if (!tags_find(r->tags, "c", &c))
		c = body;
	header = c;
	if (str_find(c, '/', &slash)) {
		header = str_first(c, slash);
		body = str_after(c, slash + 1);
	}
	if (!canon_of(header, &r->out->header) ||
	    !canon_of(body, &r->out->body))
		return "c= is no canonicalization we know";
	return NULL;
}

static const char *
read_names(struct reading *r)
{
	struct str names, name;
	bool bad, from = false;

	if (!tags_find(r->tags, "h", &names))
		return "h= is missing";
	r->out->names = names;
	if (names.len == 0 || names.at[names.len - 1] == ':')
		return "h= is no list of fields";
	while (dkim_fields_name(&names, &name, &bad)) {
		if (bad)
			return "h= is no list of fields";
		from |= str_eq_nocase(name, STR("From"));
	}
	return from ? NULL : "h= does not have From";
}

static const char *
read_length(struct reading *r)
{
	struct str l;

	r->out->octets = BODY_HASH_ALL;
	if (!tags_find(r->tags, "l", &l))
		return NULL;
	if (!str_to_u64(l, BODY_HASH_ALL - 1, &r->out->octets))
		return "l= is no number of octets";
	return NULL;
}

static const char *
read_body_hash(struct reading *r)
{
	struct buf bytes;
	struct str bh;
	bool ok;

	if (!tags_find(r->tags, "bh", &bh))
		return "bh= is missing";
	buf_init(&bytes, BODY_HASH_LEN + 2); /* of a group of base64 */
	ok = key_base64(bh, &bytes) && bytes.len == BODY_HASH_LEN;
	if (ok)
		memcpy(r->out->body_hash, bytes.data, BODY_HASH_LEN);
	buf_release(&bytes);
	return ok ? NULL : "bh= is no SHA-256";
}

static bool
read_time(struct reading *r, const char *tag, uint64_t absent, uint64_t *out)
{
	struct str digits;

	*out = absent;
	return !tags_find(r->tags, tag, &digits) ||
	       (digits.len <= TIME_DIGITS &&
		   str_to_u64(digits, UINT64_MAX, out));
}

static const char *
read_times(struct reading *r)
{
	uint64_t t, x;

	if (!read_time(r, "t", 0, &t) || !read_time(r, "x", UINT64_MAX, &x))
		return "t= or x= is no time";
	return x > t ? NULL : "x= is not after t=";
}

static const char *
read_expiry(struct reading *r)
{
	uint64_t x;

	if (!read_time(r, "x", UINT64_MAX, &x) ||
	    (r->now_s > 0 && x < (uint64_t)r->now_s))
		return "the signature has expired";
	return NULL;
}

/* In this order: what names the signature in reports comes first. */
static const struct {
	enum dkim_result result; /* if it is wrong */
	const char *(*read)(struct reading *r);
} readers[] = {
    {DKIM_PERMERROR, read_domain   },
    {DKIM_PERMERROR, read_selector },
    {DKIM_NEUTRAL,   read_bytes    },
    {DKIM_PERMERROR, read_algorithm},
    {DKIM_NEUTRAL,   read_version  },
    {DKIM_PERMERROR, read_identity },
    {DKIM_NEUTRAL,   read_query    },
    {DKIM_NEUTRAL,   read_canon    },
    {DKIM_PERMERROR, read_names    },
    {DKIM_PERMERROR, read_length   },
    {DKIM_NEUTRAL,   read_body_hash},
    {DKIM_NEUTRAL,   read_times    },
    {DKIM_PERMERROR, read_expiry   },
};

bool
dkim_signature_read(struct str value, int64_t now_s, struct dkim_signature *out,
    struct dkim_verdict *v)
{
	struct tags tags;
	struct reading r = {&tags, now_s, out, v};
	const char *why = NULL;

	*out = (struct dkim_signature){0};
	*v = (struct dkim_verdict){.result = DKIM_NEUTRAL};
	if (!tags_parse(value, &tags))
		why = "not a list of tags";
	for (size_t i = 0;
	     why == NULL && i < sizeof(readers) / sizeof(readers[0]); i++) {
		v->result = readers[i].result;
		why = readers[i].read(&r);
	}
	if (why != NULL)
		snprintf(v->why, sizeof(v->why), "%s", why);
	return why == NULL;
}
