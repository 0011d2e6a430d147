/* SPDX-License-Identifier: MIT */
/* certificate: what a certificate file says, for people who check theirs. */
#ifndef NET_CERTIFICATE_H
#define NET_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/util/fail.h"

struct certificate {
	int64_t expires_s; /* Unix time */
	bool names_host;   /* it is for this host (RFC 6125) */
};

/* Look at the first certificate of a PEM file. */
int certificate_look(const char *file, const char *host,
    struct certificate *out, struct fail *f);

#endif
