/* SPDX-License-Identifier: MIT */
/*
 * sweep_pause: while somebody holds it, no body of the store is swept, so that
 * every object file named at one moment stays there to be copied.
 *
 * It is a shared flock() on the file sweep.pause in the store's directory: the
 * kernel gives it back when its holder dies.  Begun under the store's lock, as
 * sweeping is, it excludes a sweep that is under way.
 */
#ifndef STORE_SWEEP_PAUSE_H
#define STORE_SWEEP_PAUSE_H

#include "common/util/fail.h"

/* Under the lock.  A descriptor whose closing ends the pause, or -1. */
int sweep_pause_begin(const char *store, struct fail *f);

/* Under the lock: does anybody hold it?  1, 0, or -1: it cannot be told, and
 * then nothing may be swept. */
int sweep_pause_look(const char *store, struct fail *f);

#endif
