/* SPDX-License-Identifier: MIT */
/*
 * relay_set_back: a clock that was days ahead and is put right leaves mail
 * waiting for a time that is days away.  Such mail is brought nearer: at the
 * start, and when the clock is seen to have been set back.
 */
#ifndef MAILD_RELAY_RELAY_SET_BACK_H
#define MAILD_RELAY_RELAY_SET_BACK_H

#include "maild/relay/relay.h"

struct relay_set_back;

/* deps are copied.  nearer is called when something was. */
struct relay_set_back *relay_set_back_new(
    const struct relay_deps *deps, void (*nearer)(void *arg), void *arg);

/* Now and then: was it? */
void relay_set_back_look(struct relay_set_back *s);

/* Begin nothing more.  Free it when the store is closed. */
void relay_set_back_stop(struct relay_set_back *s);
void relay_set_back_free(struct relay_set_back *s);

#endif
