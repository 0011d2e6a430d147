/* SPDX-License-Identifier: MIT */
/*
 * lock: the one lock that commits and checkpoints of all processes hold.
 *
 * flock() through a turnstile: take A, take B, give A back, so that waiters
 * are served in turn.  The kernel gives it back when a process dies.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include "common/util/fail.h"

struct lock;

/* The locks of the store in dir (files lock.a and lock.b).  Each struct lock
 * excludes every other, also within one process. */
struct lock *lock_new(const char *dir, struct fail *f);
int lock_take(struct lock *l, struct fail *f);
void lock_give(struct lock *l);
void lock_free(struct lock *l);

#endif
