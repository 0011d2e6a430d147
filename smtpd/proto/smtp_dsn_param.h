/* SPDX-License-Identifier: MIT */
/*
 * smtp_dsn_param: the values of ENVID, NOTIFY and ORCPT (RFC 3461 s4), pure.
 */
#ifndef SMTPD_PROTO_SMTP_DSN_PARAM_H
#define SMTPD_PROTO_SMTP_DSN_PARAM_H

#include "common/util/str.h"

/* xtext (RFC 3461 s4) that stands for printable ASCII only? */
bool smtp_xtext_is_printable(struct str value);

/* "NEVER" or a list; *notify of enum dsn_notify. */
bool smtp_notify_parse(struct str value, unsigned *notify);

/* "type;address" (RFC 3461 s4.2; type utf-8: RFC 6533 s3).  utf8: octets over
 * 127 may be in it. */
bool smtp_orcpt_valid(struct str value, bool utf8);

#endif
