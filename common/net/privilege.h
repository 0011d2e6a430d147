/* SPDX-License-Identifier: MIT */
/*
 * privilege: giving up what a daemon does not need, in the order of
 * docs/design.md s2: bind first, then drop, then no_new_privs and
 * non-dumpable.
 */
#ifndef NET_PRIVILEGE_H
#define NET_PRIVILEGE_H

#include "common/util/fail.h"

/* Raise the limit of open files to its hard limit. */
void privilege_raise_files(void);

/* When running as root and user is not NULL or empty: become user (uid, gid,
 * its groups), keeping no capability.  A user of uid 0 means to stay root.
 * Otherwise does nothing.  A parent-death signal set before stays set. */
int privilege_drop(const char *user, struct fail *f);

/* no_new_privs, non-dumpable, no core files, umask 0007. */
int privilege_lock(struct fail *f);

#endif
