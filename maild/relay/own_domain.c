/* SPDX-License-Identifier: MIT */
#include "maild/relay/own_domain.h"

#include <stdio.h>

#include "common/mime/addr.h"
#include "common/store/account.h"
#include "common/util/buf.h"

int
own_domain_find(struct db *db, struct str hostname, char out[OWN_DOMAIN_MAX],
    struct fail *f)
{
	struct buf folded;
	struct str domain;
	int ours = 0;

	buf_init(&folded, OWN_DOMAIN_MAX - 1);
	if (!addr_domain_fold(hostname, &folded))
		buf_clear(&folded); /* none can be ours */
	domain = buf_str(&folded);
	while (domain.len > 0 && (ours = domain_find(db, domain, f)) == 0)
		str_cut(&domain, '.');
	if (domain.len == 0)
		domain = folded.len > 0 ? buf_str(&folded) : hostname;
	snprintf(out, OWN_DOMAIN_MAX, "%.*s", STR_FMT(domain));
	buf_release(&folded);
	return ours;
}
