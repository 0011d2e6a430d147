/* SPDX-License-Identifier: MIT */
/*
 * account: who has mail here, under which addresses.
 *
 * Addresses and domains given to these functions are folded already
 * (mime/addr.h).  FAIL_PERM says what is wrong in a sentence for a person:
 * no such account, exists already, and what to do.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

struct account {
	int64_t id;
	char login[321];
	bool disabled;
	bool going; /* its removal has begun: disabled, without addresses */
	uint64_t quota_bytes; /* 0: none */
	uint64_t bytes, messages;
	int64_t created_ms;
};

/* Make the account, its address and its usual mailboxes.  The domain must
 * exist. */
int account_add(struct db *db, struct str login, uint64_t quota_bytes,
    int64_t now_ms, int64_t *id, struct fail *f);

/* Removal is many short transactions, or mail would wait for a large one: the
 * first takes the addresses and every login and delivery away; each of the
 * next takes up to max messages, the last the account itself (*over).  After a
 * crash in between it is begun again.  What is begun cannot be undone. */
int account_remove_begin(struct db *db, struct str login, struct fail *f);
int account_remove_some(struct db *db, struct str login, size_t max,
    int64_t now_ms, bool *over, struct fail *f);

/* 1 found, 0 not, -1 failure. */
int account_find(
    struct db *db, struct str login, struct account *out, struct fail *f);
int account_set_quota(
    struct db *db, struct str login, uint64_t quota_bytes, struct fail *f);

/* Disabled: mail still arrives and is kept, but nobody may log in. */
int account_set_disabled(
    struct db *db, struct str login, bool disabled, struct fail *f);

/* IMAP capabilities that are not offered to it, a space between: set as they
 * are given; read into a malloc'd string: 1, 0 no such account, -1. */
#define ACCOUNT_IMAP_OFF_MAX 1000
int account_set_imap_off(
    struct db *db, struct str login, struct str off, struct fail *f);
int account_imap_off(
    struct db *db, int64_t account, char **off, struct fail *f);

/* Call each for every account, by login; stops when it returns false. */
int account_each(struct db *db,
    bool (*each)(void *arg, const struct account *a), void *arg,
    struct fail *f);

/* Does this folded address belong to the account: its login, +detail of it,
 * or an alias whose only target it is?  1 yes, 0 no, -1 failure. */
int account_owns(
    struct db *db, int64_t account, struct str address, struct fail *f);

int domain_add(struct db *db, struct str name, int64_t now_ms, struct fail *f);
int domain_remove(struct db *db, struct str name,
    struct fail *f); /* refused while accounts use it */
int domain_find(struct db *db, struct str name, struct fail *f); /* 1, 0, -1 */
int domain_each(struct db *db, bool (*each)(void *arg, struct str name),
    void *arg, struct fail *f);

/* An alias delivers to its targets; "@domain" is the catch-all.  Of a target
 * only the domain need be folded: where that is not ours, the local part is
 * kept as it is (RFC 5321 s2.4).  Adding to an
 * existing alias adds a target.  target NULL (len 0) removes the whole alias.
 */
int alias_add(
    struct db *db, struct str alias, struct str target, struct fail *f);
int alias_remove(
    struct db *db, struct str alias, struct str target, struct fail *f);
int alias_each(struct db *db,
    bool (*each)(void *arg, struct str alias, struct str target), void *arg,
    struct fail *f);

#endif
