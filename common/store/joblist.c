/* SPDX-License-Identifier: MIT */
#include "common/store/joblist.h"

void
joblist_init(struct joblist *l)
{
	*l = (struct joblist){.end = &l->first};
}

void
joblist_add(struct joblist *l, struct store_job *job)
{
	job->next = NULL;
	*l->end = job;
	l->end = &job->next;
	l->n++;
}

struct store_job *
joblist_take(struct joblist *l)
{
	struct store_job *job = l->first;

	if (job == NULL)
		return NULL;
	l->first = job->next;
	if (l->first == NULL)
		l->end = &l->first;
	l->n--;
	return job;
}
