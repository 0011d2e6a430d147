/* SPDX-License-Identifier: MIT */
/*
 * record: "v=NAME; key=value; ..." as the TXT records of MTA-STS (RFC 8461
 * s3.1) and TLS-RPT (RFC 8460 s3) are written, pure.
 *
 * Not the tag lists of tags.h: names may begin with a digit and have dots, a
 * field that is there twice is no error, the version comes first.
 */
#ifndef POLICY_RECORD_H
#define POLICY_RECORD_H

#include "common/util/str.h"

/* The only one of these that begins with the version and a semicolon, without
 * both.  False: there is none, or there are several. */
bool record_pick(const struct str *records, size_t n, struct str version,
    struct str *fields);

/* Take a field; value has no white space at its ends and may be empty.  1, 0
 * at the end, -1 it is none. */
int record_next(struct str *fields, struct str *name, struct str *value);

/* An ASCII letter or digit? */
bool record_is_alnum(char c);

/* Is it what a field that we do not know may hold: no space, no "="? */
bool record_is_plain(struct str value);

#endif
