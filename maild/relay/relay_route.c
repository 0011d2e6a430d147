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

/* Without its policy mail could go where it must not: it waits. */
static void
wait_for_policy(struct relay_route *r, const char *why)
{
	mx_free(r->mx);
	r->mx = NULL;
	r->targets = (struct mx_targets){0};
	smtp_outcome_say(&r->failure, SMTP_TEMP, "4.7.5",
	    "how safe mail for %s must be is not known now: %s", r->domain,
	    why);
	r->found(r->arg);
}

static void
on_policy(void *arg, const struct sts_answer *a)
{
	struct relay_route *r = arg;
	const char *why = NULL;

	r->question = NULL;
	if (a->unknown) {
		wait_for_policy(r, a->why);
		return;
	}
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
	r->door = smarthosts_enter(r->deps->smarthosts, s);
	if (s->login.len > 0) {
		r->row = mem_dup(s->domain);
		r->login = mem_dup(s->login);
		secret_set(&r->password, str_of(password));
	}
	ask_host(r, s->host, s->port, true);
}

/* Not one more time with a login that was refused just now.  True: it is not to
 * be tried, and the owner hears so, but not before we have returned to him. */
static bool
is_shut(struct relay_route *r, const struct smarthost *s)
{
	const char *why;

	if (s->login.len == 0 ||
	    smarthosts_may_log_in(r->deps->smarthosts, s->domain,
		clock_lapse_ms(r->deps->clock), &why))
		return false;
	if (!r->shut) {
		r->shut = true;
		timer_set(r->timer, 0);
		return true;
	}
	smtp_outcome_say(&r->failure, SMTP_TEMP, "4.7.8",
	    "not tried again yet at the smarthost %.*s: %s", STR_FMT(s->host),
	    why);
	r->found(r->arg);
	return true;
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
		if (!is_shut(r, s))
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

void
relay_route_login(struct relay_route *r, const struct smtp_outcome *why)
{
	struct str words;

	if (r->row == NULL)
		return;
	if (why == NULL) {
		smarthosts_login(r->deps->smarthosts, str_of(r->row), 0, NULL);
		return;
	}
	words = buf_str(&why->text);
	str_cut(&words, ' '); /* the code, which is said again */
	smarthosts_login(r->deps->smarthosts, str_of(r->row),
	    clock_lapse_ms(r->deps->clock), &words);
}

size_t
relay_route_beside(const struct relay_route *r)
{
	return r->door != NULL ? smarthosts_inside(r->door) : 0;
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
	free(r->row);
	if (r->door != NULL)
		smarthosts_leave(r->deps->smarthosts, r->door);
	free(r->sts);
	free(r->sts_text);
	*r = (struct relay_route){0};
}
