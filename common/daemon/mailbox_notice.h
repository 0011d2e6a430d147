/* SPDX-License-Identifier: MIT */
/*
 * mailbox_notice: telling popd which mailboxes got mail, so that those who look
 * at them hear of it at once.
 *
 * Gathered while the store hands over what it has done, and sent together:
 * one datagram "mailbox ID ID ..." for many deliveries.  A hint: when popd is
 * not there, nothing happens.
 */
#ifndef DAEMON_MAILBOX_NOTICE_H
#define DAEMON_MAILBOX_NOTICE_H

#include <stddef.h>
#include <stdint.h>

#define MAILBOX_NOTICE_MAX 64 /* ids in one datagram */

struct mailbox_notice {
	char *path; /* popd's datagram socket, owned; NULL: nobody is told */
	int64_t ids[MAILBOX_NOTICE_MAX];
	size_t n;
};

/* path is taken over.  release sends what is left. */
void mailbox_notice_init(struct mailbox_notice *m, char *path);
void mailbox_notice_release(struct mailbox_notice *m);

/* After the commit; sends by itself when it is full. */
void mailbox_notice_add(
    struct mailbox_notice *m, const int64_t *mailboxes, size_t n);
void mailbox_notice_send(struct mailbox_notice *m);

#endif
