/* SPDX-License-Identifier: MIT */
#include "common/store/hop_known.h"

#include "common/store/sql.h"

static const char sql_known[] =
    "SELECT 1 FROM hop WHERE trace = ?1 AND kind = ?2 AND recipient IS ?3"
    " AND detail IS ?4";

int
hop_known(struct db *db, const struct hop *h, struct fail *f)
{
	int64_t one;

	return sql_number(db, &one, sql_known, f, "iioo", h->trace,
	    (int64_t)h->kind, h->recipient, h->detail);
}
