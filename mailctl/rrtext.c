/* SPDX-License-Identifier: MIT */
#include "mailctl/rrtext.h"

#include "common/dns/message.h"
#include "common/dns/resolver.h"
#include "common/net/address.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#define NS         2
#define STRING_MAX 255 /* octets of one string of TXT (RFC 1035 s3.3.14) */
#define RDATA_MAX  UINT16_MAX

/* What rdata is made of, in this order. */
enum part {
	END,
	IPV4,
	IPV6,
	NAME,
	U8,
	U16,
	HEX,     /* all that follows, spaces let be */
	STRINGS, /* "quoted" ones, or the whole as one */
};

static const struct kind {
	struct str word;
	uint16_t type;
	enum part parts[5];
	const char *form;
} kinds[] = {
    {{"A", 1},     DNS_A,     {IPV4},                "192.0.2.1"                },
    {{"AAAA", 4},  DNS_AAAA,  {IPV6},                "2001:db8::1"              },
    {{"CNAME", 5}, DNS_CNAME, {NAME},                "other.example.org"        },
    {{"NS", 2},    NS,        {NAME},                "ns.example.org"           },
    {{"PTR", 3},   DNS_PTR,   {NAME},                "host.example.org"         },
    {{"MX", 2},    DNS_MX,    {U16, NAME},           "10 mx.example.org"        },
    {{"TXT", 3},   DNS_TXT,   {STRINGS},             "v=spf1 -all"              },
    {{"SRV", 3},   DNS_SRV,   {U16, U16, U16, NAME}, "0 1 587 mx.example.org"   },
    {{"TLSA", 4},  DNS_TLSA,  {U8, U8, U8, HEX},     "3 1 1 d2abde240d7cd3ee..."},
};

static const struct kind *
find(uint16_t type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

bool
rrtext_type(struct str text, uint16_t *type)
{
	size_t n;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (str_eq_nocase(text, kinds[i].word)) {
			*type = kinds[i].type;
			return true;
		}
	if (!str_take_nocase(&text, STR("TYPE")) ||
	    !str_to_size(text, UINT16_MAX, &n))
		return false;
	*type = (uint16_t)n;
	return true;
}

const char *
rrtext_form(uint16_t type)
{
	const struct kind *k = find(type);

	return k != NULL ? k->form : "\\# 3 a1b2c3";
}

static bool
read_number(struct str word, size_t most, struct buf *out)
{
	size_t n;

	if (!str_to_size(word, most, &n))
		return false;
	if (most > UINT8_MAX)
		buf_add_char(out, (char)(n >> 8));
	buf_add_char(out, (char)(n & 0xff));
	return true;
}

static bool
read_ip(struct str word, size_t want, struct buf *out)
{
	struct address a;
	uint8_t octets[16];

	if (!address_from_ip(word, 0, &a) ||
	    address_ip_bytes(&a, octets) != want)
		return false;
	buf_add(out, (struct str){(const char *)octets, want});
	return true;
}

static bool
read_name(struct str word, struct buf *out)
{
	if (word.len > 1 && word.at[word.len - 1] == '.')
		word.len--;
	if (str_eq(word, STR("."))) { /* the root: a null MX (RFC 7505) */
		buf_add_char(out, '\0');
		return true;
	}
	return word.len > 0 && dns_name_write(out, word);
}

static bool
read_hex(struct str *text, struct buf *out)
{
	size_t before = out->len;

	while (text->len > 0) {
		struct str word = str_cut(text, ' ');
		if (word.len > 0 && !enc_hex_decode(word, out))
			return false;
	}
	return out->len > before;
}

static void
add_string(struct str text, struct buf *out)
{
	do {
		struct str string = str_first(text, STRING_MAX);

		buf_add_char(out, (char)string.len);
		buf_add(out, string);
		text = str_after(text, string.len);
	} while (text.len > 0);
}

static bool
read_strings(struct str *text, struct buf *out)
{
	if (!str_starts(*text, STR("\""))) {
		add_string(*text, out);
		*text = STR("");
		return true;
	}
	while (str_take(text, '"')) {
		size_t end;

		if (!str_find(*text, '"', &end) || end > STRING_MAX)
			return false;
		add_string(str_first(*text, end), out);
		*text = str_trim(str_after(*text, end + 1));
	}
	return true;
}

static bool
read_part(enum part part, struct str *text, struct buf *out)
{
	if (part == HEX)
		return read_hex(text, out);
	if (part == STRINGS)
		return read_strings(text, out);
	struct str word = str_cut(text, ' ');
	*text = str_trim(*text);
	switch (part) {
	case IPV4:
		return read_ip(word, 4, out);
	case IPV6:
		return read_ip(word, 16, out);
	case NAME:
		return read_name(word, out);
	case U8:
		return read_number(word, UINT8_MAX, out);
	case U16:
		return read_number(word, UINT16_MAX, out);
	default:
		return false;
	}
}

/* "3 a1b2c3" (RFC 3597 s5) */
static bool
read_octets(struct str text, struct buf *out)
{
	size_t before = out->len, n;
	struct str count = str_cut(&text, ' ');

	if (!str_to_size(count, RDATA_MAX, &n))
		return false;
	text = str_trim(text);
	return (n == 0 || read_hex(&text, out)) && text.len == 0 &&
	       out->len - before == n;
}

bool
rrtext_read(uint16_t type, struct str text, struct buf *out)
{
	const struct kind *k = find(type);

	text = str_trim(text);
	if (str_take_nocase(&text, STR("\\#")))
		return read_octets(str_trim(text), out);
	if (k == NULL)
		return false;
	for (const enum part *p = k->parts; *p != END; p++)
		if (!read_part(*p, &text, out))
			return false;
	return text.len == 0 && !out->overrun;
}
