/* SPDX-License-Identifier: MIT */
#include "maild/relay/sts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "maild/relay/sts_state.h"
#include "maild/relay/sts_store.h"
#include "maild/relay/txt.h"

#define RECORD_NAME "_mta-sts."
#define HOST_NAME   "mta-sts."
#define PATH        STR("/.well-known/mta-sts.txt")

#define FETCH_MS    30000
#define REFRESH_MS  (INT64_C(24) * 60 * 60 * 1000) /* s3.3 */
#define UNREAD      "the store cannot be read, where its MTA-STS policy would be"

/* ---- answers ---- */

/* Those who are answered now, out of the entry's list. */
static struct sts_question *
take_questions(struct sts_entry *e, bool patient_too)
{
	struct sts_question *q, *next, *out = NULL;

	for (q = e->questions; q != NULL; q = next) {
		next = q->next;
		if (q->patient && !patient_too)
			continue;
		sts_question_unlink(q);
		sts_question_link(q, &out);
	}
	return out;
}

static void
answer(struct sts_entry *e, bool patient_too)
{
	struct sts_question *all = take_questions(e, patient_too);
	struct mtasts_policy policy;
	struct sts_answer a = {0};
	const char *ignored;

	e->soon = 0;
	if (all == NULL)
		return;
	all->self = &all; /* so that cancelling takes it out of here */
	if (sts_entry_has_policy(e) &&
	    mtasts_policy_parse(buf_str(&e->text), &policy, &ignored) &&
	    policy.mode != MTASTS_NONE) {
		a.policy = &policy;
		a.text = e->text.data;
	}
	if (e->unread) {
		a = (struct sts_answer){.why = UNREAD, .unknown = true};
	} else if (sts_entry_has_failed_lately(e)) {
		a.why = e->why;
		a.kind = tls_results_word(e->failure);
	}
	e->pinned++;
	while (all != NULL) {
		struct sts_question q = *all;

		sts_question_drop(all);
		q.found(q.arg, &a);
	}
	e->pinned--;
}

static struct sts_entry *
find_due(const struct sts *s)
{
	struct sts_entry *e = s->entries;

	while (e != NULL && (e->soon == 0 || e->soon > s->round))
		e = e->hh.next;
	return e;
}

/* Whoever is answered may ask again, and so change what entries there are: each
 * look begins anew, and new questions are of the next round. */
static void
answer_soon(void *arg)
{
	struct sts *s = arg;
	struct sts_entry *e;

	s->round++;
	while ((e = find_due(s)) != NULL)
		answer(e, false);
}

/* ---- the policy ---- */

static void
note_failure(const struct sts_entry *e)
{
	struct mtasts_policy policy;
	const char *ignored;
	struct tls_session t = {
	    .domain = str_of(e->domain),
	    .result = e->failure,
	    .reason = str_of(e->why),
	};

	if (e->sts->deps.results == NULL)
		return;
	if (sts_entry_has_policy(e) &&
	    mtasts_policy_parse(buf_str(&e->text), &policy, &ignored)) {
		if (policy.mode == MTASTS_NONE)
			return; /* RFC 8461 s6 */
		t.sts = &policy;
		t.sts_text = buf_str(&e->text);
	}
	tls_results_note(e->sts->deps.results, &t);
}

static void
fetch_failed(struct sts_entry *e, enum tls_result kind, const char *why)
{
	e->failed_ms = sts_now_ms(e->sts);
	e->failure = kind;
	snprintf(e->why, sizeof(e->why), "%s", why);
	log_warn(e->sts->deps.log,
	    "MTA-STS policy of %s cannot be fetched: %s%s", e->domain, why,
	    sts_entry_has_policy(e) ? "; the one from before counts" : "");
	note_failure(e);
}

static void
fetched(struct sts_entry *e, struct str text)
{
	struct mtasts_policy policy;
	struct sts_policy saved;
	char why[STS_WHY_MAX];
	const char *problem;

	if (!mtasts_policy_parse(text, &policy, &problem)) {
		snprintf(why, sizeof(why), "it is malformed: %s", problem);
		fetch_failed(e, TLS_RESULT_STS_INVALID, why);
		return;
	}
	e->failed_ms = 0;
	e->fetched_ms = sts_now_ms(e->sts);
	e->expires_ms = e->fetched_ms + 1000 * (int64_t)policy.max_age_s;
	memcpy(e->id, e->new_id, sizeof(e->id));
	sts_entry_set_text(e, text);
	saved = (struct sts_policy){str_of(e->domain), str_of(e->id), text,
	    e->fetched_ms, e->expires_ms, e->used_ms};
	sts_save(e->sts->deps.store, e->sts->deps.log, &saved);
}

static void
on_fetch(void *arg, const struct https_answer *a)
{
	static const enum tls_result kinds[] = {
	    [HTTPS_UNREACHABLE] = TLS_RESULT_STS_FETCH_ERROR,
	    [HTTPS_TLS] = TLS_RESULT_STS_FETCH_ERROR,
	    [HTTPS_CERTIFICATE] = TLS_RESULT_STS_WEBPKI_INVALID,
	    [HTTPS_SLOW] = TLS_RESULT_STS_FETCH_ERROR,
	    [HTTPS_STATUS] = TLS_RESULT_STS_FETCH_ERROR,
	    [HTTPS_TYPE] = TLS_RESULT_STS_INVALID,
	    [HTTPS_LONG] = TLS_RESULT_STS_INVALID,
	    [HTTPS_PROTOCOL] = TLS_RESULT_STS_FETCH_ERROR,
	};
	struct sts_entry *e = arg;

	e->fetch = NULL;
	if (a->result == HTTPS_GOOD)
		fetched(e, a->body);
	else
		fetch_failed(e, kinds[a->result], a->why);
	e->stage = STS_IDLE;
	e->aside = false;
	answer(e, true);
}

static void
fetch(struct sts_entry *e)
{
	struct sts *s = e->sts;
	char host[sizeof(HOST_NAME) + STS_NAME_MAX];
	struct https_ask ask = {
	    .port = (uint16_t)s->deps.conf->test_https_port,
	    .path = PATH,
	    .type = STR("text/plain"), /* s3.2 */
	    .limit = MTASTS_TEXT_MAX,
	    .time_ms = FETCH_MS,
	};

	snprintf(host, sizeof(host), HOST_NAME "%s", e->domain);
	ask.host = str_of(host);
	e->stage = STS_FETCHING;
	e->fetch = web_ask(&s->deps, &ask, on_fetch, e);
	/* one that is only old counts, and nobody waits for its successor */
	e->aside = sts_entry_has_policy(e) && strcmp(e->id, e->new_id) == 0;
	if (e->aside)
		answer(e, false);
}

/* ---- the record ---- */

static bool
read_id(const struct dns_answer *a, char id[MTASTS_ID_MAX])
{
	struct txt txt;
	bool found;

	txt_init(&txt, a);
	found = mtasts_record_id(txt.records, txt.n, id);
	txt_release(&txt);
	return found;
}

static bool
wants_fetch(const struct sts_entry *e)
{
	if (sts_entry_has_failed_lately(e))
		return false;
	return !sts_entry_has_policy(e) || strcmp(e->id, e->new_id) != 0 ||
	       sts_now_ms(e->sts) - e->fetched_ms >= REFRESH_MS;
}

static void
on_record(void *arg, const struct dns_answer *a)
{
	struct sts_entry *e = arg;

	e->query = NULL;
	e->stage = STS_IDLE;
	if (e->sts->stopping)
		return; /* no answer is better than one that is not known */
	/* s3.3: without a record what is cached counts, or nothing */
	if (a->status == DNS_OK && read_id(a, e->new_id) && wants_fetch(e))
		fetch(e);
	else
		answer(e, true);
}

static void
ask_record(struct sts_entry *e)
{
	char name[sizeof(RECORD_NAME) + STS_NAME_MAX];

	snprintf(name, sizeof(name), RECORD_NAME "%s", e->domain);
	e->stage = STS_ASKING;
	e->query = resolver_ask(
	    e->sts->deps.resolver, str_of(name), DNS_TXT, on_record, e);
}

static void
on_loaded(void *arg, bool read, const struct sts_policy *p)
{
	struct sts_entry *e = arg;

	e->loaded = read;
	e->unread = !read;
	e->stage = STS_IDLE;
	if (p != NULL && p->id.len < sizeof(e->id)) {
		memcpy(e->id, p->id.at, p->id.len);
		e->id[p->id.len] = '\0';
		sts_entry_set_text(e, p->text);
		e->fetched_ms = p->fetched_ms;
		e->expires_ms = p->expires_ms;
		if (e->used_ms == 0)
			e->used_ms = p->used_ms;
	}
	if (e->sts->stopping)
		return;
	if (read)
		ask_record(e);
	else
		answer(e, true); /* its record alone would tell nothing */
}

/* ---- questions ---- */

/* Address literals have none (s3.4). */
static bool
can_have_policy(struct str domain)
{
	return domain.len > 0 && domain.at[0] != '[' &&
	       domain.len + strlen(RECORD_NAME) <= STS_NAME_MAX;
}

static struct sts_question *
put_question(
    struct sts *s, struct str domain, bool patient, sts_found *found, void *arg)
{
	struct sts_question *q = MEM_NEW(struct sts_question);
	struct sts_entry *e = sts_entry_find(
	    s, str_first(domain, STS_NAME_MAX));

	q->patient = patient;
	q->found = found;
	q->arg = arg;
	sts_question_link(q, &e->questions);
	if (!patient)
		e->used_ms = sts_now_ms(s);
	if (!can_have_policy(domain) ||
	    (e->stage == STS_FETCHING && e->aside)) {
		e->soon = s->round + 1;
		timer_set(s->soon, 0);
	} else if (e->stage != STS_IDLE) {
		return q; /* its answer is everybody's */
	} else if (e->loaded) {
		ask_record(e);
	} else {
		e->stage = STS_LOADING;
		sts_load(s->deps.store, s->deps.log, str_of(e->domain),
		    sts_now_ms(s), on_loaded, e);
	}
	return q;
}

struct sts_question *
sts_ask(struct sts *s, struct str domain, sts_found *found, void *arg)
{
	return put_question(s, domain, false, found, arg);
}

struct sts_question *
sts_refresh(struct sts *s, struct str domain, sts_found *found, void *arg)
{
	return put_question(s, domain, true, found, arg);
}

void
sts_cancel(struct sts_question *q)
{
	if (q != NULL)
		sts_question_drop(q);
}

/* ---- life ---- */

struct sts *
sts_new(const struct relay_deps *deps)
{
	struct sts *s = MEM_NEW(struct sts);

	s->deps = *deps;
	s->soon = timer_new(deps->loop, answer_soon, s);
	return s;
}

void
sts_stop(struct sts *s)
{
	s->stopping = true;
}

/* The store is closed: no job of ours is with it. */
void
sts_free(struct sts *s)
{
	struct sts_entry *e, *next;

	if (s == NULL)
		return;
	HASH_ITER(hh, s->entries, e, next)
	{
		sts_entry_drop(e);
	}
	timer_free(s->soon);
	free(s);
}
