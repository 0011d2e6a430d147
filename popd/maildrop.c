/* SPDX-License-Identifier: MIT */
#include "popd/maildrop.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "common/util/mem.h"

#define FETCHED_MAX 1024 /* gathered before they are written */
#define HOP_WEIGHT  200  /* octets a hop or a removal writes, about */

struct source {
	int64_t body, trace;
};

struct fetched {
	int64_t trace, at_ms;
};

struct maildrop {
	struct popd *popd;
	int64_t account, mailbox;
	char *login, *peer;
	struct pop3_maildrop pop3;
	struct source *sources; /* as pop3.messages */
	struct fetched *fetched;
	size_t n_fetched;
	bool busy; /* a job of it is under way */
};

/* One job for the store: it owns all it touches. */
struct work {
	struct store_job job; /* first, so that a job is its work */
	struct maildrop *m;   /* for done(); NULL: nobody waits */
	maildrop_done *done;
	void *arg;
	struct popd *popd;

	int64_t account, mailbox; /* reading */
	struct pop3_maildrop pop3;
	struct source *sources;

	char *login, *peer; /* writing */
	int64_t now_ms;
	uint32_t *uids; /* to be removed, rising */
	size_t n_uids;
	struct fetched *fetched;
	size_t n_fetched;
};

static void
work_free(struct work *w)
{
	free(w->pop3.messages);
	free(w->sources);
	free(w->login);
	free(w->peer);
	free(w->uids);
	free(w->fetched);
	free(w);
}

/* What the store read becomes the two narrow tables. */
static void
narrow(struct work *w, const struct message_row *rows, size_t n)
{
	w->pop3.n = n;
	w->pop3.messages = mem_new(n, sizeof(*w->pop3.messages));
	w->sources = mem_new(n, sizeof(*w->sources));
	for (size_t i = 0; i < n; i++) {
		w->pop3.messages[i] = (struct pop3_message){
		    .octets = rows[i].size,
		    .uidl = rows[i].pop3,
		    .uid = rows[i].uid};
		w->sources[i] = (struct source){rows[i].body, rows[i].trace};
	}
}

static int
run_read(struct db *db, struct store_job *job, struct fail *f)
{
	struct work *w = (struct work *)job;
	struct message_row *rows;
	struct mailbox box;
	size_t n;
	int found = mailbox_find(db, w->account, STR("INBOX"), &box, f);

	if (found == -1)
		return -1;
	if (found == 0)
		return fail(f, FAIL_TEMP, "account %lld has no INBOX",
		    (long long)w->account);
	w->mailbox = box.id;
	if (message_rows(db, box.id, 1, UINT32_MAX, SIZE_MAX, &rows, &n, f) ==
	    -1)
		return -1;
	narrow(w, rows, n);
	free(rows);
	return 0;
}

static void
done_read(struct store_job *job)
{
	struct work *w = (struct work *)job;

	w->m->busy = false;
	if (job->rc == 0) {
		w->m->mailbox = w->mailbox;
		w->m->pop3 = w->pop3;
		w->m->sources = w->sources;
		w->pop3.messages = NULL;
		w->sources = NULL;
	}
	w->done(w->arg, job->rc == 0 ? NULL : &job->fail);
	work_free(w);
}

struct maildrop *
maildrop_open(struct popd *popd, int64_t account, const char *login,
    const char *peer, maildrop_done *done, void *arg)
{
	struct maildrop *m;
	struct work *w;

	if (tally_count(&popd->maildrops, (uint64_t)account) > 0)
		return NULL;
	tally_add(&popd->maildrops, (uint64_t)account);
	m = MEM_NEW(struct maildrop);
	m->popd = popd;
	m->account = account;
	m->login = mem_dup(str_of(login));
	m->peer = mem_dup(str_of(peer));
	m->busy = true;
	w = MEM_NEW(struct work);
	w->job.run = run_read;
	w->job.done = done_read;
	w->m = m;
	w->done = done;
	w->arg = arg;
	w->account = account;
	store_read(popd->store, &w->job);
	return m;
}

struct pop3_maildrop *
maildrop_pop3(struct maildrop *m)
{
	return &m->pop3;
}

const char *
maildrop_login(const struct maildrop *m)
{
	return m->login;
}

int64_t
maildrop_body(const struct maildrop *m, size_t index)
{
	assert(index < m->pop3.n);
	return m->sources[index].body;
}

static int
run_write(struct db *db, struct store_job *job, struct fail *f)
{
	struct work *w = (struct work *)job;
	struct hop hop = {.daemon = HOP_POPD,
	    .kind = HOP_FETCHED,
	    .recipient = str_of(w->login),
	    .peer = str_of(w->peer),
	    .detail = STR("POP3")};
	size_t removed;
	int64_t modseq;

	for (size_t i = 0; i < w->n_fetched; i++) {
		hop.trace = w->fetched[i].trace;
		hop.at_ms = w->fetched[i].at_ms;
		if (hop_write(db, &hop, f) == -1)
			return -1;
	}
	if (w->n_uids == 0)
		return 0;
	hop.kind = HOP_DELETED;
	hop.trace = 0;
	hop.at_ms = w->now_ms;
	return message_expunge(db, w->mailbox, w->uids, w->n_uids, false, &hop,
	    NULL, &removed, &modseq, f);
}

static void
done_write(struct store_job *job)
{
	struct work *w = (struct work *)job;

	if (w->m != NULL)
		w->m->busy = false;
	if (job->rc == 0 && w->n_uids > 0)
		mailboxes_notice(w->popd->mailboxes, w->mailbox);
	if (w->done != NULL)
		w->done(w->arg, job->rc == 0 ? NULL : &job->fail);
	else if (job->rc == -1)
		log_warn(&w->popd->log, "hops of %s are not written: %s",
		    w->login, job->fail.text);
	work_free(w);
}

/* A job that writes what has gathered. */
static struct work *
write_work(struct maildrop *m)
{
	struct work *w = MEM_NEW(struct work);

	w->job.run = run_write;
	w->job.done = done_write;
	w->popd = m->popd;
	w->mailbox = m->mailbox;
	w->login = mem_dup(str_of(m->login));
	w->peer = mem_dup(str_of(m->peer));
	w->now_ms = clock_wall_ms(m->popd->clock);
	w->fetched = m->fetched;
	w->n_fetched = m->n_fetched;
	m->fetched = NULL;
	m->n_fetched = 0;
	return w;
}

static void
submit(struct maildrop *m, struct work *w)
{
	w->job.weight = (w->n_fetched + w->n_uids) * HOP_WEIGHT;
	store_write(m->popd->store, &w->job);
}

void
maildrop_fetched(struct maildrop *m, size_t index)
{
	struct pop3_message *message = &m->pop3.messages[index];

	if (message->fetched)
		return;
	message->fetched = true;
	m->fetched = mem_grow(
	    m->fetched, m->n_fetched + 1, sizeof(*m->fetched));
	m->fetched[m->n_fetched++] = (struct fetched){
	    m->sources[index].trace, clock_wall_ms(m->popd->clock)};
	if (m->n_fetched == FETCHED_MAX)
		submit(m, write_work(m));
}

bool
maildrop_save(struct maildrop *m, maildrop_done *done, void *arg)
{
	struct work *w;
	size_t n = 0;

	assert(!m->busy);
	for (size_t i = 0; i < m->pop3.n; i++)
		n += m->pop3.messages[i].deleted;
	if (n == 0)
		return false;
	w = write_work(m);
	w->uids = mem_new(n, sizeof(*w->uids));
	for (size_t i = 0; i < m->pop3.n; i++)
		if (m->pop3.messages[i].deleted)
			w->uids[w->n_uids++] = m->pop3.messages[i].uid;
	m->busy = true;
	w->m = m;
	w->done = done;
	w->arg = arg;
	submit(m, w);
	return true;
}

void
maildrop_free(struct maildrop *m)
{
	if (m == NULL)
		return;
	assert(!m->busy);
	if (m->n_fetched > 0)
		submit(m, write_work(m));
	tally_drop(&m->popd->maildrops, (uint64_t)m->account);
	free(m->login);
	free(m->peer);
	free(m->pop3.messages);
	free(m->sources);
	free(m->fetched);
	free(m);
}
