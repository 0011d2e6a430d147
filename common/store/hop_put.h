/* SPDX-License-Identifier: MIT */
/* hop_put: a hop whose place in its journey is known; for delivery. */
#ifndef STORE_HOP_PUT_H
#define STORE_HOP_PUT_H

#include "common/store/hop.h"

/* Write h as the n-th of its journey, which was begun in this transaction. */
int hop_put(struct db *db, const struct hop *h, int64_t n, struct fail *f);

#endif
