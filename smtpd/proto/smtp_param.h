/* SPDX-License-Identifier: MIT */
/*
 * smtp_param: what may follow the path in MAIL and RCPT (RFC 5321 s4.1.2:
 * esmtp-param), pure.  SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8
 * (RFC 6531), AUTH (RFC 4954 s5: checked and not believed).  RCPT has none
 * here: DSN (RFC 3461) is not offered.
 */
#ifndef SMTPD_PROTO_SMTP_PARAM_H
#define SMTPD_PROTO_SMTP_PARAM_H

#include "common/util/str.h"

struct smtp_params {
	uint64_t size;  /* announced octets, 0 if not told */
	bool eight_bit; /* BODY=8BITMIME */
	bool utf8;      /* SMTPUTF8 */
};

enum smtp_params_result {
	SMTP_PARAMS_OK,
	SMTP_PARAMS_BAD,     /* syntax, a bad value, or one given twice */
	SMTP_PARAMS_UNKNOWN, /* RFC 5321 s4.1.1.11: 555 */
};

/* text: what follows MAIL's path.  auth says whether AUTH= may be there. */
enum smtp_params_result smtp_params_of_mail(
    struct str text, bool auth, struct smtp_params *out);

/* The same for RCPT. */
enum smtp_params_result smtp_params_of_rcpt(struct str text);

#endif
