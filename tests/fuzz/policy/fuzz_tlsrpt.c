/* SPDX-License-Identifier: MIT */
/* Whatever servers said, a report is JSON (RFC 8460 s4.4) that counts all
 * sessions.  LF stands between what the strings are. */
#include <assert.h>
#include <jansson.h>

#include "common/policy/tlsrpt.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_int_t
sum(const json_t *report)
{
	const json_t *policies = json_object_get(report, "policies"), *summary;
	json_int_t n = 0;

	assert(json_is_array(policies));
	for (size_t i = 0; i < json_array_size(policies); i++) {
		summary = json_object_get(
		    json_array_get(policies, i), "summary");
		assert(json_is_object(summary));
		n += json_integer_value(
		    json_object_get(summary, "total-successful-session-count"));
		n += json_integer_value(
		    json_object_get(summary, "total-failure-session-count"));
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, s[7];
	struct buf policies[2], out;
	struct tlsrpt_row rows[4];
	struct tlsrpt_report r;
	json_t *json;

	if (size > 16 * KB)
		return 0;
	for (size_t i = 0; i < 7; i++)
		s[i] = str_cut(&rest, '\n');
	for (size_t i = 0; i < 2; i++)
		buf_init(&policies[i], TLSRPT_POLICY_MAX);
	tlsrpt_policy_none(s[0], &policies[0]);
	tlsrpt_policy_tlsa(s[1], s, 3, &policies[1]);
	for (size_t i = 0; i < 4; i++)
		rows[i] = (struct tlsrpt_row){
		    .policy = buf_str(&policies[i / 2]),
		    .result = i % 2 == 0 ? STR("")
		                         : STR("starttls-not-supported"),
		    .host = s[2],
		    .ip = s[3],
		    .source = s[4],
		    .reason = s[5],
		    .sessions = 1 + (int64_t)i,
		};
	r = (struct tlsrpt_report){
	    .organization = s[6],
	    .contact = rest,
	    .id = s[0],
	    .begin_s = 1795305600,
	    .end_s = 1795391999,
	    .rows = rows,
	    .n = 4,
	};
	buf_init(&out, 4 * MB);
	tlsrpt_compose(&r, &out);
	assert(!out.overrun);
	json = json_loadb(
	    out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	assert(json_is_object(json) && sum(json) == 1 + 2 + 3 + 4);
	json_decref(json);
	buf_release(&out);
	buf_release(&policies[0]);
	buf_release(&policies[1]);
	return 0;
}
