/* SPDX-License-Identifier: MIT */
/*
 * keeper: the housekeeper of the store, in small transactions behind
 * everything else: bodies nobody refers to, files a crash left, journeys
 * older than 90 days.
 */
#ifndef MAILD_KEEPER_H
#define MAILD_KEEPER_H

#include "maild/maild.h"

struct keeper;

/* Begins at once with what a crash may have left.  maild is borrowed. */
struct keeper *keeper_new(struct maild *m);

/* After the store of maild is closed: its jobs are done then. */
void keeper_free(struct keeper *k);

#endif
