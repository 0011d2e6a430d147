/* SPDX-License-Identifier: MIT */
/*
 * notify: datagrams that say "look again", and readiness.
 *
 * Notices are hints: one may be lost, none is waited for.
 */
#ifndef NET_NOTIFY_H
#define NET_NOTIFY_H

#include "common/net/loop.h"
#include "common/util/fail.h"
#include "common/util/str.h"

struct notice_inbox;

/* Receive notices at path (an old socket there is replaced, mode 0660). */
struct notice_inbox *notice_inbox_new(struct loop *l, const char *path,
    void (*fn)(void *arg, struct str text), void *arg, struct fail *f);
void notice_inbox_free(struct notice_inbox *n);

/* Send, from any thread, never blocking; false when nobody takes it. */
bool notice_send(const char *path, struct str text);

/* sd_notify(3): tell whoever started us ("READY=1", "STOPPING=1").  Does
 * nothing without NOTIFY_SOCKET. */
void notify_supervisor(const char *state);

#endif
