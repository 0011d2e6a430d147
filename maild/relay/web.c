/* SPDX-License-Identifier: MIT */
#include "maild/relay/web.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/dns/resolver.h"
#include "common/net/network.h"
#include "common/util/buf.h"
#include "common/util/mem.h"

#define KINDS   2 /* AAAA, A */
#define WHY_MAX 400

struct web_question {
	struct resolver_query *queries[KINDS];
	struct address addresses[HTTPS_ADDRESSES_MAX];
	size_t n, wanted; /* addresses; answers that are not there yet */
	const struct relay_deps *deps; /* borrowed */
	struct https_question *question;
	struct https_ask ask;
	struct buf text; /* what its strings are in */
	char why[WHY_MAX];
	https_done *done;
	void *arg; /* borrowed */
};

static void
forget(struct web_question *q)
{
	buf_release(&q->text);
	free(q);
}

static void
on_answer(void *arg, const struct https_answer *a)
{
	struct web_question *q = arg;

	q->done(q->arg, a);
	forget(q);
}

static void
go_on(struct web_question *q)
{
	if (--q->wanted > 0)
		return;
	if (q->n == 0) {
		on_answer(q, &(struct https_answer){
				 .result = HTTPS_UNREACHABLE, .why = q->why});
		return;
	}
	q->ask.addresses = q->addresses;
	q->ask.n = q->n;
	q->question = https_ask(q->deps->https, &q->ask, on_answer, q);
}

static bool
may_reach(struct web_question *q, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	if (q->deps->conf->relay_local_addresses || network_is_public(a))
		return true;
	snprintf(q->why, sizeof(q->why),
	    "the address of %.*s, %s, is not one of the Internet",
	    STR_FMT(q->ask.host), address_ip_text(a, text));
	return false;
}

static void
take(struct web_question *q, const struct dns_answer *a, size_t octets,
    size_t most)
{
	if (a->status == DNS_TEMPFAIL)
		snprintf(q->why, sizeof(q->why),
		    "DNS does not tell the address of %.*s: %s",
		    STR_FMT(q->ask.host), a->why);
	for (size_t i = 0; i < a->n && q->n < most; i++) {
		struct str data = a->records[i].data;
		struct address *to = &q->addresses[q->n];

		if (data.len != octets)
			continue;
		*to = address_from_bytes(
		    (const uint8_t *)data.at, data.len, q->ask.port);
		if (may_reach(q, to))
			q->n++;
	}
}

/* Each kind leaves room for the other. */
static void
on_v6(void *arg, const struct dns_answer *a)
{
	struct web_question *q = arg;

	q->queries[0] = NULL;
	take(q, a, 16, q->n + HTTPS_ADDRESSES_MAX / 2);
	go_on(q);
}

static void
on_v4(void *arg, const struct dns_answer *a)
{
	struct web_question *q = arg;

	q->queries[1] = NULL;
	take(q, a, 4, q->n + HTTPS_ADDRESSES_MAX / 2);
	go_on(q);
}

/* Copy s behind what the buffer has; it must not move any more. */
static void
keep(struct web_question *q, struct str *s)
{
	size_t at = q->text.len;

	buf_add(&q->text, *s);
	*s = (struct str){q->text.data + at, s->len};
}

struct web_question *
web_ask(const struct relay_deps *deps, const struct https_ask *ask,
    https_done *done, void *arg)
{
	struct web_question *q = MEM_NEW(struct web_question);
	struct str *const strings[] = {&q->ask.host, &q->ask.path, &q->ask.type,
	    &q->ask.body, &q->ask.body_type};
	size_t size = 1;

	q->deps = deps;
	q->ask = *ask;
	q->done = done;
	q->arg = arg;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		size += strings[i]->len;
	buf_init(&q->text, size);
	buf_reserve(&q->text, size);
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		keep(q, strings[i]);
	snprintf(q->why, sizeof(q->why), "%.*s has no address",
	    STR_FMT(q->ask.host));
	q->wanted = KINDS;
	q->queries[0] = resolver_ask(
	    deps->resolver, q->ask.host, DNS_AAAA, on_v6, q);
	q->queries[1] = resolver_ask(
	    deps->resolver, q->ask.host, DNS_A, on_v4, q);
	return q;
}

void
web_cancel(struct web_question *q)
{
	if (q == NULL)
		return;
	for (int i = 0; i < KINDS; i++)
		if (q->queries[i] != NULL)
			resolver_cancel(q->queries[i]);
	if (q->question != NULL)
		https_cancel(q->question);
	forget(q);
}
