/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "maild/relay/hosts.h"
#include "maild/relay/relay_count.h"
#include "maild/relay/relay_session_state.h"

const struct mx_target *
relay_target(const struct relay_session *s)
{
	return &s->route.targets.at[s->target];
}

void
relay_target_next(struct relay_session *s)
{
	s->target++;
	s->clear = s->recalled = s->clear_passes = false;
	s->safety_known = s->noted = false;
	s->why_clear[0] = '\0';
	s->n_tlsa = 0;
	buf_clear(&s->tlsa_data);
}

static struct safety_facts
facts(const struct relay_session *s)
{
	const struct mx_target *t = relay_target(s);

	return (struct safety_facts){
	    .named = s->route.named,
	    .smarthost = s->route.smarthost,
	    .login = s->route.login != NULL,
	    .sts = s->batch.waived ? NULL : s->route.sts,
	    .secure = t->secure,
	    .domain = str_of(s->d->domain),
	    .host = str_of(t->host),
	};
}

static void
set_host(struct relay_session *s)
{
	const struct mx_target *t = relay_target(s);
	char ip[ADDRESS_TEXT_MAX];

	snprintf(s->host, sizeof(s->host), "%s [%s]", t->host,
	    address_ip_text(&t->address, ip));
	s->tls[0] = '\0';
	s->plain = false;
}

/* A policy forbids this one. */
static void
pass_over(struct relay_session *s, const char *why, bool bogus)
{
	const char *host = relay_target(s)->host;
	bool unknown = s->safety.bar == SAFETY_UNKNOWN;

	if (unknown)
		smtp_outcome_say(&s->failure, SMTP_TEMP,
		    bogus ? "4.7.5" : "4.4.3",
		    "%s is not used now: whether it has TLSA records is not "
		    "known: %s",
		    host, why != NULL ? why : "no answer");
	else
		smtp_outcome_say(&s->failure, SMTP_TEMP, "4.7.5",
		    "%s is not one of the servers that the MTA-STS policy of "
		    "%s names",
		    host, s->d->domain);
	s->harsh = false;
	s->law = true;
	/* once, however many there are; and that nobody answered in time says
	 * nothing of how the domain is set up */
	if (!s->passed && (bogus || !unknown))
		relay_lesson_unsafe(s,
		    unknown ? TLS_RESULT_DNSSEC_INVALID
			    : TLS_RESULT_VALIDATION_FAILURE,
		    s->failure.text.data);
	s->passed |= bogus || !unknown;
	relay_count(&s->d->relay->d, METRIC_TLS_REFUSED);
	relay_session_tell(s, "-- %s", s->failure.text.data);
	relay_target_next(s);
}

/* It did not answer lately. */
static void
leave_alone(struct relay_session *s)
{
	struct relay *r = s->d->relay;

	s->harsh = false;
	/* what another one has said is better to know */
	if (s->failure.enhanced[0] == '\0')
		smtp_outcome_say(&s->failure, SMTP_TEMP, "4.4.1",
		    "%s did not answer lately: %s", s->host,
		    hosts_why(r->hosts, &relay_target(s)->address));
	relay_session_tell(
	    s, "-- %s did not answer lately: not tried", s->host);
	relay_target_next(s);
}

static void
keep_records(struct relay_session *s, const struct dane_answer *a)
{
	size_t at = 0;

	buf_clear(&s->tlsa_data);
	s->n_tlsa = 0;
	for (size_t i = 0; i < a->n && i < TLSA_MAX; i++) {
		s->tlsa[s->n_tlsa++] = a->records[i];
		buf_add(&s->tlsa_data, a->records[i].data);
	}
	for (size_t i = 0; i < s->n_tlsa; i++) { /* it moves no more */
		s->tlsa[i].data.at = s->tlsa_data.data + at;
		at += s->tlsa[i].data.len;
	}
	snprintf(s->base, sizeof(s->base), "%s",
	    a->base != NULL ? a->base : relay_target(s)->host);
}

static void
on_dane(void *arg, const struct dane_answer *a)
{
	struct relay_session *s = arg;
	struct safety_facts f = facts(s);

	f.dane = a->result;
	s->safety = safety_of(&f);
	s->safety_known = true;
	if (a->n > 0)
		keep_records(s, a);
	if (s->safety.bar == SAFETY_UNKNOWN) {
		set_host(s);
		pass_over(s, a->why, a->bogus);
	}
	dane_free(s->dane);
	s->dane = NULL;
	if (s->d->relay->stopping)
		relay_session_leave(s);
	else
		relay_target_try(s);
}

/* False: the answer is awaited. */
static bool
learn_safety(struct relay_session *s)
{
	const struct relay_deps *deps = &s->d->relay->d;
	const struct mx_target *t = relay_target(s);
	struct safety_facts f = facts(s);

	if (s->safety_known)
		return true;
	if (deps->conf->relay_dane && t->secure && !t->literal &&
	    !s->route.named && !s->batch.waived && deps->tls != NULL) {
		s->dane = dane_ask(deps->resolver, str_of(t->host),
		    t->canonical[0] != '\0' ? t->canonical : NULL,
		    address_port(&t->address), on_dane, s);
		return false;
	}
	s->safety = safety_of(&f);
	s->safety_known = true;
	return true;
}

/* Its TLS broke lately: not once more, but for a message that needs it. */
static void
recall_broken_tls(struct relay_session *s)
{
	const struct relay *r = s->d->relay;
	const char *why = hosts_why_clear(
	    r->hosts, &relay_target(s)->address, clock_lapse_ms(r->d.clock));
	bool needed = s->batch.n > 0 ? s->batch.items[0]->e.require_tls
	                             : destination_is_for_tls(s->d);

	if (s->clear || why == NULL || needed || s->safety.tls != SMTP_TLS_MAY)
		return;
	s->clear = s->recalled = s->clear_passes = true;
	snprintf(s->why_clear, sizeof(s->why_clear), "lately %s", why);
}

void
relay_target_try(struct relay_session *s)
{
	struct relay *r = s->d->relay;

	while (s->target < s->route.targets.n) {
		if (!learn_safety(s))
			return;
		set_host(s);
		if (s->safety.bar != SAFETY_OPEN) {
			pass_over(s, NULL, false);
		} else if (!hosts_may(r->hosts, &relay_target(s)->address,
			       clock_lapse_ms(r->d.clock))) {
			leave_alone(s);
		} else {
			recall_broken_tls(s);
			relay_connection_open(s);
			return;
		}
	}
	relay_session_give_up(s);
}
