/* SPDX-License-Identifier: MIT */
/*
 * route_mark: has anything changed that decides where mail goes?
 *
 * Eight octets in the store's file `routes', others after each change of a
 * domain, an address or an account, so that who keeps routes in memory
 * (route_cache.h) can ask in one pread(2) whether they still hold.
 *
 *	mark, change, COMMIT, mark again, answer the person
 *
 * Who reads the mark before the route, and keeps the route under that mark,
 * never takes an old route for a new one once the change was answered: a
 * route read before the COMMIT is under a mark that the second one ends.  The
 * first mark is for who dies between the two: what was kept until then is
 * forgotten, and what is kept in that moment has an end (ROUTE_CACHE_MS).
 *
 * It says nothing of what comes from elsewhere: octets used, or a person who
 * writes to mail.db with a tool of their own, or removes the file under a
 * daemon that runs (it is made again, and a new daemon reads that).
 */
#ifndef STORE_ROUTE_MARK_H
#define STORE_ROUTE_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/store/db.h"

#define ROUTE_MARK_FILE "routes"

/* In the transaction of a change, at any place.  -1: it may not be made, since
 * nobody would hear of it. */
int route_mark_change(struct db *db, struct fail *f);

/* A transaction of this connection was committed (store/db.c). */
void route_mark_committed(struct db *db);

/* The descriptor to read the mark from, for close(2); -1 with *f.  A store that
 * was opened once for writing has the file. */
int route_mark_open(const char *dir, struct fail *f);

/* False: it cannot be told. */
bool route_mark_read(int fd, uint64_t *mark);

#endif
