/* SPDX-License-Identifier: MIT */
/* Input: words of the setting, an empty line, then what the lists answer, four
 * octets a record, the rest as TXT. */
#include <assert.h>

#include "common/policy/dnsbl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t ip[16] = {0x20, 1, 0xd, 0xb8};
	struct str text = {(const char *)data, size}, records[3], word;
	struct dnsbl_list lists[DNSBL_LISTS_MAX];
	struct fact fact = {.status = FACT_OK, .records = records};
	struct facts_question q;
	struct dnsbl_output out;
	size_t n = 0;

	while ((word = str_cut(&text, '\n')).len > 0 && n < DNSBL_LISTS_MAX)
		if (dnsbl_parse(word, &lists[n]))
			n++;
	for (; fact.n < 3 && text.len >= 4; fact.n++) {
		records[fact.n] = str_first(text, 4);
		text = str_after(text, 4);
	}
	struct facts *f = facts_new();
	while (!dnsbl_check(f, ip, size % 2 == 0 ? 4 : 16, lists, n, &out)) {
		while (facts_wanted(f, &q)) {
			if (q.type == FACT_TXT)
				fact = (struct fact){.n = 1, .records = &text};
			facts_answer(f, q.id, &fact);
		}
	}
	assert(out.weight >= -1000 && out.weight <= 1000);
	assert(str_is_printable(str_of(out.lists)));
	assert(str_is_printable(str_of(out.reason)));
	assert(str_is_printable(str_of(out.problem)));
	facts_free(f);
	return 0;
}
