/* SPDX-License-Identifier: MIT */
/* An address (sixteen octets, the first says of which kind), then lines that
 * are what DNS answers: the check ends, after the questions it may ask. */
#include <assert.h>
#include <string.h>

#include "common/policy/iprev.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAMES 8

static size_t
answer(struct facts *f, struct str names[NAMES], struct str ip)
{
	struct facts_question q;
	size_t n = 0;

	for (; facts_wanted(f, &q); n++) {
		struct fact fact = {.status = FACT_OK, .n = 1, .records = &ip};

		assert(q.name.len <= 253);
		if (q.type == FACT_PTR)
			fact = (struct fact){
			    .status = FACT_OK, .n = NAMES, .records = names};
		else if (q.name.len % 3 == 0)
			fact = (struct fact){.status = FACT_TEMPFAIL};
		facts_answer(f, q.id, &fact);
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data + 16, size - 16}, names[NAMES];
	size_t ip_len, asked = 0;
	struct iprev_output out;
	struct facts *f;

	if (size < 16)
		return 0;
	ip_len = data[0] % 2 == 0 ? 4 : 16;
	for (size_t i = 0; i < NAMES; i++)
		names[i] = str_cut(&rest, '\n');
	f = facts_new();
	while (!iprev_check(f, data, ip_len, &out)) {
		size_t n = answer(
		    f, names, (struct str){(const char *)data, ip_len});

		assert(n > 0);
		asked += n;
	}
	assert(asked <= 1 + 5);
	assert(strlen(out.name) < sizeof(out.name));
	assert(out.result != IPREV_PASS || out.name[0] != '\0');
	facts_free(f);
	return 0;
}
