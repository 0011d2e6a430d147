/* SPDX-License-Identifier: MIT */
#include "maild/metrics.h"

void
metrics_print(const struct metrics *m, struct buf *out)
{
	static const struct {
		const char *name, *help;
	} rows[] = {
#define M(name, word, help) [METRIC_##name] = {(word), (help)},
	    METRICS(M)
#undef M
	};

	for (size_t i = 0; i < N_METRICS; i++)
		buf_addf(out,
		    "# HELP pennypost_%s %s\n# TYPE pennypost_%s counter\n"
		    "pennypost_%s %llu\n",
		    rows[i].name, rows[i].help, rows[i].name, rows[i].name,
		    (unsigned long long)m->n[i]);
}
