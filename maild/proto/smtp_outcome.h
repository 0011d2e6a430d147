/* SPDX-License-Identifier: MIT */
/*
 * smtp_outcome: what became of one recipient, or of a whole attempt, in the
 * words of whoever decided it.
 */
#ifndef MAILD_PROTO_SMTP_OUTCOME_H
#define MAILD_PROTO_SMTP_OUTCOME_H

#include "common/util/buf.h"
#include "maild/proto/smtp_reply_parse.h"

enum smtp_result {
	SMTP_SENT, /* the other server has it */
	SMTP_TEMP, /* try again later */
	SMTP_PERM, /* give up */
};

struct smtp_outcome {
	enum smtp_result result;
	int code;                         /* of the reply, 0: our own words */
	char enhanced[SMTP_ENHANCED_MAX]; /* RFC 3463; never empty once set */
	struct buf text; /* one printable line, codes included */
	bool elsewhere;  /* nobody judged this recipient: another host, or a
	                  * new connection, may be tried at once */
	bool asked;      /* it is the reply to this recipient's own RCPT */
	bool again;      /* too many at once: send it in the next message */
	bool unsure;     /* the message was sent whole and no answer came: it
	                  * may arrive twice */
};

void smtp_outcome_init(struct smtp_outcome *o);
void smtp_outcome_release(struct smtp_outcome *o);

/* By a reply: 2yz SENT, 4yz TEMP, 5yz PERM.  Sets all fields. */
void smtp_outcome_reply(struct smtp_outcome *o, const struct smtp_reply *r);

/* By us: `4.4.1 no answer'.  Sets all fields. */
void smtp_outcome_say(struct smtp_outcome *o, enum smtp_result result,
    const char *enhanced, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

void smtp_outcome_copy(struct smtp_outcome *o, const struct smtp_outcome *from);

#endif
