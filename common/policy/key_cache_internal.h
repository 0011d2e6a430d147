/* SPDX-License-Identifier: MIT */
/* key_cache_internal: what tests look at; nobody else. */
#ifndef POLICY_KEY_CACHE_INTERNAL_H
#define POLICY_KEY_CACHE_INTERNAL_H

#include <stdint.h>

#include "common/policy/key_cache.h"

/* How often one was there. */
uint64_t key_cache_hits(struct key_cache *c);

#endif
