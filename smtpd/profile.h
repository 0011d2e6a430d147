/* SPDX-License-Identifier: MIT */
/* profile: what smtpd may do once it has begun (common/daemon/confine.h). */
#ifndef SMTPD_PROFILE_H
#define SMTPD_PROFILE_H

#include "common/daemon/confine.h"

extern const struct confine_profile smtpd_profile;

/* Option -T (common/daemon/selftest.h); the exit code. */
int smtpd_self_test(const char *conf_file, const struct log *log);

#endif
