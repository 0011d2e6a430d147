/* SPDX-License-Identifier: MIT */
/*
 * judgement: from what the checks found to what happens to the message, one
 * table of rules from the first that speaks.  Pure.
 */
#ifndef POLICY_JUDGEMENT_H
#define POLICY_JUDGEMENT_H

#include "common/policy/arc.h"
#include "common/policy/dmarc.h"
#include "common/policy/spf.h"

enum judgement_action {
	JUDGE_ACCEPT,
	JUDGE_JUNK,
	JUDGE_DEFER,  /* 451 4.7.x */
	JUDGE_REFUSE, /* 550 5.7.x */
};

/* What an owner may say (conf.h [policy]). */
struct judgement_law {
	bool dmarc_reject;    /* refuse what p=reject asks to; else Junk */
	bool spf_fail_junk;   /* spf=fail, nothing else speaks for it: Junk */
	bool spf_fail_refuse; /* ... refuse */
	int reputation_junk;  /* a reputation of this or less: Junk */
	const char *const *trusted_sealers; /* NULL-terminated */
};

struct judgement_input {
	enum spf_result spf;
	bool dkim_pass, dkim_aligned, dkim_temperror;
	const struct dmarc_output *dmarc;
	const struct arc_verdict *arc; /* may be NULL */
	bool author_is_ours; /* From's domain is one of ours, and nobody logged
	                        in */
	bool sender_is_ours; /* so is MAIL's */
	int reputation;      /* -100 to 100; 0 unknown */
};

struct judgement {
	enum judgement_action action;
	int enhanced[3]; /* {5, 7, 1}: RFC 7372 where it has one */
	char why[300];   /* one sentence, printable ASCII, for the peer */
	const char
	    *setting; /* that decided, "policy.dmarc_reject=yes"; or "" */
};

void judgement_make(const struct judgement_law *law,
    const struct judgement_input *in, struct judgement *out);

const char *judgement_word(enum judgement_action a);

#endif
