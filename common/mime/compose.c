/* SPDX-License-Identifier: MIT */
#include "common/mime/compose.h"

#include "common/mime/date.h"
#include "common/util/enc.h"
#include "common/util/utf8.h"

#define LINE_WISH 78  /* octets without CRLF (RFC 5322 s2.1.1) */
#define WORD_MAX  900 /* longer ones are broken: lines end before 998 */
#define NAME_LEN  255 /* of names that are taken as they are */

static bool
is_made_of_names(struct str s, const char *more)
{
	size_t at;

	for (size_t i = 0; i < s.len; i++) {
		char c = str_lower(s.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
		    !str_find(str_of(more), c, &at))
			return false;
	}
	return s.len > 0 && s.len <= NAME_LEN;
}

/* A domain, or an id of ours. */
static bool
is_name(struct str s)
{
	return is_made_of_names(s, "-._");
}

static bool
is_ip(struct str s)
{
	return is_made_of_names(s, ".:");
}

/* RFC 5321 s4.1.3: [192.0.2.1], [IPv6:2001:db8::1] */
static bool
is_literal(struct str s)
{
	return str_take(&s, '[') && s.len > 1 && s.at[s.len - 1] == ']' &&
	       is_made_of_names(str_first(s, s.len - 1), "-.:");
}

/* RFC 5321 s4.1.3 */
static void
add_literal(struct str ip, struct buf *out)
{
	size_t colon;

	buf_addf(out, "[%s%.*s]", str_find(ip, ':', &colon) ? "IPv6:" : "",
	    STR_FMT(ip));
}

/* From-domain: the name the peer gave, then what we know of it. */
static void
add_from(const struct compose_received *r, struct buf *out)
{
	bool ip = is_ip(r->peer_ip);

	if (is_name(r->helo) || is_literal(r->helo))
		buf_add(out, r->helo);
	else if (ip)
		add_literal(r->peer_ip, out);
	else
		buf_add(out, STR("localhost"));
	if (!ip)
		return;
	buf_add(out, STR(" ("));
	if (is_name(r->peer_name)) {
		buf_add(out, r->peer_name);
		buf_add_char(out, ' ');
	}
	add_literal(r->peer_ip, out);
	buf_add_char(out, ')');
}

/* Inside a comment: nothing that ends it or the line. */
static void
add_comment(struct str s, struct buf *out)
{
	s = str_first(s, NAME_LEN);
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];
		bool plain = c >= ' ' && c <= '~' && c != '(' && c != ')' &&
		             c != '\\';

		buf_add_char(out, plain ? c : '?');
	}
}

const char *
compose_protocol(const struct compose_received *r)
{
	/* RFC 3848 and RFC 6531 s4.3; [authenticated][tls] */
	static const char *const ascii[2][2] = {
	    {"ESMTP",  "ESMTPS" },
	    {"ESMTPA", "ESMTPSA"},
	};
	static const char *const utf8[2][2] = {
	    {"UTF8SMTP",  "UTF8SMTPS" },
	    {"UTF8SMTPA", "UTF8SMTPSA"},
	};

	if (!r->extended)
		return "SMTP";
	return (r->utf8 ? utf8 : ascii)[r->authenticated][r->tls.len > 0];
}

void
compose_received(const struct compose_received *r, struct buf *out)
{
	char date[DATE_TEXT_MAX];

	buf_add(out, STR("Received: from "));
	add_from(r, out);
	if (r->tls.len > 0) {
		buf_add(out, STR("\r\n\t(using "));
		add_comment(r->tls, out);
		buf_add_char(out, ')');
	}
	buf_addf(
	    out, "\r\n\tby %.*s with %s", STR_FMT(r->by), compose_protocol(r));
	if (is_name(r->id))
		buf_addf(out, " id %.*s", STR_FMT(r->id));
	buf_addf(out, ";\r\n\t%s\r\n", date_text(r->at_s, date));
}

void
compose_message_id(
    int64_t now_s, uint64_t random, struct str host, struct buf *out)
{
	buf_add_char(out, '<');
	enc_base32((uint64_t)now_s, 7, out);
	buf_add_char(out, '.');
	enc_base32(random, 13, out);
	buf_addf(out, "@%.*s>", STR_FMT(host));
}

/* The blanks at the front of s and the word behind them. */
static struct str
blanks_and_word(struct str s)
{
	size_t n = 0;

	while (n < s.len && s.at[n] == ' ')
		n++;
	while (n < s.len && s.at[n] != ' ')
		n++;
	return str_first(s, n);
}

static void
add_harmless(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		buf_add_char(out, c < ' ' || c == 127 ? '?' : s.at[i]);
	}
}

void
compose_field(struct str name, struct str value, struct buf *out)
{
	size_t line = name.len + 2;

	buf_addf(out, "%.*s: ", STR_FMT(name));
	value = str_trim(value);
	while (value.len > 0) {
		struct str piece = utf8_first(blanks_and_word(value), WORD_MAX);
		bool first = line == name.len + 2;

		if (piece.at[0] == ' ' ? line + piece.len > LINE_WISH && !first
				       : line >= WORD_MAX) {
			buf_add(out, STR("\r\n"));
			line = 0;
			if (piece.at[0] != ' ')
				buf_add_char(out, ' ');
		}
		add_harmless(piece, out);
		line += piece.len;
		value = str_after(value, piece.len);
	}
	buf_add(out, STR("\r\n"));
}
