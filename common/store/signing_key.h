/* SPDX-License-Identifier: MIT */
/*
 * signing_key: the keys that sign for our domains: public halves in mail.db,
 * secrets in auth.db.
 *
 *	NEXT (published, waits) --rotate--> SIGNS --rotate--> RETIRED (published
 *	while mail signed with it is under way) --> removed
 */
#ifndef STORE_SIGNING_KEY_H
#define STORE_SIGNING_KEY_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

enum signing_key_state { /* on disk */
	SIGNING_KEY_SIGNS = 0,
	SIGNING_KEY_NEXT = 1,
	SIGNING_KEY_RETIRED = 2,
};

struct signing_key {
	char domain[256], selector[64];
	int algorithm; /* enum key_algorithm */
	enum signing_key_state state;
	int64_t created_ms, changed_ms;
	struct str record; /* valid during the call */
};

/* mail.db, in a write transaction.  The domain must exist. */
int signing_key_add(struct db *db, const struct signing_key *k, struct fail *f);
int signing_key_set_state(struct db *db, struct str domain, struct str selector,
    enum signing_key_state state, int64_t now_ms, struct fail *f);
int signing_key_remove(
    struct db *db, struct str domain, struct str selector, struct fail *f);

/* Each key of a domain (folded), or of all if it is empty, by selector; stops
 * when fn returns false. */
int signing_key_each(struct db *db, struct str domain,
    bool (*fn)(void *arg, const struct signing_key *k), void *arg,
    struct fail *f);

/* auth.db. */
int signing_secret_put(struct db *db, struct str domain, struct str selector,
    struct str secret, struct fail *f);
/* selector empty: all of the domain. */
int signing_secret_remove(
    struct db *db, struct str domain, struct str selector, struct fail *f);
/* 1 appended to out (wipe it), 0 none, -1. */
struct buf;
int signing_secret_get(struct db *db, struct str domain, struct str selector,
    struct buf *out, struct fail *f);

#endif
