/* SPDX-License-Identifier: MIT */
/*
 * domain_dns: the DNS records to be published for a domain of ours.
 *
 *	{"name":"d.test","type":"MX","value":"10 mx.d.test.","need":"needed",
 *	 "why":"Where other servers bring mail for the domain."}
 *
 * need: "needed", "advised", or "later" for what nothing of ours answers yet.
 * Values are as in a zone file, TXT without quotes and in one piece.
 */
#ifndef CONTROL_DOMAIN_DNS_H
#define CONTROL_DOMAIN_DNS_H

#include <jansson.h>

#include "common/control/command.h"
#include "common/util/fail.h"

/* An array, the caller's; NULL on failure.  domain is folded; host is our
 * name. */
json_t *domain_dns(const struct control *c, struct str domain, const char *host,
    struct fail *f);

#endif
