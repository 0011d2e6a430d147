/* SPDX-License-Identifier: MIT */
/*
 * sasl: the server side of PLAIN (RFC 4616) and LOGIN
 * (draft-murchison-sasl-login), pure.
 *
 * The protocol engine takes care of its own framing and gives base64 text.
 *
 * Well-formed credentials that can be nobody's (an authorization identity
 * other than the user, a name or password that is over-long, not UTF-8 or
 * has control characters) end in SASL_CHECK with an empty user: the authority
 * refuses that like any unknown user, in the same time, and counts it.
 */
#ifndef AUTH_SASL_H
#define AUTH_SASL_H

#include "common/util/buf.h"

#define SASL_RESPONSE_MAX 12288 /* base64 octets (RFC 4954 s4) */
#define SASL_NAME_MAX     255
#define SASL_PASSWORD_MAX 1024

struct sasl {
	int mechanism; /* sasl.c's own */
	int step;
	struct buf user, password; /* wiped by sasl_release() */
};

enum sasl_result {
	SASL_CHALLENGE, /* send `challenge' (base64, may be empty) and go on */
	SASL_CHECK,     /* user and password are complete: ask the authority */
	SASL_BAD,       /* malformed: 501, BAD */
	SASL_UNKNOWN,   /* no such mechanism: 504 */
};

/* Begin; *s is made anew, so release what it held before.  challenge is set,
 * not appended to.  initial is the initial response in base64 ("=" is the empty
 * one), or has a NULL `at' when none was given. */
enum sasl_result sasl_begin(struct sasl *s, struct str mechanism,
    struct str initial, struct buf *challenge);

/* One more response line (base64).  "*" is the engine's to see. */
enum sasl_result sasl_respond(
    struct sasl *s, struct str response, struct buf *challenge);
void sasl_release(struct sasl *s);

#endif
