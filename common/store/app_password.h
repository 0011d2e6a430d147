/* SPDX-License-Identifier: MIT */
/* app_password: passwords made for one program each, in auth.db. */
#ifndef STORE_APP_PASSWORD_H
#define STORE_APP_PASSWORD_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

#define APP_PASSWORD_HASH_LEN 32

enum app_password_scope { /* on disk */
	APP_PASSWORD_SMTP = 1,
	APP_PASSWORD_IMAP = 2,
	APP_PASSWORD_POP3 = 4,
};

struct app_password {
	int64_t id, created_ms, used_ms;             /* used_ms 0: never */
	struct str login, name, used_from, used_for; /* valid during the call */
	unsigned scopes;
};

/* In a write transaction.  FAIL_PERM: the name is taken. */
int app_password_add(struct db *db, struct str login, struct str name,
    unsigned scopes, const uint8_t hash[APP_PASSWORD_HASH_LEN], int64_t now_ms,
    struct fail *f);
/* 1 removed, 0 there is none. */
int app_password_remove(
    struct db *db, struct str login, struct str name, struct fail *f);
int app_password_remove_all(struct db *db, struct str login, struct fail *f);

int app_password_each(struct db *db, struct str login,
    bool (*fn)(void *arg, const struct app_password *p), void *arg,
    struct fail *f);

/* 1 and *out without its strings, 0 none with this login and hash, -1. */
int app_password_find(struct db *db, struct str login,
    const uint8_t hash[APP_PASSWORD_HASH_LEN], struct app_password *out,
    struct fail *f);

/* It was used: kept to the hour, so that a program that polls writes once an
 * hour: app_password_is_news() says whether it would.  In a write
 * transaction. */
bool app_password_is_news(const struct app_password *p, int64_t now_ms);
int app_password_used(struct db *db, int64_t id, int64_t now_ms,
    struct str from, struct str proto, struct fail *f);

#endif
