/* SPDX-License-Identifier: MIT */
/* Whatever was said, a report is 7-bit but for To, whole, and fits. */
#include <assert.h>

#include "common/mime/cte.h"
#include "common/mime/dsn.h"
#include "common/mime/header.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fields, then a group for each recipient, no line in another's place. */
static void
check_status(struct str report, size_t n)
{
	struct str block, body,
	    mark = STR("\r\nContent-Type: message/delivery-status\r\n\r\n");
	struct header_facts facts;
	size_t at = 0;

	assert(str_find_str(report, mark, &at));
	body = str_after(report, at + mark.len);
	for (size_t group = 0; group <= n; group++) {
		header_split(body, &block, &body);
		header_survey(block, &facts);
		assert(facts.bad == 0 && facts.fields > 0);
		assert(header_count(block, STR("Action")) == (group > 0));
		assert(header_count(block, STR("Status")) == (group > 0));
	}
	assert(str_starts(body, STR("--=_")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, text[10], block, body;
	struct dsn_recipient r[2];
	struct buf out;

	if (size < 2)
		return 0;
	rest = str_after(rest, 1);
	for (size_t i = 0; i < 9; i++)
		text[i] = str_cut(&rest, '\xfe');
	text[9] = rest;
	for (size_t i = 0; i < 2; i++)
		r[i] = (struct dsn_recipient){
		    .action = data[0] & 1 ? DSN_FAILED : DSN_DELAYED,
		    .final = text[0],
		    .original = text[i + 1],
		    .status = text[3],
		    .sentence = text[4],
		    .remote_mta = text[5 + i],
		    .diagnostic = text[6 - i],
		    .until_s = INT64_MAX,
		};
	struct dsn d = {
	    .host = STR("mx.d.test"),
	    .to = text[7].len > 0 ? text[7] : STR("a@b"),
	    .envelope_id = text[8],
	    .block = text[9],
	    .random = 1,
	    .recipients = r,
	    .n = 1 + (data[0] >> 1 & 1),
	};
	buf_init(&out, DSN_ROOM(d.n));
	dsn_compose(&d, &out);
	assert(!out.overrun);
	header_split(buf_str(&out), &block, &body);
	assert(header_is_clean(block));
	assert(cte_is_7bit(body));
	assert(header_count(block, STR("To")) == 1);
	check_status(body, d.n);
	buf_release(&out);
	return 0;
}
