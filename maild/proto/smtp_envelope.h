/* SPDX-License-Identifier: MIT */
/*
 * smtp_envelope: the commands that carry addresses, pure.
 *
 * The one place where an address enters a command line, and the guard before
 * it: an address with CR, LF, NUL, another control, a space, or an angle
 * bracket outside quotes never leaves, wherever it came from.
 */
#ifndef MAILD_PROTO_SMTP_ENVELOPE_H
#define MAILD_PROTO_SMTP_ENVELOPE_H

#include "common/mime/dsn.h"
#include "common/util/buf.h"

/* Octets of local@domain: 64, @, 255 (RFC 5321 s4.5.3.1). */
#define SMTP_ENVELOPE_ADDRESS_MAX 320

/* Octets of ORCPT (RFC 3461 s4.2). */
#define SMTP_ENVELOPE_ORIGINAL_MAX 500

struct smtp_envelope_params { /* of MAIL; only what the server offered */
	bool size, eight_bit, binary, utf8, requiretls;
	uint64_t octets;
	enum dsn_ret ret;       /* DSN_RET_UNSAID: no RET */
	struct str envelope_id; /* ENVID, decoded; empty: none */
};

/* May this be sent as a forward-path?  Also for a reverse-path, which in
 * addition may be empty. */
bool smtp_envelope_is_address(struct str address);

/* Append `MAIL FROM:<sender> ...' and `RCPT TO:<recipient> ...'; asserts that
 * the address was found good.  notify: of enum dsn_notify, 0: no NOTIFY;
 * original: ORCPT as it was given, left out when it is empty or none. */
void smtp_envelope_mail(
    struct buf *out, struct str sender, const struct smtp_envelope_params *p);
void smtp_envelope_rcpt(struct buf *out, struct str recipient, unsigned notify,
    struct str original);

/* Can it be the value of ORCPT: a type, `;', xtext? */
bool smtp_envelope_is_original(struct str original);

#endif
