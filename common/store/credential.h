/* SPDX-License-Identifier: MIT */
/*
 * credential: verifiers of passwords, in auth.db (db opened with DB_AUTH), and
 * the keys for SCRAM (RFC 5802 s3), which are made from the same password and
 * written in the same transaction.
 */
#ifndef STORE_CREDENTIAL_H
#define STORE_CREDENTIAL_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

#define CREDENTIAL_VERIFIER_MAX 128

/* 1 and the verifier, 0 if there is none, -1. */
int credential_find(struct db *db, struct str login,
    char verifier[CREDENTIAL_VERIFIER_MAX], struct fail *f);

/* In a write transaction; the first replaces, the second takes the keys for
 * SCRAM too. */
int credential_set(struct db *db, struct str login, const char *verifier,
    int64_t now_ms, struct fail *f);
int credential_remove(struct db *db, struct str login, struct fail *f);

#define CREDENTIAL_SALT_LEN 16
#define CREDENTIAL_KEY_LEN  32

struct credential_scram {
	uint8_t salt[CREDENTIAL_SALT_LEN];
	unsigned iterations;
	uint8_t stored[CREDENTIAL_KEY_LEN], server[CREDENTIAL_KEY_LEN];
};

/* 1 and the keys, 0 if there are none, -1. */
int credential_find_scram(struct db *db, struct str login,
    struct credential_scram *k, struct fail *f);

/* In a write transaction; replaces. */
int credential_set_scram(struct db *db, struct str login,
    const struct credential_scram *k, struct fail *f);

/* The same, of a login that has none, and only while this is its verifier:
 * for keys made of a password that was right a moment ago. */
int credential_add_scram(struct db *db, struct str login, const char *verifier,
    const struct credential_scram *k, struct fail *f);

/* R(NAME, "key in meta") */
#define CREDENTIAL_SECRETS(R)                                                  \
	R(APP_PASSWORD, "app_password_key") /* under which they are hashed */  \
	R(NOBODY, "scram_secret")           /* of salts for unknown names */

enum credential_secret {
#define R(name, key) CREDENTIAL_##name,
	CREDENTIAL_SECRETS(R)
#undef R
};

/* A secret of this store.  In a write transaction: it is made when it is first
 * asked for. */
int credential_secret(struct db *db, enum credential_secret which,
    uint8_t out[CREDENTIAL_KEY_LEN], struct fail *f);

#endif
