/* SPDX-License-Identifier: MIT */
/*
 * pop3_ahead: messages read before a client that fetches one after the other
 * asks for them.
 *
 *	message N read for itself --> pop3_ahead_begin(N + 1): a reader of the
 *	store reads some that follow, while N goes out
 *	message asked for --> pop3_ahead_take(): it is here, or soon, or is to
 *	be read for itself
 *
 * What is here goes out without a thread being woken for it.  A session holds
 * twice 64 KB at most, until it ends: limits.connections times 128 KB in all,
 * if all of them fetch.  Larger messages are never read ahead.
 */
#ifndef POPD_POP3_AHEAD_H
#define POPD_POP3_AHEAD_H

#include <stddef.h>

#include "common/util/str.h"

struct pop3_session;
struct pop3_ahead; /* the session's; NULL: nothing is read */

/* Read from this place in the maildrop on, unless that is being done. */
void pop3_ahead_begin(struct pop3_session *s, size_t index);

enum pop3_ahead_is {
	POP3_AHEAD_NONE,
	POP3_AHEAD_HERE, /* *text is all of it, valid until the next call */
	POP3_AHEAD_SOON, /* pop3_serve_ahead() or pop3_serve_alone() comes */
};
enum pop3_ahead_is pop3_ahead_take(
    struct pop3_session *s, size_t index, struct str *text);

/* Nobody will ask. */
void pop3_ahead_drop(struct pop3_session *s);

#endif
