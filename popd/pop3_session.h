/* SPDX-License-Identifier: MIT */
/*
 * pop3_session: one POP3 connection, from accept to close.
 *
 *	conn --bytes--> pop3 (proto/pop3.h) --events--> login, maildrop, feed
 *	     <--output--                    <--answers--
 *
 * While an answer is awaited the session is busy: it takes no further
 * command.  A client that goes away leaves a busy session behind until the
 * answer is there; whatever was marked deleted then stays, unless QUIT's
 * commit was under way already (RFC 1939 s6).
 */
#ifndef POPD_POP3_SESSION_H
#define POPD_POP3_SESSION_H

#include "common/net/address.h"
#include "popd/popd.h"

/* Serve an accepted socket (taken over), under TLS from the start or not.
 * crowded: there is no room; it is told so and closed. */
void pop3_session_start(struct popd *popd, int fd, const struct address *peer,
    bool tls, bool crowded);

#endif
