/* SPDX-License-Identifier: MIT */
/*
 * submission: what a submission server looks at and mends in the header of
 * its users' mail (RFC 6409 s8), pure.
 */
#ifndef MIME_SUBMISSION_H
#define MIME_SUBMISSION_H

#include "common/mime/addr.h"
#include "common/util/buf.h"
#include "common/util/fail.h"

struct submission_options {
	int64_t now_s;
	uint64_t random;     /* makes a Message-ID unique */
	struct str hostname; /* ours, for the Message-ID */
};

/* Append the mended block to out: Bcc and Resent-Bcc fields gone (RFC 5322
 * s3.6.3), Date and Message-ID added behind the others if missing, all else
 * byte for byte as it was. */
void submission_fix(
    struct str block, const struct submission_options *o, struct buf *out);

/* Is it clear who writes?  Exactly one From with 1 to 100 addresses, at most
 * one Sender with exactly one, no field that could be read in two ways.
 * Otherwise -1 and FAIL_PERM with a sentence for the client. */
int submission_check(struct str block, struct fail *f);

/* The addresses of all From and Sender fields, one after another. */
struct submission_authors {
	struct str block; /* fields still to come */
	struct str list;  /* rest of the present field's value */
};
void submission_authors_init(struct submission_authors *it, struct str block);

/* 1 and the next, 0 that was the last, -1 syntax error. */
int submission_authors_next(struct submission_authors *it, struct addr *out);

#endif
