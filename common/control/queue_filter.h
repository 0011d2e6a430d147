/* SPDX-License-Identifier: MIT */
/* queue_filter: which recipients a command of the queue is about. */
#ifndef CONTROL_QUEUE_FILTER_H
#define CONTROL_QUEUE_FILTER_H

#include "common/control/call.h"
#include "common/store/queue.h"

/* The first arguments of such a command. */
enum {
	FILTER_DOMAIN,
	FILTER_SENDER,
	FILTER_RECIPIENT,
	FILTER_STATE,
	FILTER_OLDER, /* ms */
	FILTER_NEWER,
	FILTER_ARGS,
};

/* Read them; the filter borrows from call.  Folds a domain in place. */
int queue_filter_read(
    struct call *call, struct queue_filter *out, struct fail *f);

/* Was any given? */
bool queue_filter_is_given(const struct call *call);

/* A destination as queue.h keys it, folded in place: a domain, "[192.0.2.1]",
 * "=host:port". */
int queue_filter_fold(struct buf *destination, struct fail *f);

const char *queue_state_word(enum queue_state state);

#endif
