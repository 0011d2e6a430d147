/* SPDX-License-Identifier: MIT */
#include "common/store/srs_secret.h"

#include <assert.h>

#include "common/store/meta_secret.h"

static_assert(SRS_SECRET_OCTETS == META_SECRET_OCTETS, "one length for all");

static const char name[] = "srs_secret";

int
srs_secret_get(struct db *db, uint8_t out[SRS_SECRET_OCTETS], struct fail *f)
{
	return meta_secret_get(db, name, out, f);
}

int
srs_secret_make(struct db *db, uint8_t out[SRS_SECRET_OCTETS], struct fail *f)
{
	return meta_secret_make(db, name, out, f);
}
