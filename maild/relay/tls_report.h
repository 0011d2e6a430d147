/* SPDX-License-Identifier: MIT */
/*
 * tls_report: once a day, what tls_results has counted is told to the domains
 * that ask for it (RFC 8460).
 *
 *	day over (UTC), and a while -> for each domain of it:
 *	    TXT _smtp._tls.DOMAIN --none--> forgotten
 *	        \-> https: POST; mailto: a message, delivered in the transaction
 *	            that forgets what it tells: exactly one
 *
 * What cannot be told goes on being tried until a day after the first try
 * (s5.5), or, if maild is started again meanwhile, after that; a try that fails
 * then is the last, and what it would have told is forgotten.
 */
#ifndef MAILD_RELAY_TLS_REPORT_H
#define MAILD_RELAY_TLS_REPORT_H

#include "maild/relay/relay.h"

struct tls_report;

/* deps are copied.  queued is called when a report was put into the queue. */
struct tls_report *tls_report_new(
    const struct relay_deps *deps, void (*queued)(void *arg), void *arg);

/* Begin nothing more. */
void tls_report_stop(struct tls_report *r);

/* After the store is closed. */
void tls_report_free(struct tls_report *r);

#endif
