/* SPDX-License-Identifier: MIT */
/*
 * tags: tag=value lists (RFC 6376 s3.2), as signatures, key records, DMARC
 * records and ARC fields are written, pure.
 */
#ifndef POLICY_TAGS_H
#define POLICY_TAGS_H

#include "common/util/buf.h"

#define TAGS_MAX 64

struct tags {
	size_t n;
	struct tag {
		struct str name, value; /* in the text; value without white
		                         * space and folds at its ends */
	} at[TAGS_MAX];
};

/* False: not such a list, a tag given twice, or too many. */
bool tags_parse(struct str text, struct tags *out);

/* The value of a tag (names have case), or false. */
bool tags_find(const struct tags *t, const char *name, struct str *value);

/* A value with all white space out of it (base64), appended. */
void tags_squeeze(struct str value, struct buf *out);

#endif
