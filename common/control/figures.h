/* SPDX-License-Identifier: MIT */
/* figures: the state of a store in numbers, as gauges for Prometheus. */
#ifndef CONTROL_FIGURES_H
#define CONTROL_FIGURES_H

#include "common/store/db.h"
#include "common/util/buf.h"

/* Room that figures_add() never exceeds. */
#define FIGURES_ROOM (8 * KB)

/* Append them in Prometheus' text format 0.0.4.  In a read transaction. */
int figures_add(
    struct db *mail, int64_t now_ms, struct buf *out, struct fail *f);

#endif
