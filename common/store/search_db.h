/* SPDX-License-Identifier: MIT */
/* search_db: what the files of search.h share; only for them. */
#ifndef STORE_SEARCH_DB_H
#define STORE_SEARCH_DB_H

#include "common/store/sql.h"
#include "common/util/mem.h"

/* Append the text of a body, made from its octets.  1, 0 none such, -1. */
int search_extract(struct db *mail, int64_t body, struct buf *head,
    struct buf *text, struct fail *f);

/* The reader's connection to search.db; NULL if there is none.  afresh: look
 * whether the file is there by now, or another one. */
struct db *search_open(struct db *mail, bool afresh);

/* A number of its table meta, 0 if it is not there; and setting it. */
int search_fact(
    struct db *search, const char *key, int64_t *out, struct fail *f);
int search_set_fact(
    struct db *search, const char *key, int64_t value, struct fail *f);

#endif
