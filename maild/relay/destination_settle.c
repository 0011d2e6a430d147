/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/mime/dsn.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/relay/destination_internal.h"
#include "maild/relay/relay_put_off.h"
#include "maild/relay/relay_record.h"
#include "maild/relay/relay_retry.h"

static int64_t
now_ms(const struct destination *d)
{
	return clock_wall_ms(d->relay->d.clock);
}

/* The outcome is on disk.  A load that began before may still bring the
 * recipient as due, so it is remembered until that has come. */
static void
on_recorded(void *arg, const struct relay_record *r,
    const struct relay_key *keys, size_t n)
{
	struct destination *d = arg;

	for (size_t k = 0; k < n; k++) {
		struct item *i = items_find(d, keys[k].trace, keys[k].n);

		assert(i != NULL && i->state == ITEM_RECORDING);
		items_set(d, i, ITEM_GONE);
	}
	destination_drop_gone(d);
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
    const struct smtp_outcome *o, const struct attempt *a)
{
	if (o->result == SMTP_SENT)
		return a->here ? QUEUE_DELIVERED : QUEUE_RELAYED;
	if (o->result == SMTP_PERM)
		return QUEUE_FAILED;
	return now_ms(d) >= i->e.expires_ms ? QUEUE_EXPIRED : QUEUE_DEFERRED;
}

static int64_t
next_attempt(const struct destination *d, const struct item *i,
    const struct smtp_outcome *o)
{
	const struct relay_reason why = relay_retry_reason(o);
	const struct relay_retry schedule = {
	    .first_ms = d->relay->d.conf->relay_retry_first,
	    .most_ms = d->relay->d.conf->relay_retry_most,
	};

	return relay_retry_at(&schedule, &why, i->e.tries, now_ms(d),
	    i->e.expires_ms, rand_u64());
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

static bool
is_late(
    const struct destination *d, const struct item *i, enum queue_result result)
{
	const struct queue_entry *e = &i->e;
	const struct queue_due_row r = {
	    .since_ms = e->hold_until_ms > 0 ? e->hold_until_ms : e->created_ms,
	    .told = e->told,
	    .ours = e->account != 0,
	    .nameless = queue_entry_sender(e) == NULL,
	    .notify = e->notify,
	};

	return result == QUEUE_DEFERRED &&
	       relay_put_off_is_late(
		   &r, now_ms(d), d->relay->d.conf->relay_delay_notice);
}

struct fate {
	enum queue_result result;
	bool late; /* the sender is told so */
};

/* What the journey says of it. */
static void
write_detail(
    struct buf *out, const struct smtp_outcome *o, const struct attempt *a)
{
	buf_init(out, 2 * KB);
	if (a->tls.len > 0)
		buf_addf(out, "%.*s: ", STR_FMT(a->tls));
	else if (a->clear && a->why_clear.len > 0)
		buf_addf(out, "in the clear (%.*s): ", STR_FMT(a->why_clear));
	else if (a->clear)
		buf_add(out, STR("in the clear: "));
	buf_add(out, buf_str(&o->text));
}

static void
add_to_record(struct destination *d, struct relay_record *r, struct item *i,
    const struct fate *fate, const struct smtp_outcome *o,
    const struct attempt *a)
{
	struct buf detail;
	struct relay_verdict v = {
	    .result = fate->result,
	    .now_ms = now_ms(d),
	    .next_ms = fate->result == QUEUE_DEFERRED ? next_attempt(d, i, o)
	                                              : 0,
	    .outcome = o,
	    .host = a->host,
	    .dialogue = a->dialogue,
	    .said_ms = a->at_ms,
	    /* RFC 3461 s5.2.2 (b) */
	    .report = fate->result == QUEUE_RELAYED && !a->dsn &&
	              (i->e.notify & DSN_NOTIFY_SUCCESS),
	    .tell = fate->late,
	    .all = a->all,
	};

	write_detail(&detail, o, a);
	v.detail = buf_str(&detail);
	relay_record_add(r, &i->e, &v);
	items_set(d, i, ITEM_RECORDING);
	buf_release(&detail);
}

static struct attempt
verdict_attempt(const struct destination *d)
{
	return (struct attempt){.host = buf_str(&d->verdict_host),
	    .all = !d->verdict_law,
	    .dialogue = buf_str(&d->verdict_dialogue),
	    .at_ms = d->condemned_ms};
}

void
destination_acquit(struct destination *d)
{
	if (!d->more || d->n_in[ITEM_WAITING] > 0)
		d->condemned_ms = 0;
}

void
destination_settle_waiting(struct destination *d)
{
	const struct attempt a = verdict_attempt(d);
	size_t max = d->n_in[ITEM_WAITING], n = 0;
	struct item **items = mem_new(max + 1, sizeof(struct item *));
	const struct smtp_outcome **outcomes = mem_new(
	    max + 1, sizeof(struct smtp_outcome *));

	for (struct item *i = d->items; i != NULL; i = i->next)
		if (i->state == ITEM_WAITING &&
		    !(d->verdict_law && i->e.tls_optional)) {
			outcomes[n] = &d->verdict;
			items[n++] = i;
		}
	if (n > 0)
		destination_settle(d, items, outcomes, n, &a);
	free(outcomes);
	free(items);
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

/* Has the other server had enough of us, and of whatever else we have?  While
 * it goes on talking on other connections these were only too many. */
static bool
is_busy(const struct destination *d, const struct smtp_outcome *o,
    const struct attempt *a)
{
	return d->condemned_ms == 0 && d->talking == 0 && !a->here &&
	       relay_retry_reason(o).class == RELAY_BUSY;
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
		fate->result = judge(d, items[k], outcomes[k], a);
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
	for (size_t k = 0; k < n; k++)
		if (fates[k].result == QUEUE_DEFERRED &&
		    is_busy(d, outcomes[k], a)) {
			destination_condemn(d, outcomes[k], a);
			break;
		}
	free(fates);
}

/* What was put off is in the store; what it left, and what a session gave back
 * meanwhile, is seen to one by one. */
static void
on_put_off(void *arg, size_t put_off, size_t left)
{
	struct destination *d = arg;
	struct str host = buf_str(&d->verdict_host);

	d->putting_off = NULL;
	d->relay->n_records--;
	log_info(d->relay->d.log,
	    "relay domain=%s mx=%.*s result=deferred recipients=%zu "
	    "reply=\"%.*s\"",
	    d->domain, STR_FMT(host.len > 0 ? host : STR("none")), put_off,
	    STR_FMT(buf_str(&d->verdict.text)));
	destination_settle_waiting(d);
	d->more |= left > 0;
	destination_acquit(d);
	relay_schedule(d->relay);
}

/* What waits in memory is what is due in the store: nobody has it, so that it
 * can be forgotten.  What a session has, or is being recorded, is not put off:
 * its own outcome comes. */
static void
put_off(struct destination *d)
{
	const struct attempt a = verdict_attempt(d);
	struct relay_put_off_of of = {.domain = str_of(d->domain),
	    .due_ms = d->condemned_ms,
	    .outcome = &d->verdict,
	    .host = a.host,
	    .dialogue = a.dialogue,
	    .law = d->verdict_law};
	struct queue_key *except;
	struct buf detail;

	destination_forget(d);
	d->more = false;
	except = mem_new(d->n_items + 1, sizeof(*except));
	for (const struct item *i = d->items; i != NULL; i = i->next)
		if (i->state != ITEM_GONE)
			except[of.n_except++] = (struct queue_key){
			    i->e.trace, i->e.n};
	of.except = except;
	write_detail(&detail, &d->verdict, &a);
	of.detail = buf_str(&detail);
	d->relay->n_records++;
	d->putting_off = relay_put_off_new(&d->relay->d, &of, on_put_off, d);
	buf_release(&detail);
	free(except);
}

void
destination_condemn(struct destination *d, const struct smtp_outcome *o,
    const struct attempt *a)
{
	/* one verdict is enough; and of a domain that became ours meanwhile
	 * other servers do not judge */
	if (d->putting_off != NULL || d->local)
		return;
	smtp_outcome_copy(&d->verdict, o);
	buf_clear(&d->verdict_host);
	buf_add(&d->verdict_host, str_first(a->host, 400));
	buf_clear(&d->verdict_dialogue);
	buf_add(&d->verdict_dialogue, a->dialogue);
	d->condemned_ms = now_ms(d);
	d->verdict_law = a->law;
	if (o->result == SMTP_TEMP) {
		put_off(d);
	} else {
		destination_settle_waiting(d);
		d->more = true;
	}
	relay_schedule(d->relay);
}
