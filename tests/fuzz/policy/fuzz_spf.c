/* SPDX-License-Identifier: MIT */
/* Input: a sender, a HELO, then the lines DNS gives as records: every TXT, and
 * the names of MX and PTR.  Whatever they are, the check ends, after a bounded
 * number of questions, and what it says can stand in a reply. */
#include <assert.h>

#include "common/policy/spf.h"
#include "common/policy/spf_record.h"

#define LINES_MAX     16
#define QUESTIONS_MAX 160

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned
hash(struct str name)
{
	unsigned h = 2166136261U;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (uint8_t)name.at[i]) * 16777619U;
	return h >> 4;
}

static void
answer(struct facts *f, const struct facts_question *q, const struct str *lines,
    size_t n)
{
	struct str records[12], address = {"\300\0\2\3", 4};
	struct fact fact = {.status = FACT_OK, .records = records};
	unsigned h = hash(q->name);

	if (n == 0 || h % 7 == 6) {
		fact.status = h % 2 == 0 ? FACT_NXDOMAIN : FACT_TEMPFAIL;
	} else if (q->type == FACT_TXT) {
		records[fact.n++] = lines[h % n];
		if (h % 11 == 5)
			records[fact.n++] = lines[(h + 1) % n];
	} else if (q->type == FACT_A || q->type == FACT_AAAA) {
		if (q->type == FACT_AAAA)
			address = STR("\300\0\2\3\0\0\0\0\0\0\0\0\0\0\0\0");
		records[fact.n++] = address;
	} else {
		for (; fact.n < h % 12; fact.n++) /* MX: 2 octets in front */
			records[fact.n] = lines[(h + fact.n) % n];
		for (size_t i = 0; q->type == FACT_MX && i < fact.n; i++)
			if (records[i].len < 2)
				fact.n = 0;
	}
	facts_answer(f, q->id, &fact);
}

static void
check(const struct spf_input *in, const struct str *lines, size_t n)
{
	struct facts *f = facts_new();
	struct facts_question q;
	struct spf_output out;
	size_t questions = 0;

	while (!spf_check(f, in, &out)) {
		size_t before = questions;

		for (; facts_wanted(f, &q); questions++)
			answer(f, &q, lines, n);
		assert(questions > before && questions <= QUESTIONS_MAX);
	}
	assert(str_is_printable(str_of(out.explain)));
	assert(str_is_printable(str_of(out.problem)));
	assert(str_is_printable(str_of(out.term)));
	assert(str_is_printable(str_of(out.domain)));
	assert(out.explain[0] == '\0' || out.result == SPF_FAIL);
	assert((out.problem[0] != '\0') ==
	       (out.result == SPF_TEMPERROR || out.result == SPF_PERMERROR));
	facts_free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t ip[16] = {192, 0, 2, 3};
	struct str text = {(const char *)data, size};
	struct str sender = str_cut(&text, '\n'), helo = str_cut(&text, '\n');
	struct str lines[LINES_MAX];
	size_t n = 0;
	struct spf_input in = {.ip = ip,
	    .ip_len = size % 2 == 0 ? 4 : 16,
	    .helo = helo,
	    .sender = sender,
	    .receiver = STR("mx.test"),
	    .now_s = 1};

	while (text.len > 0 && n < LINES_MAX)
		lines[n++] = str_cut(&text, '\n');
	check(&in, lines, n);
	return 0;
}
