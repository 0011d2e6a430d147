/* SPDX-License-Identifier: MIT */
/* relay_report_internal: what tests look at; nobody else. */
#ifndef MAILD_RELAY_RELAY_REPORT_INTERNAL_H
#define MAILD_RELAY_RELAY_REPORT_INTERNAL_H

#include "maild/relay/relay_report.h"

/* Is nothing under way? */
bool relay_report_is_idle(const struct relay_report *r);

#endif
