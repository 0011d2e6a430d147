/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_local.h"

#include <stdlib.h>

#include "common/store/route.h"
#include "common/util/mem.h"

#define AT_ONCE 100 /* recipients */

struct place {
	char *address; /* a copy: the item may go meanwhile */
	enum route_result result;
};

struct relay_local {
	struct store_job job;      /* first member */
	struct destination *owner; /* NULL: freed meanwhile */
	struct item *items[AT_ONCE];
	struct place places[AT_ONCE];
	size_t n;
	char *postmaster;
	uint64_t size;
};

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_local *l = (struct relay_local *)job;
	const struct route_options o = {
	    .postmaster = str_of(l->postmaster), .size = l->size};

	for (size_t i = 0; i < l->n; i++) {
		struct route r = {0};

		if (route_find(db, str_of(l->places[i].address), &o, &r, f) ==
		    -1)
			return -1;
		l->places[i].result = r.result;
		route_release(&r);
	}
	return 0;
}

static const struct {
	enum smtp_result result;
	const char *enhanced, *text;
} words[] = {
    [ROUTE_OK] = {SMTP_SENT, "2.1.5", "delivered here"                   },
    [ROUTE_REMOTE] = {SMTP_TEMP, "4.3.5", "the domain is not ours any more"  },
    [ROUTE_UNKNOWN] = {SMTP_PERM, "5.1.1",
		  "there is no such address here any more"               },
    [ROUTE_FULL] = {SMTP_TEMP, "4.2.2", "the mailbox is full"              },
    [ROUTE_LOOP] = {SMTP_PERM, "5.4.6", "the address is an alias of itself"},
};

static void
settle(struct relay_local *l)
{
	const struct attempt here = {.here = true};
	const struct smtp_outcome *all[AT_ONCE];
	struct smtp_outcome outcomes[AT_ONCE];

	for (size_t i = 0; i < l->n; i++) {
		enum route_result result = l->places[i].result;

		smtp_outcome_init(&outcomes[i]);
		smtp_outcome_say(&outcomes[i], words[result].result,
		    words[result].enhanced, "%s", words[result].text);
		all[i] = &outcomes[i];
	}
	destination_settle(l->owner, l->items, all, l->n, &here);
	for (size_t i = 0; i < l->n; i++)
		smtp_outcome_release(&outcomes[i]);
}

static void
done(struct store_job *job)
{
	struct relay_local *l = (struct relay_local *)job;
	struct destination *d = l->owner;

	if (d != NULL) {
		d->delivering = NULL;
		if (job->rc == 0 && !d->relay->stopping) {
			settle(l);
		} else if (!d->relay->stopping) {
			log_warn(d->relay->d.log, "relay %s: %s", d->domain,
			    job->fail.text);
			for (size_t i = 0; i < l->n; i++)
				destination_put_back(d, l->items[i]);
		}
		relay_schedule(d->relay);
	}
	for (size_t i = 0; i < l->n; i++)
		free(l->places[i].address);
	free(l->postmaster);
	free(l);
}

void
relay_local_start(struct destination *d)
{
	struct relay_local *l;

	if (d->delivering != NULL || d->relay->stopping ||
	    destination_messages(d, 1) == 0)
		return;
	l = MEM_NEW(struct relay_local);
	l->owner = d;
	l->n = destination_take(d, l->items, AT_ONCE);
	for (size_t i = 0; i < l->n; i++)
		l->places[i].address = mem_dup(str_of(l->items[i]->e.address));
	l->size = l->items[0]->e.size;
	l->postmaster = mem_dup(str_of(d->relay->d.conf->server_postmaster));
	l->job.run = run;
	l->job.done = done;
	d->delivering = l;
	store_read(d->relay->d.store, &l->job);
}

void
relay_local_disown(struct relay_local *l)
{
	if (l != NULL)
		l->owner = NULL;
}
