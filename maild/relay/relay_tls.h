/* SPDX-License-Identifier: MIT */
/*
 * relay_tls: what is known of how safe other servers must be, and what they are
 * told of how safe they were: MTA-STS policies, counts, reports.
 */
#ifndef MAILD_RELAY_RELAY_TLS_H
#define MAILD_RELAY_RELAY_TLS_H

#include "maild/relay/relay.h"

struct relay_tls;

/* As the configuration says; sets https, sts and results of deps.  queued: a
 * report was put into the queue. */
struct relay_tls *relay_tls_new(struct relay_deps *deps,
    void (*queued)(void *arg), void *arg, struct fail *f);

/* Begin nothing more, and the counts into the store: before it is closed. */
void relay_tls_stop(struct relay_tls *t);

/* After the store is closed, the workers are gone and the relay is freed. */
void relay_tls_free(struct relay_tls *t);

#endif
