/* SPDX-License-Identifier: MIT */
#include "maild/relay/tls_results.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/net/tlsa.h"
#include "common/policy/tlsrpt.h"
#include "common/store/tls_result.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#define DAY_MS       (INT64_C(24) * 60 * 60 * 1000)
#define FLUSH_MS     (60 * 1000)
#define COUNTS_MAX   5000 /* between two flushes; more are not counted */
#define OCTETS_MAX   (8 * MB)
#define NAME_MAX_LEN 255
#define REASON_MAX   200
#define TLSA_ROOM    ((size_t)TLSA_MAX * (2 * TLSA_DATA_MAX + 16))

/* Sessions that are alike.  Its strings follow it. */
struct count {
	UT_hash_handle hh;
	struct tls_result_row row;
	size_t key_len;
	char reason[REASON_MAX];
	char key[]; /* what is in row, but for sessions and reason */
};

/* Counts on their way into the store. */
struct flush {
	struct store_job job; /* first: cast back */
	struct tls_results *owner;
	struct count *counts;
};

struct tls_results {
	struct relay_deps deps;
	struct timer *timer;
	struct count *counts; /* a hash: few enough to need no secret */
	size_t octets;
	size_t left_out;      /* since the last flush */
	struct flush *failed; /* to be tried once more, or NULL */
	int64_t closed;       /* the last day that is reported, or -1 */
	bool stopping;
};

const char *
tls_results_word(enum tls_result r)
{
	static const char *const words[] = {
#define R(name, word) [TLS_RESULT_##name] = (word),
	    TLS_RESULTS(R)
#undef R
	};

	return words[r];
}

/* ---- counting ---- */

static void
add_tlsa(const struct tls_session *s, struct buf *out)
{
	struct str records[TLSA_MAX];
	size_t n = 0;
	struct buf text;

	buf_init(&text, TLSA_ROOM);
	buf_reserve(&text, TLSA_ROOM); /* it does not move */
	for (; n < s->n_tlsa && n < TLSA_MAX; n++) {
		const struct tlsa *t = &s->tlsa[n];
		size_t before = text.len;

		buf_addf(
		    &text, "%u %u %u ", t->usage, t->selector, t->matching);
		enc_hex(str_first(t->data, TLSA_DATA_MAX), &text);
		records[n] = str_after(buf_str(&text), before);
	}
	tlsrpt_policy_tlsa(s->host, records, n, out);
	buf_release(&text);
}

/* s4.4: what was to be obeyed.  Of a policy that could not be had only the kind
 * is known. */
static void
add_policy(const struct tls_session *s, struct buf *out)
{
	if (s->n_tlsa > 0)
		add_tlsa(s, out);
	else if (s->sts != NULL || s->result == TLS_RESULT_STS_FETCH_ERROR ||
		 s->result == TLS_RESULT_STS_INVALID ||
		 s->result == TLS_RESULT_STS_WEBPKI_INVALID)
		tlsrpt_policy_sts(s->domain, s->sts, s->sts_text, out);
	else
		tlsrpt_policy_none(s->domain, out);
}

/* Each string with a NUL behind it, which none of them has. */
static void
add_key(struct buf *key, struct str s)
{
	buf_add(key, s);
	buf_add_char(key, '\0');
}

static struct count *
new_count(int64_t day, struct str key)
{
	struct count *c = mem_new(1, sizeof(*c) + key.len);
	struct str rest = {c->key, key.len};
	struct str *const columns[] = {&c->row.policy, &c->row.domain,
	    &c->row.result, &c->row.host, &c->row.ip, &c->row.source};

	memcpy(c->key, key.at, key.len);
	c->key_len = key.len;
	c->row.day = day;
	str_cut(&rest, '\0'); /* the day */
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		*columns[i] = str_cut(&rest, '\0');
	return c;
}

static void
free_counts(struct count *all)
{
	struct count *c, *next;

	HASH_ITER(hh, all, c, next)
	{
		HASH_DEL(all, c);
		free(c);
	}
}

static void
count_one(struct tls_results *t, int64_t day, struct str key, struct str reason)
{
	struct count *c;

	HASH_FIND(hh, t->counts, key.at, (unsigned)key.len, c);
	if (c == NULL) {
		if (HASH_COUNT(t->counts) >= COUNTS_MAX ||
		    t->octets + key.len > OCTETS_MAX) {
			t->left_out++;
			return;
		}
		if (t->counts == NULL)
			timer_set(t->timer, FLUSH_MS);
		c = new_count(day, key);
		t->octets += key.len;
		HASH_ADD_KEYPTR(hh, t->counts, c->key, (unsigned)c->key_len, c);
	}
	c->row.sessions++;
	reason = str_first(reason, sizeof(c->reason));
	memcpy(c->reason, reason.len > 0 ? reason.at : "", reason.len);
	c->row.reason = (struct str){c->reason, reason.len};
}

void
tls_results_note(struct tls_results *t, const struct tls_session *s)
{
	int64_t day = clock_wall_ms(t->deps.clock) / DAY_MS;
	struct buf policy, key;

	if (t->stopping || day == t->closed || s->domain.len == 0 ||
	    s->domain.len > NAME_MAX_LEN)
		return;
	buf_init(&policy, TLSRPT_POLICY_MAX);
	buf_init(&key, TLSRPT_POLICY_MAX + 4 * KB);
	add_policy(s, &policy);
	buf_addf(&key, "%lld", (long long)day);
	buf_add_char(&key, '\0');
	add_key(&key, buf_str(&policy));
	add_key(&key, s->domain);
	add_key(&key, str_of(tls_results_word(s->result)));
	add_key(&key, str_first(s->host, NAME_MAX_LEN));
	add_key(&key, str_first(s->ip, NAME_MAX_LEN));
	add_key(&key, str_first(s->source, NAME_MAX_LEN));
	if (!policy.overrun && !key.overrun)
		count_one(t, day, buf_str(&key), s->reason);
	buf_release(&key);
	buf_release(&policy);
}

/* ---- into the store ---- */

static int
run_flush(struct db *db, struct store_job *job, struct fail *f)
{
	const struct flush *l = (struct flush *)job;

	for (const struct count *c = l->counts; c != NULL; c = c->hh.next)
		if (tls_result_add(db, &c->row, f) == -1)
			return -1;
	return 0;
}

static void
free_flush(struct flush *l)
{
	if (l == NULL)
		return;
	free_counts(l->counts);
	free(l);
}

static void
done_flush(struct store_job *job)
{
	struct flush *l = (struct flush *)job;
	struct tls_results *t = l->owner;

	if (job->rc == 0) {
		free_flush(l);
		return;
	}
	if (t->failed == NULL && !t->stopping) {
		t->failed = l;
		timer_set(t->timer, FLUSH_MS);
		return;
	}
	log_warn(t->deps.log, "results of TLS sessions are lost: %s",
	    job->fail.text);
	free_flush(l);
}

static void
submit(struct tls_results *t, struct flush *l, size_t weight)
{
	l->job.run = run_flush;
	l->job.done = done_flush;
	l->job.weight = weight;
	store_write(t->deps.store, &l->job);
}

void
tls_results_flush(struct tls_results *t)
{
	struct flush *l = t->failed;

	t->failed = NULL;
	if (l != NULL)
		submit(t, l, OCTETS_MAX / 8);
	if (t->left_out > 0)
		log_warn(t->deps.log,
		    "results of TLS sessions that were too many to count: %zu",
		    t->left_out);
	t->left_out = 0;
	if (t->counts == NULL)
		return;
	l = MEM_NEW(struct flush);
	l->owner = t;
	l->counts = t->counts;
	t->counts = NULL;
	submit(t, l, t->octets);
	t->octets = 0;
}

void
tls_results_close(struct tls_results *t, int64_t day)
{
	tls_results_flush(t);
	if (day > t->closed)
		t->closed = day;
}

static void
on_timer(void *arg)
{
	tls_results_flush(arg);
}

struct tls_results *
tls_results_new(const struct relay_deps *deps)
{
	struct tls_results *t = MEM_NEW(struct tls_results);

	t->deps = *deps;
	t->closed = -1;
	t->timer = timer_new(deps->loop, on_timer, t);
	return t;
}

void
tls_results_stop(struct tls_results *t)
{
	if (t == NULL || t->stopping)
		return;
	timer_clear(t->timer);
	tls_results_flush(t);
	t->stopping = true;
}

/* The store is closed: no job of ours is with it. */
void
tls_results_free(struct tls_results *t)
{
	if (t == NULL)
		return;
	free_flush(t->failed);
	free_counts(t->counts);
	timer_free(t->timer);
	free(t);
}
