/* SPDX-License-Identifier: MIT */
/* hop_known: is it told already? */
#ifndef STORE_HOP_KNOWN_H
#define STORE_HOP_KNOWN_H

#include "common/store/hop.h"

/* A hop of the same kind, recipient and detail in its journey: 1, 0, -1. */
int hop_known(struct db *db, const struct hop *h, struct fail *f);

#endif
