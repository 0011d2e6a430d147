/* SPDX-License-Identifier: MIT */
/*
 * relay_report: good news on its way to those who asked for it: rows of
 * store/dsn_report.h become DSNs, a message at a time; the DSN is delivered and
 * its rows go in one transaction.
 */
#ifndef MAILD_RELAY_RELAY_REPORT_H
#define MAILD_RELAY_RELAY_REPORT_H

#include "maild/relay/relay.h"

struct relay_report;

/* deps are copied.  queued is called when a DSN was put into the queue. */
struct relay_report *relay_report_new(
    const struct relay_deps *deps, void (*queued)(void *arg), void *arg);

/* There may be rows. */
void relay_report_kick(struct relay_report *r);

/* Begin nothing more. */
void relay_report_stop(struct relay_report *r);
void relay_report_free(struct relay_report *r);

#endif
