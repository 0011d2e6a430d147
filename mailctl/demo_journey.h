/* SPDX-License-Identifier: MIT */
/*
 * demo_journey: Bob's message to Alice, from his user agent to hers, told on
 * standard output as it happens.
 *
 *	submit (STARTTLS, AUTH) -> wait for "relayed" -> fetch (POP3 over TLS)
 *	as Alice, then as Carol, who was a Bcc -> compare -> tell the journey
 */
#ifndef MAILCTL_DEMO_JOURNEY_H
#define MAILCTL_DEMO_JOURNEY_H

#include "mailctl/box.h"

struct demo_journey;

/* Boxes are ready, and borrowed.  done() is called once: good is true only if
 * every octet arrived.  The demo's accounts exist (demo.c). */
struct demo_journey *demo_journey_start(struct loop *loop,
    const struct box *bob, const struct box *alice,
    void (*done)(void *arg, bool good), void *arg);
void demo_journey_free(struct demo_journey *j);

#endif
