/* SPDX-License-Identifier: MIT */
/* profile: what maild may do once it has begun (common/daemon/confine.h). */
#ifndef MAILD_PROFILE_H
#define MAILD_PROFILE_H

#include "common/daemon/confine.h"

extern const struct confine_profile maild_profile;

/* Option -T (common/daemon/selftest.h); the exit code. */
int maild_self_test(const char *conf_file, const struct log *log);

#endif
