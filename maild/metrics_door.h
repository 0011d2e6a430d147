/* SPDX-License-Identifier: MIT */
/*
 * metrics_door: GET /metrics over HTTP/1, on loopback addresses only
 * (metrics.listen): maild's counters and the gauges of the store.
 *
 * Not a web server: one request a connection of at most 8 KiB, ten seconds,
 * sixteen connections.
 */
#ifndef MAILD_METRICS_DOOR_H
#define MAILD_METRICS_DOOR_H

#include "maild/maild.h"

struct metrics_door;

/* Listens when it returns.  NULL: an address is none, is not on loopback, or
 * cannot be listened on.  maild is borrowed. */
struct metrics_door *metrics_door_new(struct maild *m, struct fail *f);

/* Accept nothing more; those who wait are let go.  Then, after the store of
 * maild is closed, free. */
void metrics_door_stop(struct metrics_door *d);
void metrics_door_free(struct metrics_door *d);

#endif
