/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/header.h"
#include "common/util/mem.h"
#include "smtpd/receive_state.h"

#define HOPS 2 /* received, refused */

/* A refusal on its way into the store, when its message is forgotten. */
struct record {
	struct store_job job; /* first: the store's calls cast back */
	struct smtpd *d;
	struct refusal refusal;
	struct hop hops[HOPS];
	struct buf text[RECEIVE_TEXTS + 1]; /* of the hops */
	struct verdict verdict;
	char *strings[7]; /* copies the above borrows from */
	size_t n_strings;
};

void
receive_refuse(struct receive *r, enum smtp_reply reply, const char *why)
{
	struct buf words;

	buf_init(&words, KB);
	smtp_reply_describe(&words, reply);
	log_warn(&r->d->log,
	    "refused from=<%s> rcpts=%zu rip=%s%s%s reply=\"%s\" why=\"%s\"",
	    r->sender, r->n_recipients, r->ip,
	    r->login != NULL ? " login=" : "", r->login != NULL ? r->login : "",
	    words.data, why);
	buf_release(&words);
	r->done(r->arg, reply, why);
}

static struct str
keep(struct record *k, struct str s)
{
	char *copy = mem_dup(s);

	k->strings[k->n_strings++] = copy;
	return (struct str){copy, s.len};
}

static int
write_record(struct db *db, struct store_job *job, struct fail *f)
{
	return refusal_put(db, &((struct record *)job)->refusal, f);
}

static void
written(struct store_job *job)
{
	struct record *k = (struct record *)job;

	k->d->refusals--;
	if (job->rc == -1)
		log_warn(&k->d->log, "refusal not kept: %s", job->fail.text);
	for (size_t i = 0; i < k->n_strings; i++)
		free(k->strings[i]);
	for (size_t i = 0; i <= RECEIVE_TEXTS; i++)
		buf_release(&k->text[i]);
	free(k);
}

/* The reply that says the judgement's enhanced status code. */
static const struct reply_of {
	int enhanced[3];
	enum smtp_reply reply;
} replies[] = {
    {{5, 7, 1},  REPLY_REFUSED     },
    {{5, 7, 23}, REPLY_SPF_REFUSED },
    {{4, 7, 0},  REPLY_DEFERRED    },
    {{4, 7, 24}, REPLY_SPF_DEFERRED},
};
#define N_REPLIES (sizeof(replies) / sizeof(replies[0]))

static enum smtp_reply
reply_for(const struct judgement *g)
{
	size_t i = 0;

	while (i < N_REPLIES && memcmp(replies[i].enhanced, g->enhanced,
				    sizeof(g->enhanced)) != 0)
		i++;
	assert(i < N_REPLIES); /* a row of judgement.c has no reply */
	return replies[i].reply;
}

/* The journey ends here; it is kept for who asks later. */
static void
keep_journey(struct receive *r, enum smtp_reply reply, const char *why)
{
	const struct verdict *v = &r->judged->verdict;
	struct str id = STR("");
	struct record *k;

	if (!store_is_sound(r->d->store) ||
	    r->d->refusals >= SMTPD_REFUSALS_MAX || !visit_may_keep(r->visit))
		return;
	r->d->refusals++;
	k = MEM_NEW(struct record);
	k->d = r->d;
	k->job.run = write_record;
	k->job.done = written;
	header_message_id(buf_str(&r->intake.block), &id);
	k->verdict = (struct verdict){
	    .author = keep(k, v->author),
	    .domain = keep(k, v->domain),
	    .network = keep(k, v->network),
	    .report = keep(k, v->report),
	    .summary = keep(k, v->summary),
	};
	k->hops[0] = receive_hop(r, k->text);
	buf_init(&k->text[RECEIVE_TEXTS], KB);
	buf_addf(&k->text[RECEIVE_TEXTS], "%s", why);
	k->hops[1] = (struct hop){
	    .at_ms = r->now_ms,
	    .daemon = HOP_SMTPD,
	    .kind = HOP_REFUSED,
	    .code = smtp_reply_code(reply),
	    .detail = buf_str(&k->text[RECEIVE_TEXTS]),
	};
	k->refusal = (struct refusal){
	    .trace = r->trace,
	    .now_ms = r->now_ms,
	    .sender = keep(k, str_of(r->sender)),
	    .message_id = keep(k, id),
	    .size = stage_size(r->stage) + r->intake.block.len,
	    .hops = k->hops,
	    .n_hops = HOPS,
	    .verdict = &k->verdict,
	};
	k->job.weight = v->report.len + KB;
	store_write(r->d->store, &k->job);
}

void
receive_refuse_judged(struct receive *r)
{
	const struct judgement *g = &r->judged->judgement;
	enum smtp_reply reply = reply_for(g);
	char text[sizeof(g->why) + sizeof(" (id )") + TRACE_TEXT_MAX];

	snprintf(text, sizeof(text), "%s (id %s)", g->why, r->id);
	keep_journey(r, reply, g->why);
	receive_refuse(r, reply, text);
}
