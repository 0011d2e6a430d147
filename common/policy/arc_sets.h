/* SPDX-License-Identifier: MIT */
/*
 * arc_sets: the ARC fields of a header, sorted into sets, and the signatures in
 * them, read strictly (RFC 8617 s4), pure.
 */
#ifndef POLICY_ARC_SETS_H
#define POLICY_ARC_SETS_H

#include "common/policy/arc.h"
#include "common/policy/canon.h"

enum arc_field {
	ARC_RESULTS, /* ARC-Authentication-Results */
	ARC_MESSAGE, /* ARC-Message-Signature */
	ARC_SEAL,    /* ARC-Seal */
	ARC_FIELDS
};

struct arc_set {
	struct str whole[ARC_FIELDS]; /* each field, in the block */
	struct str value[ARC_FIELDS]; /* of ARC_RESULTS: behind "i=1;" */
};

struct arc_sets {
	size_t fields;    /* ARC fields there are in all */
	unsigned n;       /* the highest instance that can be read */
	const char *why;  /* what is wrong with the structure, or NULL */
	struct str chain; /* cv= of the newest seal, or empty */
	struct arc_set at[ARC_SETS_MAX];
};

/* Collect and check the structure (RFC 8617 s5.2, steps 1 to 3). */
void arc_sets_read(struct str block, struct arc_sets *out);

/* What AMS and AS say. */
struct arc_signature {
	enum key_algorithm algorithm;
	enum canon header, body; /* AMS: c= */
	bool unsaid;             /* AMS: it has no c=.  simple, as for DKIM; but
	                          * some seal relaxed and do not say it */
	struct str names;        /* AMS: h=, in the field */
	bool from;               /* AMS: From is among them */
	uint64_t octets;         /* AMS: l=, or BODY_HASH_ALL */
	uint8_t body_hash[BODY_HASH_LEN];
	uint8_t bytes[KEY_SIGNATURE_MAX]; /* b= */
	size_t n;                         /* of those */
	char domain[256];                 /* d=, folded */
	char question[256];               /* where the key is */
};

/* NULL, or what is wrong with it. */
const char *arc_signature_read(struct str value, enum arc_field field,
    int64_t now_s, struct arc_signature *out);

/* Append a set's fields as a seal hashes them (RFC 8617 s5.1.1), its seal only
 * if asked. */
void arc_set_canon(const struct arc_set *set, bool seal, struct buf *out);

#endif
