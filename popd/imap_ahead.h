/* SPDX-License-Identifier: MIT */
/*
 * imap_ahead: reading ahead in a long FETCH.
 *
 *	op FETCH done, not over --> imap_ahead_begin() --> a reader of the
 *	store reads what the engine will ask for next, while this goes out
 *	op FETCH asked --> imap_ahead_take(): it is here, or soon, or is to be
 *	read as if nothing had been
 *
 * The engine knows nothing of it.  A session holds one batch more than the
 * engine does.  What could not be read ahead is read again when it is asked
 * for, and fails then.
 */
#ifndef POPD_IMAP_AHEAD_H
#define POPD_IMAP_AHEAD_H

#include "popd/proto/imap_message_op.h"

struct imap_session;
struct imap_ahead; /* the session's; NULL: nothing is read */

/* Begin to read what follows an op that is done and not over. */
void imap_ahead_begin(struct imap_session *s, const struct imap_fetch_op *done);

enum imap_ahead_is {
	IMAP_AHEAD_NONE, /* carry out the op */
	IMAP_AHEAD_HERE, /* the op has its answer */
	IMAP_AHEAD_SOON, /* imap_job_go_on() tells */
};
enum imap_ahead_is imap_ahead_take(
    struct imap_session *s, struct imap_fetch_op *op);

/* Nobody will ask. */
void imap_ahead_drop(struct imap_session *s);

#endif
