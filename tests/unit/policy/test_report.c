/* SPDX-License-Identifier: MIT */
#include "common/policy/report.h"

#include "common/util/mem.h"
#include "tests/test.h"

static bool
is(struct str s, const char *want)
{
	return str_eq(s, str_of(want));
}

static void
lines_come_back(void)
{
	struct report_line line;
	struct str rest;
	struct buf out;

	buf_init(&out, REPORT_MAX);
	report_add(&out, "spf", "pass", STR("ip=192.0.2.1 mailfrom=d.test"),
	    STR("ip4:192.0.2.0/24 matched"), "");
	report_add(&out, "decision", "accept", STR(""), STR(""),
	    "policy.dmarc_reject=yes");
	CHECK_STR(out.data,
	    "spf\tpass\tip=192.0.2.1 mailfrom=d.test\tip4:192.0.2.0/24 "
	    "matched\t\ndecision\taccept\t\t\tpolicy.dmarc_reject=yes\n");
	rest = buf_str(&out);
	CHECK(report_next(&rest, &line));
	CHECK(is(line.check, "spf") && is(line.result, "pass"));
	CHECK(is(line.inputs, "ip=192.0.2.1 mailfrom=d.test"));
	CHECK(is(line.why, "ip4:192.0.2.0/24 matched"));
	CHECK(is(line.setting, ""));
	CHECK(report_next(&rest, &line));
	CHECK(is(line.check, "decision") && is(line.why, ""));
	CHECK(is(line.setting, "policy.dmarc_reject=yes"));
	CHECK(!report_next(&rest, &line));
	buf_release(&out);
}

/* What a peer said never ends a column or a line, and stays text. */
static void
columns_are_safe(void)
{
	char text[256], big[2000];
	struct report_line line;
	struct str rest;
	struct buf out;

	buf_init(&out, REPORT_MAX);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	report_add(&out, "helo", "none", (struct str){text, sizeof(text)},
	    STR("caf\xc3\xa9 \xc2\x85 \xe2\x82"), "");
	rest = buf_str(&out);
	CHECK(report_next(&rest, &line));
	CHECK(is(line.check, "helo") && line.inputs.len == sizeof(text));
	for (size_t i = 0; i < line.inputs.len; i++)
		CHECK(line.inputs.at[i] >= ' ' && line.inputs.at[i] <= '~');
	CHECK(is(line.why, "caf\xc3\xa9 ? ??"));
	CHECK(!report_next(&rest, &line));

	buf_clear(&out);
	memset(big, 'x', sizeof(big));
	big[499] = '\xc3'; /* the limit would cut this character */
	big[500] = '\xa9';
	report_add(&out, "a", "b", (struct str){big, sizeof(big)},
	    (struct str){big, 499}, "");
	rest = buf_str(&out);
	CHECK(report_next(&rest, &line));
	CHECK(line.inputs.len == 499 && line.why.len == 499);
	buf_release(&out);
}

static void
summaries(void)
{
	char text[40];
	struct buf out;

	buf_init(&out, REPORT_MAX);
	report_add(&out, "spf", "pass", STR(""), STR(""), "");
	report_add(&out, "dkim", "pass", STR("d=a"), STR(""), "");
	report_add(&out, "dkim", "pass", STR("d=b"), STR(""), "");
	report_add(&out, "dkim", "fail", STR("d=c"), STR(""), "");
	report_add(&out, "dmarc", "pass", STR(""), STR(""), "");
	report_add(&out, "decision", "accept", STR(""), STR(""), "");
	report_summary(buf_str(&out), text, sizeof(text));
	CHECK_STR(text, "spf=pass dkim=pass dkim=fail dmarc=pass");
	report_summary(buf_str(&out), text, sizeof(text) - 1);
	CHECK_STR(text, "spf=pass dkim=pass dkim=fail");
	report_summary(buf_str(&out), text, 9);
	CHECK_STR(text, "spf=pass");
	report_summary(buf_str(&out), text, 8);
	CHECK_STR(text, "");
	report_summary(STR(""), text, sizeof(text));
	CHECK_STR(text, "");
	buf_release(&out);
}

int
main(void)
{
	lines_come_back();
	columns_are_safe();
	summaries();
	return TEST_EXIT();
}
