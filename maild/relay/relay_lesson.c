/* SPDX-License-Identifier: MIT */
#include "maild/relay/hosts.h"
#include "maild/relay/relay_count.h"
#include "maild/relay/relay_session_state.h"

static const struct address *
address_of(const struct relay_session *s)
{
	return &relay_target(s)->address;
}

bool
relay_lesson_others_talk(const struct relay_session *s)
{
	const struct relay_session *o;

	for (o = s->d->relay->sessions; o != NULL; o = o->next)
		if (o != s && o->d == s->d && o->talking &&
		    address_same_ip(address_of(o), address_of(s)))
			return true;
	return false;
}

/* Is it the words of a server that has had enough of us for now? */
static bool
is_too_much(const struct smtp_outcome *o)
{
	static const struct str words[] = {STR("too many connections"),
	    STR("too many concurrent"), STR("too many sessions"),
	    STR("too many messages"), STR("too much mail"), STR("too fast"),
	    STR("slow down"), STR("rate limit"), STR("rate-limit"),
	    STR("ratelimit"), STR("rate exceeded"), STR("throttl"),
	    STR("4.7.28")};
	struct buf lower;
	size_t at;
	bool found = o->code == 421;

	if (o->code / 100 != 4)
		return false;
	buf_init(&lower, o->text.limit);
	for (size_t i = 0; i < o->text.len; i++)
		buf_add_char(&lower, str_lower(o->text.data[i]));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		found |= str_find_str(buf_str(&lower), words[i], &at);
	buf_release(&lower);
	return found;
}

void
relay_lesson_good(struct relay_session *s)
{
	if (!s->told)
		hosts_good(s->d->relay->hosts, address_of(s));
	s->told = true;
}

void
relay_lesson_abandoned(struct relay_session *s)
{
	struct relay *r = s->d->relay;

	if (!s->told && !s->connected && !r->stopping)
		hosts_failed(r->hosts, address_of(s),
		    clock_lapse_ms(r->d.clock), "no answer");
	s->told = true;
}

void
relay_lesson_failed(struct relay_session *s, const struct smtp_outcome *o)
{
	struct relay *r = s->d->relay;
	bool others = relay_lesson_others_talk(s);

	if (is_too_much(o))
		destination_pace(s->d, PACE_BUSY);
	else if (!s->talking && others)
		destination_pace(s->d, PACE_REFUSED);
	if (s->told)
		return;
	/* what answers, if only to refuse us, is there; and a server that
	 * talks to others of us only has enough connections */
	if (o->code != 0 || others || s->handshake ||
	    (s->smtp != NULL && smtp_client_is_answered(s->smtp)))
		hosts_good(r->hosts, address_of(s));
	else
		hosts_failed(r->hosts, address_of(s),
		    clock_lapse_ms(r->d.clock), o->text.data);
	s->told = true;
}

void
relay_lesson_judged(struct relay_session *s)
{
	bool sent = false, much = false;

	for (size_t i = 0; i < s->batch.n; i++) {
		const struct smtp_outcome *o = smtp_client_outcome(s->smtp, i);

		sent |= o->result == SMTP_SENT;
		much |= is_too_much(o);
	}
	if (much)
		destination_pace(s->d, PACE_BUSY);
	else if (sent)
		destination_pace(s->d, PACE_GOOD);
}

/* RFC 8460: of domains whose own servers we found. */
static void
note(struct relay_session *s, enum tls_result result, const char *reason)
{
	const struct relay_deps *deps = &s->d->relay->d;
	const struct mx_target *t = relay_target(s);
	struct str domain = str_of(s->d->domain);
	char ip[ADDRESS_TEXT_MAX], own[ADDRESS_TEXT_MAX] = "";
	bool dane = s->safety.law == SAFETY_DANE;
	struct tls_session session = {
	    .domain = domain,
	    .tlsa = s->tlsa,
	    .n_tlsa = dane ? s->n_tlsa : 0,
	    .result = result,
	    .host = str_of(t->host),
	    .ip = str_of(address_ip_text(&t->address, ip)),
	    .reason = str_of(reason),
	};

	/* RFC 8460 s3: nor of the sessions that reports went over */
	if (s->noted || deps->results == NULL || s->route.named ||
	    s->batch.waived || str_starts(domain, STR("[")))
		return;
	s->noted = true;
	if (!dane && s->route.sts != NULL) {
		session.sts = s->route.sts;
		session.sts_text = str_of(s->route.sts_text);
	}
	if (s->conn != NULL)
		session.source = str_of(
		    address_ip_text(conn_local(s->conn), own));
	tls_results_note(deps->results, &session);
}

/* Where a policy asks how good the certificate is. */
static enum tls_result
result_of(const struct relay_session *s, const struct conn_tls *tls)
{
	static const enum tls_result of_problem[] = {
	    [CONN_TLS_GOOD] = TLS_RESULT_OK,
	    [CONN_TLS_HOST] = TLS_RESULT_HOST_MISMATCH,
	    [CONN_TLS_EXPIRED] = TLS_RESULT_EXPIRED,
	    [CONN_TLS_UNTRUSTED] = TLS_RESULT_NOT_TRUSTED,
	    [CONN_TLS_TLSA] = TLS_RESULT_VALIDATION_FAILURE,
	    [CONN_TLS_OTHER] = TLS_RESULT_VALIDATION_FAILURE,
	};

	if (s->safety.law == SAFETY_DANE && !s->safety.records)
		return TLS_RESULT_TLSA_INVALID;
	if (s->safety.mismatch)
		return TLS_RESULT_VALIDATION_FAILURE;
	if (s->safety.law == SAFETY_NONE || tls->verified)
		return TLS_RESULT_OK;
	return tls->kind == CONN_TLS_GOOD ? TLS_RESULT_VALIDATION_FAILURE
	                                  : of_problem[tls->kind];
}

void
relay_lesson_tls(struct relay_session *s, const struct conn_tls *tls)
{
	const struct relay_deps *deps = &s->d->relay->d;
	const char *why = tls->problem != NULL ? tls->problem : "";

	if (s->safety.mismatch)
		why = "not one of the servers of the policy";
	else if (s->safety.law == SAFETY_NONE)
		why = ""; /* nobody asks for more */
	relay_count(deps, METRIC_TLS);
	if (s->safety.tls == SMTP_TLS_VERIFY && tls->verified)
		relay_count(deps, METRIC_VERIFIED);
	note(s, result_of(s, tls), why);
}

void
relay_lesson_unsafe(
    struct relay_session *s, enum tls_result result, const char *reason)
{
	note(s, result, reason);
}

void
relay_lesson_clear(struct relay_session *s)
{
	struct relay *r = s->d->relay;

	note(s,
	    s->clear ? TLS_RESULT_VALIDATION_FAILURE
		     : TLS_RESULT_STARTTLS_NOT_SUPPORTED,
	    s->why_clear);
	if (s->clear && !s->recalled)
		hosts_tls_broke(r->hosts, address_of(s),
		    clock_lapse_ms(r->d.clock), s->why_clear);
}
