/* SPDX-License-Identifier: MIT */
/* date: dates as mail writes them (RFC 5322 s3.3), pure. */
#ifndef MIME_DATE_H
#define MIME_DATE_H

#include <stdint.h>

#include "common/util/str.h"

#define DATE_TEXT_MAX 40

/* "Sun, 22 Nov 2026 10:00:00 +0000" (UTC), NUL-terminated. */
const char *date_text(int64_t unix_s, char out[DATE_TEXT_MAX]);

/* "2026-11-22T10:00:00Z" */
const char *date_iso(int64_t unix_s, char out[DATE_TEXT_MAX]);

/* A Date field's value, obsolete forms included.  False if it is none. */
bool date_parse(struct str value, int64_t *unix_s);

/* What can be made of one for sorting and searching: a zone that cannot be read
 * is UTC, a time 00:00:00 (RFC 5256 s2.2), what follows is passed over.  *day:
 * the date it names, in days since 1970, whatever time and zone.  False if
 * there is no date. */
bool date_sent(struct str value, int64_t *unix_s, int64_t *day);

#endif
