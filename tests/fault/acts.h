/* SPDX-License-Identifier: MIT */
/*
 * acts: what a mail store does, one script each, to be broken at any point.
 *
 *	world_begin(&model, act);  world_learn(act, &model, &history);
 *	world_copy(&model, &w);    world_open(&w, &f);
 *	act->run(&w, &f);	   (with a fault; w.said counts)
 *	world_judge(&w, act, &history, w.said, ...)
 */
#ifndef TESTS_FAULT_ACTS_H
#define TESTS_FAULT_ACTS_H

#include "tests/fault/world.h"

extern const struct act acts[];
extern const size_t acts_n;

/* NULL: there is none of that name. */
const struct act *acts_find(const char *name);

#endif
