/* SPDX-License-Identifier: MIT */
/*
 * judge: what is to be thought of one message from another server: SPF, DKIM,
 * ARC, DMARC, reputation, and what follows from them.
 *
 *	judge_new (MAIL) --SPF is asked--> judge_sender (RCPT waits for it)
 *	  --> judge_header --> judge_body... --> judge_message (end of data)
 *
 * All questions together have policy.dns_time; what is not known by then is a
 * temporary error, and a policy that needs it defers the message.
 */
#ifndef SMTPD_JUDGE_H
#define SMTPD_JUDGE_H

#include "common/policy/judgement.h"
#include "common/store/verdict.h"
#include "smtpd/guard.h"

struct judge;

/* Do the settings of [policy] make sense?  -1 names the line. */
int judge_law_check(const struct conf *conf, struct fail *f);

/* visit is borrowed and outlives it.  Exempt visits are judged without
 * questions: accepted, "none" found. */
struct judge *judge_new(
    struct smtpd *d, struct visit *v, struct str helo, struct str sender);
void judge_free(struct judge *j); /* at any time: nobody is called then */

/* SPF's result, when it is there; never from within. */
typedef void judge_known(void *arg, const struct spf_output *spf);
void judge_sender(struct judge *j, judge_known *fn, void *arg);

/* The header as it came, once; copied.  Then the body as it came. */
void judge_header(struct judge *j, struct str block);
void judge_body(struct judge *j, struct str piece);

/* End of data; fn once, on the loop, perhaps from within. */
struct judge_result { /* lives as long as the judge */
	struct judgement judgement;
	struct verdict verdict; /* for the store */
	struct str results;    /* Authentication-Results of ours, with CRLF; and
	                        * Received-SPF where it is wanted */
	enum arc_result chain; /* for sealing */
	const char *outcome;   /* "accepted" */
	char summary[320];     /* "spf=pass dmarc=pass -> accepted" */
};
typedef void judge_done(void *arg, const struct judge_result *r);
void judge_message(struct judge *j, judge_done *fn, void *arg);

#endif
