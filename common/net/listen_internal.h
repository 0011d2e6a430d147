/* SPDX-License-Identifier: MIT */
/* listen_internal: listeners inside larger things of common/net. */
#ifndef NET_LISTEN_INTERNAL_H
#define NET_LISTEN_INTERNAL_H

#include "common/net/listen.h"

/* When the loop is freed, close(arg) is called, which frees the listener. */
void listener_owned(struct listener *l, void (*close)(void *arg));

#endif
