/* SPDX-License-Identifier: MIT */
/* Whatever peers said, a report has as many lines as were added, and each says
 * what was said of it.  LF stands between what the strings are; what is left is
 * a report of somebody else's. */
#include <assert.h>
#include <string.h>

#include "common/policy/report.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(const struct report_line *line)
{
	size_t at;

	assert(utf8_valid(line->inputs) && utf8_valid(line->why));
	assert(!str_find(line->inputs, '\t', &at));
	assert(line->inputs.len <= 500 && line->why.len <= 500);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size};
	struct str inputs = str_cut(&rest, '\n'), why = str_cut(&rest, '\n');
	struct report_line line;
	struct buf out;
	struct str text;
	char summary[100];

	buf_init(&out, REPORT_MAX);
	report_add(&out, "spf", "pass", inputs, why, "");
	report_add(&out, "decision", "junk", why, inputs, "policy.x=yes");
	assert(!out.overrun);
	text = buf_str(&out);
	bool first = report_next(&text, &line);
	assert(first && str_eq(line.check, STR("spf")));
	assert(str_eq(line.result, STR("pass")) && line.setting.len == 0);
	check_line(&line);
	bool second = report_next(&text, &line);
	assert(second && str_eq(line.check, STR("decision")));
	assert(str_eq(line.setting, STR("policy.x=yes")));
	check_line(&line);
	assert(!report_next(&text, &line));
	report_summary(buf_str(&out), summary, sizeof(summary));
	assert(strncmp(summary, "spf=pass", 8) == 0);
	report_summary(rest, summary, sizeof(summary));
	assert(strlen(summary) < sizeof(summary));
	while (report_next(&rest, &line))
		assert(line.check.len <= size);
	buf_release(&out);
	return 0;
}
