/* SPDX-License-Identifier: MIT */
/* own_domain: which domain of ours this host speaks for. */
#ifndef MAILD_RELAY_OWN_DOMAIN_H
#define MAILD_RELAY_OWN_DOMAIN_H

#include "common/store/db.h"
#include "common/util/str.h"

#define OWN_DOMAIN_MAX 256 /* with NUL */

/* The one that hostname is, or is below.  1, with it in out; 0 there is none,
 * with the host's name in out, folded; -1. */
int own_domain_find(struct db *db, struct str hostname,
    char out[OWN_DOMAIN_MAX], struct fail *f);

#endif
