/* SPDX-License-Identifier: MIT */
/*
 * allowance_notice: telling an account in its INBOX, in plain words, that it
 * was stopped from sending (store/allowance.h), once a day.
 */
#ifndef SMTPD_ALLOWANCE_NOTICE_H
#define SMTPD_ALLOWANCE_NOTICE_H

#include "common/store/allowance.h"
#include "smtpd/smtpd.h"

/* What the owner may send, by the settings. */
struct allowance_law allowance_law_of(const struct conf *conf);

/* "more than 200 messages in an hour", for replies and the notice. */
void allowance_words(
    const struct conf *conf, enum allowance_result r, struct buf *out);

/* Begins; the store does it.  r: not OK; login is copied. */
void allowance_notice_send(struct smtpd *d, int64_t account, const char *login,
    enum allowance_result r);

#endif
