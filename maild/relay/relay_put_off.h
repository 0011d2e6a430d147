/* SPDX-License-Identifier: MIT */
/*
 * relay_put_off: everything that is due for a destination that cannot be
 * reached is put off, without being loaded: however much it is, the dead cost
 * the living next to nothing.
 *
 * Some hundred recipients a transaction.  What is not yet done when maild is
 * killed is due still.  Left alone are those of whom more than "later" is to be
 * said: their time is up, their sender is to hear that it takes long, or they
 * are on the suppression list.
 *
 * When the store cannot write, it tries again until it can.  Life: begins at
 * once, frees itself after done().
 */
#ifndef MAILD_RELAY_RELAY_PUT_OFF_H
#define MAILD_RELAY_RELAY_PUT_OFF_H

#include "common/store/queue.h"
#include "maild/proto/smtp_outcome.h"
#include "maild/relay/relay.h"

struct relay_put_off;

/* All is on disk: so many, and so many are left as they were. */
typedef void relay_put_off_done(void *arg, size_t put_off, size_t left);

struct relay_put_off_of { /* copied */
	struct str domain;
	int64_t due_ms; /* what was due by then */
	const struct smtp_outcome *outcome;
	bool law; /* not those whom no TLS policy holds up: left as they were */
	struct str host, dialogue, detail; /* as in struct relay_verdict */
	const struct queue_key *except;    /* in hand elsewhere */
	size_t n_except;
};

struct relay_put_off *relay_put_off_new(const struct relay_deps *deps,
    const struct relay_put_off_of *of, relay_put_off_done *done, void *arg);

/* The owner goes away: done() is not called. */
void relay_put_off_disown(struct relay_put_off *p);

/* Is now the time to tell that it takes long?  Once, and to whom wants to know
 * (RFC 3461 s4.1); who has not said so, only of mail our own people sent: the
 * sender of what we forward may be forged. */
bool relay_put_off_is_late(
    const struct queue_due_row *r, int64_t now_ms, int64_t notice_ms);

#endif
