/* SPDX-License-Identifier: MIT */
/*
 * control: executes the commands of common/control for those who reach
 * control.sock, on a thread and connections of its own, one after another,
 * and acts on what they changed: looks at the queue, forgets logins.
 *
 * Only root and maild's own user are served: the other daemons share its
 * group and thus reach the socket, but have nothing to order here.
 */
#ifndef MAILD_CONTROL_H
#define MAILD_CONTROL_H

#include "maild/maild.h"

struct control_server;

/* Listens when it returns.  maild is borrowed. */
struct control_server *control_server_new(struct maild *m, struct fail *f);

/* Commands under way. */
size_t control_server_pending(const struct control_server *c);

/* A check of the store, which may take long, fails from now on. */
void control_server_stop(struct control_server *c);

/* Waits for the command that runs. */
void control_server_free(struct control_server *c);

#endif
