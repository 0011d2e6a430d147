/* SPDX-License-Identifier: MIT */
#include "maild/relay/destination.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/dsn.h"
#include "common/store/account.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/relay/relay_local.h"
#include "maild/relay/relay_record.h"
#include "maild/relay/relay_retry.h"

struct load {
	struct store_job job;      /* first member */
	struct destination *owner; /* NULL: freed meanwhile */
	char *domain;
	int64_t now_ms;
	size_t max;
	bool local;
	struct queue_list list;
};

static int64_t
now_ms(const struct destination *d)
{
	return clock_wall_ms(d->relay->d.clock);
}

static size_t
count(const struct destination *d, enum item_state state)
{
	size_t n = 0;

	for (const struct item *i = d->items; i != NULL; i = i->next)
		n += i->state == state;
	return n;
}

static void
item_free(struct item *i)
{
	queue_entry_release(&i->e);
	free(i);
}

static struct item *
find(const struct destination *d, int64_t trace, int n)
{
	for (struct item *i = d->items; i != NULL; i = i->next)
		if (i->e.trace == trace && i->e.n == n)
			return i;
	return NULL;
}

static void
drop_gone(struct destination *d)
{
	struct item **at = &d->items;

	while (*at != NULL) {
		struct item *i = *at;

		if (i->state == ITEM_GONE) {
			*at = i->next;
			item_free(i);
		} else
			at = &i->next;
	}
}

/* The outcome is on disk.  A load that began before may still bring the
 * recipient as due, so it is remembered until that has come. */
static void
on_recorded(void *arg, const struct relay_record *r,
    const struct relay_key *keys, size_t n)
{
	struct destination *d = arg;

	for (size_t k = 0; k < n; k++) {
		struct item *i = find(d, keys[k].trace, keys[k].n);

		assert(i != NULL && i->state == ITEM_RECORDING);
		i->state = ITEM_GONE;
	}
	if (d->load == NULL)
		drop_gone(d);
	for (size_t k = 0; k < d->n_records; k++)
		if (d->records[k] == r) {
			d->records[k] = d->records[--d->n_records];
			break;
		}
	d->relay->n_records--;
	relay_schedule(d->relay);
}

static struct relay_record *
new_record(struct destination *d)
{
	struct relay_record *r = relay_record_new(&d->relay->d, on_recorded, d);

	d->records = mem_grow(
	    d->records, d->n_records + 1, sizeof(struct relay_record *));
	d->records[d->n_records++] = r;
	d->relay->n_records++;
	return r;
}

static bool
is_given_up(enum queue_result result)
{
	return result == QUEUE_FAILED || result == QUEUE_EXPIRED;
}

/* What an outcome means for a recipient that has waited so long. */
static enum queue_result
judge(const struct destination *d, const struct item *i,
    const struct smtp_outcome *o)
{
	if (o->result == SMTP_SENT)
		return d->local ? QUEUE_DELIVERED : QUEUE_RELAYED;
	if (o->result == SMTP_PERM)
		return QUEUE_FAILED;
	return now_ms(d) >= i->e.expires_ms ? QUEUE_EXPIRED : QUEUE_DEFERRED;
}

static int64_t
next_attempt(const struct destination *d, const struct item *i)
{
	const struct relay_retry schedule = {
	    .first_ms = d->relay->d.conf->relay_retry_first,
	    .most_ms = d->relay->d.conf->relay_retry_most,
	};

	return relay_retry_at(
	    &schedule, i->e.tries, now_ms(d), i->e.expires_ms, rand_u64());
}

static void
log_attempt(const struct destination *d, const struct item *i,
    enum queue_result result, const struct smtp_outcome *o,
    const struct attempt *a)
{
	static const char *const words[] = {
	    [QUEUE_RELAYED] = "relayed",
	    [QUEUE_DEFERRED] = "deferred",
	    [QUEUE_FAILED] = "failed",
	    [QUEUE_EXPIRED] = "expired",
	    [QUEUE_DELIVERED] = "delivered",
	};
	char id[TRACE_TEXT_MAX];
	struct str rest = a->tls, tls = str_cut(&rest, ' ');

	if (tls.len == 0)
		tls = STR("none");
	log_info(d->relay->d.log,
	    "relay id=%s to=<%s> mx=%.*s tls=%.*s result=%s%s reply=\"%.*s\"",
	    trace_text(i->e.trace, id), i->e.address,
	    STR_FMT(a->host.len > 0 ? a->host : STR("none")), STR_FMT(tls),
	    words[result], o->unsure ? " unsure=yes" : "",
	    STR_FMT(buf_str(&o->text)));
	if (is_given_up(result) && queue_entry_sender(&i->e) == NULL)
		log_warn(d->relay->d.log,
		    "bounce id=%s dropped: the message came from <>",
		    trace_text(i->e.trace, id));
}

/* Is now the time to tell that it takes long?  Once, and to whom wants to know
 * (RFC 3461 s4.1); who has not said so, only of mail our own people sent: the
 * sender of what we forward may be forged. */
static bool
is_late(
    const struct destination *d, const struct item *i, enum queue_result result)
{
	const struct queue_entry *e = &i->e;
	int64_t since = e->hold_until_ms > 0 ? e->hold_until_ms : e->created_ms;

	return result == QUEUE_DEFERRED && !e->told &&
	       (e->account != 0 || e->notify != 0) &&
	       queue_entry_sender(e) != NULL &&
	       dsn_wanted(e->notify, DSN_NOTIFY_DELAY) &&
	       now_ms(d) - since >= d->relay->d.conf->relay_delay_notice;
}

struct fate {
	enum queue_result result;
	bool late; /* the sender is told so */
};

static void
add_to_record(struct destination *d, struct relay_record *r, struct item *i,
    const struct fate *fate, const struct smtp_outcome *o,
    const struct attempt *a)
{
	struct buf detail;
	struct relay_verdict v = {
	    .result = fate->result,
	    .now_ms = now_ms(d),
	    .next_ms = fate->result == QUEUE_DEFERRED ? next_attempt(d, i) : 0,
	    .outcome = o,
	    .host = a->host,
	    /* RFC 3461 s5.2.2 (b) */
	    .report = fate->result == QUEUE_RELAYED && !a->dsn &&
	              (i->e.notify & DSN_NOTIFY_SUCCESS),
	    .tell = fate->late,
	};

	buf_init(&detail, 2 * KB);
	if (a->tls.len > 0)
		buf_addf(&detail, "%.*s: ", STR_FMT(a->tls));
	else if (a->host.len > 0)
		buf_add(&detail, STR("in the clear: "));
	buf_add(&detail, buf_str(&o->text));
	v.detail = buf_str(&detail);
	relay_record_add(r, &i->e, &v);
	i->state = ITEM_RECORDING;
	buf_release(&detail);
}

static void
settle_waiting(struct destination *d)
{
	const struct attempt a = {.host = buf_str(&d->verdict_host)};
	size_t max = count(d, ITEM_WAITING), n = 0;
	struct item **items = mem_new(max + 1, sizeof(struct item *));
	const struct smtp_outcome **outcomes = mem_new(
	    max + 1, sizeof(struct smtp_outcome *));

	for (struct item *i = d->items; i != NULL; i = i->next)
		if (i->state == ITEM_WAITING) {
			outcomes[n] = &d->verdict;
			items[n++] = i;
		}
	if (n > 0)
		destination_settle(d, items, outcomes, n, &a);
	free(outcomes);
	free(items);
}

static int
run_load(struct db *db, struct store_job *job, struct fail *f)
{
	struct load *l = (struct load *)job;

	int ours = domain_find(db, str_of(l->domain), f);

	if (ours == -1)
		return -1;
	l->local = ours == 1;
	return queue_due(db, str_of(l->domain), l->now_ms, l->max, &l->list, f);
}

/* Take over what is not in hand yet.  False if not all found room. */
static bool
merge(struct destination *d, struct queue_list *list)
{
	size_t waiting = count(d, ITEM_WAITING);
	struct item **tail = &d->items;
	bool all = true;

	while (*tail != NULL)
		tail = &(*tail)->next;
	for (size_t k = 0; k < list->n; k++) {
		struct queue_entry *e = &list->entries[k];

		if (find(d, e->trace, e->n) != NULL)
			continue;
		if (waiting == DESTINATION_WAITING_MAX) {
			all = false;
			continue;
		}
		*tail = MEM_NEW(struct item);
		(*tail)->e = *e;
		*e = (struct queue_entry){0}; /* taken over */
		tail = &(*tail)->next;
		waiting++;
	}
	return all;
}

static void
done_load(struct store_job *job)
{
	struct load *l = (struct load *)job;
	struct destination *d = l->owner;

	if (d != NULL) {
		d->load = NULL;
		if (job->rc == -1)
			log_warn(d->relay->d.log, "relay %s: %s", d->domain,
			    job->fail.text);
		else if (!merge(d, &l->list) || l->list.n == l->max)
			d->more = true;
		if (job->rc == 0)
			d->local = l->local;
		drop_gone(d);
		if (d->condemned_ms != 0) {
			settle_waiting(d);
			if (!d->more)
				d->condemned_ms = 0;
		}
		relay_schedule(d->relay);
	}
	queue_list_release(&l->list);
	free(l->domain);
	free(l);
}

struct destination *
destination_new(struct relay *r, const char *domain)
{
	struct destination *d = MEM_NEW(struct destination);

	d->relay = r;
	d->domain = mem_dup(str_of(domain));
	d->more = true;
	smtp_outcome_init(&d->verdict);
	buf_init(&d->verdict_host, 1 * KB);
	return d;
}

void
destination_free(struct destination *d)
{
	if (d->load != NULL)
		d->load->owner = NULL;
	relay_local_disown(d->delivering);
	for (size_t k = 0; k < d->n_records; k++)
		relay_record_disown(d->records[k]);
	d->relay->n_records -= d->n_records;
	while (d->items != NULL) {
		struct item *i = d->items;

		d->items = i->next;
		item_free(i);
	}
	free(d->records);
	smtp_outcome_release(&d->verdict);
	buf_release(&d->verdict_host);
	free(d->domain);
	free(d);
}

void
destination_more(struct destination *d)
{
	d->more = true;
}

void
destination_turn(struct destination *d)
{
	struct load *l;
	size_t in_hand = 0;

	for (const struct item *i = d->items; i != NULL; i = i->next)
		in_hand++;
	if (d->local)
		relay_local_start(d);
	if (!d->more || d->load != NULL || d->relay->stopping ||
	    count(d, ITEM_WAITING) > DESTINATION_WAITING_MAX / 2 ||
	    in_hand + DESTINATION_WAITING_MAX > DESTINATION_IN_HAND_MAX)
		return;
	l = MEM_NEW(struct load);
	l->job.run = run_load;
	l->job.done = done_load;
	l->owner = d;
	l->domain = mem_dup(str_of(d->domain));
	l->now_ms = d->condemned_ms != 0 ? d->condemned_ms : now_ms(d);
	/* what is in hand is still due as far as the store knows */
	l->max = in_hand + DESTINATION_WAITING_MAX;
	d->more = false;
	d->load = l;
	store_read(d->relay->d.store, &l->job);
}

bool
destination_is_done(const struct destination *d)
{
	return d->items == NULL && d->load == NULL && d->delivering == NULL &&
	       d->sessions == 0 && d->n_records == 0 &&
	       (!d->more || d->relay->stopping);
}

size_t
destination_messages(const struct destination *d, size_t max)
{
	int64_t last = 0;
	size_t n = 0;

	for (const struct item *i = d->items; i != NULL && n < max; i = i->next)
		if (i->state == ITEM_WAITING && i->e.trace != last) {
			last = i->e.trace;
			n++;
		}
	return n;
}

size_t
destination_take(struct destination *d, struct item **items, size_t max)
{
	size_t n = 0;

	for (struct item *i = d->items; i != NULL && n < max; i = i->next)
		if (i->state == ITEM_WAITING &&
		    (n == 0 || i->e.trace == items[0]->e.trace)) {
			i->state = ITEM_SENDING;
			items[n++] = i;
		}
	return n;
}

void
destination_put_back(struct destination *d, struct item *i)
{
	assert(i->state == ITEM_SENDING && (d->sessions > 0 || d->local));
	i->state = ITEM_WAITING;
}

/* Does it make a DSN, together with that of the other? */
static bool
is_told(const struct fate *f)
{
	return is_given_up(f->result) || f->late;
}

static bool
goes_with(const struct item *a, const struct fate *fa, const struct item *b,
    const struct fate *fb)
{
	return b->state != ITEM_RECORDING && a->e.trace == b->e.trace &&
	       is_given_up(fa->result) == is_given_up(fb->result);
}

void
destination_settle(struct destination *d, struct item *const *items,
    const struct smtp_outcome *const *outcomes, size_t n,
    const struct attempt *a)
{
	struct fate *fates = mem_new(n, sizeof(*fates));
	struct relay_record *plain = NULL;

	for (size_t k = 0; k < n; k++) {
		struct fate *fate = &fates[k];

		assert(items[k]->state != ITEM_RECORDING);
		fate->result = judge(d, items[k], outcomes[k]);
		fate->late = is_late(d, items[k], fate->result);
		log_attempt(d, items[k], fate->result, outcomes[k], a);
		if (is_told(fate))
			continue;
		if (plain == NULL)
			plain = new_record(d);
		add_to_record(d, plain, items[k], fate, outcomes[k], a);
	}
	if (plain != NULL) /* at once: another server has taken it */
		relay_record_submit(plain);
	for (size_t k = 0; k < n; k++) { /* one DSN for each message */
		struct relay_record *r;

		if (items[k]->state == ITEM_RECORDING)
			continue;
		r = new_record(d);
		add_to_record(d, r, items[k], &fates[k], outcomes[k], a);
		for (size_t j = k + 1; j < n; j++)
			if (goes_with(items[k], &fates[k], items[j], &fates[j]))
				add_to_record(
				    d, r, items[j], &fates[j], outcomes[j], a);
		relay_record_submit(r);
	}
	free(fates);
}

void
destination_condemn(struct destination *d, const struct smtp_outcome *o,
    const struct attempt *a)
{
	smtp_outcome_copy(&d->verdict, o);
	buf_clear(&d->verdict_host);
	buf_add(&d->verdict_host, str_first(a->host, 400));
	d->condemned_ms = now_ms(d);
	settle_waiting(d);
	d->more = true;
	relay_schedule(d->relay);
}
