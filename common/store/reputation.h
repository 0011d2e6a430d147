/* SPDX-License-Identifier: MIT */
/*
 * reputation: what the people here make of mail from a sender: answering,
 * keeping it and taking it out of Junk speak for a name, moving it to Junk
 * against it.
 *
 * A name is an address, a domain, or a network where no name was proven
 * (verdict.h).  Votes fade: what they count is halved every 30 days.
 */
#ifndef STORE_REPUTATION_H
#define STORE_REPUTATION_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

/* -100 (all bad) to 100; 0: nothing is known, or too little (less than two
 * votes of the last twelve days, or more that are older).  The best known of
 * address, domain, network, in this order; any may be empty. */
int reputation_of(struct db *db, struct str address, struct str domain,
    struct str network, int64_t now_ms, int *score, struct fail *f);

enum reputation_vote {
	REPUTATION_ANSWERED, /* +2 to the address, +1 to its domain */
	REPUTATION_KEPT,     /* taken out of Junk: +2, it undoes a -1 as well */
	REPUTATION_JUNKED,   /* -1 */
};

/* For a name and its domain.  In a write transaction. */
int reputation_vote(struct db *db, struct str address,
    enum reputation_vote vote, int64_t now_ms, struct fail *f);

/* The same for the names in the verdict on a message; none: nothing happens. */
int reputation_vote_on(struct db *db, int64_t trace, enum reputation_vote vote,
    int64_t now_ms, struct fail *f);

/* Did anybody here write to this address, or (account not 0) did this one?
 * 1, 0, -1. */
int correspondent_known(
    struct db *db, int64_t account, struct str address, struct fail *f);

/* The account writes to it: *is_new tells whether for the first time. */
int correspondent_note(struct db *db, int64_t account, struct str address,
    int64_t now_ms, bool *is_new, struct fail *f);

#endif
