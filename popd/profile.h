/* SPDX-License-Identifier: MIT */
/* profile: what popd may do once it has begun (common/daemon/confine.h). */
#ifndef POPD_PROFILE_H
#define POPD_PROFILE_H

#include "common/daemon/confine.h"

extern const struct confine_profile popd_profile;

/* Option -T (common/daemon/selftest.h); the exit code. */
int popd_self_test(const char *conf_file, const struct log *log);

#endif
