/* SPDX-License-Identifier: MIT */
/*
 * dkim_signature: one DKIM-Signature field, read strictly (RFC 6376 s3.5,
 * s6.1.1), pure.
 */
#ifndef POLICY_DKIM_SIGNATURE_H
#define POLICY_DKIM_SIGNATURE_H

#include "common/policy/canon.h"
#include "common/policy/dkim.h"

struct dkim_signature {
	enum key_algorithm algorithm;
	enum canon header, body;
	struct str names; /* h=, in the field */
	uint64_t octets;  /* l=, or BODY_HASH_ALL */
	uint8_t body_hash[BODY_HASH_LEN];
	uint8_t bytes[KEY_SIGNATURE_MAX]; /* b= */
	size_t n;                         /* of those */
	char question[256];               /* where the key is */
	bool below;                       /* i= is of a domain below d= */
};

/* Read the field's value.  What can be told of it goes into v.  False: it is
 * not to be checked, and v says the result and why; no question is to be asked
 * then. */
bool dkim_signature_read(struct str value, int64_t now_s,
    struct dkim_signature *out, struct dkim_verdict *v);

#endif
