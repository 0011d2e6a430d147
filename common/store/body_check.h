/* SPDX-License-Identifier: MIT */
/* body_check: is a body, as it is kept, what its hash says? */
#ifndef STORE_BODY_CHECK_H
#define STORE_BODY_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "common/store/db.h"

/* Ids and sizes of bodies that somebody holds, rising. */
struct body_check_batch {
	struct body_check_row {
		int64_t id;
		uint64_t size;
	} rows[1000];
	size_t n;
};

/* The next ones after the last row; at first n is 0.  A db_work: in short
 * transactions, since a long one would keep the log from being emptied for as
 * long as it takes to read the whole store. */
int body_check_next(struct db *db, void *batch, struct fail *f);

/* Read all of it and compare.  0, also if nobody holds it any more; -1: *f
 * says what is wrong.  Outside any transaction. */
int body_check(struct db *db, int64_t id, struct fail *f);

#endif
