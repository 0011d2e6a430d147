/* SPDX-License-Identifier: MIT */
/*
 * imap_session: one IMAP connection, from accept to close.
 *
 *	conn --bytes--> imap (proto/imap.h) --events--> login, ops, feed, stages
 *	     <--output--                    <--answers--
 *	                    ^--pokes-- mailboxes
 *
 * While an answer is awaited the session is busy: it takes no further
 * command.  A client that goes away leaves a busy session behind until the
 * answer is there; what was begun is carried out.
 *
 * Time: whoever has not logged in after a minute is gone.  After that a
 * command, or 64 KiB of a message, must come within timeouts.imap_idle of the
 * last; in IDLE nothing must: TCP keepalive finds out who is dead.
 */
#ifndef POPD_IMAP_SESSION_H
#define POPD_IMAP_SESSION_H

#include "common/net/address.h"
#include "popd/popd.h"

/* Serve an accepted socket (taken over), under TLS from the start or not.
 * crowded: there is no room; it is told so and closed. */
void imap_session_start(struct popd *popd, int fd, const struct address *peer,
    bool tls, bool crowded);

#endif
