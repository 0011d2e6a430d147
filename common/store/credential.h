/* SPDX-License-Identifier: MIT */
/* credential: verifiers of passwords, in auth.db (db opened with DB_AUTH). */
#ifndef STORE_CREDENTIAL_H
#define STORE_CREDENTIAL_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

#define CREDENTIAL_VERIFIER_MAX 128

/* 1 and the verifier, 0 if there is none, -1. */
int credential_find(struct db *db, struct str login,
    char verifier[CREDENTIAL_VERIFIER_MAX], struct fail *f);

/* In a write transaction; replaces. */
int credential_set(struct db *db, struct str login, const char *verifier,
    int64_t now_ms, struct fail *f);
int credential_remove(struct db *db, struct str login, struct fail *f);

#endif
