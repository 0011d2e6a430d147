/* SPDX-License-Identifier: MIT */
#include "mailctl/import_load.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/daemon/mailbox_notice.h"
#include "common/util/clock.h"
#include "common/util/mem.h"
#include "mailctl/import_commit.h"

#define BATCH_BYTES  (16 * (uint64_t)MB)
#define SEALERS_MAX  16
#define BATCHES_MOST 3  /* not yet committed */
#define RAW_MOST     64 /* messages not yet sealed: each up to 256 KiB */

struct load {
	struct load_options o;
	struct mailbox_notice notice;
	int64_t mailbox, import; /* of what is added now */

	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t work;   /* something to seal, to commit, or the end */
	pthread_cond_t room;   /* something was sealed or committed */
	struct import_batch *first, *last; /* by age; only the last is open */
	size_t n_batches, n_raw;
	bool closing;
	struct fail fail; /* the first */
	struct load_count count;
	pthread_t committer, sealers[SEALERS_MAX];
	size_t n_sealers;
};

/* The next message to seal; NULL if there is none now. */
static struct import_entry *
take_raw(struct load *l, struct import_batch **batch)
{
	for (*batch = l->first; *batch != NULL; *batch = (*batch)->next)
		if ((*batch)->taken < (*batch)->n)
			return &(*batch)->entries[(*batch)->taken++];
	return NULL;
}

static void *
seal(void *arg)
{
	struct load *l = arg;
	struct import_batch *batch;
	struct import_entry *e;

	pthread_mutex_lock(&l->mutex);
	for (;;) {
		struct fail f = {0};
		int rc;

		while ((e = take_raw(l, &batch)) == NULL && !l->closing)
			pthread_cond_wait(&l->work, &l->mutex);
		if (e == NULL)
			break;
		pthread_mutex_unlock(&l->mutex);
		rc = stage_seal(e->message.stage, STR(""), &f);
		pthread_mutex_lock(&l->mutex);
		if (rc == -1 && l->fail.kind == FAIL_NONE)
			l->fail = f;
		batch->sealed++;
		l->n_raw--;
		pthread_cond_broadcast(&l->work);
		pthread_cond_broadcast(&l->room);
	}
	pthread_mutex_unlock(&l->mutex);
	return NULL;
}

/* The oldest batch, if it is complete. */
static struct import_batch *
ready(const struct load *l)
{
	struct import_batch *b = l->first;

	return b != NULL && b->closed && b->sealed == b->n ? b : NULL;
}

static void *
commit(void *arg)
{
	struct load *l = arg;

	pthread_mutex_lock(&l->mutex);
	for (;;) {
		struct import_batch *b;
		struct import_committed done = {0};
		struct fail f = {0};
		bool good = l->fail.kind == FAIL_NONE;

		while ((b = ready(l)) == NULL && !l->closing)
			pthread_cond_wait(&l->work, &l->mutex);
		if (b == NULL)
			break;
		good = l->fail.kind == FAIL_NONE;
		pthread_mutex_unlock(&l->mutex);
		if (good && import_commit(l->o.db, b, l->o.login,
				l->o.ignore_quota, &done, &f) == -1)
			good = false;
		if (done.messages > 0) {
			mailbox_notice_add(&l->notice, &b->mailbox, 1);
			mailbox_notice_send(&l->notice);
		}
		pthread_mutex_lock(&l->mutex);
		if (!good && l->fail.kind == FAIL_NONE)
			l->fail = f;
		l->count.messages += done.messages;
		l->count.bytes += done.bytes;
		l->count.keywords_lost += done.keywords_lost;
		l->first = b->next;
		if (l->first == NULL)
			l->last = NULL;
		l->n_batches--;
		import_batch_free(b);
		pthread_cond_broadcast(&l->room);
	}
	pthread_mutex_unlock(&l->mutex);
	return NULL;
}

struct load *
load_new(const struct load_options *o)
{
	struct load *l = MEM_NEW(struct load);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int rc = 0;

	l->o = *o;
	mailbox_notice_init(&l->notice, o->notices);
	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->work, NULL);
	pthread_cond_init(&l->room, NULL);
	l->n_sealers = processors < 1             ? 1
	               : processors > SEALERS_MAX ? SEALERS_MAX
	                                          : (size_t)processors;
	for (size_t i = 0; i < l->n_sealers; i++)
		rc |= pthread_create(&l->sealers[i], NULL, seal, l);
	rc |= pthread_create(&l->committer, NULL, commit, l);
	if (rc != 0)
		abort(); /* as when there is no memory */
	return l;
}

void
load_source(struct load *l, int64_t mailbox, int64_t import)
{
	assert(l->first == NULL);
	l->mailbox = mailbox;
	l->import = import;
}

/* The batch that takes the next message.  Under the mutex. */
static struct import_batch *
open_batch(struct load *l)
{
	struct import_batch *b = l->last;

	if (b != NULL && !b->closed)
		return b;
	while (l->n_batches == BATCHES_MOST)
		pthread_cond_wait(&l->room, &l->mutex);
	b = MEM_NEW(struct import_batch);
	b->mailbox = l->mailbox;
	b->import = l->import;
	if (l->last != NULL)
		l->last->next = b;
	else
		l->first = b;
	l->last = b;
	l->n_batches++;
	return b;
}

static void
close_batch(struct load *l)
{
	if (l->last != NULL)
		l->last->closed = true;
	pthread_cond_broadcast(&l->work);
}

int
load_add(struct load *l, struct load_message *m, const struct load_place *place)
{
	uint64_t size = stage_size(m->stage);
	struct import_batch *b;
	bool good;

	pthread_mutex_lock(&l->mutex);
	while (l->n_raw == RAW_MOST)
		pthread_cond_wait(&l->room, &l->mutex);
	good = l->fail.kind == FAIL_NONE;
	if (good) {
		b = open_batch(l);
		b->entries[b->n++] = (struct import_entry){*m, *place};
		b->place = *place;
		b->bytes += size;
		l->n_raw++;
		pthread_cond_signal(&l->work);
		if (b->n == IMPORT_BATCH || b->bytes >= BATCH_BYTES)
			close_batch(l);
	}
	pthread_mutex_unlock(&l->mutex);
	if (!good) {
		stage_free(m->stage);
		free(m->keywords);
	}
	*m = (struct load_message){0};
	return good ? 0 : -1;
}

void
load_pass(struct load *l, const struct load_place *place)
{
	pthread_mutex_lock(&l->mutex);
	open_batch(l)->place = *place;
	pthread_mutex_unlock(&l->mutex);
}

int
load_drain(struct load *l, struct fail *f)
{
	int rc = 0;

	pthread_mutex_lock(&l->mutex);
	close_batch(l);
	while (l->first != NULL)
		pthread_cond_wait(&l->room, &l->mutex);
	if (l->fail.kind != FAIL_NONE) {
		*f = l->fail;
		rc = -1;
	}
	pthread_mutex_unlock(&l->mutex);
	return rc;
}

struct load_count
load_count(struct load *l)
{
	struct load_count count;

	pthread_mutex_lock(&l->mutex);
	count = l->count;
	pthread_mutex_unlock(&l->mutex);
	return count;
}

void
load_free(struct load *l)
{
	struct fail ignored;

	if (l == NULL)
		return;
	load_drain(l, &ignored);
	pthread_mutex_lock(&l->mutex);
	l->closing = true;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->mutex);
	for (size_t i = 0; i < l->n_sealers; i++)
		pthread_join(l->sealers[i], NULL);
	pthread_join(l->committer, NULL);
	pthread_cond_destroy(&l->work);
	pthread_cond_destroy(&l->room);
	pthread_mutex_destroy(&l->mutex);
	mailbox_notice_release(&l->notice);
	free(l);
}
