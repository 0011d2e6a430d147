/* SPDX-License-Identifier: MIT */
/*
 * session: one connection of a mail client, from greeting to close.
 *
 * The driver of the SMTP engine: bytes of the connection go in, events are
 * served here or by sender, recipient, receive and login, one at a time.  A
 * session whose connection is gone lives on until the answer it waits for
 * came, so that a commit under way is not disturbed.
 *
 * Time: a whole command, or 4 KiB of data, must come within
 * timeouts.smtp_command of the last; a whole message within
 * timeouts.smtp_data.  Single octets extend nothing.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "common/daemon/listen_options.h"
#include "smtpd/smtpd.h"

/* Serve a new connection, or turn it away with 421.  fd is taken over.  listen:
 * what holds where it came in; copied. */
void session_accept(struct smtpd *d, const struct service *service,
    const struct listen_options *listen, int fd, const struct address *peer,
    bool refuse);

#endif
