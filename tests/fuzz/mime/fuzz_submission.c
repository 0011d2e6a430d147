/* SPDX-License-Identifier: MIT */
/* A mended block has Date and Message-ID and no Bcc, and needs no more
 * mending. */
#include <assert.h>

#include "common/mime/header.h"
#include "common/mime/submission.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct submission_options o = {
	    .now_s = 1795341600,
	    .random = 1,
	    .hostname = STR("d.test"),
	};
	struct str message = {(const char *)data, size}, block, body;
	struct submission_authors it;
	struct header_facts facts;
	struct buf once, twice;
	struct fail f = {0};
	struct addr a;
	size_t n = 0;
	int found;

	header_split(message, &block, &body);
	buf_init(&once, 2 * MB);
	buf_init(&twice, 2 * MB);
	submission_fix(block, &o, &once);
	header_survey(buf_str(&once), &facts);
	assert(facts.date > 0 && facts.message_id > 0);
	assert(header_count(buf_str(&once), STR("Bcc")) == 0);
	assert(header_count(buf_str(&once), STR("Resent-Bcc")) == 0);
	submission_fix(buf_str(&once), &o, &twice);
	assert(str_eq(buf_str(&once), buf_str(&twice)));
	submission_authors_init(&it, block);
	while ((found = submission_authors_next(&it, &a)) == 1)
		n++;
	if (submission_check(block, &f) == 0)
		assert(found == 0 && n > 0);
	else
		assert(f.kind == FAIL_PERM && f.text[0] != '\0');
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
