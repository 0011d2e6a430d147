/* SPDX-License-Identifier: MIT */
/* Any name, any records: a verdict comes, after at most eight questions for
 * each name and one more. */
#include <assert.h>
#include <string.h>

#include "common/policy/dmarc.h"
#include "common/policy/dmarc_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Answer with the octets that are left, a line each. */
static size_t
answer(struct facts *f, struct str *rest)
{
	struct facts_question q;
	size_t n = 0;

	for (; facts_wanted(f, &q); n++) {
		struct str record = str_cut(rest, '\n');
		struct fact fact = {
		    .status = FACT_OK, .n = 1, .records = &record};

		assert(q.name.len <= 253);
		if (record.len < 2) {
			fact.status = record.len == 0 ? FACT_NXDOMAIN
			                              : FACT_TEMPFAIL;
			fact.n = 0;
		}
		if (q.type == FACT_A && fact.n > 0)
			fact = (struct fact){.status = FACT_NODATA};
		facts_answer(f, q.id, &fact);
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};
	struct dmarc_record record;
	struct dmarc_proof proofs[2];
	struct dmarc_input in = {.proofs = proofs, .n = 2};
	struct dmarc_output out;
	struct facts *f = facts_new();
	size_t asked = 0;

	dmarc_record_parse(s, &record);
	in.author = str_cut(&s, '\n');
	proofs[0] = (struct dmarc_proof){str_cut(&s, '\n'), true};
	proofs[1] = (struct dmarc_proof){str_cut(&s, '\n'), false};
	while (!dmarc_check(f, &in, &out))
		asked += answer(f, &s);
	assert(asked <= 3 * 8 + 1);
	assert(out.why[0] != '\0');
	assert((out.result == DMARC_PASS) == (out.aligned[0] != '\0') ||
	       proofs[0].domain.len == 0 || proofs[1].domain.len == 0);
	assert(out.policy <= out.published);
	facts_free(f);
	return 0;
}
