/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_route.h"

#include <stdlib.h>

#include "common/store/queue.h"
#include "common/util/mem.h"
#include "maild/relay/smarthosts.h"
#include "maild/relay/sts.h"

#define AGAIN_MS 20 /* smarthosts are being read: a moment */

static void
answered(struct relay_route *r)
{
	if (!relay_route_is_open(r))
		r->found(r->arg);
}

/* A name that somebody typed is no reason to return mail. */
static void
soften(struct relay_route *r)
{
	struct smtp_outcome *o = &r->failure;

	if (!r->named || o->result != SMTP_PERM)
		return;
	o->result = SMTP_TEMP;
	o->enhanced[0] = o->text.data[0] = '4'; /* our own words */
}

static void
on_targets(
    void *arg, const struct smtp_outcome *why, const struct mx_targets *targets)
{
	struct relay_route *r = arg;

	if (why == NULL) {
		r->targets = *targets;
	} else {
		smtp_outcome_copy(&r->failure, why);
		soften(r);
	}
	mx_free(r->mx);
	r->mx = NULL;
	if (why != NULL) /* no policy matters */
		r->found(r->arg);
	else
		answered(r);
}

static void
on_policy(void *arg, const struct sts_answer *a)
{
	struct relay_route *r = arg;
	const char *why = NULL;

	r->question = NULL;
	if (a->policy != NULL && a->text != NULL) {
		r->sts_text = mem_dup(str_of(a->text));
		r->sts = MEM_NEW(struct mtasts_policy);
		if (!mtasts_policy_parse(str_of(r->sts_text), r->sts, &why)) {
			free(r->sts); /* cannot be: it was parsed before */
			r->sts = NULL;
		}
	}
	answered(r);
}

static void
ask_host(struct relay_route *r, struct str host, uint16_t port, bool direct)
{
	const struct mx_options o = {
	    .loop = r->deps->loop,
	    .resolver = r->deps->resolver,
	    .self = r->self,
	    .port = port,
	    .direct = direct,
	};

	r->named = direct;
	r->mx = mx_new(&o, host, on_targets, r);
}

/* "host:port", as the queue's commands allow it. */
static void
ask_rerouted(struct relay_route *r, struct str key)
{
	uint64_t port = r->deps->conf->relay_port;
	size_t at;

	if (str_find_last(key, ':', &at) &&
	    str_to_u64(str_after(key, at + 1), UINT16_MAX, &port))
		key = str_first(key, at);
	ask_host(r, key, (uint16_t)port, true);
}

static void
ask_smarthost(
    struct relay_route *r, const struct smarthost *s, const char *password)
{
	r->smarthost = s->tls;
	if (s->login.len > 0) {
		r->login = mem_dup(s->login);
		secret_set(&r->password, str_of(password));
	}
	ask_host(r, s->host, s->port, true);
}

static void
begin(void *arg)
{
	struct relay_route *r = arg;
	const struct relay_deps *deps = r->deps;
	struct str domain = str_of(r->domain);
	const struct smarthost *s = NULL;
	const char *password = NULL;

	if (str_take(&domain, QUEUE_REROUTED)) {
		ask_rerouted(r, domain);
		return;
	}
	if (deps->smarthosts != NULL) {
		if (!smarthosts_are_known(deps->smarthosts)) {
			timer_set(r->timer, AGAIN_MS);
			return;
		}
		s = smarthosts_find(deps->smarthosts, domain, &password);
	}
	if (s != NULL) {
		ask_smarthost(r, s, password);
		return;
	}
	ask_host(r, domain, (uint16_t)deps->conf->relay_port, false);
	if (deps->sts != NULL && !str_starts(domain, STR("[")))
		r->question = sts_ask(deps->sts, domain, on_policy, r);
}

void
relay_route_find(struct relay_route *r, const struct relay_deps *deps,
    struct relay_self *self, const char *domain)
{
	r->deps = deps;
	r->self = self;
	r->domain = mem_dup(str_of(domain));
	r->timer = timer_new(deps->loop, begin, r);
	smtp_outcome_init(&r->failure);
	secret_init(&r->password);
	begin(r);
}

bool
relay_route_is_open(const struct relay_route *r)
{
	return r->mx != NULL || r->question != NULL ||
	       (r->targets.n == 0 && r->failure.enhanced[0] == '\0');
}

void
relay_route_release(struct relay_route *r)
{
	mx_free(r->mx);
	if (r->question != NULL)
		sts_cancel(r->question);
	timer_free(r->timer);
	smtp_outcome_release(&r->failure);
	secret_release(&r->password);
	free(r->domain);
	free(r->login);
	free(r->sts);
	free(r->sts_text);
	*r = (struct relay_route){0};
}
