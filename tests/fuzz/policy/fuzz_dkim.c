/* SPDX-License-Identifier: MIT */
/* A message, its first line being what DNS says to all questions: the check
 * comes to an end, its words are fit to be shown, and nothing passes that no
 * key has signed. */
#include <assert.h>
#include <string.h>

#include "common/mime/header.h"
#include "common/policy/dkim.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(const char *name)
{
	for (; *name != '\0'; name++)
		assert(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.",
			   *name) != NULL);
}

static void
check_verdict(const struct dkim_verdict *v)
{
	struct str identity = str_of(v->identity);
	uint32_t code;

	check_name(v->domain);
	check_name(v->selector);
	assert(str_is_printable(str_of(v->algorithm)));
	assert(str_is_printable(str_of(v->signature)));
	assert(str_is_printable(str_of(v->why)));
	assert((v->result == DKIM_PASS) == (v->why[0] == '\0'));
	while (identity.len > 0) {
		bool ok = utf8_take(&identity, &code);

		assert(ok && code >= ' ');
	}
	if (v->result == DKIM_PASS)
		assert(v->domain[0] != '\0' && !v->partial);
	assert(dkim_word(v->result) != NULL);
}

static size_t
answer(struct facts *f, struct str record)
{
	struct str records[] = {record, STR("v=DKIM1; p=")};
	struct fact said = {FACT_OK, false, 2, records};
	struct facts_question q;
	size_t n = 0;

	for (; facts_wanted(f, &q); n++) {
		assert(q.type == FACT_TXT && q.name.len <= 253);
		if (record.len == 0)
			said = (struct fact){.status = FACT_TEMPFAIL};
		facts_answer(f, q.id, &said);
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = {(const char *)data, size}, record, block, body;
	struct facts *f = facts_new();
	struct dkim *d;
	size_t asked = 0, n;

	record = str_cut(&message, '\n');
	header_split(message, &block, &body);
	d = dkim_new(block, 1700000000);
	dkim_body(d, body);
	dkim_body_end(d);
	while (!dkim_check(d, f)) {
		n = answer(f, record);
		assert(n > 0);
		asked += n;
	}
	assert(asked <= dkim_count(d));
	assert(dkim_count(d) <= DKIM_SIGNATURES_MAX);
	assert(dkim_count(d) <= dkim_signatures(d));
	for (size_t i = 0; i < dkim_count(d); i++)
		check_verdict(dkim_verdict(d, i));
	dkim_free(d);
	facts_free(f);
	return 0;
}
