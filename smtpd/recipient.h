/* SPDX-License-Identifier: MIT */
/*
 * recipient: where mail for an address goes, or why it does not, told at
 * RCPT so that no bounce is needed later.
 */
#ifndef SMTPD_RECIPIENT_H
#define SMTPD_RECIPIENT_H

#include "common/store/route.h"
#include "smtpd/proto/smtp_path.h"
#include "smtpd/proto/smtp_reply.h"
#include "smtpd/smtpd.h"

struct recipient_question {
	const struct smtp_path *path; /* copied */
	bool may_relay;               /* who asks has logged in */
	bool null_sender; /* MAIL FROM:<>: SRS addresses of ours lead
	                   * back to who they were made for */
	uint64_t size;    /* octets announced */
};

/* On the loop.  With REPLY_RECIPIENT_OK route tells where; it is valid during
 * the call; address is what RCPT said. */
typedef void recipient_judged(void *arg, enum smtp_reply r,
    const struct route *route, struct str address);

void recipient_judge(struct smtpd *d, const struct recipient_question *q,
    recipient_judged *fn, void *arg);

#endif
