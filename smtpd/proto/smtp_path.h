/* SPDX-License-Identifier: MIT */
/*
 * smtp_path: the addresses of MAIL and RCPT (RFC 5321 s4.1.2, s4.1.3, with
 * the UTF-8 of RFC 6531 s3.3), pure.
 *
 *	path    = "<" [ route ":" ] mailbox ">"		route is skipped
 *	mailbox = local "@" ( domain / literal )
 *
 * The lengths of RFC 5321 s4.5.3.1 hold: local part 64 octets, domain 255,
 * label 63, path 256 with its brackets.  A quoted local part with nothing in
 * it, a final dot of a domain, and whatever else the grammar does not have
 * is refused: what two servers could read differently goes nowhere.
 */
#ifndef SMTPD_PROTO_SMTP_PATH_H
#define SMTPD_PROTO_SMTP_PATH_H

#include "common/util/str.h"

#define SMTP_PATH_MAX 256

struct smtp_path {         /* everything borrowed from the line */
	struct str spec;   /* local@domain as written; empty for <> */
	struct str local;  /* with its quotes */
	struct str domain; /* empty for <> and <postmaster> */
	bool literal;      /* domain is [an address] */
	bool routed;       /* there was a source route */
	bool utf8;         /* octets over 127: needs SMTPUTF8 */
};

enum smtp_path_kind {
	SMTP_PATH_REVERSE, /* <> is fine */
	SMTP_PATH_FORWARD, /* <postmaster> is fine */
};

/* Take a path off the front of *in.  False: no such thing there; *in is then
 * somewhere in it. */
bool smtp_path_take(
    struct str *in, enum smtp_path_kind kind, struct smtp_path *out);

/* What EHLO and HELO may be followed by: a host name (RFC 5321 s4.1.1.1; an
 * underscore is let pass, many hosts have one) or an address literal. */
bool smtp_path_is_host(struct str name);

#endif
