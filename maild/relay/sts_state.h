/* SPDX-License-Identifier: MIT */
/*
 * sts_state: what the files of sts share; nobody else's.
 *
 *	sts.c		questions and answers, the record, the policy
 *	sts_entries.c	what is in memory
 */
#ifndef MAILD_RELAY_STS_STATE_H
#define MAILD_RELAY_STS_STATE_H

#include <uthash.h>

#include "common/util/buf.h"
#include "maild/relay/sts.h"
#include "maild/relay/tls_results.h"
#include "maild/relay/web.h"

#define STS_NAME_MAX 253
#define STS_WHY_MAX  300

struct sts_question {
	struct sts_question *next, **self;
	bool patient; /* waits for a policy that is fresh */
	sts_found *found;
	void *arg; /* borrowed */
};

enum sts_stage {
	STS_IDLE,
	STS_LOADING,  /* from the store */
	STS_ASKING,   /* the TXT record */
	STS_FETCHING, /* the policy */
};

struct sts_entry {
	char domain[STS_NAME_MAX + 1];
	UT_hash_handle hh;
	struct sts *sts; /* borrowed */
	struct sts_question *questions;
	enum sts_stage stage;
	bool loaded;
	bool unread;   /* loading failed: the answer is `unknown' */
	bool aside;    /* STS_FETCHING, and only the patient wait for it */
	uint64_t soon; /* the round of the timer that answers questions, or 0 */
	int pinned;    /* answers are given */
	struct resolver_query *query;
	struct web_question *fetch;
	char new_id[MTASTS_ID_MAX]; /* that is fetched */

	/* the policy; none if expires_ms is 0 */
	char id[MTASTS_ID_MAX];
	struct buf text;
	int64_t fetched_ms, expires_ms, used_ms;

	int64_t failed_ms; /* 0: the last fetch did not fail */
	enum tls_result failure;
	char why[STS_WHY_MAX];
};

struct sts {
	struct relay_deps deps;
	struct sts_entry *entries; /* least recently used first */
	size_t octets;             /* of their texts */
	struct timer *soon;
	uint64_t round; /* of answers given by it */
	bool stopping;
};

int64_t sts_now_ms(const struct sts *s);

/* The entry of a domain, made if it has none; the most recently used one then.
 * What is at rest makes room for it. */
struct sts_entry *sts_entry_find(struct sts *s, struct str domain);
void sts_entry_drop(struct sts_entry *e);

void sts_entry_set_text(struct sts_entry *e, struct str text);
bool sts_entry_has_policy(const struct sts_entry *e);
bool sts_entry_has_failed_lately(const struct sts_entry *e);

/* Questions are in one list each. */
void sts_question_link(struct sts_question *q, struct sts_question **list);
void sts_question_unlink(struct sts_question *q);
void sts_question_drop(struct sts_question *q);

#endif
