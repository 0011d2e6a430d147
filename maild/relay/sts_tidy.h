/* SPDX-License-Identifier: MIT */
/* sts_tidy: every hour, policies that have expired are forgotten, and those in
 * use are fetched anew before they do (RFC 8461 s3.3, s10). */
#ifndef MAILD_RELAY_STS_TIDY_H
#define MAILD_RELAY_STS_TIDY_H

#include "maild/relay/sts.h"

struct sts_tidy;

/* deps are copied; deps->sts is the one.  The first round begins in first_ms.
 */
struct sts_tidy *sts_tidy_new(const struct relay_deps *deps, int64_t first_ms);
void sts_tidy_stop(struct sts_tidy *t);

/* After the store is closed, before the sts is freed. */
void sts_tidy_free(struct sts_tidy *t);

#endif
