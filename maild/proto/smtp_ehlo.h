/* SPDX-License-Identifier: MIT */
/* smtp_ehlo: what another server offers in its reply to EHLO
 * (RFC 5321 s4.1.1.1), pure. */
#ifndef MAILD_PROTO_SMTP_EHLO_H
#define MAILD_PROTO_SMTP_EHLO_H

#include "common/util/str.h"

struct smtp_ehlo {
	bool pipelining; /* RFC 2920 */
	bool eight_bit;  /* RFC 6152 */
	bool utf8;       /* RFC 6531 */
	bool starttls;   /* RFC 3207 */
	bool dsn;        /* RFC 3461 */
	bool chunking;   /* RFC 3030 */
	bool binary;     /* RFC 3030 BINARYMIME */
	bool requiretls; /* RFC 8689 */
	bool auth;       /* RFC 4954, with whatever mechanisms; of these: */
	bool auth_plain, auth_login;
	uint64_t size; /* RFC 1870: the largest message taken, 0: not told */
};

/* From the text of a 250 reply: the first line greets, each other line is a
 * keyword with its parameters.  What is malformed was not offered. */
struct smtp_ehlo smtp_ehlo_parse(struct str text);

#endif
