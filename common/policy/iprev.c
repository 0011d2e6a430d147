/* SPDX-License-Identifier: MIT */
#include "common/policy/iprev.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/policy/spf_ip.h"
#include "common/util/buf.h"

#define NAMES_MAX 5

void
iprev_name(const uint8_t *ip, size_t ip_len, const char *zone, char out[256])
{
	const char *under = ip_len == 4 ? "in-addr.arpa" : "ip6.arpa";
	struct buf name;

	assert(ip_len == 4 || ip_len == 16);
	buf_init(&name, 255);
	for (size_t i = ip_len; i > 0; i--) {
		if (ip_len == 4)
			buf_addf(&name, "%u.", ip[i - 1]);
		else
			buf_addf(
			    &name, "%x.%x.", ip[i - 1] & 15, ip[i - 1] >> 4);
	}
	buf_add(&name, str_of(zone != NULL ? zone : under));
	out[0] = '\0'; /* a zone too long for it: no name, as facts see it */
	if (!name.overrun)
		memcpy(out, name.data, name.len + 1);
	buf_release(&name);
}

static bool
leads_to(const struct fact *addresses, const uint8_t *ip, size_t ip_len)
{
	for (size_t i = 0; i < addresses->n; i++)
		if (addresses->records[i].len == ip_len &&
		    memcmp(addresses->records[i].at, ip, ip_len) == 0)
			return true;
	return false;
}

static void
set_name(struct iprev_output *out, struct str name)
{
	snprintf(out->name, sizeof(out->name), "%.*s", STR_FMT(name));
}

bool
iprev_check(
    struct facts *f, const uint8_t *ip, size_t ip_len, struct iprev_output *out)
{
	bool waiting = false, unknown = false;
	const struct fact *names, *addresses;
	char reverse[256];

	assert(ip_len == 4 || ip_len == 16);
	spf_ip_unmap(&ip, &ip_len);
	*out = (struct iprev_output){.result = IPREV_FAIL};
	iprev_name(ip, ip_len, NULL, reverse);
	names = facts_ask(f, str_of(reverse), FACT_PTR);
	if (names == NULL)
		return false;
	unknown = names->status == FACT_TEMPFAIL;
	if (names->n > 0)
		set_name(out, names->records[0]);
	else
		out->result = IPREV_PERMERROR;
	for (size_t i = 0; i < names->n && i < NAMES_MAX; i++) {
		addresses = facts_ask(
		    f, names->records[i], ip_len == 4 ? FACT_A : FACT_AAAA);
		if (addresses == NULL) {
			waiting = true;
			continue;
		}
		unknown = unknown || addresses->status == FACT_TEMPFAIL;
		if (!waiting && leads_to(addresses, ip, ip_len)) {
			out->result = IPREV_PASS;
			set_name(out, names->records[i]);
			return true;
		}
	}
	if (unknown)
		out->result = IPREV_TEMPERROR;
	return !waiting;
}

const char *
iprev_word(enum iprev_result r)
{
	static const char *const words[] = {[IPREV_PASS] = "pass",
	    [IPREV_FAIL] = "fail",
	    [IPREV_TEMPERROR] = "temperror",
	    [IPREV_PERMERROR] = "permerror"};

	return words[r];
}
