/* SPDX-License-Identifier: MIT */
/*
 * compose: header fields that we write, pure: time and randomness are handed
 * in.
 *
 * Everything is appended to out.  What comes from a peer is made harmless
 * here: a field written by these functions is always well formed, whatever
 * the strings say.
 */
#ifndef MIME_COMPOSE_H
#define MIME_COMPOSE_H

#include "common/util/buf.h"

/* How a message came in (RFC 5321 s4.4).  Empty strings: not known. */
struct compose_received {
	struct str helo;      /* what the peer called itself */
	struct str peer_name; /* its name by reverse DNS */
	struct str peer_ip;   /* "192.0.2.1", "2001:db8::1" */
	struct str by;        /* our host name */
	struct str tls; /* "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty: clear */
	struct str id;  /* the queue id */
	bool extended;  /* EHLO, not HELO */
	bool utf8;      /* MAIL said SMTPUTF8 */
	bool authenticated;
	int64_t at_s;
};

/* The keyword of the protocol: SMTP, ESMTP, ESMTPS, ESMTPSA, UTF8SMTPSA ...
 * (RFC 3848, RFC 6531 s4.3). */
const char *compose_protocol(const struct compose_received *r);

/* A Received field.  There is no `for': it would tell recipients of each
 * other (RFC 5321 s7.6). */
void compose_received(const struct compose_received *r, struct buf *out);

/* "<TIME.RANDOM@host>" */
void compose_message_id(
    int64_t now_s, uint64_t random, struct str host, struct buf *out);

/* A field, folded before words so that lines stay within 78 octets where
 * words allow it, and within 998 always (RFC 5322 s2.1.1).  Controls in the
 * value become question marks, 8-bit stays. */
void compose_field(struct str name, struct str value, struct buf *out);

#endif
