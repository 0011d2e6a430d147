/* SPDX-License-Identifier: MIT */
/*
 * smtp_extension: the service extensions (RFC 5321 s2.2), as EHLO names them
 * and as commands and parameters ask for them.  What the host has switched off
 * is neither named nor known.
 */
#ifndef SMTPD_PROTO_SMTP_EXTENSION_H
#define SMTPD_PROTO_SMTP_EXTENSION_H

#include "smtpd/proto/smtp_server.h"

enum smtp_extension {
	SMTP_EXT_PIPELINING = 1 << 0,     /* RFC 2920 */
	SMTP_EXT_SIZE = 1 << 1,           /* RFC 1870 */
	SMTP_EXT_STARTTLS = 1 << 2,       /* RFC 3207 */
	SMTP_EXT_AUTH = 1 << 3,           /* RFC 4954 */
	SMTP_EXT_STATUS_CODES = 1 << 4,   /* RFC 2034 */
	SMTP_EXT_8BITMIME = 1 << 5,       /* RFC 6152 */
	SMTP_EXT_CHUNKING = 1 << 6,       /* RFC 3030 s2 */
	SMTP_EXT_BINARYMIME = 1 << 7,     /* RFC 3030 s3 */
	SMTP_EXT_DSN = 1 << 8,            /* RFC 3461 */
	SMTP_EXT_REQUIRETLS = 1 << 9,     /* RFC 8689 */
	SMTP_EXT_LIMITS = 1 << 10,        /* RFC 9422 */
	SMTP_EXT_FUTURERELEASE = 1 << 11, /* RFC 4865 */
	SMTP_EXT_SMTPUTF8 = 1 << 12,      /* RFC 6531 */
};

/* Those a session with these options can come to use. */
unsigned smtp_extensions(const struct smtp_server_options *o);

struct smtp_moment {  /* what else EHLO's answer depends on */
	unsigned has; /* of smtp_extensions() */
	bool tls, authenticated;
};

/* EHLO's answer (RFC 5321 s4.1.1.1). */
void smtp_extensions_list(struct buf *out, const struct smtp_server_options *o,
    const struct smtp_moment *now);

/* May a client choose this mechanism (RFC 4954 s3)? */
bool smtp_mechanism_offered(
    const struct smtp_server_options *o, bool tls, struct str name);

/* Is it SCRAM's, whose messages the host takes? */
bool smtp_mechanism_is_scram(struct str name, bool *plus);

/* Is there one of this name, for who reads settings? */
bool smtp_mechanism_is_known(struct str name);
bool smtp_extension_is_known(struct str keyword);

#endif
