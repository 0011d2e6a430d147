/* SPDX-License-Identifier: MIT */
/*
 * intake: the header block of a message that arrives in pieces, and what
 * we hold against it.  Pure.
 *
 * The block is kept (up to a limit) since trace fields go before it, and a
 * user agent's may need mending; the body is passed on as it comes.
 */
#ifndef SMTPD_PROTO_INTAKE_H
#define SMTPD_PROTO_INTAKE_H

#include "common/util/buf.h"
#include "common/util/fail.h"
#include "smtpd/proto/smtp_reply.h"

struct intake {
	struct buf block; /* fields so far, at the end without the empty line */
	size_t max;       /* longest block */
	size_t looked;    /* octets without an empty line */
	bool complete;    /* the body has begun */
	bool too_long;
};

void intake_init(struct intake *in, size_t max);
void intake_release(struct intake *in);

/* Take the header's part off the front of *text; what is left is body. */
void intake_take(struct intake *in, struct str *text);

struct intake_law {
	size_t max_fields;
	size_t max_received; /* RFC 5321 s6.3 */
	bool submission;     /* RFC 6409 s8: it must be clear who writes */
};

/* REPLY_OK or why not, to be asked when the block is complete or the message
 * ended; why->text has more for the log, and REPLY_BAD_SUBMISSION's sentence.
 */
enum smtp_reply intake_judge(
    const struct intake *in, const struct intake_law *law, struct fail *why);

#endif
