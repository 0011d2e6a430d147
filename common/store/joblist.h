/* SPDX-License-Identifier: MIT */
/* joblist: jobs that wait, first in, first out; borrowed from who submitted. */
#ifndef STORE_JOBLIST_H
#define STORE_JOBLIST_H

#include "common/store/store.h"

struct joblist {
	struct store_job *first, **end;
	size_t n;
};

void joblist_init(struct joblist *l);
void joblist_add(struct joblist *l, struct store_job *job);

/* The first, NULL if there is none. */
struct store_job *joblist_take(struct joblist *l);

#endif
