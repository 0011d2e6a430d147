/* SPDX-License-Identifier: MIT */
#include "smtpd/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/dns/asker.h"
#include "common/net/network.h"
#include "common/policy/rate.h"
#include "common/util/mem.h"
#include "smtpd/familiar.h"

#define MINUTE_MS (60 * 1000)
#define HOUR_MS   (60 * MINUTE_MS)

/* Nobody's quota pays for what is kept of refused mail. */
#define REFUSALS_KEPT 500 /* in an hour, of one address */

struct networks {
	struct network *list;
	size_t n;
};

struct guard {
	struct smtpd *d; /* borrowed */
	struct networks exempt, proxies;
	struct dnsbl_list lists[DNSBL_LISTS_MAX];
	size_t n_lists;
	struct rate *connections, *messages, *refusals;
	struct familiar *familiar;
};

/* Who waits for the findings. */
struct waiter {
	visit_known *fn;
	void *arg;
};

struct visit {
	struct guard *guard;
	struct address peer;
	char ip[ADDRESS_TEXT_MAX];
	char network[NETWORK_TEXT_MAX];
	uint8_t octets[16];
	size_t n_octets;
	bool exempt;

	struct facts *facts; /* both NULL once all is known */
	struct inquiry *inquiry;
	bool known;
	struct visit_findings findings;
	struct waiter *waiters;
	size_t n_waiters;
	struct timer *teller; /* calls them from the loop */
};

/* ---- settings ---- */

static bool
is_none(const struct conf_list *words)
{
	return words->n == 1 &&
	       str_eq_nocase(str_of(words->items[0]), STR("none"));
}

static int
read_networks(const struct conf *conf, const struct conf_list *words,
    struct networks *out, struct fail *f)
{
	if (is_none(words))
		return 0;
	out->list = mem_new(words->n + 1, sizeof(*out->list));
	for (; out->n < words->n; out->n++)
		if (!network_parse(
			str_of(words->items[out->n]), &out->list[out->n]))
			return conf_refuse(conf, words, f,
			    "`%s' is no network: write 192.0.2.0/24, "
			    "2001:db8::/32, one address, or `none'",
			    words->items[out->n]);
	return 0;
}

static int
read_lists(struct guard *g, const struct conf *conf, struct fail *f)
{
	const struct conf_list *words = &conf->policy_dnsbl;

	if (is_none(words))
		return 0;
	if (words->n > DNSBL_LISTS_MAX)
		return conf_refuse(conf, words, f,
		    "%zu lists: at most %d are asked", words->n,
		    DNSBL_LISTS_MAX);
	for (; g->n_lists < words->n; g->n_lists++)
		if (!dnsbl_parse(str_of(words->items[g->n_lists]),
			&g->lists[g->n_lists]))
			return conf_refuse(conf, words, f,
			    "`%s' is no list: write its zone and weight, like "
			    "zen.spamhaus.org=10 or zone.test=127.0.0.4*3, or "
			    "`none'",
			    words->items[g->n_lists]);
	return 0;
}

struct guard *
guard_new(struct smtpd *d, struct fail *f)
{
	const struct conf *conf = d->conf;
	struct guard *g = MEM_NEW(struct guard);

	g->d = d;
	g->connections = rate_new(conf->policy_connection_rate, MINUTE_MS);
	g->messages = rate_new(conf->policy_message_rate, MINUTE_MS);
	g->refusals = rate_new(REFUSALS_KEPT, HOUR_MS);
	g->familiar = familiar_new();
	if (read_networks(conf, &conf->policy_exempt, &g->exempt, f) == -1 ||
	    read_networks(conf, &conf->policy_proxies, &g->proxies, f) == -1 ||
	    read_lists(g, conf, f) == -1) {
		guard_free(g);
		return NULL;
	}
	return g;
}

void
guard_free(struct guard *g)
{
	if (g == NULL)
		return;
	familiar_free(g->familiar);
	rate_free(g->connections);
	rate_free(g->messages);
	rate_free(g->refusals);
	free(g->exempt.list);
	free(g->proxies.list);
	free(g);
}

/* ---- connections ---- */

static bool
has(const struct networks *nets, const struct address *peer)
{
	for (size_t i = 0; i < nets->n; i++)
		if (network_has(&nets->list[i], peer))
			return true;
	return false;
}

bool
guard_is_proxy(const struct guard *g, const struct address *peer)
{
	return has(&g->proxies, peer);
}

bool
guard_is_exempt(const struct guard *g, const struct address *peer)
{
	return has(&g->exempt, peer);
}

enum smtp_reply
guard_connect(struct guard *g, const struct address *peer)
{
	if (has(&g->exempt, peer) ||
	    rate_take(g->connections, address_limit_key(peer),
		loop_now_ms(g->d->loop)))
		return REPLY_OK;
	return REPLY_TOO_MANY_NEW;
}

/* ---- a visit ---- */

static void
tell(void *arg)
{
	struct visit *v = arg;
	struct waiter w;

	if (v->n_waiters == 0)
		return;
	w = v->waiters[0];
	v->n_waiters--;
	for (size_t i = 0; i < v->n_waiters; i++)
		v->waiters[i] = v->waiters[i + 1];
	if (v->n_waiters > 0)
		timer_set(v->teller, 0);
	w.fn(w.arg, &v->findings); /* the visit may be gone then */
}

/* Called again, from the beginning, whenever answers have come. */
static void
look(void *arg)
{
	struct visit *v = arg;
	struct visit_findings *found = &v->findings;
	const struct guard *g = v->guard;
	size_t lists = network_is_private(&v->peer) ? 0 : g->n_lists;

	for (;;) {
		bool all = iprev_check(
		    v->facts, v->octets, v->n_octets, &found->iprev);

		if (!dnsbl_check(v->facts, v->octets, v->n_octets, g->lists,
			lists, &found->dnsbl))
			all = false;
		if (all)
			break;
		if (!inquiry_ask(v->inquiry))
			return;
	}
	/* nothing is asked any more, and asker_free() wants none open */
	v->known = true;
	inquiry_free(v->inquiry);
	v->inquiry = NULL;
	facts_free(v->facts);
	v->facts = NULL;
	found->refused = found->dnsbl.weight > 0 &&
	                 (uint64_t)found->dnsbl.weight >=
	                     g->d->conf->policy_dnsbl_refuse;
	if (found->dnsbl.problem[0] != '\0')
		log_warn(&g->d->log, "dnsbl rip=%s problem=\"%s\"", v->ip,
		    found->dnsbl.problem);
	if (v->n_waiters > 0)
		timer_set(v->teller, 0);
}

struct visit *
visit_new(struct guard *g, const struct address *peer, bool judged)
{
	struct visit *v = MEM_NEW(struct visit);

	v->guard = g;
	v->peer = *peer;
	v->n_octets = address_ip_bytes(peer, v->octets);
	v->exempt = !judged || v->n_octets == 0 || has(&g->exempt, peer);
	address_ip_text(peer, v->ip);
	network_of(peer, v->network);
	v->teller = timer_new(g->d->loop, tell, v);
	v->known = v->exempt;
	if (v->exempt)
		return v;
	v->facts = facts_new();
	v->inquiry = inquiry_new(g->d->asker, v->facts, look, v);
	inquiry_deadline(v->inquiry, g->d->conf->policy_dns_time);
	look(v);
	return v;
}

void
visit_free(struct visit *v)
{
	if (v == NULL)
		return;
	timer_free(v->teller);
	inquiry_free(v->inquiry);
	facts_free(v->facts);
	free(v->waiters);
	free(v);
}

struct smtpd *
visit_smtpd(const struct visit *v)
{
	return v->guard->d;
}

bool
visit_is_exempt(const struct visit *v)
{
	return v->exempt;
}

bool
visit_is_familiar(const struct visit *v)
{
	return familiar_knows(v->guard->familiar, address_limit_key(&v->peer),
	    loop_now_ms(v->guard->d->loop));
}

const char *
visit_ip(const struct visit *v)
{
	return v->ip;
}

const uint8_t *
visit_octets(const struct visit *v, size_t *len)
{
	*len = v->n_octets;
	return v->octets;
}

const char *
visit_network(const struct visit *v)
{
	return v->network;
}

int64_t
visit_greet_delay_ms(const struct visit *v)
{
	return v->exempt || visit_is_familiar(v)
	           ? 0
	           : v->guard->d->conf->smtp_greet_delay;
}

enum smtp_reply
visit_helo(const struct visit *v, struct str helo)
{
	struct str ours = str_of(v->guard->d->conf->server_hostname);

	if (helo.len > 0 && helo.at[helo.len - 1] == '.')
		helo.len--;
	return !v->exempt && str_eq_nocase(helo, ours) ? REPLY_NOT_YOUR_NAME
	                                               : REPLY_OK;
}

void
visit_await(struct visit *v, visit_known *fn, void *arg)
{
	v->waiters = mem_grow(
	    v->waiters, v->n_waiters + 1, sizeof(*v->waiters));
	v->waiters[v->n_waiters++] = (struct waiter){fn, arg};
	if (v->known)
		timer_set(v->teller, 0);
}

void
visit_forget(struct visit *v, const void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n_waiters; i++)
		if (v->waiters[i].arg != arg)
			v->waiters[kept++] = v->waiters[i];
	v->n_waiters = kept;
}

const struct visit_findings *
visit_findings(const struct visit *v)
{
	return v->known ? &v->findings : NULL;
}

void
visit_was_good(struct visit *v)
{
	familiar_note(v->guard->familiar, address_limit_key(&v->peer),
	    loop_now_ms(v->guard->d->loop));
}

enum smtp_reply
visit_message(struct visit *v)
{
	struct guard *g = v->guard;

	return v->exempt || rate_take(g->messages, address_limit_key(&v->peer),
				loop_now_ms(g->d->loop))
	           ? REPLY_OK
	           : REPLY_TOO_FAST;
}

bool
visit_may_keep(struct visit *v)
{
	struct guard *g = v->guard;

	return rate_take(
	    g->refusals, address_limit_key(&v->peer), loop_now_ms(g->d->loop));
}

void
visit_report(const struct visit *v, struct buf *report)
{
	const struct visit_findings *f = &v->findings;
	struct buf inputs;
	char text[600];

	if (v->exempt) {
		report_add(report, "network", "exempt", str_of(v->ip), STR(""),
		    "policy.exempt");
		return;
	}
	if (!v->known)
		return;
	buf_init(&inputs, KB);
	buf_addf(&inputs, "ip=%s", v->ip);
	report_add(report, "iprev", iprev_word(f->iprev.result),
	    buf_str(&inputs), str_of(f->iprev.name), "");
	if (v->guard->n_lists > 0) {
		snprintf(text, sizeof(text), "%s%s%s", f->dnsbl.reason,
		    f->dnsbl.reason[0] != '\0' && f->dnsbl.problem[0] != '\0'
			? "; "
			: "",
		    f->dnsbl.problem);
		buf_addf(&inputs, " weight=%d lists=%s", f->dnsbl.weight,
		    f->dnsbl.lists);
		report_add(report, "dnsbl",
		    f->dnsbl.weight > 0 ? "listed" : "none", buf_str(&inputs),
		    str_of(text), f->refused ? "policy.dnsbl_refuse" : "");
	}
	buf_release(&inputs);
}
