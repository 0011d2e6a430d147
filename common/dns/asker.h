/* SPDX-License-Identifier: MIT */
/*
 * asker: answers the questions of policy/facts.h from a cache and from the
 * resolver, within a time.
 *
 * The cache belongs to the process: at most ASKER_CACHE_MAX answers and
 * ASKER_CACHE_BYTES octets, the least recently used out first; keyed with a
 * random key, so that nobody outside can make its chains long.  Answers live
 * for their TTL, at most an hour, failures (TEMPFAIL) 5 s, "no such" 5 s to 5
 * min.
 */
#ifndef DNS_ASKER_H
#define DNS_ASKER_H

#include "common/dns/resolver.h"
#include "common/policy/facts.h"
#include "common/util/clock.h"

#define ASKER_CACHE_MAX   20000
#define ASKER_CACHE_BYTES (16 * 1024 * 1024)

struct asker;

struct asker *asker_new(
    struct loop *l, struct resolver *r, const struct clock *clock);
void asker_free(struct asker *a); /* no inquiry may be open */

/* The process ends: every inquiry, now and later, is given up; who waits is
 * resumed. */
void asker_stop(struct asker *a);

/* Answers for one set of facts.  resume is called on the loop when all that
 * was wanted has been answered (so the checks can be called again), never from
 * within these functions. */
struct inquiry;
typedef void inquiry_resume(void *arg);
struct inquiry *inquiry_new(
    struct asker *a, struct facts *f, inquiry_resume *resume, void *arg);

/* Ask what is wanted.  True: all of it was in the cache and is answered, go on
 * at once; false: resume will be called. */
bool inquiry_ask(struct inquiry *q);

/* At most this long in all from now on, counted while answers are awaited: then
 * facts_give_up() and resume. */
void inquiry_deadline(struct inquiry *q, int64_t ms);

/* Open questions are dropped; resume is not called any more. */
void inquiry_free(struct inquiry *q);

#endif
