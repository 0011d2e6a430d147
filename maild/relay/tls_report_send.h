/* SPDX-License-Identifier: MIT */
/* tls_report_send: one report on its way to one domain. */
#ifndef MAILD_RELAY_TLS_REPORT_SEND_H
#define MAILD_RELAY_TLS_REPORT_SEND_H

#include "common/store/tls_result.h"
#include "maild/relay/relay.h"

/* What was counted of a domain on a day, as tls_result_next() found it. */
struct tls_report_task {
	int64_t day;
	char domain[TLS_RESULT_DOMAIN_MAX];
	char submitter[TLS_RESULT_DOMAIN_MAX]; /* domain of ours */
	struct tls_result_list results;
	bool last_try; /* what cannot be told now is forgotten */
};

struct tls_report_send;

/* It is over, whatever became of it; queued: there is mail for the relay. */
typedef void tls_report_sent(void *arg, bool told, bool queued);

/* deps and task are borrowed until then.  sent is called once, never before
 * this returned; s is gone after it. */
struct tls_report_send *tls_report_send(const struct relay_deps *deps,
    const struct tls_report_task *task, tls_report_sent *sent, void *arg);

/* Ask nobody any more: sent is called by a job that runs, or never. */
void tls_report_send_stop(struct tls_report_send *s);

/* After the store is closed and the workers are gone. */
void tls_report_send_free(struct tls_report_send *s);

#endif
