/* SPDX-License-Identifier: MIT */
/*
 * greylisting: asking an unknown server to come again (RFC 6647), at RCPT.
 *
 * Only who has no name that leads back to it, no SPF pass, and no history with
 * us: nobody here wrote to the sender, its reputation is not good.
 */
#ifndef SMTPD_GREYLIST_H
#define SMTPD_GREYLIST_H

#include "common/policy/spf.h"
#include "smtpd/guard.h"

/* Could the visit be asked to, by what is known of where it comes from?  After
 * visit_await(). */
bool greylist_applies(const struct visit *v);

/* fn is called once, on the loop, perhaps from within: REPLY_RECIPIENT_OK,
 * REPLY_GREYLISTED, or REPLY_TRY_LATER when the store could not say.  sender
 * and recipient are as in MAIL and RCPT. */
typedef void greylist_judged(void *arg, enum smtp_reply r);

void greylist_judge(struct visit *v, enum spf_result spf, struct str sender,
    struct str recipient, greylist_judged *fn, void *arg);

#endif
