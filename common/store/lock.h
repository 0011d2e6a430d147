/* SPDX-License-Identifier: MIT */
/*
 * lock: the one lock that commits and checkpoints of all processes hold; of
 * search.db another, so that its index is never in the way of mail.
 *
 * flock() through a turnstile: take A, take B, give A back, so that waiters
 * are served in turn.  The kernel gives it back when a process dies.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include "common/util/fail.h"

struct lock;

/* The lock called name of the store in dir (files NAME.a and NAME.b).  Each
 * struct lock excludes every other of its name, also within one process. */
struct lock *lock_new(const char *dir, const char *name, struct fail *f);
int lock_take(struct lock *l, struct fail *f);
void lock_give(struct lock *l);
void lock_free(struct lock *l);

#endif
