/* SPDX-License-Identifier: MIT */
/*
 * throttle: how many failed logins an address may have, pure.
 *
 * Counts failures per key (address_limit_key()) in a window; the same wrong
 * password for the same user counts once.  Guesses that are being checked
 * count too, or more than the limit could be under way before the first is
 * known to be wrong: those beyond it wait.  Memory is bounded: at most
 * THROTTLE_KEYS keys, oldest out.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "common/util/str.h"

#define THROTTLE_KEYS 65536

struct throttle;

struct throttle *throttle_new(size_t max_failures, int64_t window_ms);
void throttle_free(struct throttle *t);

/* May this address try now?  user: an address that was good for this user
 * before is let in up to three times the limit. */
bool throttle_allows(
    struct throttle *t, int64_t now_ms, uint64_t key, struct str user);

/* Was nobody ever let in from there, as far as is remembered? */
bool throttle_is_strange(struct throttle *t, uint64_t key);

/* What is known of who tries: those with a good name go first when there is
 * more to check than can be. */
enum throttle_standing {
	THROTTLE_KNOWN,   /* this user was let in from there before */
	THROTTLE_UNKNOWN, /* nobody has failed from there in the window */
	THROTTLE_SUSPECT, /* somebody has */
};
enum throttle_standing throttle_standing(
    struct throttle *t, int64_t now_ms, uint64_t key, struct str user);

/* After that, and before a check that takes its time: count the guess as if
 * it were wrong until throttle_end().  False if as many are being checked as
 * may fail: ask again after the next end.  A guess under way already counts
 * once.  guess is a keyed hash of the password. */
bool throttle_begin(struct throttle *t, int64_t now_ms, uint64_t key,
    struct str user, uint64_t guess);
void throttle_end(
    struct throttle *t, uint64_t key, struct str user, uint64_t guess);

/* Record an outcome. */
void throttle_failed(struct throttle *t, int64_t now_ms, uint64_t key,
    struct str user, uint64_t guess);
void throttle_succeeded(
    struct throttle *t, int64_t now_ms, uint64_t key, struct str user);

#endif
