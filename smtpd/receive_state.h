/* SPDX-License-Identifier: MIT */
/*
 * receive_state: the inside of a message on its way in, shared by the files
 * of receive only.
 *
 *	receive_commit --judge--> receive_head --sign--> receive_store --> done
 *	      \------------\----------- receive_refuse -------\---------> done
 */
#ifndef SMTPD_RECEIVE_STATE_H
#define SMTPD_RECEIVE_STATE_H

#include "common/policy/canon.h"
#include "common/store/allowance.h"
#include "common/store/stage.h"
#include "smtpd/judge.h"
#include "smtpd/proto/intake.h"
#include "smtpd/receive.h"
#include "smtpd/sign.h"

struct receive_target {
	int64_t account;
	char *address;
	char *original; /* NULL: the same */
	unsigned notify;
	char *orcpt; /* NULL: none */
};

struct receive {
	struct store_job job; /* first: the store's calls cast back */
	struct smtpd *d;

	/* envelope */
	char *sender, *envelope_id;
	bool utf8, eight_bit, binary, require_tls, tls_optional;
	int ret;
	int64_t hold_until_ms;
	bool undo; /* and that is conf submission.undo, not HOLDFOR */
	uint64_t announced;
	struct receive_target *targets;
	size_t n_targets;
	char **recipients; /* as RCPT said them, folded */
	size_t n_recipients;
	char *forwards_as;   /* domain of the first recipient whose mail leaves
	                      * us though nobody logged in; NULL: none does */
	struct visit *visit; /* borrowed; NULL: a submission */
	struct judge *judge; /* NULL: a submission */

	/* from whom, since begin */
	char *helo, *ip, *tls, *login;
	bool extended;
	int64_t account;

	/* content, since begin */
	struct intake intake;
	struct stage *stage;        /* NULL when refused */
	struct body_hashes *hashes; /* NULL: it is not to be signed */
	size_t hash;                /* the place in them */
	bool looked;                /* at the header */
	enum smtp_reply refusal;    /* REPLY_OK: none yet */
	struct fail why;

	/* commit */
	const struct judge_result *judged; /* NULL: not judged, or exempt */
	struct sign *sign;                 /* under way */
	struct buf head;                   /* what goes before the body */
	struct buf block; /* the header as it is sent, behind it */
	uint64_t skip;    /* octets of Return-Path in head */
	char *message_id;
	int64_t trace, now_ms;
	enum allowance_result over; /* a limit was reached ... */
	bool tell_owner;            /* and its owner is to be told */
	int64_t *mailboxes;         /* that got it */
	size_t n_mailboxes;
	char id[TRACE_TEXT_MAX];
	uint64_t size;
	receive_done *done;
	void *arg;
};

/* Make head and block, signed or sealed; then receive_store(), or a refusal. */
void receive_head(struct receive *r);

/* Put it on disk and say so. */
void receive_store(struct receive *r);

/* Say no; why is more for the log, and the text of replies that have none. */
void receive_refuse(struct receive *r, enum smtp_reply reply, const char *why);

/* Say what the judgement says, and keep a journey of it. */
void receive_refuse_judged(struct receive *r);

/* "ESMTPS", for the log and the journey. */
const char *receive_protocol(const struct receive *r);

/* The hop every journey of it begins with; strings in text, which the caller
 * releases after their use. */
#define RECEIVE_TEXTS 2
struct hop receive_hop(const struct receive *r, struct buf text[RECEIVE_TEXTS]);

#endif
