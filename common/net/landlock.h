/* SPDX-License-Identifier: MIT */
/* landlock: the kernel's interface of that name, which libc does not know. */
#ifndef NET_LANDLOCK_H
#define NET_LANDLOCK_H

#include "common/net/sandbox.h"

/* The first ABI that can rename between folders, and what came later. */
#define LANDLOCK_FILES   2
#define LANDLOCK_LENGTHS 3 /* truncate */
#define LANDLOCK_PORTS   4
#define LANDLOCK_IOCTL   5
#define LANDLOCK_SCOPES  6

/* ABI of the running kernel; 0: none, or switched off. */
int landlock_abi(void);

/* Confine this thread and those it starts; abi is at least LANDLOCK_FILES.
 * Needs no_new_privs. */
int landlock_enter(const struct sandbox_profile *p, int abi, struct fail *f);

#endif
