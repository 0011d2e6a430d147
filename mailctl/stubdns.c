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
#define RDATA_MAX    65535
#define STRING_MAX   255  /* octets of one string of TXT (RFC 1035 s3.3.14) */
#define RESPONSE_MAX 4096 /* octets of a datagram on loopback */
#define ALIASES_MAX  8    /* CNAMEs one after the other */
#define DELAYED_MAX  100  /* answers; more than these are not given */
#define NXDOMAIN     3    /* RFC 1035 s4.1.1 */

struct record {
	char *name;
	uint16_t type;
	struct buf rdata;
};

struct delayed { /* an answer that waits */
	struct stubdns *owner;
	struct timer *timer;
	struct address to;
	struct buf packet;
	struct delayed *next;
};

struct stubdns {
	struct loop *loop; /* borrowed */
	struct udp *udp;
	char address[32];
	struct record *records;
	size_t n;
	struct stubdns_habit *habits;
	size_t n_habits;
	struct delayed *delayed;
	size_t n_delayed;
};

static bool
is_name(const struct record *r, const char *name)
{
	return str_eq(str_of(r->name), str_of(name));
}

/* Does the name exist, if only because there are names below it? */
static bool
is_known(const struct stubdns *d, struct str name)
{
	for (size_t i = 0; i < d->n; i++) {
		struct str known = str_of(d->records[i].name);

		if (str_ends_nocase(known, name) &&
		    (known.len == name.len ||
			known.at[known.len - name.len - 1] == '.'))
			return true;
	}
	for (size_t i = 0; i < d->n_habits; i++)
		if (str_eq(str_of(d->habits[i].name), name))
			return true;
	return false;
}

static bool
find_alias(
    const struct stubdns *d, const char *name, char out[DNS_NAME_TEXT_MAX])
{
	for (size_t i = 0; i < d->n; i++)
		if (d->records[i].type == DNS_CNAME &&
		    is_name(&d->records[i], name))
			return dns_name_parse(
			    buf_str(&d->records[i].rdata), out);
	return false;
}

static void
add_records(
    const struct stubdns *d, struct buf *out, const char *name, uint16_t type)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->records[i].type == type && is_name(&d->records[i], name))
			dns_response_add(out, str_of(name), type, TTL_S,
			    buf_str(&d->records[i].rdata));
}

static void
write_answer(const struct stubdns *d, const struct dns_question *q,
    const struct stubdns_habit *h, struct buf *out)
{
	char name[DNS_NAME_TEXT_MAX], next[DNS_NAME_TEXT_MAX];
	int rcode = h->rcode;

	if (rcode == 0 && !h->empty && !is_known(d, str_of(q->name)))
		rcode = NXDOMAIN;
	dns_response_begin(out, q, rcode);
	if (rcode != 0 || h->empty)
		return;
	snprintf(name, sizeof(name), "%s", q->name);
	for (int i = 0; i < ALIASES_MAX && q->type != DNS_CNAME &&
			find_alias(d, name, next);
	     i++) {
		add_records(d, out, name, DNS_CNAME);
		snprintf(name, sizeof(name), "%s", next);
	}
	add_records(d, out, name, q->type);
}

static void
free_delayed(struct delayed *w)
{
	struct delayed **at = &w->owner->delayed;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	w->owner->n_delayed--;
	timer_free(w->timer);
	buf_release(&w->packet);
	free(w);
}

static void
send_delayed(void *arg)
{
	struct delayed *w = arg;

	udp_send(w->owner->udp, &w->to, buf_str(&w->packet));
	free_delayed(w);
}

static void
send_later(struct stubdns *d, const struct address *to, struct str packet,
    int64_t delay_ms)
{
	struct delayed *w;

	if (d->n_delayed == DELAYED_MAX)
		return;
	w = MEM_NEW(struct delayed);
	w->owner = d;
	w->to = *to;
	buf_init(&w->packet, RESPONSE_MAX);
	buf_add(&w->packet, packet);
	w->timer = timer_new(d->loop, send_delayed, w);
	timer_set(w->timer, delay_ms);
	w->next = d->delayed;
	d->delayed = w;
	d->n_delayed++;
}

/* All that was said of the name, and of this type of it. */
static struct stubdns_habit
habit_of(const struct stubdns *d, const struct dns_question *q)
{
	struct stubdns_habit all = {0};

	for (size_t i = 0; i < d->n_habits; i++) {
		const struct stubdns_habit *h = &d->habits[i];

		if ((h->type != 0 && h->type != q->type) ||
		    !str_eq(str_of(h->name), str_of(q->name)))
			continue;
		all.rcode = h->rcode != 0 ? h->rcode : all.rcode;
		all.empty |= h->empty;
		all.silent |= h->silent;
		all.delay_ms = h->delay_ms > 0 ? h->delay_ms : all.delay_ms;
	}
	return all;
}

static void
answer(void *arg, struct udp *u, const struct address *from, struct str packet)
{
	struct stubdns *d = arg;
	struct stubdns_habit h;
	struct dns_question q;
	struct buf out;

	if (!dns_question_parse(packet, &q))
		return;
	h = habit_of(d, &q);
	if (h.silent)
		return;
	buf_init(&out, RESPONSE_MAX);
	write_answer(d, &q, &h, &out);
	if (h.delay_ms > 0)
		send_later(d, from, buf_str(&out), h.delay_ms);
	else
		udp_send(u, from, buf_str(&out));
	buf_release(&out);
}

struct stubdns *
stubdns_new(struct loop *l, struct fail *f)
{
	struct stubdns *d = MEM_NEW(struct stubdns);
	struct address at;

	d->loop = l;
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
	while (d->delayed != NULL)
		free_delayed(d->delayed);
	udp_free(d->udp);
	for (size_t i = 0; i < d->n; i++) {
		free(d->records[i].name);
		buf_release(&d->records[i].rdata);
	}
	free(d->records);
	free(d->habits);
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
	struct record *r;

	d->records = mem_grow(d->records, d->n + 1, sizeof(*d->records));
	r = &d->records[d->n++];
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

void
stubdns_add(
    struct stubdns *d, const char *name, uint16_t type, struct str rdata)
{
	struct record *r = add(d, name, type);

	buf_add(&r->rdata, rdata);
	assert(!r->rdata.overrun);
}

void
stubdns_behave(struct stubdns *d, const struct stubdns_habit *h)
{
	d->habits = mem_grow(d->habits, d->n_habits + 1, sizeof(*d->habits));
	d->habits[d->n_habits++] = *h;
}
