/* SPDX-License-Identifier: MIT */
/*
 * report: what was found out about a message, as it is kept for `mailctl
 * explain': one line for each check.  Pure.
 *
 *	check TAB result TAB inputs TAB why TAB setting LF
 *
 * E.g. "spf", "pass", "ip=192.0.2.1 mailfrom=d.test", "ip4:192.0.2.0/24
 *matched",
 * "".  The last line is check "decision": result accept, junk, defer, refuse or
 * greylist; why is what the peer was told; setting the one that decided
 * ("policy.dmarc_reject=yes").
 */
#ifndef POLICY_REPORT_H
#define POLICY_REPORT_H

#include "common/util/buf.h"

#define REPORT_MAX (16 * 1024)

/* Append a line; controls in what a peer said become '?', each column is cut at
 * 500 octets. */
void report_add(struct buf *out, const char *check, const char *result,
    struct str inputs, struct str why, const char *setting);

struct report_line {
	struct str check, result, inputs, why, setting;
};

/* The next line of *text.  False at the end. */
bool report_next(struct str *text, struct report_line *out);

/* "spf=pass dkim=pass dmarc=pass": for a hop or the log, at most size - 1
 * octets. */
void report_summary(struct str text, char *out, size_t size);

#endif
