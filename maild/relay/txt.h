/* SPDX-License-Identifier: MIT */
/* txt: the TXT records of an answer as text. */
#ifndef MAILD_RELAY_TXT_H
#define MAILD_RELAY_TXT_H

#include "common/dns/resolver.h"
#include "common/util/buf.h"

#define TXT_RECORDS_MAX 100 /* as many as the resolver gives */

struct txt {
	struct buf text; /* what records are in */
	struct str records[TXT_RECORDS_MAX];
	size_t n;
};

/* Malformed ones, and what is over 64 KiB, are left out. */
void txt_init(struct txt *t, const struct dns_answer *a);
void txt_release(struct txt *t);

#endif
