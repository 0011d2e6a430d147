/* SPDX-License-Identifier: MIT */
#include "smtpd/sender.h"

#include <stdlib.h>

#include "common/mime/addr.h"
#include "common/store/account.h"
#include "common/util/mem.h"

struct question {
	struct store_job job; /* first: done() casts back */
	const struct log *log;
	int64_t account;
	struct buf address; /* folded */
	int owns;
	sender_judged *fn;
	void *arg;
};

static int
look(struct db *db, struct store_job *job, struct fail *f)
{
	struct question *q = (struct question *)job;

	q->owns = account_owns(db, q->account, buf_str(&q->address), f);
	return q->owns == -1 ? -1 : 0;
}

static void
looked(struct store_job *job)
{
	struct question *q = (struct question *)job;
	enum smtp_reply r = REPLY_SENDER_OK;

	if (job->rc == -1) {
		log_error(q->log, "sender: %s", job->fail.text);
		r = REPLY_TRY_LATER;
	} else if (q->owns == 0) {
		r = REPLY_NOT_YOUR_SENDER;
	}
	q->fn(q->arg, r);
	buf_release(&q->address);
	free(q);
}

void
sender_judge(struct smtpd *d, int64_t account, const char *login,
    struct str address, sender_judged *fn, void *arg)
{
	struct question *q;
	struct buf folded;
	bool good, same;

	buf_init(&folded, ADDR_MAX);
	good = addr_fold(address, &folded);
	same = good && str_eq(buf_str(&folded), str_of(login));
	if (!good || same) {
		buf_release(&folded);
		fn(arg, same ? REPLY_SENDER_OK : REPLY_NOT_YOUR_SENDER);
		return;
	}
	q = MEM_NEW(struct question);
	q->job.run = look;
	q->job.done = looked;
	q->log = &d->log;
	q->account = account;
	q->address = folded;
	q->fn = fn;
	q->arg = arg;
	store_read(d->store, &q->job);
}

int
sender_owns(struct db *db, int64_t account, struct str login,
    struct str address, struct fail *f)
{
	struct buf folded;
	int owns = 0;

	buf_init(&folded, ADDR_MAX);
	if (addr_fold(address, &folded))
		owns = str_eq(buf_str(&folded), login)
		           ? 1
		           : account_owns(db, account, buf_str(&folded), f);
	buf_release(&folded);
	return owns;
}
