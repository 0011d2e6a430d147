/* SPDX-License-Identifier: MIT */
#include "common/dns/asker.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "common/dns/rdata.h"
#include "common/util/mem.h"

#define TTL_MOST_S   3600
#define TTL_NONE_S   300 /* "no such name", "no such record" */
#define TTL_FAIL_S   5
#define NAME_LEN_MAX 253
#define KEY_MAX      (1 + NAME_LEN_MAX)

/* An inquiry that wants an entry's answer; in the lists of both. */
struct waiter {
	struct entry *entry;
	struct inquiry *inquiry;
	size_t id; /* of the question in its facts */
	struct waiter *prev, *next;
	struct waiter *before, *after; /* of the same inquiry */
};

/*
 * asked --answer--> known --TTL, or the least recently used--> gone
 *
 * One that is asked is on no list but the table's; it waits for the resolver
 * even when nobody waits for it any more.
 */
struct entry {
	struct asker *asker;
	struct resolver_query *query; /* NULL: known */
	struct waiter *waiters;
	struct fact fact;
	struct buf octets; /* of its records */
	size_t size;       /* what it counts for the limit */
	int64_t dies_ms;
	struct entry *prev, *next; /* the least recently used first */
	UT_hash_handle hh;
	size_t key_len;
	char key[KEY_MAX]; /* type, name */
};

struct inquiry {
	struct asker *asker;
	struct facts *facts; /* borrowed */
	inquiry_resume *resume;
	void *arg;
	struct waiter *waiters;
	struct timer *timer; /* made when first needed */
	bool limited;
	int64_t left_ms;                /* of its time */
	int64_t since_ms;               /* when waiting began */
	bool waits;                     /* resume is owed */
	bool ready;                     /* ... now: it is in the asker's list */
	struct inquiry *prev, *next;    /* of the ready ones */
	struct inquiry *before, *after; /* of all */
};

struct asker {
	struct loop *loop;
	struct resolver *resolver;
	const struct clock *clock;
	struct entry *entries, *known;
	size_t n_known, bytes;
	struct inquiry *ready; /* all they wanted is answered */
	struct inquiry *inquiries;
	bool stopped;
	unsigned char secret[crypto_shorthash_KEYBYTES];
};

struct asker *
asker_new(struct loop *l, struct resolver *r, const struct clock *clock)
{
	struct asker *a = MEM_NEW(struct asker);

	a->loop = l;
	a->resolver = r;
	a->clock = clock;
	randombytes_buf(a->secret, sizeof(a->secret));
	return a;
}

/* ---- entries ---- */

static unsigned
hash(const struct asker *a, const char *key, size_t len)
{
	uint64_t out = 0;

	static_assert(sizeof(out) == crypto_shorthash_BYTES, "SipHash-2-4");
	crypto_shorthash(
	    (unsigned char *)&out, (const unsigned char *)key, len, a->secret);
	return (unsigned)out;
}

static size_t
make_key(const struct facts_question *q, char key[KEY_MAX])
{
	assert(q->name.len <= NAME_LEN_MAX); /* facts.h */
	key[0] = (char)q->type;
	memcpy(key + 1, q->name.at, q->name.len);
	return 1 + q->name.len;
}

static void
entry_free(struct entry *e)
{
	struct asker *a = e->asker;

	assert(e->waiters == NULL);
	HASH_DEL(a->entries, e);
	if (e->query == NULL) {
		DL_DELETE(a->known, e);
		a->n_known--;
		a->bytes -= e->size;
	}
	free((void *)e->fact.records);
	buf_release(&e->octets);
	free(e);
}

/* The entry of a question if there is one that is good, moved to where what
 * was used last is. */
static struct entry *
find(struct asker *a, const char *key, size_t len)
{
	unsigned at = hash(a, key, len);
	struct entry *e;

	HASH_FIND_BYHASHVALUE(hh, a->entries, key, len, at, e);
	if (e == NULL || e->query != NULL)
		return e;
	if (e->dies_ms <= clock_mono_ms(a->clock)) {
		entry_free(e);
		return NULL;
	}
	DL_DELETE(a->known, e);
	DL_APPEND(a->known, e);
	return e;
}

static struct entry *
entry_new(struct asker *a, const char *key, size_t len)
{
	struct entry *e = MEM_NEW(struct entry);

	e->asker = a;
	e->key_len = len;
	memcpy(e->key, key, len);
	buf_init(&e->octets, FACTS_BYTES);
	HASH_ADD_KEYPTR_BYHASHVALUE(
	    hh, a->entries, e->key, len, hash(a, key, len), e);
	return e;
}

/* ---- answers ---- */

/* Records that are not of their form are as if they were not there. */
static void
take_records(struct entry *e, const struct dns_answer *a)
{
	enum fact_type type = (enum fact_type)(unsigned char)e->key[0];
	struct str *records = mem_new(a->n, sizeof(*records));
	size_t n = 0, at = 0;

	for (size_t i = 0; i < a->n && n < FACTS_RECORDS_MAX; i++) {
		size_t before = e->octets.len;

		if (rdata_to_fact(a->records[i].data, type, &e->octets))
			records[n++].len = e->octets.len - before;
		else
			buf_cut(&e->octets, before);
	}
	for (size_t i = 0; i < n; i++) {
		records[i].at = e->octets.data + at;
		at += records[i].len;
	}
	e->fact.records = records;
	e->fact.n = n;
	if (e->octets.overrun)
		e->fact = (struct fact){FACT_TEMPFAIL, false, 0, records};
	else if (n == 0)
		e->fact.status = FACT_NODATA;
}

static const enum fact_status statuses[] = {
    [DNS_OK] = FACT_OK,
    [DNS_NODATA] = FACT_NODATA,
    [DNS_NXDOMAIN] = FACT_NXDOMAIN,
    [DNS_TEMPFAIL] = FACT_TEMPFAIL,
};

static uint32_t
life_s(const struct entry *e, uint32_t ttl_s)
{
	switch (e->fact.status) {
	case FACT_OK:
		return ttl_s < TTL_MOST_S ? ttl_s : TTL_MOST_S;
	case FACT_NODATA:
	case FACT_NXDOMAIN:
		/* without a SOA (RFC 2308 s5) as long as a failure */
		return ttl_s < TTL_FAIL_S   ? TTL_FAIL_S
		       : ttl_s < TTL_NONE_S ? ttl_s
		                            : TTL_NONE_S;
	default:
		return TTL_FAIL_S;
	}
}

/* It is known now: one of those that are kept while there is room. */
static void
keep(struct entry *e, const struct dns_answer *answer)
{
	struct asker *a = e->asker;

	e->query = NULL;
	e->fact.status = statuses[answer->status];
	e->fact.secure = answer->secure;
	if (answer->status == DNS_OK)
		take_records(e, answer);
	e->dies_ms = clock_mono_ms(a->clock) +
	             (int64_t)life_s(e, answer->ttl_s) * 1000;
	e->size = sizeof(*e) + e->octets.room +
	          answer->n * sizeof(*e->fact.records);
	DL_APPEND(a->known, e);
	a->n_known++;
	a->bytes += e->size;
	while (a->n_known > ASKER_CACHE_MAX || a->bytes > ASKER_CACHE_BYTES)
		entry_free(a->known);
}

/* ---- waiting ---- */

static void
waiter_free(struct waiter *w)
{
	DL_DELETE(w->entry->waiters, w);
	DL_DELETE2(w->inquiry->waiters, w, before, after);
	free(w);
}

static void
stop_waiting(struct inquiry *q)
{
	if (!q->waits)
		return;
	q->waits = false;
	if (q->limited)
		q->left_ms -= loop_now_ms(q->asker->loop) - q->since_ms;
	if (q->timer != NULL)
		timer_clear(q->timer);
}

static void
make_ready(struct inquiry *q)
{
	stop_waiting(q);
	q->ready = true;
	DL_APPEND(q->asker->ready, q);
}

/* Who is resumed may ask, and end its own inquiry or another's. */
static void
resume_ready(struct asker *a)
{
	while (a->ready != NULL) {
		struct inquiry *q = a->ready;

		DL_DELETE(a->ready, q);
		q->ready = false;
		q->resume(q->arg);
	}
}

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct entry *e = arg;
	struct asker *a = e->asker;
	struct waiter *w, *next;

	keep(
	    e, answer); /* it is not the one that has no room: it is the last */
	DL_FOREACH_SAFE(e->waiters, w, next)
	{
		struct inquiry *q = w->inquiry;

		facts_answer(q->facts, w->id, &e->fact);
		waiter_free(w);
		if (q->waiters == NULL)
			make_ready(q);
	}
	resume_ready(a);
}

static void
give_up(struct inquiry *q)
{
	struct waiter *w, *next;

	DL_FOREACH_SAFE2(q->waiters, w, next, after)
	waiter_free(w);
	facts_give_up(q->facts);
	if (q->waits)
		make_ready(q);
}

static void
on_deadline(void *arg)
{
	struct inquiry *q = arg;

	give_up(q);
	resume_ready(q->asker);
}

/* ---- inquiries ---- */

struct inquiry *
inquiry_new(struct asker *a, struct facts *f, inquiry_resume *resume, void *arg)
{
	struct inquiry *q = MEM_NEW(struct inquiry);

	q->asker = a;
	q->facts = f;
	q->resume = resume;
	q->arg = arg;
	DL_APPEND2(a->inquiries, q, before, after);
	if (a->stopped)
		facts_give_up(f);
	return q;
}

static void
wait_for(struct inquiry *q, struct entry *e, size_t id)
{
	struct waiter *w = MEM_NEW(struct waiter);

	*w = (struct waiter){.entry = e, .inquiry = q, .id = id};
	DL_APPEND(e->waiters, w);
	DL_APPEND2(q->waiters, w, before, after);
}

/* Answer a question if that can be done, else have it asked. */
static void
pose(struct inquiry *q, const struct facts_question *ask)
{
	struct asker *a = q->asker;
	char key[KEY_MAX];
	struct entry *e;
	size_t len;

	len = make_key(ask, key);
	e = find(a, key, len);
	if (e != NULL && e->query == NULL) {
		facts_answer(q->facts, ask->id, &e->fact);
		return;
	}
	if (e == NULL) {
		e = entry_new(a, key, len);
		e->query = resolver_ask(a->resolver, ask->name,
		    (enum dns_type)ask->type, on_answer, e);
	}
	wait_for(q, e, ask->id);
}

/* Let its time run. */
static void
begin_waiting(struct inquiry *q)
{
	struct loop *l = q->asker->loop;

	q->waits = true;
	q->since_ms = loop_now_ms(l);
	if (!q->limited)
		return;
	if (q->timer == NULL)
		q->timer = timer_new(l, on_deadline, q);
	timer_set(q->timer, q->left_ms > 0 ? q->left_ms : 0);
}

bool
inquiry_ask(struct inquiry *q)
{
	struct facts_question ask;

	while (facts_wanted(q->facts, &ask))
		pose(q, &ask);
	if (q->waiters == NULL)
		return !q->ready;
	if (q->ready) {
		q->ready = false;
		DL_DELETE(q->asker->ready, q);
	}
	if (!q->waits)
		begin_waiting(q);
	return false;
}

void
inquiry_deadline(struct inquiry *q, int64_t ms)
{
	q->limited = true;
	q->left_ms = ms;
	if (q->waits)
		begin_waiting(q);
}

void
inquiry_free(struct inquiry *q)
{
	struct waiter *w, *next;

	if (q == NULL)
		return;
	DL_FOREACH_SAFE2(q->waiters, w, next, after)
	waiter_free(w);
	if (q->ready)
		DL_DELETE(q->asker->ready, q);
	DL_DELETE2(q->asker->inquiries, q, before, after);
	timer_free(q->timer);
	free(q);
}

void
asker_stop(struct asker *a)
{
	struct inquiry *q;

	a->stopped = true;
	DL_FOREACH2(a->inquiries, q, after)
	give_up(q);
	resume_ready(a);
}

void
asker_free(struct asker *a)
{
	struct entry *e, *next;

	if (a == NULL)
		return;
	assert(a->inquiries == NULL);
	HASH_ITER(hh, a->entries, e, next)
	{
		if (e->query == NULL) {
			entry_free(e);
			continue;
		}
		resolver_cancel(e->query);
		HASH_DEL(a->entries, e);
		buf_release(&e->octets);
		free(e);
	}
	free(a);
}
