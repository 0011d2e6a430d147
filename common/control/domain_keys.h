/* SPDX-License-Identifier: MIT */
/*
 * domain_keys: the keys that sign for a domain, made and changed without a gap:
 *
 *	none --rotate--> SIGNS --rotate--> SIGNS + NEXT (publish its records)
 *	     --rotate--> NEXT signs, the old pair is RETIRED: still published,
 *while mail signed with it is under way --rotate--> ...
 *
 * A pair is an RSA and an Ed25519 key; selectors have the day they were made.
 * Secrets are written to auth.db before their public halves to mail.db, so that
 * what is said to sign can.
 */
#ifndef CONTROL_DOMAIN_KEYS_H
#define CONTROL_DOMAIN_KEYS_H

#include "common/control/command.h"
#include "common/store/signing_key.h"
#include "common/util/fail.h"

#define DOMAIN_KEYS_OVERLAP_MS (7 * 24 * 3600 * INT64_C(1000))

/* Make a pair, about 0.2 s.  The domain (folded) must exist. */
int domain_keys_make(const struct control *c, struct str domain,
    enum signing_key_state state, int64_t now_ms, struct fail *f);

enum domain_keys_step {
	DOMAIN_KEYS_FIRST, /* a pair was made and signs */
	DOMAIN_KEYS_NEXT,  /* a pair was made and is to be published */
	DOMAIN_KEYS_TURN,  /* it signs now, the old pair is retired */
};

/* The next step of the picture.  Keys retired for longer than the overlap go.
 */
int domain_keys_rotate(const struct control *c, struct str domain,
    int64_t now_ms, enum domain_keys_step *step, struct fail *f);

/* The domain is gone: so are its secrets. */
int domain_keys_forget(
    const struct control *c, struct str domain, struct fail *f);

#endif
