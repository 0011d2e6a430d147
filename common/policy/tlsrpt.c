/* SPDX-License-Identifier: MIT */
#include "common/policy/tlsrpt.h"

#include <string.h>

#include "common/mime/addr.h"
#include "common/policy/record.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#define HTTPS_PORT 443

/* ---- the record ---- */

static bool
is_visible(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	return s.len > 0;
}

/* tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri) */
static bool
read_rua(struct str list, struct tlsrpt_record *out)
{
	do {
		struct str uri = str_trim(str_cut(&list, ','));

		if (!is_visible(uri))
			return false;
		if (out->n < TLSRPT_RUA_MAX)
			out->rua[out->n++] = uri;
	} while (list.len > 0);
	return true;
}

bool
tlsrpt_record_parse(
    const struct str *records, size_t n, struct tlsrpt_record *out)
{
	struct str fields, name, value;
	int more;

	out->n = 0;
	if (!record_pick(records, n, STR("v=TLSRPTv1"), &fields))
		return false;
	while ((more = record_next(&fields, &name, &value)) == 1) {
		if (!str_eq(name, STR("rua"))) {
			if (!record_is_plain(value))
				return false;
		} else if (out->n == 0 && !read_rua(value, out)) {
			return false;
		}
	}
	return more == 0 && out->n > 0;
}

/* RFC 3986 s2.1, into out: false for a bad one, or when it does not fit. */
static bool
decode(struct str s, struct buf *out)
{
	while (s.len > 0) {
		if (s.at[0] != '%') {
			buf_add_char(out, s.at[0]);
			s = str_after(s, 1);
			continue;
		}
		if (s.len < 3 ||
		    !enc_hex_decode((struct str){s.at + 1, 2}, out))
			return false;
		s = str_after(s, 3);
	}
	return !out->overrun;
}

bool
tlsrpt_mailto(struct str uri, char address[TLSRPT_ADDRESS_MAX])
{
	struct buf text, folded;
	bool good;

	if (!str_take_nocase(&uri, STR("mailto:")))
		return false;
	buf_init(&text, TLSRPT_ADDRESS_MAX - 1);
	buf_init(&folded, 2 * ADDR_MAX);
	/* what is behind "?" is for header fields, which are ours to write */
	good = decode(str_cut(&uri, '?'), &text) &&
	       is_visible(buf_str(&text)) && addr_fold(buf_str(&text), &folded);
	if (good)
		memcpy(address, text.data, text.len + 1);
	buf_release(&folded);
	buf_release(&text);
	return good;
}

/* Letters, digits and hyphens in labels, one dot at least; no address, which
 * ends in a digit. */
static bool
is_host(struct str s)
{
	bool dot = false;
	size_t label = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '.') {
			if (label == 0 || s.at[i - 1] == '-')
				return false;
			dot = true;
			label = 0;
			continue;
		}
		if (!record_is_alnum(s.at[i]) && (s.at[i] != '-' || label == 0))
			return false;
		if (++label > 63)
			return false;
	}
	return dot && label > 0 && s.len <= 253 &&
	       str_lower(s.at[s.len - 1]) >= 'a';
}

bool
tlsrpt_https(struct str uri, struct tlsrpt_https *out)
{
	struct str authority;
	uint64_t port = HTTPS_PORT;
	size_t slash;

	if (!str_take_nocase(&uri, STR("https://")))
		return false;
	uri = str_cut(&uri, '#');
	authority = uri;
	out->path = STR("/");
	if (str_find(uri, '/', &slash)) {
		authority = str_first(uri, slash);
		out->path = str_after(uri, slash);
	}
	out->host = str_cut(&authority, ':');
	if (authority.len > 0 && !str_to_u64(authority, 65535, &port))
		return false;
	out->port = (uint16_t)port;
	return port > 0 && is_host(out->host) && is_visible(out->path) &&
	       out->path.len <= TLSRPT_PATH_MAX;
}
