/* SPDX-License-Identifier: MIT */
/* message_keyword: keywords of a mailbox, one by one; for the files of this
 * directory. */
#ifndef STORE_MESSAGE_KEYWORD_H
#define STORE_MESSAGE_KEYWORD_H

#include "common/store/message.h"
#include "common/util/mem.h"

/* The bit of a name, made if it is new (*k knows it then): 1, 0 there is none
 * left, -1. */
int message_keyword_bit(struct db *db, int64_t mailbox,
    struct message_keywords *k, struct str name, int *bit, struct fail *f);

#endif
