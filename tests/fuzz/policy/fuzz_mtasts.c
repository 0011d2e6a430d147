/* SPDX-License-Identifier: MIT */
/* Input: a policy; all of it is a TXT record, too. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy/mtasts.h"
#include "common/policy/tlsrpt.h"
#include "common/util/buf.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
policy(struct str text)
{
	struct mtasts_policy p;
	const char *why;
	struct buf json;

	if (!mtasts_policy_parse(text, &p, &why)) {
		assert(why != NULL && strlen(why) < 100);
		return;
	}
	assert(p.max_age_s <= MTASTS_AGE_MAX && p.n <= MTASTS_MX_MAX);
	assert(p.n > 0 || p.mode == MTASTS_NONE);
	for (size_t i = 0; i < p.n; i++) {
		struct str host = p.mx[i];

		assert(host.at >= text.at &&
		       host.at + host.len <= text.at + text.len);
		assert(host.len > 0 && str_is_printable(host));
		if (!str_starts(host, STR("*.")))
			assert(mtasts_matches(&p, host));
	}
	buf_init(&json, TLSRPT_POLICY_MAX);
	tlsrpt_policy_sts(STR("d.test"), &p, text, &json);
	assert(!json.overrun && utf8_valid(buf_str(&json)));
	buf_release(&json);
}

static void
record(struct str text)
{
	struct str records[2];
	char id[MTASTS_ID_MAX];
	struct tlsrpt_record r;

	records[0] = str_cut(&text, '\0');
	records[1] = text;
	if (mtasts_record_id(records, 2, id))
		assert(strlen(id) > 0 && strlen(id) < MTASTS_ID_MAX);
	if (!tlsrpt_record_parse(records, 2, &r))
		return;
	assert(r.n > 0 && r.n <= TLSRPT_RUA_MAX);
	for (size_t i = 0; i < r.n; i++) {
		char address[TLSRPT_ADDRESS_MAX];
		struct tlsrpt_https where;

		if (tlsrpt_mailto(r.rua[i], address))
			assert(strchr(address, '@') != NULL &&
			       str_is_printable(str_of(address)));
		if (tlsrpt_https(r.rua[i], &where)) {
			assert(where.port != 0 && where.host.len > 0);
			assert(where.path.len > 0 && where.path.at[0] == '/');
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};

	policy(text);
	record(text);
	return 0;
}
