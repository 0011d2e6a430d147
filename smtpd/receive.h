/* SPDX-License-Identifier: MIT */
/*
 * receive: one message on its way in, from MAIL to the commit.
 *
 *	receive_new --> add_recipient... --> begin --> body... --> commit
 *
 * Nothing of it is promised, or survives, before the commit: freeing it at
 * any moment but during the commit forgets it.  The header block is held
 * until it is whole, the body goes straight to the store's stage.
 *
 *	receive.c	the life of it, and the body
 *	receive_head.c	what goes before the body: trace, results, signatures
 *	receive_commit.c	the transaction
 *	receive_refuse.c	no, and why
 */
#ifndef SMTPD_RECEIVE_H
#define SMTPD_RECEIVE_H

#include "common/store/route.h"
#include "smtpd/proto/smtp_reply.h"
#include "smtpd/smtpd.h"

struct judge;
struct receive;
struct visit;

/* MAIL; copied by receive_new(). */
struct receive_envelope {
	struct str sender; /* local@domain, or empty for <> */
	struct str helo;
	struct visit *visit; /* who brings it, to be judged (outlives the
	                      * message); NULL: a submission */
	uint64_t size;       /* announced, or 0 */
	bool utf8, eight_bit, binary, require_tls;
	struct str envelope_id; /* ENVID, or empty */
	int ret;                /* RET: enum dsn_ret */
	int64_t hold_until_ms;  /* 0: not held */
};

/* RCPT. */
struct receive_recipient {
	const struct route *route;
	struct str original; /* what RCPT said */
	unsigned notify;     /* of enum dsn_notify */
	struct str orcpt;    /* as given, or empty */
};

/* Who brings it and how; copied by receive_begin(). */
struct receive_from {
	struct str helo, ip;
	struct str tls;    /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty */
	bool extended;     /* EHLO */
	int64_t account;   /* who logged in; 0: another server */
	const char *login; /* its folded address, or NULL */
};

struct receive *receive_new(
    struct smtpd *d, const struct receive_envelope *envelope);
void receive_free(struct receive *r);

struct str receive_sender(const struct receive *r);
uint64_t receive_announced(const struct receive *r); /* SIZE=, or 0 */

/* What judges it, for SPF's result at RCPT (judge_sender()); NULL for a
 * submission. */
struct judge *receive_judge(const struct receive *r);

/* False: more targets than a message may have. */
bool receive_add_recipient(
    struct receive *r, const struct receive_recipient *recipient);

/* DATA. */
void receive_begin(struct receive *r, const struct receive_from *from);
void receive_body(struct receive *r, struct str text);

/* The end of data.  done is called once, on the loop, perhaps from within:
 * with REPLY_QUEUED and the id when the message is on disk, otherwise with
 * the refusal and the text for it.  Then r is the caller's to free. */
typedef void receive_done(void *arg, enum smtp_reply r, const char *text);
void receive_commit(struct receive *r, receive_done *done, void *arg);

#endif
