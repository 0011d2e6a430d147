/* SPDX-License-Identifier: MIT */
/*
 * smtp_param: what may follow the path in MAIL and RCPT (RFC 5321 s4.1.2:
 * esmtp-param), pure.
 *
 *	MAIL	SIZE (RFC 1870), BODY (RFC 6152, 3030), SMTPUTF8 (RFC 6531),
 *		AUTH (RFC 4954 s5: checked and not believed), RET and ENVID
 *		(RFC 3461), REQUIRETLS (RFC 8689), HOLDFOR and HOLDUNTIL
 *		(RFC 4865)
 *	RCPT	NOTIFY and ORCPT (RFC 3461, the latter with RFC 6533)
 *
 * One is known where its extension is offered.
 */
#ifndef SMTPD_PROTO_SMTP_PARAM_H
#define SMTPD_PROTO_SMTP_PARAM_H

#include "common/mime/dsn.h"
#include "smtpd/proto/smtp_extension.h"

#define SMTP_ENVID_MAX 100 /* RFC 3461 s4.4, before decoding */
#define SMTP_ORCPT_MAX 500 /* RFC 3461 s4.2 */

struct smtp_params {
	uint64_t size;   /* announced octets, 0 if not told */
	bool eight_bit;  /* BODY=8BITMIME or BINARYMIME */
	bool utf8;       /* SMTPUTF8; of MAIL, also for its RCPTs */
	bool may_binary; /* BODY=BINARYMIME is known */
	bool binary;
	bool require_tls; /* REQUIRETLS */
	enum dsn_ret ret;
	char envelope_id[SMTP_ENVID_MAX]; /* decoded: printable ASCII */
	size_t envelope_id_len;
	uint64_t hold_for_s;
	int64_t hold_until_s;
	unsigned notify;     /* of enum dsn_notify */
	struct str original; /* ORCPT as given; points into the text */
};

enum smtp_params_result {
	SMTP_PARAMS_OK,
	SMTP_PARAMS_BAD,     /* syntax, a bad value, or one given twice */
	SMTP_PARAMS_UNKNOWN, /* RFC 5321 s4.1.1.11: 555 */
};

/* text: what follows the path.  has: extensions (enum smtp_extension). */
enum smtp_params_result smtp_params_of_mail(
    struct str text, unsigned has, struct smtp_params *out);

/* utf8: MAIL had SMTPUTF8. */
enum smtp_params_result smtp_params_of_rcpt(
    struct str text, unsigned has, bool utf8, struct smtp_params *out);

#endif
