/* SPDX-License-Identifier: MIT */
#include "maild/relay/destination.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/account.h"
#include "common/store/attempt.h"
#include "common/store/suppression.h"
#include "common/util/mem.h"
#include "maild/relay/destination_internal.h"
#include "maild/relay/relay_local.h"
#include "maild/relay/relay_put_off.h"
#include "maild/relay/relay_record.h"

#define NEWS_MS 2000 /* between two loads that may bring nothing */

struct load {
	struct store_job job;      /* first member */
	struct destination *owner; /* NULL: freed meanwhile */
	char *domain;
	int64_t now_ms;
	size_t max;
	bool local;
	bool stale; /* an order came meanwhile: load again */
	struct suppression_law law;
	struct queue_list list;
	char **refusals; /* for each, or NULL */
};

static int64_t
now_ms(const struct destination *d)
{
	return clock_wall_ms(d->relay->d.clock);
}

void
destination_drop_gone(struct destination *d)
{
	if (d->load == NULL)
		items_drop(d, ITEM_GONE);
}

/* Those that would only be refused once more. */
static void
settle_refused(struct destination *d)
{
	const struct attempt nobody = {0};
	size_t max = d->n_in[ITEM_WAITING] + 1, n = 0;
	struct item **items = mem_new(max, sizeof(struct item *));
	struct smtp_outcome *outcomes = mem_new(max, sizeof(*outcomes));
	const struct smtp_outcome **all = mem_new(
	    max, sizeof(struct smtp_outcome *));

	for (struct item *i = d->items; i != NULL; i = i->next)
		if (i->state == ITEM_WAITING && i->refusal != NULL) {
			smtp_outcome_init(&outcomes[n]);
			smtp_outcome_say(
			    &outcomes[n], SMTP_PERM, "5.1.1", "%s", i->refusal);
			all[n] = &outcomes[n];
			items[n++] = i;
		}
	if (n > 0)
		destination_settle(d, items, all, n, &nobody);
	for (size_t k = 0; k < n; k++)
		smtp_outcome_release(&outcomes[k]);
	free(all);
	free(outcomes);
	free(items);
}

/* ---- loading ---- */

/* Which of them are on the suppression list, and why. */
static int
find_refusals(struct db *db, struct load *l, struct fail *f)
{
	l->refusals = mem_new(l->list.n + 1, sizeof(*l->refusals));
	for (size_t i = 0; i < l->list.n; i++) {
		struct buf why;
		int got;

		buf_init(&why, 2 * KB);
		got = suppression_find(db, &l->law,
		    str_of(l->list.entries[i].address), l->now_ms, &why, f);
		if (got == 1)
			l->refusals[i] = mem_dup(buf_str(&why));
		buf_release(&why);
		if (got == -1)
			return -1;
	}
	return 0;
}

static int
run_load(struct db *db, struct store_job *job, struct fail *f)
{
	struct load *l = (struct load *)job;
	int ours = domain_find(db, str_of(l->domain), f);

	if (ours == -1)
		return -1;
	l->local = ours == 1;
	if (queue_due(db, str_of(l->domain), l->now_ms, l->max, &l->list, f) ==
	    -1)
		return -1;
	/* who sends it elsewhere on purpose knows better */
	if (l->local || l->domain[0] == QUEUE_REROUTED)
		return 0;
	ours = suppression_any(db, f);
	return ours == 1 ? find_refusals(db, l, f) : ours;
}

/* Take over what is not in hand yet.  False if not all found room. */
static bool
merge(struct destination *d, struct load *l)
{
	bool all = true, rerouted = items_may_be_elsewhere(d);

	d->elsewhere = (struct queue_key){0};
	for (size_t k = 0; k < l->list.n; k++) {
		struct queue_entry *e = &l->list.entries[k];
		struct item *i;

		if (items_find(d, e->trace, e->n) != NULL)
			continue;
		if (rerouted && items_are_elsewhere(d, e->trace, e->n)) {
			d->elsewhere = (struct queue_key){e->trace, e->n};
			continue;
		}
		if (d->n_in[ITEM_WAITING] == DESTINATION_WAITING_MAX) {
			all = false;
			continue;
		}
		i = items_add(d, e);
		if (l->refusals != NULL) {
			i->refusal = l->refusals[k];
			l->refusals[k] = NULL;
		}
	}
	return all;
}

static void
take_load(struct destination *d, struct load *l)
{
	d->load = NULL;
	if (l->job.rc == -1) {
		log_warn(d->relay->d.log, "relay %s: %s", d->domain,
		    l->job.fail.text);
	} else if (l->stale) {
		d->more = true;
	} else {
		if (!merge(d, l) ||
		    (l->list.n == l->max && d->elsewhere.trace == 0))
			d->more = true;
		d->local = l->local;
		settle_refused(d);
	}
	destination_drop_gone(d);
	if (d->condemned_ms != 0 && d->putting_off == NULL) {
		destination_settle_waiting(d);
		destination_acquit(d);
	}
	relay_schedule(d->relay);
}

static void
done_load(struct store_job *job)
{
	struct load *l = (struct load *)job;

	if (l->owner != NULL)
		take_load(l->owner, l);
	for (size_t i = 0; l->refusals != NULL && i < l->list.n; i++)
		free(l->refusals[i]);
	free(l->refusals);
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
	buf_init(&d->verdict_dialogue, ATTEMPT_DIALOGUE_MAX);
	flow_init(&d->flow, r->d.conf->relay_connections_per_destination);
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
	relay_put_off_disown(d->putting_off);
	d->relay->n_records -= d->n_records + (d->putting_off != NULL);
	items_drop_all(d);
	free(d->records);
	smtp_outcome_release(&d->verdict);
	buf_release(&d->verdict_host);
	buf_release(&d->verdict_dialogue);
	free(d->domain);
	free(d);
}

void
destination_more(struct destination *d)
{
	d->news = true;
}

static bool
wants_load(const struct destination *d)
{
	if (d->load != NULL || d->putting_off != NULL || d->relay->stopping ||
	    d->n_in[ITEM_WAITING] > DESTINATION_WAITING_MAX / 2 ||
	    d->n_items + DESTINATION_WAITING_MAX > DESTINATION_IN_HAND_MAX)
		return false;
	if (d->more)
		return true;
	return d->news &&
	       (d->n_items == 0 ||
		   clock_mono_ms(d->relay->d.clock) - d->loaded_ms >= NEWS_MS);
}

void
destination_turn(struct destination *d)
{
	const struct conf *conf = d->relay->d.conf;
	struct load *l;

	if (d->sessions == 0 || d->talking > 0)
		d->silent_ms = 0;
	else if (d->silent_ms == 0)
		d->silent_ms = clock_mono_ms(d->relay->d.clock);
	if (d->local)
		relay_local_start(d);
	if (d->elsewhere.trace != 0 &&
	    !items_are_elsewhere(d, d->elsewhere.trace, d->elsewhere.n)) {
		d->elsewhere = (struct queue_key){0};
		d->more = true; /* if it is to be sent still */
	}
	if (!wants_load(d))
		return;
	l = MEM_NEW(struct load);
	l->job.run = run_load;
	l->job.done = done_load;
	l->owner = d;
	l->domain = mem_dup(str_of(d->domain));
	l->now_ms = now_ms(d);
	/* what came later was not meant; nor, if the clock was set back, what
	 * has just been put off */
	if (d->condemned_ms != 0 && d->condemned_ms < l->now_ms)
		l->now_ms = d->condemned_ms;
	/* what is in hand is still due as far as the store knows */
	l->max = d->n_items + DESTINATION_WAITING_MAX;
	l->law = (struct suppression_law){
	    conf->relay_suppress_after, conf->relay_suppress_for};
	d->more = d->news = false;
	d->loaded_ms = clock_mono_ms(d->relay->d.clock);
	d->load = l;
	store_read(d->relay->d.store, &l->job);
}

void
destination_forget(struct destination *d)
{
	if (d->load != NULL)
		d->load->stale = true;
	items_drop(d, ITEM_WAITING);
	d->more = true;
}

int64_t
destination_silence_ms(const struct destination *d, int64_t mono_ms)
{
	return d->silent_ms != 0 && d->talking == 0 && d->sessions > 0
	           ? mono_ms - d->silent_ms
	           : 0;
}

int
destination_tries(const struct destination *d)
{
	int tries = 0;

	for (const struct item *i = d->items; i != NULL; i = i->next)
		if (i->e.tries > tries)
			tries = i->e.tries;
	return tries;
}

bool
destination_is_done(const struct destination *d)
{
	return d->items == NULL && d->load == NULL && d->delivering == NULL &&
	       d->sessions == 0 && d->n_records == 0 &&
	       d->putting_off == NULL &&
	       ((!d->more && !d->news && d->elsewhere.trace == 0) ||
		   d->relay->stopping);
}

size_t
destination_messages(const struct destination *d, size_t max)
{
	int64_t last = 0;
	size_t n = 0;

	if (d->n_in[ITEM_WAITING] == 0)
		return 0;
	for (const struct item *i = d->items; i != NULL && n < max; i = i->next)
		if (i->state == ITEM_WAITING && i->e.trace != last) {
			last = i->e.trace;
			n++;
		}
	return n;
}

static size_t
take(struct destination *d, struct item **items, size_t max, bool waived)
{
	size_t n = 0;

	if (d->n_in[ITEM_WAITING] == 0)
		return 0;
	for (struct item *i = d->items; i != NULL && n < max; i = i->next)
		if (i->state == ITEM_WAITING &&
		    (i->e.tls_optional || !waived) &&
		    (n == 0 || i->e.trace == items[0]->e.trace)) {
			items_set(d, i, ITEM_SENDING);
			items[n++] = i;
		}
	if (n > 0)
		items_pass_turn(d, items[0]);
	return n;
}

size_t
destination_take(struct destination *d, struct item **items, size_t max)
{
	return take(d, items, max, false);
}

size_t
destination_take_waived(struct destination *d, struct item **items, size_t max)
{
	return take(d, items, max, true);
}

static const struct item *
first_waiting(const struct destination *d)
{
	const struct item *i = d->items;

	while (i != NULL && i->state != ITEM_WAITING)
		i = i->next;
	return i;
}

bool
destination_is_waived(const struct destination *d)
{
	const struct item *i = first_waiting(d);

	return i != NULL && i->e.tls_optional;
}

bool
destination_is_for_tls(const struct destination *d)
{
	const struct item *i = first_waiting(d);

	return i != NULL && i->e.require_tls;
}

void
destination_put_back(struct destination *d, struct item *i)
{
	assert(i->state == ITEM_SENDING);
	items_set(d, i, ITEM_WAITING);
}

void
destination_withdraw(struct destination *d, struct item *i)
{
	char id[TRACE_TEXT_MAX];

	assert(i->state == ITEM_SENDING);
	log_info(d->relay->d.log, "relay id=%s to=<%s> result=withdrawn",
	    trace_text(i->e.trace, id), i->e.address);
	items_set(d, i, ITEM_GONE);
	destination_drop_gone(d);
}

void
destination_is_ours(struct destination *d)
{
	d->local = true;
	relay_schedule(d->relay);
}

void
destination_pace(struct destination *d, enum pace_news news)
{
	flow_news(
	    &d->flow, news, d->sessions, clock_mono_ms(d->relay->d.clock));
}
