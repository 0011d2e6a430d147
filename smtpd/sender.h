/* SPDX-License-Identifier: MIT */
/*
 * sender: may this account send as this address?  (RFC 6409 s6.1: the
 * envelope sender belongs to who logged in.)
 */
#ifndef SMTPD_SENDER_H
#define SMTPD_SENDER_H

#include "smtpd/proto/smtp_reply.h"
#include "smtpd/smtpd.h"

/* On the loop, perhaps from within sender_judge(). */
typedef void sender_judged(void *arg, enum smtp_reply r);

/* address is local@domain as in MAIL. */
void sender_judge(struct smtpd *d, int64_t account, const char *login,
    struct str address, sender_judged *fn, void *arg);

/* The same within a job of the store, for an address out of the header:
 * 1 theirs, 0 not, -1 failure. */
int sender_owns(struct db *db, int64_t account, struct str login,
    struct str address, struct fail *f);

#endif
