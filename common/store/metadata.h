/* SPDX-License-Identifier: MIT */
/*
 * metadata: annotations of mailboxes and of the account (RFC 5464).
 *
 * Names are entry names, "/private/..." or "/shared/...", ASCII case ignored.
 * mailbox 0 is the account ("server") itself.  At most METADATA_VALUE_MAX
 * octets a value and METADATA_ENTRIES_MAX entries an account.
 */
#ifndef STORE_METADATA_H
#define STORE_METADATA_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

#define METADATA_VALUE_MAX   65536
#define METADATA_ENTRIES_MAX 1000

/* Call each for every entry of it, by name; strings live during the call. */
int metadata_each(struct db *db, int64_t account, int64_t mailbox,
    void (*each)(void *arg, struct str name, struct str value), void *arg,
    struct fail *f);

/* Set, or with value NULL remove.  1 done, 0 there are too many, -1. */
int metadata_set(struct db *db, int64_t account, int64_t mailbox,
    struct str name, const struct str *value, struct fail *f);

#endif
