/* SPDX-License-Identifier: MIT */
/* relay_count: metrics, where there are any: unit tests have none. */
#ifndef MAILD_RELAY_RELAY_COUNT_H
#define MAILD_RELAY_RELAY_COUNT_H

#include "maild/metrics.h"
#include "maild/relay/relay.h"

static inline void
relay_count_many(const struct relay_deps *deps, enum metric what, uint64_t n)
{
	if (deps->metrics != NULL)
		metrics_add(deps->metrics, what, n);
}

static inline void
relay_count(const struct relay_deps *deps, enum metric what)
{
	relay_count_many(deps, what, 1);
}

#endif
