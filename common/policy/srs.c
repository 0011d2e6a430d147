/* SPDX-License-Identifier: MIT */
#include "common/policy/srs.h"

#include "common/mime/addr.h"
#include "common/mime/cfws.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define HASH_DIGITS 8 /* of 5 bits: 40 */
#define DAY_DIGITS  2
#define DAYS        1024 /* a day has 10 bits */
#define DAY_S       86400
#define ADDRESS_MAX 254 /* octets (RFC 5321 s4.5.3.1.3, without <>) */

/* ---- local parts, without their quotes ---- */

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

static void
unquote(struct str local, struct buf *out)
{
	if (local.len < 2 || local.at[0] != '"') {
		buf_add(out, local);
		return;
	}
	for (size_t i = 1; i + 1 < local.len; i++) {
		if (local.at[i] == '\\' && i + 2 < local.len)
			i++;
		buf_add_char(out, local.at[i]);
	}
}

static void
quote(struct str local, struct buf *out)
{
	if (is_dot_atom(local)) {
		buf_add(out, local);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (local.at[i] == '"' || local.at[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, local.at[i]);
	}
	buf_add_char(out, '"');
}

/* ---- the hash ---- */

/* 40 bits over the text in lower case, with a letter for its kind in front:
 * neither kind of address is ever good as the other. */
static uint64_t
hash(const uint8_t secret[SRS_SECRET_LEN], char kind, struct str text)
{
	uint8_t mac[EVP_MAX_MD_SIZE] = {0};
	uint64_t n = 0;
	struct buf lower;

	buf_init(&lower, 2 * KB);
	buf_add_char(&lower, kind);
	for (size_t i = 0; i < text.len; i++)
		buf_add_char(&lower, str_lower(text.at[i]));
	HMAC(EVP_sha256(), secret, SRS_SECRET_LEN, (uint8_t *)lower.data,
	    lower.len, mac, NULL);
	buf_release(&lower);
	for (size_t i = 0; i < HASH_DIGITS * 5 / 8; i++)
		n = n << 8 | mac[i];
	return n;
}

/* Take n digits and the "=" behind them. */
static bool
take_number(struct str *s, size_t digits, uint64_t *out)
{
	struct str text = str_first(*s, digits);

	if (s->len <= digits || s->at[digits] != '=' ||
	    !enc_base32_decode(text, out))
		return false;
	*s = str_after(*s, digits + 1);
	return true;
}

/* "SRS0" or "SRS1" and one of the separators in use; *rest begins with that. */
static bool
is_srs(struct str local, char kind, struct str *rest)
{
	if (local.len < 5 || !str_starts_nocase(local, STR("SRS")) ||
	    local.at[3] != kind ||
	    (local.at[4] != '=' && local.at[4] != '+' && local.at[4] != '-'))
		return false;
	*rest = str_after(local, 4);
	return true;
}

/* ---- forward ---- */

/* What is hashed, and stands behind the hash.  Gives the kind: 0 or 1. */
static char
compose(struct str local, struct str domain, int64_t now_s, struct buf *out)
{
	struct str rest;
	size_t at;

	if (is_srs(local, '0', &rest)) {
		/* another forwarder's: it alone is told of the bounce */
		buf_add(out, domain);
		buf_add_char(out, '=');
		buf_add(out, rest);
		return '1';
	}
	if (is_srs(local, '1', &rest)) {
		rest = str_after(rest, 1);
		str_cut(&rest, '='); /* its hash; the first forwarder stays */
		if (str_find(rest, '=', &at) && at > 0 && at + 1 < rest.len) {
			buf_add(out, rest);
			return '1';
		}
	}
	enc_base32((uint64_t)(now_s / DAY_S) % DAYS, DAY_DIGITS, out);
	buf_add_char(out, '=');
	buf_add(out, domain);
	buf_add_char(out, '=');
	buf_add(out, local);
	return '0';
}

bool
srs_forward(const uint8_t secret[SRS_SECRET_LEN], struct str sender,
    struct str domain, int64_t now_s, struct buf *out)
{
	size_t before = out->len;
	struct str local, from;
	struct buf plain, text, all;
	bool ok = false;
	char kind;

	if (!addr_split(sender, &local, &from) || sender.len > ADDR_MAX)
		return false;
	buf_init(&plain, ADDR_MAX);
	buf_init(&text, 2 * ADDR_MAX);
	buf_init(&all, 4 * ADDR_MAX);
	unquote(local, &plain);
	kind = compose(buf_str(&plain), from, now_s, &text);
	buf_addf(&all, "SRS%c=", kind);
	enc_base32(hash(secret, kind, buf_str(&text)), HASH_DIGITS, &all);
	buf_add_char(&all, '=');
	buf_add(&all, buf_str(&text));
	quote(buf_str(&all), out);
	buf_add_char(out, '@');
	buf_add(out, domain);
	ok = out->len - before <= ADDRESS_MAX && !out->overrun;
	if (!ok)
		buf_cut(out, before);
	buf_release(&all);
	buf_release(&text);
	buf_release(&plain);
	return ok;
}

/* ---- reverse ---- */

/* TT=domain=local, hash already good */
static enum srs_result
reverse_first(struct str text, int64_t now_s, struct buf *out)
{
	uint64_t day, today = (uint64_t)(now_s / DAY_S) % DAYS;
	struct str domain;

	if (!take_number(&text, DAY_DIGITS, &day) || day >= DAYS ||
	    (today + DAYS - day) % DAYS > SRS_DAYS)
		return SRS_BAD;
	domain = str_cut(&text, '=');
	if (domain.len == 0 || text.len == 0)
		return SRS_BAD;
	quote(text, out);
	buf_add_char(out, '@');
	buf_add(out, domain);
	return SRS_GOOD;
}

/* domain==HH..., hash already good: back to the first forwarder */
static enum srs_result
reverse_second(struct str text, struct buf *out)
{
	struct str domain = str_cut(&text, '=');
	struct buf local;

	if (domain.len == 0 || text.len == 0)
		return SRS_BAD;
	buf_init(&local, ADDR_MAX);
	buf_add(&local, STR("SRS0"));
	buf_add(&local, text);
	quote(buf_str(&local), out);
	buf_release(&local);
	buf_add_char(out, '@');
	buf_add(out, domain);
	return SRS_GOOD;
}

static enum srs_result
reverse(const uint8_t secret[SRS_SECRET_LEN], struct str local, int64_t now_s,
    struct buf *out)
{
	struct str rest;
	uint64_t said;
	char kind;

	if (is_srs(local, '0', &rest))
		kind = '0';
	else if (is_srs(local, '1', &rest))
		kind = '1';
	else
		return SRS_OTHER;
	if (!str_take(&rest, '=') || !take_number(&rest, HASH_DIGITS, &said) ||
	    said != hash(secret, kind, rest))
		return SRS_BAD;
	return kind == '0' ? reverse_first(rest, now_s, out)
	                   : reverse_second(rest, out);
}

enum srs_result
srs_reverse(const uint8_t secret[SRS_SECRET_LEN], struct str address,
    int64_t now_s, struct buf *out)
{
	enum srs_result result;
	struct str local, domain;
	size_t before = out->len;
	struct buf plain;

	if (address.len > ADDR_MAX || !addr_split(address, &local, &domain))
		return SRS_OTHER;
	buf_init(&plain, ADDR_MAX);
	unquote(local, &plain);
	result = reverse(secret, buf_str(&plain), now_s, out);
	buf_release(&plain);
	if (out->overrun)
		result = SRS_BAD;
	if (result != SRS_GOOD)
		buf_cut(out, before);
	return result;
}
