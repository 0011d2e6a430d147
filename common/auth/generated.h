/* SPDX-License-Identifier: MIT */
/*
 * generated: passwords that we make, for one program each.
 *
 * Four letters six times, from an alphabet without i, l and o: 108 random bits.
 * Nobody can guess one, so they are kept as a keyed hash and not as a slow one.
 *
 *	wkqd-hnxa-rbtu-zmcy-pegs-vjfd
 *
 * A person may type it in any case, with spaces or hyphens anywhere.
 */
#ifndef AUTH_GENERATED_H
#define AUTH_GENERATED_H

#include "common/util/buf.h"

#define GENERATED_LEN      29 /* as shown */
#define GENERATED_HASH_LEN 32
#define GENERATED_KEY_LEN  32

/* A new one, as it is to be shown, appended to out (wipe it). */
void generated_make(struct buf *out);

/* Could it be one of ours?  Then its hash. */
bool generated_hash(struct str password, const uint8_t key[GENERATED_KEY_LEN],
    uint8_t out[GENERATED_HASH_LEN]);

#endif
