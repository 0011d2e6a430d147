/* SPDX-License-Identifier: MIT */
/*
 * owner: who may open auth.db and speak for the store: maild while it runs,
 * otherwise the one mailctl that got here first.
 *
 * It is a flock() on the file maild.lock in the store's directory, which the
 * kernel gives back when its holder dies.
 */
#ifndef CONTROL_OWNER_H
#define CONTROL_OWNER_H

#include <stdint.h>

#include "common/util/fail.h"

/* Become the owner, waiting up to wait_ms.  The directory is made if it is
 * missing.  Returns a descriptor whose closing ends the ownership, or -1:
 * FAIL_TEMP somebody else is, FAIL_PERM it cannot be had. */
int owner_take(const char *store_dir, int64_t wait_ms, struct fail *f);

#endif
