/* SPDX-License-Identifier: MIT */
#include "maild/relay/dane.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/util/mem.h"

#define NAME_LEN_MAX 253

struct dane {
	struct resolver *resolver; /* borrowed */
	struct resolver_query *query;
	char *bases[2]; /* in the order to be asked; owned */
	size_t n_bases, at;
	uint16_t port;
	dane_found *found;
	void *arg;
};

/* d may be gone afterwards. */
static void
tell(struct dane *d, const struct dane_answer *a)
{
	d->found(d->arg, a);
}

static void
tell_unknown(struct dane *d, const char *why)
{
	char words[600];

	snprintf(words, sizeof(words), "_%u._tcp.%s: %s", (unsigned)d->port,
	    d->bases[d->at], why != NULL ? why : "no answer");
	tell(d, &(struct dane_answer){.result = DANE_UNKNOWN,
		    .why = words,
		    .bogus = why != NULL &&
	                     str_starts(str_of(why), STR(DNS_WHY_BOGUS))});
}

/* Those that are of no use, for who wants to see them. */
static size_t
read_all(const struct dns_answer *a, struct tlsa out[TLSA_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < a->n && n < TLSA_MAX; i++)
		n += tlsa_read(a->records[i].data, &out[n]);
	return n;
}

static void
tell_records(struct dane *d, const struct dns_answer *a)
{
	struct tlsa records[TLSA_MAX];
	struct dane_answer out = {
	    .result = DANE_UNUSABLE, .base = d->bases[d->at]};

	for (size_t i = 0; i < a->n && out.n < TLSA_MAX; i++)
		if (tlsa_parse(a->records[i].data, &records[out.n]))
			out.n++;
	if (out.n > 0)
		out.result = DANE_USABLE;
	else
		out.n = read_all(a, records);
	out.records = records;
	tell(d, &out);
}

/* RFC 7672 s2.2.3.  A name that gets too long has no records. */
static struct resolver_query *
ask(struct dane *d, resolver_answer *answer)
{
	char name[NAME_LEN_MAX + 32];

	snprintf(name, sizeof(name), "_%u._tcp.%s", (unsigned)d->port,
	    d->bases[d->at]);
	return resolver_ask(d->resolver, str_of(name), DNS_TLSA, answer, d);
}

static void
on_answer(void *arg, const struct dns_answer *a)
{
	struct dane *d = arg;

	d->query = NULL;
	if (a->status == DNS_TEMPFAIL)
		tell_unknown(d, a->why);
	else if (a->status == DNS_OK && a->secure)
		tell_records(d, a);
	else if (++d->at < d->n_bases)
		d->query = ask(d, on_answer);
	else
		tell(d, &(struct dane_answer){.result = DANE_NONE});
}

struct dane *
dane_ask(struct resolver *r, struct str host, const char *canonical,
    uint16_t port, dane_found *found, void *arg)
{
	struct dane *d = MEM_NEW(struct dane);

	d->resolver = r;
	d->port = port;
	d->found = found;
	d->arg = arg;
	if (canonical != NULL && canonical[0] != '\0' &&
	    !str_eq_nocase(str_of(canonical), host))
		d->bases[d->n_bases++] = mem_dup(str_of(canonical));
	d->bases[d->n_bases++] = mem_dup(host);
	d->query = ask(d, on_answer);
	return d;
}

void
dane_free(struct dane *d)
{
	if (d == NULL)
		return;
	resolver_cancel(d->query);
	free(d->bases[0]);
	free(d->bases[1]);
	free(d);
}
