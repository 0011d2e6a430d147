/* SPDX-License-Identifier: MIT */
/*
 * smtp_transaction: one message on its way through one session: the commands
 * from MAIL to DATA, and what became of each recipient.  A part of
 * smtp_client, which owns the session.
 *
 * Commands are steps: RSET if the last transaction was left open, MAIL, RCPT
 * for each recipient that can be asked for, DATA.  With PIPELINING all go at
 * once (RFC 2920), else each when the one before is answered.  A binary message
 * is sent by one BDAT instead of DATA (RFC 3030), when it is known that
 * somebody is to have it.
 */
#ifndef MAILD_PROTO_SMTP_TRANSACTION_H
#define MAILD_PROTO_SMTP_TRANSACTION_H

#include "common/mime/dsn.h"
#include "common/util/buf.h"
#include "maild/proto/smtp_ehlo.h"
#include "maild/proto/smtp_outcome.h"

#define SMTP_RECIPIENTS_MAX 100 /* RFC 5321 s4.5.3.1.8: all take that many */

struct smtp_wish {           /* RFC 3461, of one recipient */
	unsigned notify;     /* of enum dsn_notify, 0: not said */
	struct str original; /* ORCPT as given, or empty */
};

struct smtp_message {
	struct str sender;              /* empty: <> */
	const struct str *recipients;   /* 1 to SMTP_RECIPIENTS_MAX */
	const struct smtp_wish *wishes; /* as many, or NULL: none */
	size_t n;
	uint64_t size;   /* octets of the body; of a binary one exactly */
	bool utf8;       /* headers or addresses need SMTPUTF8 (RFC 6531) */
	bool eight_bit;  /* BODY=8BITMIME */
	bool binary;     /* BODY=BINARYMIME: never by DATA */
	bool requiretls; /* RFC 8689: never in the clear, and but for <> only
	                  * to a verified server that offers it */
	struct str envelope_id; /* ENVID, decoded, or empty */
	enum dsn_ret ret;
};

enum smtp_security {
	SMTP_CLEAR,
	SMTP_ENCRYPTED, /* TLS with whomever */
	SMTP_GUESSED,   /* and it has the name we were told, by anybody */
	SMTP_VERIFIED,  /* and it is who it should be */
};

struct smtp_recipient;

struct smtp_transaction {
	struct smtp_message m;             /* borrowed within */
	struct smtp_recipient *recipients; /* m.n of them */
	size_t order[SMTP_RECIPIENTS_MAX]; /* those asked for */
	size_t n_order;
	struct smtp_ehlo offers;
	enum smtp_security security;
	bool under_way; /* begun and not ended */
	bool open;      /* the server is inside a transaction, also after end */
	bool reset;     /* RSET comes first */
	bool used;      /* not the first one of its connection */
	bool refused;   /* MAIL was */
	bool utf8;      /* MAIL says SMTPUTF8 */
	size_t asked;   /* steps written */
	size_t answered; /* never more than asked */
};

enum smtp_transaction_state {
	SMTP_TRANSACTION_ASK,      /* call smtp_transaction_ask() */
	SMTP_TRANSACTION_BODY,     /* 354: send the message, then a dot; or BDAT
	                            * is to be sent with it */
	SMTP_TRANSACTION_DOT,      /* 354, but for nobody: send a dot */
	SMTP_TRANSACTION_END,      /* all recipients are decided */
	SMTP_TRANSACTION_MISMATCH, /* this command cannot have this reply */
	SMTP_TRANSACTION_STUCK,    /* the server refuses to RSET, or takes no
	                            * more messages over this connection */
};

void smtp_transaction_init(struct smtp_transaction *t);
void smtp_transaction_release(struct smtp_transaction *t);

/* Begin with m, borrowed until the end.  Recipients that cannot be asked for
 * (bad address, SMTPUTF8 or size beyond the server, not safe enough) are
 * decided at once; END if that leaves none. */
enum smtp_transaction_state smtp_transaction_begin(struct smtp_transaction *t,
    const struct smtp_message *m, const struct smtp_ehlo *offers,
    enum smtp_security security);

/* Write what may be said now. */
void smtp_transaction_ask(struct smtp_transaction *t, struct buf *out);

/* Take the reply to the next step. */
enum smtp_transaction_state smtp_transaction_reply(
    struct smtp_transaction *t, const struct smtp_reply *r);

/* Everything undecided ends like this, and so the transaction.  Does nothing
 * when none is under way. */
void smtp_transaction_end(
    struct smtp_transaction *t, const struct smtp_outcome *o);

/* Of recipient i, once it is decided. */
const struct smtp_outcome *smtp_transaction_outcome(
    const struct smtp_transaction *t, size_t i);

/* What the next reply answers, in words; whether that is DATA. */
const char *smtp_transaction_phase(const struct smtp_transaction *t);
bool smtp_transaction_is_at_data(const struct smtp_transaction *t);

#endif
