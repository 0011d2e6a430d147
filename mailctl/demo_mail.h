/* SPDX-License-Identifier: MIT */
/*
 * demo_mail: what Bob writes to Alice, and whether she has it as he wrote it.
 */
#ifndef MAILCTL_DEMO_MAIL_H
#define MAILCTL_DEMO_MAIL_H

#include <stdint.h>

#include "common/util/buf.h"

/* A message as a user agent makes it: UTF-8, two parts, lines that begin with
 * dots, trailing spaces, and a Bcc field naming bcc. */
void demo_mail_write(struct buf *out, int64_t now_ms, struct str from,
    struct str to, struct str bcc);

struct demo_mail_verdict {
	bool exact;          /* every octet, but for the Bcc field */
	bool bcc_hidden;     /* no Bcc field, and bcc nowhere to be read */
	size_t octets;       /* compared */
	size_t trace_fields; /* Received, signatures and the like before them */
	char problem[200];   /* when not exact */
};

/* Compare what was fetched with what was submitted. */
struct demo_mail_verdict demo_mail_compare(
    struct str submitted, struct str fetched, struct str bcc);

#endif
