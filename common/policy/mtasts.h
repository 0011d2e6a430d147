/* SPDX-License-Identifier: MIT */
/* mtasts: records and policies of MTA-STS (RFC 8461), pure. */
#ifndef POLICY_MTASTS_H
#define POLICY_MTASTS_H

#include "common/util/str.h"

#define MTASTS_TEXT_MAX (64 * 1024) /* RFC 8461 s3.3 */
#define MTASTS_MX_MAX   100
#define MTASTS_ID_MAX   33       /* with NUL: s3.1 */
#define MTASTS_AGE_MAX  31557600 /* s3.2: seconds */

enum mtasts_mode {
	MTASTS_NONE,
	MTASTS_TESTING,
	MTASTS_ENFORCE,
};

struct mtasts_policy {
	enum mtasts_mode mode;
	uint32_t max_age_s;
	size_t n;                     /* patterns */
	struct str mx[MTASTS_MX_MAX]; /* borrowed from the text */
};

/* The id in the TXT records of "_mta-sts.DOMAIN".  False: no policy is
 * published: none, several, or a malformed one (s3.1). */
bool mtasts_record_id(
    const struct str *records, size_t n, char id[MTASTS_ID_MAX]);

/* A policy's text.  False: malformed, why says how in a few words. */
bool mtasts_policy_parse(
    struct str text, struct mtasts_policy *out, const char **why);

/* Is this MX host (A-label, lower case) one of the policy's?  s4.1 */
bool mtasts_matches(const struct mtasts_policy *p, struct str host);

#endif
