/* SPDX-License-Identifier: MIT */
/*
 * srs: return paths of mail we forward (Sender Rewriting Scheme): it leaves
 * with an address of ours, or SPF of the sender's domain would fail it, and a
 *bounce to that address finds its way back.  Pure.
 *
 *	ann@a.example -> SRS0=HHHHHHHH=TT=a.example=ann@d.test
 *	SRS0=..@b.example -> SRS1=HHHHHHHH=b.example==..@d.test
 *
 * The hash (HMAC-SHA-256 with our secret, cut to 40 bits in base 32, so that no
 * case matters) keeps strangers from relaying through us; the day (base 32)
 *lets an address live SRS_DAYS.
 */
#ifndef POLICY_SRS_H
#define POLICY_SRS_H

#include "common/util/buf.h"

#define SRS_DAYS       21
#define SRS_SECRET_LEN 32

/* Append the address to be used for sender (local@domain).  Its local part may
 * well have over 64 octets: all know SRS, and who receives a bounce for it must
 * too.  False: it would have over 254 in all; then the null path is the only
 * right one. */
bool srs_forward(const uint8_t secret[SRS_SECRET_LEN], struct str sender,
    struct str domain, int64_t now_s, struct buf *out);

enum srs_result {
	SRS_OTHER, /* no such address */
	SRS_GOOD,  /* out has where a bounce goes */
	SRS_BAD,   /* forged, damaged or too old */
};
enum srs_result srs_reverse(const uint8_t secret[SRS_SECRET_LEN],
    struct str address, int64_t now_s, struct buf *out);

#endif
