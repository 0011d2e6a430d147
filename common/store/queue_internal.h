/* SPDX-License-Identifier: MIT */
/* queue_internal: what the files of the queue share. */
#ifndef STORE_QUEUE_INTERNAL_H
#define STORE_QUEUE_INTERNAL_H

#include "common/store/dsn_report.h"
#include "common/store/queue.h"

struct queue_recipient {
	int64_t trace, n;
	struct str address, original; /* original may be empty */
	int64_t next_ms;
	unsigned notify;
	struct str original_recipient; /* may be empty */
};

/* One more recipient of a message that is in the queue.  FAIL_PERM for an
 * address nobody can be sent mail at. */
int queue_add(struct db *db, const struct queue_recipient *r, struct fail *f);

/* The entry of one recipient, or none. */
int queue_read_one(struct db *db, int64_t trace, int64_t n,
    struct queue_list *out, struct fail *f);

/* A report row for a recipient that is still there, if that was asked for. */
int queue_report(struct db *db, const struct queue_outcome *o,
    enum dsn_report_action action, struct fail *f);

/* Remove a recipient; the last one takes the queue row along. */
int queue_take_out(struct db *db, int64_t trace, int64_t n, struct fail *f);

#endif
