/* SPDX-License-Identifier: MIT */
/* smtp_moment: HOLDUNTIL's date and time (RFC 4865 s3, RFC 3339 s5.6), pure. */
#ifndef SMTPD_PROTO_SMTP_MOMENT_H
#define SMTPD_PROTO_SMTP_MOMENT_H

#include "common/util/str.h"

/* "2026-11-22T10:00:00Z", in UTC only, perhaps with a fraction, which is passed
 * over.  False if it is none, or before 1970. */
bool smtp_moment_parse(struct str value, int64_t *unix_s);

#endif
