/* SPDX-License-Identifier: MIT */
#include "common/mime/date.h"
#include "common/policy/tlsrpt.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

#define PATTERNS_MAX (30 * KB) /* of a policy's mx: a hundred long names */

/* ---- JSON (RFC 8259 s7) ---- */

static void
add_text(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	while (s.len > 0) {
		struct str rest = s;
		uint32_t code;

		if (!utf8_take(&rest, &code)) {
			buf_add(out, STR("\\ufffd"));
			rest = str_after(s, 1);
		} else if (code == '"' || code == '\\') {
			buf_addf(out, "\\%c", (char)code);
		} else if (code < ' ' || code == 127) {
			buf_addf(out, "\\u%04x", code);
		} else {
			buf_add(out, str_first(s, s.len - rest.len));
		}
		s = rest;
	}
	buf_add_char(out, '"');
}

static void
add_member(struct buf *out, const char *name, struct str value)
{
	buf_addf(out, "\"%s\":", name);
	add_text(out, value);
}

/* One that may be missing, behind another. */
static void
add_known(struct buf *out, const char *name, struct str value)
{
	if (value.len == 0)
		return;
	buf_add_char(out, ',');
	add_member(out, name, value);
}

/* An element of an array, unless that would take out past limit. */
static void
add_element(struct buf *out, struct str value, size_t limit)
{
	size_t before = out->len;

	/* an octet becomes six at most */
	if (out->len + 6 * value.len + 3 > limit)
		return;
	if (out->data[out->len - 1] != '[')
		buf_add_char(out, ',');
	add_text(out, value);
	if (out->len > limit || out->overrun)
		buf_cut(out, before);
}

/* ---- policies ---- */

static void
begin_policy(struct buf *out, const char *type)
{
	buf_addf(out, "{\"policy-type\":\"%s\"", type);
}

void
tlsrpt_policy_sts(struct str domain, const struct mtasts_policy *p,
    struct str text, struct buf *out)
{
	size_t most = out->len + TLSRPT_POLICY_MAX - KB - PATTERNS_MAX;

	begin_policy(out, "sts");
	buf_add(out, STR(",\"policy-string\":["));
	while (p != NULL && text.len > 0) {
		struct str line = str_cut(&text, '\n');

		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		line = str_trim(line);
		if (line.len > 0)
			add_element(out, line, most);
	}
	buf_add(out, STR("],"));
	add_member(out, "policy-domain", domain);
	if (p != NULL && p->n > 0) {
		buf_add(out, STR(",\"mx-host\":["));
		most = out->len + PATTERNS_MAX - KB;
		for (size_t i = 0; i < p->n; i++)
			add_element(out, p->mx[i], most);
		buf_add_char(out, ']');
	}
	buf_add_char(out, '}');
}

void
tlsrpt_policy_tlsa(
    struct str host, const struct str *records, size_t n, struct buf *out)
{
	size_t most = out->len + TLSRPT_POLICY_MAX - 4 * KB;

	begin_policy(out, "tlsa");
	buf_add(out, STR(",\"policy-string\":["));
	for (size_t i = 0; i < n; i++)
		add_element(out, records[i], most);
	buf_add(out, STR("],"));
	add_member(out, "policy-domain", host);
	buf_add(out, STR(",\"mx-host\":["));
	add_text(out, host);
	buf_add(out, STR("]}"));
}

void
tlsrpt_policy_none(struct str domain, struct buf *out)
{
	begin_policy(out, "no-policy-found");
	buf_add_char(out, ',');
	add_member(out, "policy-domain", domain);
	buf_add_char(out, '}');
}

/* ---- the report ---- */

static void
add_failure(struct buf *out, const struct tlsrpt_row *r)
{
	buf_add_char(out, '{');
	add_member(out, "result-type", r->result);
	add_known(out, "sending-mta-ip", r->source);
	add_known(out, "receiving-mx-hostname", r->host);
	add_known(out, "receiving-ip", r->ip);
	buf_addf(out, ",\"failed-session-count\":%lld", (long long)r->sessions);
	add_known(out, "failure-reason-code", r->reason);
	buf_add_char(out, '}');
}

/* The rows of one policy; gives how many they are. */
static size_t
add_policy(struct buf *out, const struct tlsrpt_row *rows, size_t n)
{
	int64_t good = 0, bad = 0;
	const char *separator = "";
	size_t last = 0;

	for (; last < n && str_eq(rows[last].policy, rows[0].policy); last++) {
		if (rows[last].result.len == 0)
			good += rows[last].sessions;
		else
			bad += rows[last].sessions;
	}
	buf_add(out, STR("{\"policy\":"));
	buf_add(out, rows[0].policy);
	buf_addf(out,
	    ",\"summary\":{\"total-successful-session-count\":%lld,"
	    "\"total-failure-session-count\":%lld}",
	    (long long)good, (long long)bad);
	buf_add(out, STR(",\"failure-details\":["));
	for (size_t i = 0; i < last; i++) {
		if (rows[i].result.len == 0)
			continue;
		buf_add(out, str_of(separator));
		add_failure(out, &rows[i]);
		separator = ",";
	}
	buf_add(out, STR("]}"));
	return last;
}

void
tlsrpt_compose(const struct tlsrpt_report *r, struct buf *out)
{
	char begin[DATE_TEXT_MAX], end[DATE_TEXT_MAX];

	buf_add_char(out, '{');
	add_member(out, "organization-name", r->organization);
	buf_addf(out,
	    ",\"date-range\":{\"start-datetime\":\"%s\","
	    "\"end-datetime\":\"%s\"},",
	    date_iso(r->begin_s, begin), date_iso(r->end_s, end));
	add_member(out, "contact-info", r->contact);
	buf_add_char(out, ',');
	add_member(out, "report-id", r->id);
	buf_add(out, STR(",\"policies\":["));
	for (size_t i = 0; i < r->n;) {
		if (i > 0)
			buf_add_char(out, ',');
		i += add_policy(out, &r->rows[i], r->n - i);
	}
	buf_add(out, STR("]}"));
}
