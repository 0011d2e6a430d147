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

#include "common/util/buf.h"

/* Octets of local@domain: 64, @, 255 (RFC 5321 s4.5.3.1). */
#define SMTP_ENVELOPE_ADDRESS_MAX 320

struct smtp_envelope_params { /* of MAIL; only what the server offered */
	bool size, eight_bit, utf8;
	uint64_t octets;
};

/* May this be sent as a forward-path?  Also for a reverse-path, which in
 * addition may be empty. */
bool smtp_envelope_is_address(struct str address);

/* Append `MAIL FROM:<sender> ...' and `RCPT TO:<recipient>'; asserts that the
 * address was found good. */
void smtp_envelope_mail(
    struct buf *out, struct str sender, const struct smtp_envelope_params *p);
void smtp_envelope_rcpt(struct buf *out, struct str recipient);

#endif
