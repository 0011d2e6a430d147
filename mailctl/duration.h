/* SPDX-License-Identifier: MIT */
/* duration: how long something lasts, as people write it. */
#ifndef MAILCTL_DURATION_H
#define MAILCTL_DURATION_H

#include "common/util/str.h"

#define DURATION_FORM "a time like 90s, 5m, 4h or 5d"

/* "250ms", "90s", "5m", "4h", "5d" in ms.  False if it is none. */
bool duration_parse(struct str text, int64_t *ms);

#endif
