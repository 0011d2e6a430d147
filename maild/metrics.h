/* SPDX-License-Identifier: MIT */
/*
 * metrics: what maild counts, for Prometheus (text format 0.0.4).
 *
 * M(NAME, "name", "Help.") are counters, which only rise; gauges are read from
 * the store when somebody asks.
 */
#ifndef MAILD_METRICS_H
#define MAILD_METRICS_H

#include <stdint.h>

#include "common/util/buf.h"

#define METRICS(M)                                                             \
	M(RELAYED, "relay_relayed_total", "Recipients other servers took.")    \
	M(DEFERRED, "relay_deferred_total", "Attempts to be repeated.")        \
	M(FAILED, "relay_failed_total", "Recipients given up.")                \
	M(CONNECTIONS, "relay_connections_total", "Connections begun.")        \
	M(UNREACHABLE, "relay_unreachable_total",                              \
	    "Connections that did not come about.")                            \
	M(TLS, "relay_tls_total", "Connections under TLS.")                    \
	M(VERIFIED, "relay_verified_total",                                    \
	    "Connections whose certificate a policy asked for, and was "       \
	    "right.")                                                          \
	M(TLS_REFUSED, "relay_tls_refused_total",                              \
	    "Connections given up since a TLS policy could not be met.")       \
	M(DSNS, "dsn_total", "Reports written to senders.")                    \
	M(LOGINS, "auth_logins_total", "Logins that were good.")               \
	M(LOGIN_FAILURES, "auth_failures_total", "Logins that failed.")

enum metric {
#define M(name, word, help) METRIC_##name,
	METRICS(M)
#undef M
	N_METRICS
};

struct metrics {
	uint64_t n[N_METRICS]; /* the loop's own */
};

static inline void
metrics_add(struct metrics *m, enum metric what, uint64_t n)
{
	m->n[what] += n;
}

/* Room that metrics_print() never exceeds. */
#define METRICS_ROOM (8 * KB)

/* Append all counters. */
void metrics_print(const struct metrics *m, struct buf *out);

#endif
