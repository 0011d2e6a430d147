/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_tls.h"

#include <stdlib.h>

#include "common/net/https.h"
#include "common/util/mem.h"
#include "maild/relay/sts.h"
#include "maild/relay/sts_tidy.h"
#include "maild/relay/tls_report.h"
#include "maild/relay/tls_results.h"

#define TIDY_FIRST_MS (60 * 1000) /* others have more to do at start */

struct relay_tls {
	struct https *https;
	struct sts *sts;
	struct sts_tidy *tidy;
	struct tls_results *results;
	struct tls_report *report;
};

struct relay_tls *
relay_tls_new(struct relay_deps *deps, void (*queued)(void *arg), void *arg,
    struct fail *f)
{
	const struct conf *conf = deps->conf;
	const char *trust = conf->relay_trust[0] != '\0' ? conf->relay_trust
	                                                 : NULL;
	struct relay_tls *t = MEM_NEW(struct relay_tls);

	deps->https = t->https = https_new(deps->loop, trust, f);
	if (t->https == NULL) {
		free(t);
		return NULL;
	}
	https_clock(t->https, deps->clock);
	if (conf->relay_tls_reports) {
		deps->results = t->results = tls_results_new(deps);
		t->report = tls_report_new(deps, queued, arg);
	}
	if (conf->relay_mta_sts) {
		deps->sts = t->sts = sts_new(deps);
		t->tidy = sts_tidy_new(deps, TIDY_FIRST_MS);
	}
	return t;
}

void
relay_tls_stop(struct relay_tls *t)
{
	if (t == NULL)
		return;
	sts_tidy_stop(t->tidy);
	if (t->sts != NULL)
		sts_stop(t->sts);
	tls_report_stop(t->report);
	tls_results_stop(t->results);
}

void
relay_tls_free(struct relay_tls *t)
{
	if (t == NULL)
		return;
	tls_report_free(t->report);
	sts_tidy_free(t->tidy);
	sts_free(t->sts);
	tls_results_free(t->results);
	https_free(t->https);
	free(t);
}
