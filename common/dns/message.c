/* SPDX-License-Identifier: MIT */
#include "common/dns/message.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define HEADER_LEN      12
#define NAME_MAX_OCTETS 255 /* RFC 1035 s2.3.4, with lengths and root */
#define LABEL_MAX       63

/* Bits of the third and fourth octet (RFC 1035 s4.1.1). */
#define FLAG_QR     0x8000
#define FLAG_AA     0x0400
#define FLAG_TC     0x0200
#define FLAG_RD     0x0100
#define FLAG_RA     0x0080
#define MASK_OPCODE 0x7800
#define MASK_RCODE  0x000f

#define AT_FLAGS    2
#define AT_ANCOUNT  6

/* ---- numbers ---- */

static unsigned
octet(struct str s, size_t at)
{
	return (unsigned char)s.at[at];
}

static uint16_t
get16(struct str s, size_t at)
{
	return (uint16_t)(octet(s, at) << 8 | octet(s, at + 1));
}

static uint32_t
get32(struct str s, size_t at)
{
	return (uint32_t)get16(s, at) << 16 | get16(s, at + 2);
}

static void
add16(struct buf *out, unsigned n)
{
	buf_add_char(out, (char)(n >> 8));
	buf_add_char(out, (char)n);
}

static void
put16(struct buf *out, size_t at, unsigned n)
{
	assert(at + 2 <= out->len);
	out->data[at] = (char)(n >> 8);
	out->data[at + 1] = (char)n;
}

/* ---- names ---- */

/* One octet of a label as text (RFC 1035 s5.1, RFC 4343 s2.1). */
static size_t
show_octet(char *out, unsigned char c)
{
	/* a dot that ends no label must not look like one: readers compare
	 * the ends of names */
	if (c <= ' ' || c > '~' || c == '.')
		return (size_t)snprintf(out, 5, "\\%03u", c);
	if (c == '\\') {
		out[0] = out[1] = '\\';
		return 2;
	}
	out[0] = str_lower((char)c);
	return 1;
}

/*
 * The name at *at, which is moved behind it.  A pointer must lead to before
 * the place where the labels that end in it began, so each jump goes further
 * back and there is an end to it.
 */
static bool
read_name(
    struct str packet, size_t *at, bool pointers, char text[DNS_NAME_TEXT_MAX])
{
	size_t pos = *at, run = *at, len = 0, octets = 1;
	bool jumped = false;

	for (;;) {
		if (pos >= packet.len)
			return false;
		unsigned c = octet(packet, pos);

		if (c == 0)
			break;
		if (c >= 0xc0) {
			if (!pointers || pos + 1 >= packet.len)
				return false;
			if (!jumped)
				*at = pos + 2;
			jumped = true;
			pos = get16(packet, pos) & 0x3fff;
			if (pos < HEADER_LEN || pos >= run)
				return false;
			run = pos;
			continue;
		}
		/* 0x40 and 0x80 are label types that never came to be */
		octets += c + 1;
		if (c > LABEL_MAX || c >= packet.len - pos ||
		    octets > NAME_MAX_OCTETS)
			return false;
		if (len > 0)
			text[len++] = '.';
		for (size_t i = 1; i <= c; i++)
			len += show_octet(
			    text + len, (unsigned char)packet.at[pos + i]);
		pos += c + 1;
	}
	/* 254 octets of labels, four characters each at most, are 1,016 */
	assert(len < DNS_NAME_TEXT_MAX);
	text[len] = '\0';
	if (!jumped)
		*at = pos + 1;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What `\' stands for: one octet by three digits, or the next character. */
static bool
take_escape(struct str *in, char *out)
{
	uint64_t n;

	if (in->len >= 3 && str_to_u64(str_first(*in, 3), 255, &n)) {
		*out = (char)n;
		*in = str_after(*in, 3);
		return true;
	}
	if (in->len == 0 || is_digit(in->at[0]))
		return false;
	*out = in->at[0];
	*in = str_after(*in, 1);
	return true;
}

/* One label up to an unescaped dot or the end; dot: whether it was there. */
static bool
take_label(struct str *in, char label[LABEL_MAX], size_t *len, bool *dot)
{
	*len = 0;
	*dot = false;
	while (in->len > 0) {
		char c = in->at[0];

		*in = str_after(*in, 1);
		if (c == '.') {
			*dot = true;
			break;
		}
		if (c == '\\' && !take_escape(in, &c))
			return false;
		if (*len == LABEL_MAX)
			return false;
		label[(*len)++] = c;
	}
	return *len > 0;
}

bool
dns_name_write(struct buf *out, struct str name)
{
	size_t start = out->len, len;
	char label[LABEL_MAX];
	bool more = name.len > 0;

	while (more) {
		if (!take_label(&name, label, &len, &more))
			goto bad;
		buf_add_char(out, (char)len);
		buf_add(out, (struct str){label, len});
		if (out->len - start + 1 > NAME_MAX_OCTETS)
			goto bad;
	}
	buf_add_char(out, '\0');
	if (!out->overrun)
		return true;
bad:
	buf_cut(out, start);
	return false;
}

/* RFC 952, RFC 1123 s2.1: letters, digits and hyphens; the last label is not
 * a number, or it would read as an address.  The underscore is tolerated, as
 * everybody does. */
static bool
is_host_name(struct str name)
{
	if (name.len > 253)
		return false;
	while (name.len > 0) {
		struct str label = str_cut(&name, '.');
		size_t digits = 0;

		if (label.len == 0 || label.at[0] == '-' ||
		    label.at[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++) {
			char c = label.at[i];

			digits += is_digit(c);
			if (!is_digit(c) && !(c >= 'a' && c <= 'z') &&
			    c != '-' && c != '_')
				return false;
		}
		if (name.len == 0 && digits == label.len)
			return false;
	}
	return true;
}

bool
dns_name_parse(struct str wire, char out[DNS_NAME_TEXT_MAX])
{
	size_t at = 0;

	return read_name(wire, &at, false, out) && at == wire.len;
}

bool
dns_mx_parse(
    struct str rdata, uint16_t *preference, char host[DNS_NAME_TEXT_MAX])
{
	size_t at = 2;

	if (rdata.len < 3 || !read_name(rdata, &at, false, host) ||
	    at != rdata.len || !is_host_name(str_of(host)))
		return false;
	*preference = get16(rdata, 0);
	return true;
}

/* ---- questions ---- */

static bool
read_question(struct str packet, size_t *at, struct dns_question *out)
{
	if (!read_name(packet, at, false, out->name) || packet.len - *at < 4)
		return false;
	out->type = get16(packet, *at);
	out->class = get16(packet, *at + 2);
	*at += 4;
	out->id = get16(packet, 0);
	out->recursion_desired = get16(packet, AT_FLAGS) & FLAG_RD;
	return true;
}

bool
dns_question_parse(struct str packet, struct dns_question *out)
{
	size_t at = HEADER_LEN;

	/* additional records are left alone: EDNS (RFC 6891) puts one there */
	return packet.len >= HEADER_LEN &&
	       (get16(packet, AT_FLAGS) & (FLAG_QR | MASK_OPCODE)) == 0 &&
	       get16(packet, 4) == 1 && get16(packet, AT_ANCOUNT) == 0 &&
	       read_question(packet, &at, out);
}

/* ---- making a response ---- */

void
dns_response_begin(struct buf *out, const struct dns_question *q, int rcode)
{
	bool ok;

	assert(out->len == 0 && rcode >= 0 && rcode <= MASK_RCODE);
	add16(out, q->id);
	add16(out, FLAG_QR | FLAG_AA | FLAG_RA |
		       (q->recursion_desired ? FLAG_RD : 0) | (unsigned)rcode);
	add16(out, 1);
	add16(out, 0);
	add16(out, 0);
	add16(out, 0);
	ok = dns_name_write(out, str_of(q->name));
	assert(ok); /* it came from dns_question_parse(), and out has room */
	add16(out, q->type);
	add16(out, q->class);
}

void
dns_response_add(struct buf *out, struct str name, uint16_t type,
    uint32_t ttl_s, struct str rdata)
{
	size_t start = out->len;
	unsigned count = get16(buf_str(out), AT_ANCOUNT);
	bool fits;

	assert(rdata.len <= UINT16_MAX);
	fits = dns_name_write(out, name);
	assert(fits || out->overrun); /* our own names are names */
	add16(out, type);
	add16(out, 1); /* IN */
	add16(out, ttl_s >> 16);
	add16(out, ttl_s & 0xffff);
	add16(out, (unsigned)rdata.len);
	buf_add(out, rdata);
	if (out->overrun || count == UINT16_MAX) {
		buf_cut(out, start);
		out->overrun = false;
		put16(out, AT_FLAGS, get16(buf_str(out), AT_FLAGS) | FLAG_TC);
		return;
	}
	put16(out, AT_ANCOUNT, count + 1);
}

/* ---- reading a response ---- */

bool
dns_response_parse(struct str packet, struct dns_response *out)
{
	unsigned flags;

	if (packet.len < HEADER_LEN)
		return false;
	flags = get16(packet, AT_FLAGS);
	out->packet = packet;
	out->rcode = (int)(flags & MASK_RCODE);
	out->authoritative = flags & FLAG_AA;
	out->truncated = flags & FLAG_TC;
	out->at = HEADER_LEN;
	for (size_t i = 0; i < 3; i++)
		out->left[i] = get16(packet, AT_ANCOUNT + i * 2);
	return (flags & FLAG_QR) != 0 && (flags & MASK_OPCODE) == 0 &&
	       get16(packet, 4) == 1 &&
	       read_question(packet, &out->at, &out->question);
}

int
dns_response_next(struct dns_response *r, struct dns_resource *out)
{
	enum dns_section section = DNS_ANSWER;
	struct str p = r->packet;
	size_t at = r->at, len;

	while (section <= DNS_ADDITIONAL && r->left[section] == 0)
		section++;
	if (section > DNS_ADDITIONAL)
		return at == p.len ? 0 : -1;
	if (!read_name(p, &at, true, out->name) || p.len - at < 10)
		return -1;
	out->section = section;
	out->type = get16(p, at);
	out->class = get16(p, at + 2);
	out->ttl_s = get32(p, at + 4);
	if (out->ttl_s > INT32_MAX) /* RFC 2181 s8 */
		out->ttl_s = 0;
	len = get16(p, at + 8);
	at += 10;
	if (len > p.len - at)
		return -1;
	out->rdata = (struct str){p.at + at, len};
	r->at = at + len;
	r->left[section]--;
	return 1;
}

/* Types whose rdata ends in a name that may be compressed (RFC 3597 s4). */
static const struct {
	uint16_t type;
	size_t name_at;
} named[] = {
    {2,  0}, /* NS */
    {5,  0}, /* CNAME */
    {12, 0}, /* PTR */
    {15, 2}, /* MX */
};

bool
dns_rdata_expand(const struct dns_response *r, const struct dns_resource *from,
    struct buf *out)
{
	size_t begin = (size_t)(from->rdata.at - r->packet.at);
	size_t end = begin + from->rdata.len, at;
	char name[DNS_NAME_TEXT_MAX];

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (named[i].type != from->type)
			continue;
		at = begin + named[i].name_at;
		if (from->rdata.len < named[i].name_at ||
		    !read_name(str_first(r->packet, end), &at, true, name) ||
		    at != end)
			return false;
		buf_add(out, str_first(from->rdata, named[i].name_at));
		return dns_name_write(out, str_of(name));
	}
	buf_add(out, from->rdata);
	return !out->overrun;
}
