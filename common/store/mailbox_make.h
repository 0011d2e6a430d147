/* SPDX-License-Identifier: MIT */
/* mailbox_make: making mailboxes whose names are judged already; for the files
 * of this directory. */
#ifndef STORE_MAILBOX_MAKE_H
#define STORE_MAILBOX_MAKE_H

#include "common/store/mailbox.h"

/* The id of the mailbox of this folded name: 1, 0, -1. */
int mailbox_id(struct db *db, int64_t account, struct str name, int64_t *id,
    struct fail *f);

/* Has the account room for `name' and what is missing above it?  0 with
 * *refusal, -1. */
int mailbox_make_look(struct db *db, int64_t account, struct str name,
    enum mailbox_refusal *refusal, struct fail *f);

/* What is missing above `name'; and `name' itself, which is not there. */
int mailbox_make_above(struct db *db, int64_t account, struct str name,
    int64_t now_ms, struct fail *f);
int mailbox_make(struct db *db, int64_t account, struct str name,
    unsigned special, int64_t now_ms, int64_t *id, struct fail *f);

/* Refuse: sets *refusal and the sentence, and is 0. */
int mailbox_refuse(enum mailbox_refusal *refusal, enum mailbox_refusal why,
    struct fail *f, const char *sentence);

#endif
