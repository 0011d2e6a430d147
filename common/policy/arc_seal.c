/* SPDX-License-Identifier: MIT */
#include "common/policy/arc.h"

#include "common/mime/header.h"
#include "common/policy/arc_sets.h"
#include "common/policy/dkim_fields.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#include <assert.h>
#include <inttypes.h>

#define LINE_ADVISED 72 /* octets of a folded line */

/* RFC 8617 s4.1.2, RFC 6376 s5.4.1: what a reader sees, and the signatures
 * below; never results or ARC fields. */
static const struct str covered[] = {
    {"From",		      4 },
    {"Sender",		    6 },
    {"Reply-To",		  8 },
    {"To",			2 },
    {"Cc",			2 },
    {"Subject",		   7 },
    {"Date",		      4 },
    {"Message-ID",                10},
    {"In-Reply-To",               11},
    {"References",                10},
    {"MIME-Version",              12},
    {"Content-Type",              12},
    {"Content-Transfer-Encoding", 25},
    {"List-Id",		   7 },
    {"List-Unsubscribe",          16},
    {"List-Unsubscribe-Post",     21},
    {"DKIM-Signature",            14},
};
#define COVERED (sizeof(covered) / sizeof(covered[0]))

static size_t
column(const struct buf *out)
{
	size_t at;

	return str_find_last(buf_str(out), '\n', &at) ? out->len - at - 1
	                                              : out->len;
}

/* How often each is there. */
static void
count_covered(struct str block, size_t counts[COVERED])
{
	struct header_field field;

	while (header_next(&block, &field)) {
		size_t i = 0;

		while (i < COVERED && !str_eq_nocase(field.name, covered[i]))
			i++;
		if (i < COVERED)
			counts[i]++;
	}
}

/* Each as often as it is there; From once more, so that none can be added. */
static void
add_names(struct str block, struct buf *out)
{
	size_t counts[COVERED] = {1};
	bool first = true;

	count_covered(block, counts);
	for (size_t i = 0; i < COVERED; i++) {
		for (; counts[i] > 0; counts[i]--) {
			if (!first)
				buf_add_char(out, ':');
			if (column(out) + covered[i].len > LINE_ADVISED)
				buf_add(out, STR("\r\n\t "));
			buf_add(out, covered[i]);
			first = false;
		}
	}
}

static void
add_base64(struct str bytes, struct buf *out)
{
	struct buf text;
	struct str rest;

	buf_init(&text, ENC_BASE64_LEN(KEY_SIGNATURE_MAX) + 1);
	enc_base64(bytes, &text);
	for (rest = buf_str(&text); rest.len > 0;) {
		size_t col = column(out);
		size_t room = col < LINE_ADVISED ? LINE_ADVISED - col : 1;

		buf_add(out, str_first(rest, room));
		rest = str_after(rest, room);
		if (rest.len > 0)
			buf_add(out, STR("\r\n\t "));
	}
	buf_release(&text);
}

/* The next instance and what its seal says of the chain before (RFC 8617
 * s5.1).  False: nothing is to be sealed on top of it. */
static bool
next_instance(const struct arc_seal *s, const struct arc_sets *sets,
    unsigned *instance, const char **chain)
{
	*instance = sets->n + 1;
	*chain = arc_word(s->chain);
	if (s->chain == ARC_TEMPERROR || sets->n >= ARC_SETS_MAX ||
	    str_eq_nocase(sets->chain, STR("fail")))
		return false;
	/* what cannot be counted has failed, whoever says what */
	return (sets->fields == 0) == (s->chain == ARC_NONE) &&
	       (sets->why == NULL || s->chain == ARC_FAIL);
}

static void
add_head(const struct arc_seal *s, const char *name, unsigned instance,
    struct buf *out)
{
	buf_addf(out, "%s: i=%u; a=%s; d=%.*s;\r\n\ts=%.*s; t=%" PRId64 ";",
	    name, instance,
	    s->algorithm == KEY_RSA ? "rsa-sha256" : "ed25519-sha256",
	    STR_FMT(s->domain), STR_FMT(s->selector), s->now_s);
}

/* SHA-256 of what is in text and of the field that begins at `at' in fields. */
static void
finish_digest(struct buf *text, const struct buf *fields, size_t at,
    uint8_t digest[KEY_DIGEST_LEN])
{
	bool ok = dkim_fields_add_own(
	    CANON_RELAXED, str_after(buf_str(fields), at), text);

	assert(ok); /* we wrote it */
	key_sha256(buf_str(text), digest);
	buf_release(text);
}

bool
arc_seal_begin(const struct arc_seal *s, struct buf *fields,
    uint8_t digest[KEY_DIGEST_LEN])
{
	struct arc_sets sets;
	struct dkim_fields *all;
	unsigned instance;
	const char *chain;
	struct buf text;
	struct str names;
	size_t at, from;

	arc_sets_read(s->block, &sets);
	if (!next_instance(s, &sets, &instance, &chain))
		return false;
	buf_addf(fields, "ARC-Authentication-Results: i=%u; %.*s\r\n", instance,
	    STR_FMT(s->results));
	at = fields->len;
	add_head(s, "ARC-Message-Signature", instance, fields);
	buf_add(fields, STR(" c=relaxed/relaxed;\r\n\tbh="));
	enc_base64(
	    (struct str){(const char *)s->body_hash, BODY_HASH_LEN}, fields);
	buf_add(fields, STR(";\r\n\th="));
	from = fields->len;
	add_names(s->block, fields);
	names = str_after(buf_str(fields), from);

	buf_init(&text, 4 * s->block.len + 64 * KB);
	all = dkim_fields_new(s->block);
	dkim_fields_add(all, CANON_RELAXED, names, (struct str){0}, &text);
	dkim_fields_free(all);
	buf_add(fields, STR(";\r\n\tb="));
	finish_digest(&text, fields, at, digest);
	return true;
}

/* The fields made so far: results, then message signature, which may want its
 * end yet. */
static void
split_fields(struct str made, struct arc_set *out)
{
	struct header_field field;

	*out = (struct arc_set){0};
	for (size_t i = 0; i < ARC_FIELDS && header_next(&made, &field); i++)
		out->whole[i] = field.whole;
}

void
arc_seal_signed(const struct arc_seal *s, struct buf *fields,
    struct str signature, uint8_t digest[KEY_DIGEST_LEN])
{
	struct arc_sets sets;
	struct arc_set own;
	unsigned instance;
	const char *chain;
	struct buf text;
	size_t at;
	bool ok;

	arc_sets_read(s->block, &sets);
	ok = next_instance(s, &sets, &instance, &chain);
	assert(ok); /* arc_seal_begin() said so */
	add_base64(signature, fields);
	buf_add(fields, STR("\r\n"));
	at = fields->len;
	add_head(s, "ARC-Seal", instance, fields);
	buf_addf(fields, " cv=%s;\r\n\tb=", chain);

	buf_init(&text, 4 * s->block.len + 64 * KB);
	/* RFC 8617 s5.1.2: of a broken chain only what is new */
	for (unsigned i = 0; s->chain == ARC_PASS && i < sets.n; i++)
		arc_set_canon(&sets.at[i], true, &text);
	split_fields(buf_str(fields), &own);
	arc_set_canon(&own, false, &text);
	finish_digest(&text, fields, at, digest);
}

void
arc_seal_finish(
    const struct arc_seal *s, struct buf *fields, struct str signature)
{
	struct arc_set own;
	struct buf made;

	assert(s->domain.len > 0);
	add_base64(signature, fields);
	buf_add(fields, STR("\r\n"));
	/* newest on top: seal, message signature, results */
	buf_init(&made, fields->len);
	buf_add(&made, buf_str(fields));
	split_fields(buf_str(&made), &own);
	buf_clear(fields);
	for (size_t i = ARC_FIELDS; i > 0; i--)
		buf_add(fields, own.whole[i - 1]);
	buf_release(&made);
}
