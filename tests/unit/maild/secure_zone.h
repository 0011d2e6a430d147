/* SPDX-License-Identifier: MIT */
/*
 * secure_zone: a resolver that answers from a table, which says of each answer
 * whether DNSSEC vouches for it; what is not in the table does not exist, and
 * that is secure.
 */
#ifndef TESTS_UNIT_MAILD_SECURE_ZONE_H
#define TESTS_UNIT_MAILD_SECURE_ZONE_H

#include <assert.h>
#include <stdio.h>

#include "common/dns/message.h"
#include "common/dns/resolver.h"
#include "common/net/address.h"
#include "common/util/mem.h"
#include "tests/test.h"

struct answer_row {
	const char *name;
	enum dns_type type;
	enum dns_status status;
	bool secure;
	const char *canonical; /* or NULL */
	/* rdata, separated by commas.  A: an address; MX: "10 mx.d.test"; TLSA:
	 * "311", and a digest of the right length follows, or "311!", one of
	 * the wrong one. */
	const char *data;
};

struct secure_zone {
	struct loop *loop;
	struct resolver *resolver;
	const struct answer_row *rows;
	size_t n;
	struct buf asked; /* "TLSA _25._tcp.mx.d.test " ... */
};

static inline void
add_rdata(struct buf *out, enum dns_type type, struct str text)
{
	struct address a;

	if (type == DNS_TLSA) {
		bool wrong = text.len == 4;

		for (size_t i = 0; i < 3; i++)
			buf_add_char(out, (char)(text.at[i] - '0'));
		for (size_t i = wrong ? 1 : 0; i < 32; i++)
			buf_add_char(out, 'x');
	} else if (type == DNS_MX) {
		struct str preference = str_cut(&text, ' ');
		size_t n;

		CHECK(str_to_size(preference, 255, &n));
		buf_add_char(out, 0);
		buf_add_char(out, (char)n);
		CHECK(dns_name_write(out, text));
	} else if (type == DNS_A || type == DNS_AAAA) {
		CHECK(address_from_ip(text, 0, &a));
		if (address_is_v6(&a))
			buf_add(out, (struct str){(const char *)&a.sa + 8, 16});
		else
			buf_add(out, (struct str){(const char *)&a.sa + 4, 4});
	}
}

static inline const char *
type_word(enum dns_type type)
{
	return type == DNS_A      ? "A"
	       : type == DNS_AAAA ? "AAAA"
	       : type == DNS_MX   ? "MX"
	       : type == DNS_TLSA ? "TLSA"
	                          : "CNAME";
}

static inline void
zone_answer(
    void *arg, struct resolver_query *q, struct str name, enum dns_type type)
{
	struct secure_zone *z = arg;
	struct dns_record records[100];
	struct buf rdata[100];
	struct dns_answer a = {
	    .status = DNS_NXDOMAIN, .secure = true, .records = records};
	const char *data = "";

	buf_addf(&z->asked, "%s %.*s ", type_word(type), STR_FMT(name));
	for (size_t i = 0; i < z->n; i++) {
		const struct answer_row *row = &z->rows[i];

		if (row->type != type || !str_eq(name, str_of(row->name)))
			continue;
		a.status = row->status;
		a.secure = row->secure;
		a.canonical = row->canonical;
		a.why = row->status == DNS_TEMPFAIL ? "a storm" : NULL;
		data = row->data;
	}
	for (struct str all = str_of(data); all.len > 0; a.n++) {
		assert(a.n < 100);
		buf_init(&rdata[a.n], 1024);
		add_rdata(&rdata[a.n], type, str_cut(&all, ','));
		records[a.n].data = buf_str(&rdata[a.n]);
	}
	resolver_inject(q, &a);
	for (size_t i = 0; i < a.n; i++)
		buf_release(&rdata[i]);
}

static inline void
zone_open(struct secure_zone *z, const struct answer_row *rows, size_t n)
{
	*z = (struct secure_zone){.loop = loop_new(), .rows = rows, .n = n};
	buf_init(&z->asked, 64 * KB);
	z->resolver = resolver_new_fake(z->loop, zone_answer, z);
}

static inline void
zone_close(struct secure_zone *z)
{
	resolver_free(z->resolver);
	loop_free(z->loop);
	buf_release(&z->asked);
}

#endif
