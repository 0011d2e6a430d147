/* SPDX-License-Identifier: MIT */
#include "maild/relay/mx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/util/rand.h"

#define RECORDS_MAX 100
#define WINDOW      5 /* hosts whose addresses are asked for at once */
#define PER_HOST    MX_TARGETS_MAX /* addresses kept of a host and family */

enum family {
	V6,
	V4,
	FAMILIES,
	ALIAS = FAMILIES, /* no family: the host's first CNAME */
	QUESTIONS,
};

struct host;

struct question {
	struct mx *mx;
	struct host *host;
	enum family family;
	struct resolver_query *query; /* NULL when answered */
};

struct host {
	char name[256];
	uint16_t preference;
	struct question questions[QUESTIONS];
	struct address addresses[FAMILIES][PER_HOST];
	size_t n[FAMILIES];
	bool unknown; /* an answer did not come */
	/* by DNSSEC: its addresses, with all CNAMEs on the way; or only the
	 * first of these (RFC 7672 s2.2.2, "Insecure CNAME") */
	bool secure[FAMILIES], alias_secure;
	bool barred; /* whether that one is secure is not known */
	char canonical[FAMILIES][256]; /* of a secure one that is an alias */
};

struct mx {
	struct mx_options o;
	char domain[256];
	mx_found *found;
	void *arg;
	struct timer *timer; /* for a literal: found is not called at once */
	struct resolver_query *query; /* MX */
	struct host *hosts;           /* best first */
	size_t n_hosts;
	size_t window;  /* index of the first host asked */
	size_t waiting; /* answers to come */
	bool implicit;  /* no MX record: the domain itself */
	bool secure;    /* the answer to MX was */
	char expanded[256];
	bool unknown;  /* some host's addresses could not be asked for */
	char why[400]; /* the first of them, and why */
};

static bool
is_literal(struct str domain)
{
	return domain.len > 2 && domain.at[0] == '[' &&
	       domain.at[domain.len - 1] == ']';
}

/* Calls back; m may be gone afterwards. */
static void
give(struct mx *m, const struct mx_targets *targets)
{
	m->found(m->arg, NULL, targets);
}

static void
fail_with(struct mx *m, enum smtp_result result, const char *enhanced,
    const char *words)
{
	struct smtp_outcome why;

	smtp_outcome_init(&why);
	smtp_outcome_say(&why, result, enhanced, "%s %s", m->domain, words);
	m->found(m->arg, &why, NULL);
	smtp_outcome_release(&why);
}

static void
fail_loop(struct mx *m)
{
	/* RFC 5321 s5.1; RFC 3463 s3.5 */
	fail_with(
	    m, SMTP_PERM, "5.4.6", "loops back: its mail server is this host");
}

/* Hosts from the first one with this preference on are of no use. */
static void
cut_from(struct mx *m, uint16_t preference)
{
	size_t n = 0;

	while (n < m->n_hosts && m->hosts[n].preference < preference)
		n++;
	m->n_hosts = n;
}

/* Where ourselves is among the hosts asked, it and all not better go. */
static bool
cut_self_addresses(struct mx *m)
{
	if (m->o.direct)
		return false;
	for (size_t i = m->window; i < m->n_hosts && i < m->window + WINDOW;
	     i++) {
		struct host *h = &m->hosts[i];

		for (int f = 0; f < FAMILIES; f++)
			for (size_t k = 0; k < h->n[f]; k++)
				if (relay_self_is_address(
					m->o.self, &h->addresses[f][k])) {
					cut_from(m, h->preference);
					return true;
				}
	}
	return false;
}

/* NULL when there is no room for more. */
static struct mx_target *
add_target(struct mx_targets *t, const char *host, const struct address *a)
{
	struct mx_target *to;

	if (t->n == MX_TARGETS_MAX)
		return NULL;
	to = &t->at[t->n++];
	snprintf(to->host, sizeof(to->host), "%s", host);
	to->literal = host[0] == '[';
	to->address = *a;
	return to;
}

static void
add_address(const struct mx *m, struct mx_targets *t, const struct host *h,
    int family, size_t k)
{
	struct mx_target *to = add_target(t, h->name, &h->addresses[family][k]);

	if (to == NULL || !m->secure)
		return;
	to->secure = h->secure[family] || h->alias_secure;
	snprintf(
	    to->canonical, sizeof(to->canonical), "%s", h->canonical[family]);
}

/* IPv6 and IPv4 in turn, so that a family without a way costs one attempt. */
static void
collect(const struct mx *m, struct mx_targets *t)
{
	for (size_t i = m->window; i < m->n_hosts && i < m->window + WINDOW;
	     i++) {
		const struct host *h = &m->hosts[i];

		for (size_t k = 0; k < PER_HOST && !h->barred; k++)
			for (int f = 0; f < FAMILIES; f++)
				if (k < h->n[f])
					add_address(m, t, h, f, k);
	}
	snprintf(t->expanded, sizeof(t->expanded), "%s", m->expanded);
}

static void
keep_canonical(char to[256], const struct dns_answer *a)
{
	if (a->secure && a->canonical != NULL)
		snprintf(to, 256, "%s", a->canonical);
}

/* The last answer of a window leads on from the loop. */
static void
answered(struct mx *m)
{
	if (--m->waiting == 0)
		timer_set(m->timer, 0);
}

static void
mark_unknown(struct host *h, struct mx *m, const struct dns_answer *a)
{
	h->unknown = true;
	if (m->why[0] == '\0')
		snprintf(m->why, sizeof(m->why), "%s: %s", h->name,
		    a->why != NULL ? a->why : "no answer");
}

static void
on_alias(void *arg, const struct dns_answer *a)
{
	struct question *q = arg;
	struct host *h = q->host;

	q->query = NULL;
	h->alias_secure = a->status == DNS_OK && a->secure;
	if (a->status == DNS_TEMPFAIL) { /* RFC 7672 s2.1.2: not to be used */
		mark_unknown(h, q->mx, a);
		h->barred = true;
	}
	answered(q->mx);
}

/* A name that is an alias in a signed zone of one in an unsigned zone may have
 * TLSA records: RFC 7672 s2.1.3. */
static void
ask_alias(struct mx *m, struct host *h)
{
	struct question *q = &h->questions[ALIAS];

	if (q->mx != NULL)
		return;
	*q = (struct question){m, h, ALIAS, NULL};
	q->query = resolver_ask(
	    m->o.resolver, str_of(h->name), DNS_CNAME, on_alias, q);
	m->waiting++;
}

static void
on_address(void *arg, const struct dns_answer *a)
{
	struct question *q = arg;
	struct host *h = q->host;
	size_t len = q->family == V6 ? 16 : 4;

	q->query = NULL;
	if (a->status == DNS_TEMPFAIL)
		mark_unknown(h, q->mx, a);
	for (size_t i = 0; a->status == DNS_OK && i < a->n; i++) {
		struct str data = a->records[i].data;

		if (data.len == len && h->n[q->family] < PER_HOST)
			h->addresses[q->family][h->n[q->family]++] =
			    address_from_bytes(
				(const uint8_t *)data.at, len, q->mx->o.port);
	}
	if (a->status == DNS_OK) {
		h->secure[q->family] = a->secure;
		keep_canonical(h->canonical[q->family], a);
		if (q->mx->secure && !a->secure && a->canonical != NULL)
			ask_alias(q->mx, h);
	}
	answered(q->mx);
}

static void
ask_window(struct mx *m)
{
	for (size_t i = m->window; i < m->n_hosts && i < m->window + WINDOW;
	     i++)
		for (int f = 0; f < FAMILIES; f++) {
			struct question *q = &m->hosts[i].questions[f];

			*q = (struct question){m, &m->hosts[i], f, NULL};
			q->query = resolver_ask(m->o.resolver,
			    str_of(m->hosts[i].name),
			    f == V6 ? DNS_AAAA : DNS_A, on_address, q);
			m->waiting++;
		}
}

static void
fail_without_address(struct mx *m)
{
	char words[500];

	snprintf(words, sizeof(words),
	    "cannot be found now: its mail server's name does not resolve (%s)",
	    m->why);
	if (m->unknown)
		fail_with(m, SMTP_TEMP, "4.4.3", words);
	else if (m->o.direct)
		fail_with(m, SMTP_PERM, "5.4.4", "has no address");
	else if (m->implicit)
		fail_with(m, SMTP_PERM, "5.1.2", "has no mail server");
	else
		fail_with(m, SMTP_PERM, "5.4.4",
		    "names mail servers that have no address");
}

/* RFC 5321 s4.1.3: the domain is written as an address. */
static void
use_literal(struct mx *m)
{
	struct mx_targets targets = {0};
	struct str ip = str_of(m->domain);
	struct address a;

	ip = str_first(str_after(ip, 1), ip.len > 2 ? ip.len - 2 : 0);
	str_take_nocase(&ip, STR("IPv6:"));
	if (!is_literal(str_of(m->domain)) ||
	    !address_from_ip(ip, m->o.port, &a)) {
		fail_with(m, SMTP_PERM, "5.1.2",
		    "is neither a domain nor an address");
	} else if (!m->o.direct && relay_self_is_address(m->o.self, &a)) {
		fail_loop(m);
	} else {
		add_target(&targets, m->domain, &a);
		give(m, &targets);
	}
}

/* All addresses of the window are known, or there was nothing to ask. */
static void
on_turn(void *arg)
{
	struct mx *m = arg;
	struct mx_targets targets = {0};
	bool self;

	if (m->n_hosts == 0) {
		use_literal(m);
		return;
	}
	for (size_t i = m->window; i < m->n_hosts && i < m->window + WINDOW;
	     i++)
		m->unknown |= m->hosts[i].unknown;
	self = cut_self_addresses(m);
	collect(m, &targets);
	if (targets.n > 0) {
		give(m, &targets);
	} else if (self) {
		fail_loop(m);
	} else if (m->window + WINDOW < m->n_hosts) {
		m->window += WINDOW;
		ask_window(m);
	} else {
		fail_without_address(m);
	}
}

static struct host *
add_host(struct mx *m, const char *name, uint16_t preference)
{
	struct host *h;

	m->hosts = mem_grow(m->hosts, m->n_hosts + 1, sizeof(*h));
	h = &m->hosts[m->n_hosts++];
	*h = (struct host){.preference = preference};
	snprintf(h->name, sizeof(h->name), "%s", name);
	return h;
}

/* RFC 5321 s5.1: equals in random order. */
static void
sort_hosts(struct mx *m)
{
	for (size_t i = m->n_hosts; i > 1; i--) {
		size_t k = rand_below((uint32_t)i);
		struct host h = m->hosts[i - 1];

		m->hosts[i - 1] = m->hosts[k];
		m->hosts[k] = h;
	}
	for (size_t i = 1; i < m->n_hosts; i++) /* stable; at most 100 */
		for (size_t k = i; k > 0 && m->hosts[k].preference <
						m->hosts[k - 1].preference;
		     k--) {
			struct host h = m->hosts[k];

			m->hosts[k] = m->hosts[k - 1];
			m->hosts[k - 1] = h;
		}
}

static void
use_hosts(struct mx *m)
{
	sort_hosts(m);
	for (size_t i = 0; i < m->n_hosts; i++)
		if (relay_self_is_name(m->o.self, str_of(m->hosts[i].name))) {
			cut_from(m, m->hosts[i].preference);
			break;
		}
	if (m->n_hosts == 0)
		fail_loop(m);
	else
		ask_window(m);
}

static void
use_records(struct mx *m, const struct dns_answer *a)
{
	bool null = false;

	for (size_t i = 0; i < a->n && i < RECORDS_MAX; i++) {
		char name[DNS_NAME_TEXT_MAX];
		uint16_t preference;

		if (!dns_mx_parse(a->records[i].data, &preference, name) ||
		    strlen(name) >= sizeof(m->hosts->name))
			continue;
		if (name[0] == '\0')
			null = true;
		else
			add_host(m, name, preference);
	}
	if (m->n_hosts > 0)
		use_hosts(
		    m); /* RFC 7505 s3: a null MX beside others is wrong */
	else if (null)
		fail_with(m, SMTP_PERM, "5.1.10", "does not accept mail");
	else
		fail_with(m, SMTP_TEMP, "4.4.3", "has malformed MX records");
}

static void
on_mx(void *arg, const struct dns_answer *a)
{
	struct mx *m = arg;
	char words[400];

	m->query = NULL;
	m->secure = a->secure;
	keep_canonical(m->expanded, a);
	switch (a->status) {
	case DNS_OK:
		use_records(m, a);
		break;
	case DNS_NODATA: /* RFC 5321 s5.1: as if it were its own MX */
		m->implicit = true;
		add_host(m, m->domain, 0);
		use_hosts(m);
		break;
	case DNS_NXDOMAIN:
		fail_with(m, SMTP_PERM, "5.1.2", "does not exist");
		break;
	case DNS_TEMPFAIL:
		snprintf(words, sizeof(words), "cannot be looked up now: %s",
		    a->why != NULL ? a->why : "no answer");
		fail_with(m, SMTP_TEMP, "4.4.3", words);
		break;
	}
}

struct mx *
mx_new(
    const struct mx_options *o, struct str domain, mx_found *found, void *arg)
{
	struct mx *m = MEM_NEW(struct mx);

	m->o = *o;
	m->found = found;
	m->arg = arg;
	m->timer = timer_new(o->loop, on_turn, m);
	relay_self_refresh(o->self);
	snprintf(m->domain, sizeof(m->domain), "%.*s", STR_FMT(domain));
	if (is_literal(domain) || domain.len == 0 || domain.len > 253)
		timer_set(m->timer, 0);
	else if (o->direct) {
		add_host(m, m->domain, 0);
		ask_window(m);
	} else
		m->query = resolver_ask(
		    o->resolver, str_of(m->domain), DNS_MX, on_mx, m);
	return m;
}

void
mx_free(struct mx *m)
{
	if (m == NULL)
		return;
	if (m->query != NULL)
		resolver_cancel(m->query);
	for (size_t i = 0; i < m->n_hosts; i++)
		for (int k = 0; k < QUESTIONS; k++)
			if (m->hosts[i].questions[k].query != NULL)
				resolver_cancel(m->hosts[i].questions[k].query);
	timer_free(m->timer);
	free(m->hosts);
	free(m);
}
