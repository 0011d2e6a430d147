/* SPDX-License-Identifier: MIT */
/*
 * receive: one message on its way in, from MAIL to the commit.
 *
 *	receive_new --> add_recipient... --> begin --> body... --> commit
 *
 * Nothing of it is promised, or survives, before the commit: freeing it at
 * any moment but during the commit forgets it.  The header block is held
 * until it is whole, the body goes straight to the store's stage.
 */
#ifndef SMTPD_RECEIVE_H
#define SMTPD_RECEIVE_H

#include "common/store/route.h"
#include "smtpd/proto/smtp_reply.h"
#include "smtpd/smtpd.h"

struct receive;

/* Who brings it and how; copied by receive_begin(). */
struct receive_from {
	struct str helo, ip;
	struct str tls;    /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty */
	bool extended;     /* EHLO */
	int64_t account;   /* who logged in; 0: another server */
	const char *login; /* its folded address, or NULL */
};

struct receive *receive_new(struct smtpd *d, struct str sender, bool utf8,
    bool eight_bit, uint64_t size);
void receive_free(struct receive *r);

struct str receive_sender(const struct receive *r);
uint64_t receive_announced(const struct receive *r); /* SIZE=, or 0 */

/* original: what RCPT said.  False: more targets than a message may have. */
bool receive_add_recipient(
    struct receive *r, const struct route *route, struct str original);

/* DATA. */
void receive_begin(struct receive *r, const struct receive_from *from);
void receive_body(struct receive *r, struct str text);

/* The end of data.  done is called once, on the loop, perhaps from within:
 * with REPLY_QUEUED and the id when the message is on disk, otherwise with
 * the refusal and the text for it.  Then r is the caller's to free. */
typedef void receive_done(void *arg, enum smtp_reply r, const char *text);
void receive_commit(struct receive *r, receive_done *done, void *arg);

#endif
