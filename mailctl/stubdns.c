/* SPDX-License-Identifier: MIT */
#include "mailctl/stubdns.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/dns/message.h"
#include "common/dns/resolver.h"
#include "common/net/udp.h"
#include "common/util/mem.h"

#define TTL_S        60
#define RECORDS_MAX  64
#define RDATA_MAX    1000
#define STRING_MAX   255  /* octets of one string of TXT (RFC 1035 s3.3.14) */
#define RESPONSE_MAX 1232 /* octets of a datagram that is never cut up */
#define NXDOMAIN     3    /* RFC 1035 s4.1.1 */

struct record {
	char *name;
	uint16_t type;
	struct buf rdata;
};

struct stubdns {
	struct udp *udp;
	char address[32];
	struct record records[RECORDS_MAX];
	size_t n;
};

static void
answer(void *arg, struct udp *u, const struct address *from, struct str packet)
{
	const struct stubdns *d = arg;
	struct dns_question q;
	struct buf out;
	bool known = false;

	if (!dns_question_parse(packet, &q))
		return;
	for (size_t i = 0; i < d->n; i++)
		known |= str_eq(str_of(d->records[i].name), str_of(q.name));
	buf_init(&out, RESPONSE_MAX);
	dns_response_begin(&out, &q, known ? 0 : NXDOMAIN);
	for (size_t i = 0; i < d->n; i++) {
		const struct record *r = &d->records[i];
		if (r->type == q.type &&
		    str_eq(str_of(r->name), str_of(q.name)))
			dns_response_add(&out, str_of(q.name), r->type, TTL_S,
			    buf_str(&r->rdata));
	}
	if (!out.overrun)
		udp_send(u, from, buf_str(&out));
	buf_release(&out);
}

struct stubdns *
stubdns_new(struct loop *l, struct fail *f)
{
	struct stubdns *d = MEM_NEW(struct stubdns);
	struct address at;

	address_from_ip(STR("127.0.0.1"), 0, &at);
	d->udp = udp_new(l, &at, answer, d, f);
	if (d->udp == NULL) {
		free(d);
		return NULL;
	}
	at = udp_local(d->udp);
	snprintf(d->address, sizeof(d->address), "127.0.0.1:%u",
	    (unsigned)address_port(&at));
	return d;
}

void
stubdns_free(struct stubdns *d)
{
	if (d == NULL)
		return;
	udp_free(d->udp);
	for (size_t i = 0; i < d->n; i++) {
		free(d->records[i].name);
		buf_release(&d->records[i].rdata);
	}
	free(d);
}

const char *
stubdns_address(const struct stubdns *d)
{
	return d->address;
}

static struct record *
add(struct stubdns *d, const char *name, uint16_t type)
{
	struct record *r = &d->records[d->n];

	assert(d->n < RECORDS_MAX);
	d->n++;
	r->name = mem_dup(str_of(name));
	r->type = type;
	buf_init(&r->rdata, RDATA_MAX);
	return r;
}

void
stubdns_add_mx(struct stubdns *d, const char *domain, const char *host)
{
	struct record *r = add(d, domain, DNS_MX);
	bool is_name;

	/* preference 10 (RFC 1035 s3.3.9) */
	buf_add(&r->rdata, (struct str){"\0\12", 2});
	is_name = dns_name_write(&r->rdata, str_of(host));
	assert(is_name);
}

void
stubdns_add_txt(struct stubdns *d, const char *name, struct str text)
{
	struct record *r = add(d, name, DNS_TXT);

	while (text.len > 0) {
		struct str string = str_first(text, STRING_MAX);

		buf_add_char(&r->rdata, (char)string.len);
		buf_add(&r->rdata, string);
		text = str_after(text, string.len);
	}
	assert(!r->rdata.overrun);
}

void
stubdns_add_ptr(struct stubdns *d, const char *ip, const char *host)
{
	unsigned a[4];
	char name[64];
	struct record *r;
	bool is_name;
	int n = sscanf(ip, "%u.%u.%u.%u", &a[0], &a[1], &a[2], &a[3]);

	assert(n == 4);
	snprintf(name, sizeof(name), "%u.%u.%u.%u.in-addr.arpa", a[3], a[2],
	    a[1], a[0]);
	r = add(d, name, DNS_PTR);
	is_name = dns_name_write(&r->rdata, str_of(host));
	assert(is_name);
}

void
stubdns_add_a(struct stubdns *d, const char *host, const char *ip)
{
	struct record *r = add(d, host, DNS_A);
	struct in_addr in;
	int good = inet_pton(AF_INET, ip, &in);

	assert(good == 1);
	buf_add(&r->rdata, (struct str){(const char *)&in, sizeof(in)});
}
