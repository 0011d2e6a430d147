/* SPDX-License-Identifier: MIT */
/*
 * verified: passwords that were checked a short while ago, right or wrong,
 * pure.
 *
 * A client that opens ten connections, or repeats the same wrong password for
 * ever, costs one argon2id.  Entries are found by BLAKE2b of user and
 * password under a key that is random in each process; neither can be read
 * back from it.  At most VERIFIED_MAX right ones and as many wrong ones are
 * kept, oldest out, apart from each other: guesses never push out the right
 * ones.
 *
 * Whoever changes, adds, disables or deletes an account calls
 * verified_forget() after the change is committed.  An answer that was being
 * computed meanwhile must not come back: take verified_round() before the
 * credential is read and hand it to verified_add().
 *
 * user is the name as the authority knows it (folded), so that every
 * spelling is one entry.
 */
#ifndef AUTH_VERIFIED_H
#define AUTH_VERIFIED_H

#include "common/util/str.h"

#define VERIFIED_MAX     10000
#define VERIFIED_KEEP_MS (INT64_C(10) * 60 * 1000)

enum verified_answer {
	VERIFIED_UNKNOWN, /* must be computed */
	VERIFIED_RIGHT,
	VERIFIED_WRONG,
};

struct verified;

struct verified *verified_new(void);
void verified_free(struct verified *v);

/* account: what verified_add() was given. */
enum verified_answer verified_find(struct verified *v, int64_t now_ms,
    struct str user, struct str password, int64_t *account);

/* A number for this guess, under the same key: what throttle_failed() counts
 * equal guesses by. */
uint64_t verified_guess(
    const struct verified *v, struct str user, struct str password);

/* Changes whenever something is forgotten. */
uint64_t verified_round(const struct verified *v);

/* Remember for VERIFIED_KEEP_MS from now, unless something was forgotten
 * since round.  account: whom a right password lets in, so that nobody need be
 * asked next time; 0 if it is wrong, or to be asked. */
void verified_add(struct verified *v, int64_t now_ms, uint64_t round,
    struct str user, struct str password, bool right, int64_t account);

void verified_forget(struct verified *v, struct str user);
void verified_forget_all(struct verified *v);

#endif
