/* SPDX-License-Identifier: MIT */
#include "common/dns/resolver.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/dns/child.h"
#include "common/dns/message.h"
#include "common/util/mem.h"

#define QUESTION_MS  10000
#define PENDING_MAX  10000
#define SENT_MAX     200  /* questions the child has at once */
#define RESTART_MS   1000 /* after the child died; doubled up to … */
#define RESTART_MOST 60000
#define LONG_LIFE_MS 60000 /* … and forgotten when it lived that long */
#define RECORDS_MAX  100
#define NAME_MAX_LEN 253

/*
 * waiting -> sent -> settled -> told
 *
 * A question waits while the child is being started again or has SENT_MAX.
 * One that is settled is told by its timer, in the next round of the loop and
 * never from within libunbound: who is told may ask, cancel, or free the
 * resolver.
 */
struct resolver_query {
	struct resolver *resolver; /* borrowed; NULL once it is being told */
	char *name;
	enum dns_type type;
	resolver_answer *fn;
	void *arg;
	struct timer *timer;
	bool sent, settled;
	struct dns_asked asked;     /* valid while sent */
	struct dns_answer answer;   /* valid once settled */
	struct dns_record *records; /* owned, with their bytes */
	char *canonical;            /* owned */
	char why[256];
	struct resolver_query *prev, *next;
};

struct resolver {
	struct loop *loop;      /* borrowed */
	char *forward, *anchor; /* or NULL */
	bool confined;
	struct dns_child *child; /* NULL while it is to be started again */
	struct watch *watch;     /* of the child */
	int64_t started_ms;
	struct timer *restart;
	int64_t restart_ms;             /* the next delay */
	struct resolver_query *queries; /* in the order of asking */
	size_t n_queries, n_sent;
	resolver_fake *fake; /* or NULL */
	void *fake_arg;
};

/* ---- one question ---- */

/* The child forgets it, if it has it. */
static void
withdraw(struct resolver_query *q)
{
	struct resolver *r = q->resolver;

	if (!q->sent)
		return;
	q->sent = false;
	r->n_sent--;
	if (r->child != NULL)
		dns_child_cancel(r->child, &q->asked);
}

static void
unlink_query(struct resolver_query *q)
{
	struct resolver *r = q->resolver;

	withdraw(q);
	DL_DELETE(r->queries, q);
	r->n_queries--;
	q->resolver = NULL;
}

static void
release_query(struct resolver_query *q)
{
	for (size_t i = 0; i < q->answer.n; i++)
		free((char *)q->records[i].data.at);
	free(q->records);
	free(q->canonical);
	timer_free(q->timer);
	free(q->name);
	free(q);
}

/* Keep a copy of the answer. */
static void
settle(struct resolver_query *q, const struct dns_answer *a)
{
	assert(!q->settled);
	withdraw(q);
	q->settled = true;
	q->answer = *a;
	if (q->answer.n > RECORDS_MAX)
		q->answer.n = RECORDS_MAX;
	q->records = mem_new(q->answer.n, sizeof(*q->records));
	for (size_t i = 0; i < q->answer.n; i++)
		q->records[i].data = (struct str){
		    mem_dup(a->records[i].data), a->records[i].data.len};
	q->answer.records = q->records;
	if (a->canonical != NULL)
		q->answer.canonical = q->canonical = mem_dup(
		    str_of(a->canonical));
	if (a->why != NULL) {
		snprintf(q->why, sizeof(q->why), "%s", a->why);
		q->answer.why = q->why;
	}
	timer_set(q->timer, 0);
}

static void
settle_empty(struct resolver_query *q, enum dns_status status, const char *why)
{
	settle(q, &(struct dns_answer){.status = status, .why = why});
}

/* The child answered. */
static void
on_answer(void *arg, const struct dns_answer *a)
{
	struct resolver_query *q = arg;

	q->sent = false;
	q->resolver->n_sent--;
	settle(q, a);
}

/* ---- the child ---- */

/* Fail what it had, and start it again after a while. */
static void
bury(struct resolver *r, const char *why)
{
	struct resolver_query *q;

	watch_free(r->watch);
	dns_child_free(r->child);
	r->watch = NULL;
	r->child = NULL;
	DL_FOREACH(r->queries, q)
	if (q->sent)
		settle_empty(q, DNS_TEMPFAIL, why);
	if (loop_now_ms(r->loop) - r->started_ms >= LONG_LIFE_MS)
		r->restart_ms = RESTART_MS;
	timer_set(r->restart, r->restart_ms);
	r->restart_ms = r->restart_ms * 2 < RESTART_MOST ? r->restart_ms * 2
	                                                 : RESTART_MOST;
}

/* Give the child what it has room for. */
static void
send_waiting(struct resolver *r)
{
	struct resolver_query *q;
	struct fail f;

	DL_FOREACH(r->queries, q)
	{
		if (r->child == NULL || r->n_sent == SENT_MAX)
			return;
		if (q->sent || q->settled)
			continue;
		q->sent = true;
		r->n_sent++;
		q->asked = (struct dns_asked){on_answer, q, 0};
		if (dns_child_ask(r->child, q->name, q->type, &q->asked, &f) ==
		    -1)
			bury(r, f.text);
	}
}

static void
on_readable(void *arg)
{
	struct resolver *r = arg;
	struct fail f;

	if (dns_child_read(r->child, &f) == -1)
		bury(r, f.text);
	send_waiting(r);
}

static int
start_child(struct resolver *r, struct fail *f)
{
	const struct resolver_options o = {r->forward, r->anchor, r->confined};

	r->started_ms = loop_now_ms(r->loop);
	if ((r->child = dns_child_new(&o, f)) == NULL)
		return -1;
	r->watch = watch_new(r->loop, dns_child_fd(r->child), on_readable, r);
	return 0;
}

static void
on_restart(void *arg)
{
	struct resolver *r = arg;
	struct fail f;

	if (start_child(r, &f) == -1)
		bury(r, f.text);
	send_waiting(r);
}

/* ---- public ---- */

struct resolver *
resolver_new(struct loop *l, const struct resolver_options *o, struct fail *f)
{
	struct resolver *r = MEM_NEW(struct resolver);

	r->loop = l;
	r->confined = o->confined;
	r->restart_ms = RESTART_MS;
	r->restart = timer_new(l, on_restart, r);
	if (o->forward != NULL && *o->forward != '\0')
		r->forward = mem_dup(str_of(o->forward));
	if (o->anchor != NULL && *o->anchor != '\0')
		r->anchor = mem_dup(str_of(o->anchor));
	if (start_child(r, f) == -1) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

struct resolver *
resolver_new_fake(struct loop *l, resolver_fake *fn, void *arg)
{
	struct resolver *r = MEM_NEW(struct resolver);

	r->loop = l;
	r->fake = fn;
	r->fake_arg = arg;
	return r;
}

void
resolver_inject(struct resolver_query *q, const struct dns_answer *a)
{
	assert(q->resolver != NULL && q->resolver->fake != NULL);
	settle(q, a);
}

/* Time is up, or the answer is there. */
static void
on_timer(void *arg)
{
	struct resolver_query *q = arg;
	struct resolver *r = q->resolver;

	if (!q->settled) {
		q->answer = (struct dns_answer){.status = DNS_TEMPFAIL,
		    .why = "no name server answered in time"};
	}
	unlink_query(q);
	send_waiting(r);
	q->fn(q->arg, &q->answer); /* r may be gone after this */
	release_query(q);
}

/* What no name server needs to be asked about. */
static bool
is_name(struct str name)
{
	struct buf wire;
	bool good;

	if (name.len == 0 || name.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~' || name.at[i] == '\\')
			return false;
	buf_init(&wire, 255);
	good = dns_name_write(&wire, name);
	buf_release(&wire);
	return good;
}

struct resolver_query *
resolver_ask(struct resolver *r, struct str name, enum dns_type type,
    resolver_answer *fn, void *arg)
{
	struct resolver_query *q = MEM_NEW(struct resolver_query);

	q->resolver = r;
	q->name = mem_dup(name);
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	q->timer = timer_new(r->loop, on_timer, q);
	timer_set(q->timer, QUESTION_MS);
	DL_APPEND(r->queries, q);
	if (++r->n_queries > PENDING_MAX)
		settle_empty(q, DNS_TEMPFAIL, "too many questions at once");
	else if (!is_name(name))
		settle_empty(q, DNS_NXDOMAIN, NULL);
	else if (r->fake != NULL)
		r->fake(r->fake_arg, q, str_of(q->name), type);
	else
		send_waiting(r);
	return q;
}

void
resolver_cancel(struct resolver_query *q)
{
	struct resolver *r;

	if (q == NULL || q->resolver == NULL)
		return; /* it is just being told */
	r = q->resolver;
	unlink_query(q);
	release_query(q);
	send_waiting(r);
}

void
resolver_free(struct resolver *r)
{
	struct resolver_query *q, *next;

	if (r == NULL)
		return;
	watch_free(r->watch);
	dns_child_free(r->child);
	r->child = NULL;
	DL_FOREACH_SAFE(r->queries, q, next)
	{
		unlink_query(q);
		release_query(q);
	}
	timer_free(r->restart);
	free(r->forward);
	free(r->anchor);
	free(r);
}
