/* SPDX-License-Identifier: MIT */
#include "maild/relay/sts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/util/mem.h"
#include "maild/relay/sts_store.h"
#include "maild/relay/tls_results.h"
#include "maild/relay/txt.h"
#include "maild/relay/web.h"

#define NAME_MAX_LEN 253
#define RECORD_NAME  "_mta-sts."
#define HOST_NAME    "mta-sts."
#define PATH         STR("/.well-known/mta-sts.txt")

/* In memory; the others are read again.  What domains there are is the choice
 * of those who may send here, and so few do not need a secret in the hash. */
#define ENTRIES_MAX 2000
#define TEXTS_MAX   (16 * MB)

#define FETCH_MS    30000
#define AGAIN_MS    (5 * 60 * 1000)                /* s3.3 */
#define REFRESH_MS  (INT64_C(24) * 60 * 60 * 1000) /* s3.3 */
#define WHY_MAX     300

struct sts_question {
	struct sts_question *next, **self;
	bool patient; /* waits for a policy that is fresh */
	sts_found *found;
	void *arg; /* borrowed */
};

enum stage {
	IDLE,
	LOADING,  /* from the store */
	ASKING,   /* the TXT record */
	FETCHING, /* the policy */
};

struct entry {
	char domain[NAME_MAX_LEN + 1];
	UT_hash_handle hh;
	struct sts *sts; /* borrowed */
	struct sts_question *questions;
	enum stage stage;
	bool loaded;
	bool aside;    /* FETCHING, and only the patient wait for it */
	uint64_t soon; /* the round of the timer that answers questions, or 0 */
	int pinned;    /* answers are given */
	struct resolver_query *query;
	struct web_question *fetch;
	char new_id[MTASTS_ID_MAX]; /* that is fetched */

	/* the policy; none if expires_ms is 0 */
	char id[MTASTS_ID_MAX];
	struct buf text;
	int64_t fetched_ms, expires_ms, used_ms;

	int64_t failed_ms; /* 0: the last fetch did not fail */
	enum tls_result failure;
	char why[WHY_MAX];
};

struct sts {
	struct relay_deps deps;
	struct entry *entries; /* least recently used first */
	size_t octets;         /* of their texts */
	struct timer *soon;
	uint64_t round; /* of answers given by it */
	bool stopping;
};

static int64_t
now_ms(const struct sts *s)
{
	return clock_wall_ms(s->deps.clock);
}

/* ---- what is in memory ---- */

static void
set_text(struct entry *e, struct str text)
{
	e->sts->octets -= e->text.len;
	buf_clear(&e->text);
	buf_add(&e->text, text);
	e->sts->octets += e->text.len;
}

static bool
has_policy(const struct entry *e)
{
	return e->expires_ms > now_ms(e->sts);
}

static bool
has_failed_lately(const struct entry *e)
{
	int64_t since_ms = now_ms(e->sts) - e->failed_ms;

	return e->failed_ms != 0 && since_ms >= 0 && since_ms < AGAIN_MS;
}

static bool
is_at_rest(const struct entry *e)
{
	return e->stage == IDLE && e->questions == NULL && e->pinned == 0;
}

static void
link_question(struct sts_question *q, struct sts_question **list)
{
	q->next = *list;
	q->self = list;
	if (q->next != NULL)
		q->next->self = &q->next;
	*list = q;
}

static void
unlink_question(struct sts_question *q)
{
	*q->self = q->next;
	if (q->next != NULL)
		q->next->self = q->self;
}

static void
drop_question(struct sts_question *q)
{
	unlink_question(q);
	free(q);
}

static void
drop_entry(struct entry *e)
{
	HASH_DEL(e->sts->entries, e);
	e->sts->octets -= e->text.len;
	while (e->questions != NULL)
		drop_question(e->questions);
	if (e->query != NULL)
		resolver_cancel(e->query);
	web_cancel(e->fetch);
	buf_release(&e->text);
	free(e);
}

static void
make_room(struct sts *s)
{
	struct entry *e, *next;

	HASH_ITER(hh, s->entries, e, next)
	{
		if (HASH_COUNT(s->entries) < ENTRIES_MAX &&
		    s->octets < TEXTS_MAX)
			return;
		if (is_at_rest(e))
			drop_entry(e);
	}
}

/* It is the most recently used one then. */
static struct entry *
find(struct sts *s, struct str domain)
{
	struct entry *e;

	HASH_FIND(hh, s->entries, domain.at, (unsigned)domain.len, e);
	if (e != NULL) {
		HASH_DEL(s->entries, e);
	} else {
		make_room(s);
		e = MEM_NEW(struct entry);
		e->sts = s;
		memcpy(e->domain, domain.at, domain.len);
		buf_init(&e->text, MTASTS_TEXT_MAX);
	}
	HASH_ADD_KEYPTR(hh, s->entries, e->domain, (unsigned)domain.len, e);
	return e;
}

/* ---- answers ---- */

static const char *
word_of(enum tls_result r)
{
	static const char *const words[] = {
#define R(name, word) [TLS_RESULT_##name] = (word),
	    TLS_RESULTS(R)
#undef R
	};

	return words[r];
}

/* Those who are answered now, out of the entry's list. */
static struct sts_question *
take_questions(struct entry *e, bool patient_too)
{
	struct sts_question *q, *next, *out = NULL;

	for (q = e->questions; q != NULL; q = next) {
		next = q->next;
		if (q->patient && !patient_too)
			continue;
		unlink_question(q);
		link_question(q, &out);
	}
	return out;
}

static void
answer(struct entry *e, bool patient_too)
{
	struct sts_question *all = take_questions(e, patient_too);
	struct mtasts_policy policy;
	struct sts_answer a = {0};
	const char *ignored;

	e->soon = 0;
	if (all == NULL)
		return;
	all->self = &all; /* so that cancelling takes it out of here */
	if (has_policy(e) &&
	    mtasts_policy_parse(buf_str(&e->text), &policy, &ignored) &&
	    policy.mode != MTASTS_NONE) {
		a.policy = &policy;
		a.text = e->text.data;
	}
	if (has_failed_lately(e)) {
		a.why = e->why;
		a.kind = word_of(e->failure);
	}
	e->pinned++;
	while (all != NULL) {
		struct sts_question q = *all;

		drop_question(all);
		q.found(q.arg, &a);
	}
	e->pinned--;
}

static struct entry *
find_due(const struct sts *s)
{
	struct entry *e = s->entries;

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
	struct entry *e;

	s->round++;
	while ((e = find_due(s)) != NULL)
		answer(e, false);
}

/* ---- the policy ---- */

static void
note_failure(const struct entry *e)
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
	if (has_policy(e) &&
	    mtasts_policy_parse(buf_str(&e->text), &policy, &ignored)) {
		if (policy.mode == MTASTS_NONE)
			return; /* RFC 8461 s6 */
		t.sts = &policy;
		t.sts_text = buf_str(&e->text);
	}
	tls_results_note(e->sts->deps.results, &t);
}

static void
fetch_failed(struct entry *e, enum tls_result kind, const char *why)
{
	e->failed_ms = now_ms(e->sts);
	e->failure = kind;
	snprintf(e->why, sizeof(e->why), "%s", why);
	log_warn(e->sts->deps.log,
	    "MTA-STS policy of %s cannot be fetched: %s%s", e->domain, why,
	    has_policy(e) ? "; the one from before counts" : "");
	note_failure(e);
}

static void
fetched(struct entry *e, struct str text)
{
	struct mtasts_policy policy;
	struct sts_policy saved;
	char why[WHY_MAX];
	const char *problem;

	if (!mtasts_policy_parse(text, &policy, &problem)) {
		snprintf(why, sizeof(why), "it is malformed: %s", problem);
		fetch_failed(e, TLS_RESULT_STS_INVALID, why);
		return;
	}
	e->failed_ms = 0;
	e->fetched_ms = now_ms(e->sts);
	e->expires_ms = e->fetched_ms + 1000 * (int64_t)policy.max_age_s;
	memcpy(e->id, e->new_id, sizeof(e->id));
	set_text(e, text);
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
	struct entry *e = arg;

	e->fetch = NULL;
	if (a->result == HTTPS_GOOD)
		fetched(e, a->body);
	else
		fetch_failed(e, kinds[a->result], a->why);
	e->stage = IDLE;
	e->aside = false;
	answer(e, true);
}

static void
fetch(struct entry *e)
{
	struct sts *s = e->sts;
	char host[sizeof(HOST_NAME) + NAME_MAX_LEN];
	struct https_ask ask = {
	    .port = (uint16_t)s->deps.conf->test_https_port,
	    .path = PATH,
	    .type = STR("text/plain"), /* s3.2 */
	    .limit = MTASTS_TEXT_MAX,
	    .time_ms = FETCH_MS,
	};

	snprintf(host, sizeof(host), HOST_NAME "%s", e->domain);
	ask.host = str_of(host);
	e->stage = FETCHING;
	e->fetch = web_ask(&s->deps, &ask, on_fetch, e);
	/* one that is only old counts, and nobody waits for its successor */
	e->aside = has_policy(e) && strcmp(e->id, e->new_id) == 0;
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
wants_fetch(const struct entry *e)
{
	if (has_failed_lately(e))
		return false;
	return !has_policy(e) || strcmp(e->id, e->new_id) != 0 ||
	       now_ms(e->sts) - e->fetched_ms >= REFRESH_MS;
}

static void
on_record(void *arg, const struct dns_answer *a)
{
	struct entry *e = arg;

	e->query = NULL;
	e->stage = IDLE;
	if (e->sts->stopping)
		return; /* no answer is better than one that is not known */
	/* s3.3: without a record what is cached counts, or nothing */
	if (a->status == DNS_OK && read_id(a, e->new_id) && wants_fetch(e))
		fetch(e);
	else
		answer(e, true);
}

static void
ask_record(struct entry *e)
{
	char name[sizeof(RECORD_NAME) + NAME_MAX_LEN];

	snprintf(name, sizeof(name), RECORD_NAME "%s", e->domain);
	e->stage = ASKING;
	e->query = resolver_ask(
	    e->sts->deps.resolver, str_of(name), DNS_TXT, on_record, e);
}

static void
on_loaded(void *arg, const struct sts_policy *p)
{
	struct entry *e = arg;

	e->loaded = true;
	e->stage = IDLE;
	if (p != NULL && p->id.len < sizeof(e->id)) {
		memcpy(e->id, p->id.at, p->id.len);
		e->id[p->id.len] = '\0';
		set_text(e, p->text);
		e->fetched_ms = p->fetched_ms;
		e->expires_ms = p->expires_ms;
		if (e->used_ms == 0)
			e->used_ms = p->used_ms;
	}
	if (!e->sts->stopping)
		ask_record(e);
}

/* ---- questions ---- */

/* Address literals have none (s3.4). */
static bool
can_have_policy(struct str domain)
{
	return domain.len > 0 && domain.at[0] != '[' &&
	       domain.len + strlen(RECORD_NAME) <= NAME_MAX_LEN;
}

static struct sts_question *
put_question(
    struct sts *s, struct str domain, bool patient, sts_found *found, void *arg)
{
	struct sts_question *q = MEM_NEW(struct sts_question);
	struct entry *e = find(s, str_first(domain, NAME_MAX_LEN));

	q->patient = patient;
	q->found = found;
	q->arg = arg;
	link_question(q, &e->questions);
	if (!patient)
		e->used_ms = now_ms(s);
	if (!can_have_policy(domain) || (e->stage == FETCHING && e->aside)) {
		e->soon = s->round + 1;
		timer_set(s->soon, 0);
	} else if (e->stage != IDLE) {
		return q; /* its answer is everybody's */
	} else if (e->loaded) {
		ask_record(e);
	} else {
		e->stage = LOADING;
		sts_load(s->deps.store, s->deps.log, str_of(e->domain),
		    now_ms(s), on_loaded, e);
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
		drop_question(q);
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
	struct entry *e, *next;

	if (s == NULL)
		return;
	HASH_ITER(hh, s->entries, e, next)
	{
		drop_entry(e);
	}
	timer_free(s->soon);
	free(s);
}
