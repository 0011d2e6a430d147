/* SPDX-License-Identifier: MIT */
/* The octets of a record, the first says of which type: a fact is of the form
 * that policy/facts.h promises, and no longer than its octets can be. */
#include <assert.h>

#include "common/dns/message.h"
#include "common/dns/rdata.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(struct str name)
{
	assert(name.len < DNS_NAME_TEXT_MAX && str_is_printable(name));
	for (size_t i = 0; i < name.len; i++)
		assert(name.at[i] < 'A' || name.at[i] > 'Z');
	assert(name.len == 0 || name.at[name.len - 1] != '.');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum fact_type types[] = {
	    FACT_A, FACT_AAAA, FACT_TXT, FACT_MX, FACT_PTR, FACT_SRV};
	struct str rdata = {(const char *)data + 1, size - 1}, fact;
	enum fact_type type;
	struct buf out;

	if (size == 0 || size > UINT16_MAX)
		return 0;
	type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	buf_init(&out, 128 * KB);
	if (rdata_to_fact(rdata, type, &out)) {
		fact = buf_str(&out);
		assert(!out.overrun);
		if (type == FACT_TXT)
			assert(fact.len <= rdata.len);
		else if (type == FACT_PTR)
			check_name(fact);
		else if (type == FACT_MX)
			check_name(str_after(fact, 2));
		else if (type == FACT_SRV)
			check_name(str_after(fact, 6));
		else
			assert(str_eq(fact, rdata));
	}
	buf_release(&out);
	return 0;
}
