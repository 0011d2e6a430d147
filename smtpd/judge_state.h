/* SPDX-License-Identifier: MIT */
/*
 * judge_state: the inside of a judge, shared by its files only.
 *
 *	judge.c		the checks, in the order they become possible
 *	judge_report.c	what they found, as words: report, results, summary
 */
#ifndef SMTPD_JUDGE_STATE_H
#define SMTPD_JUDGE_STATE_H

#include "common/dns/asker.h"
#include "common/policy/arc.h"
#include "common/policy/author.h"
#include "common/policy/dkim.h"
#include "common/policy/dmarc.h"
#include "common/policy/spf.h"
#include "smtpd/judge.h"

/*
 * While the message arrives the loop has it, and asks what can be asked early.
 * After the end of data it is a job: signatures are checked and the store is
 * asked on a thread, and nobody else touches it meanwhile; so it goes there
 *only when no question is open.
 *
 *	loop --all answered--> thread --questions left--> loop ...
 *	                          |
 *	                          +--all known--> loop: judgement
 */
struct judge {
	struct store_job job; /* first: the store's calls cast back */
	bool working;         /* it is on the thread */
	bool abandoned;       /* judge_free() was called meanwhile */
	bool complete;        /* the thread found nothing to be missing */
	struct smtpd *d;
	struct visit *visit; /* borrowed */
	char *helo, *sender;
	char
	    sender_domain[256]; /* folded: MAIL's, or HELO's for <>; or empty */
	struct timer *soon;     /* tells what is known already; or NULL */
	judge_known *on_sender; /* who waits for SPF, or NULL */
	void *sender_arg;
	judge_done *done;
	void *arg;

	struct facts *facts; /* NULL: exempt, nothing is asked */
	struct inquiry *inquiry;

	bool spf_known;
	struct spf_output spf;

	struct buf block; /* the header as it came */
	bool has_author;
	struct author author;
	struct fail unclear; /* why it has none */
	bool program;        /* a bounce of one that has no address: let pass */
	bool record_known;   /* the question for the DMARC policy was asked */
	struct dkim *dkim;   /* since the header; so, too, arc */
	struct arc *arc;
	bool ended, dkim_known, arc_known, dmarc_known;
	struct dmarc_output dmarc;
	bool dkim_pass, dkim_aligned, dkim_temperror;

	int64_t now_ms; /* of the end */
	char network[80];
	bool author_is_ours, sender_is_ours;
	int reputation;
	char proven_author[321], proven_domain[256]; /* or empty */
	struct buf report, results;
	struct judge_result result;
};

/* Of result: report, results and summary, once the judgement is made. */
void judge_report(struct judge *j);

#endif
