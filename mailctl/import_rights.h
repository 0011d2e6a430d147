/* SPDX-License-Identifier: MIT */
/*
 * import_rights: what import may do.  It writes into the store, so that the
 * daemons can go on with it: as root it becomes the store's owner, but keeps
 * the right to read any file, for mail is in people's homes.
 */
#ifndef MAILCTL_IMPORT_RIGHTS_H
#define MAILCTL_IMPORT_RIGHTS_H

#include "common/conf/conf.h"
#include "common/util/fail.h"

/* FAIL_PERM says who must run it. */
int import_rights_take(const struct conf *conf, struct fail *f);

/* Root becomes this user, but can still read any file. */
struct passwd;
int import_rights_become(const struct passwd *pw, struct fail *f);

/* The same for who only reads the store: root stays root. */
int import_rights_look(const struct conf *conf, struct fail *f);

#endif
