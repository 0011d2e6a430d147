/* SPDX-License-Identifier: MIT */
#include "mailctl/demo_mail.h"

#include <stdio.h>

#include "common/mime/date.h"
#include "common/mime/header.h"
#include "common/util/mem.h"

static const char body[] =
    "This is a message in several parts.\r\n"
    "--=_penny\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\n"
    "\r\n"
    "Dear Alice,\r\n"
    "\r\n"
    "gr\xc3\xbc\xc3\x9f"
    "e aus K\xc3\xb6ln. Every octet of this should reach you as I wrote it:\r\n"
    "\r\n"
    ".a line that begins with a dot,\r\n"
    "..one with two,\r\n"
    ".\r\n"
    "the one before was a dot alone; and this one ends in spaces   \r\n"
    "\ta tab, and From a word that mbox files fear:\r\n"
    "From here on all is well.\r\n"
    "\r\n"
    "Bob\r\n"
    "--=_penny\r\n"
    "Content-Type: application/octet-stream; name=penny.bin\r\n"
    "Content-Disposition: attachment; filename=penny.bin\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Nj"
    "c4\r\n"
    "OTo7PD0+"
    "P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3A=\r\n"
    "--=_penny--\r\n";

void
demo_mail_write(struct buf *out, int64_t now_ms, struct str from, struct str to,
    struct str bcc)
{
	char date[DATE_TEXT_MAX];

	buf_addf(out, "From: \"Bob\" <%.*s>\r\n", STR_FMT(from));
	buf_addf(out, "To: Alice <%.*s>\r\n", STR_FMT(to));
	buf_addf(out, "Bcc: %.*s\r\n", STR_FMT(bcc));
	buf_addf(out, "Subject: A penny for your thoughts,\r\n"
		      "\t=?utf-8?q?and_gr=C3=BC=C3=9Fe?=\r\n");
	buf_addf(out, "Date: %s\r\n", date_text(now_ms / 1000, date));
	buf_addf(out, "Message-ID: <demo.%lld.%.*s>\r\n", (long long)now_ms,
	    STR_FMT(from));
	buf_addf(out, "MIME-Version: 1.0\r\n"
		      "Content-Type: multipart/mixed; boundary=\"=_penny\"\r\n"
		      "\r\n");
	buf_add(out, STR(body));
}

/* The message without its Bcc field. */
static void
without_bcc(struct str message, struct buf *out)
{
	struct str block, rest;
	struct header_field field;

	header_split(message, &block, &rest);
	while (header_next(&block, &field))
		if (!str_eq_nocase(field.name, STR("Bcc")))
			buf_add(out, field.whole);
	buf_add(out, STR("\r\n"));
	buf_add(out, rest);
}

/* A field that a server on the way puts before those of the author. */
static bool
is_trace(struct str name)
{
	static const char *const names[] = {"Return-Path", "Received",
	    "Authentication-Results", "DKIM-Signature"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return true;
	return false;
}

/* Trace fields at the front of *message: skipped and counted. */
static size_t
skip_trace(struct str *message)
{
	struct str rest = *message;
	struct header_field field;
	size_t n = 0;

	while (header_next(&rest, &field) && is_trace(field.name)) {
		*message = rest;
		n++;
	}
	return n;
}

struct demo_mail_verdict
demo_mail_compare(struct str submitted, struct str fetched, struct str bcc)
{
	struct demo_mail_verdict v = {0};
	struct str block, rest, want, got = fetched;
	struct buf expected;
	size_t at = 0;

	buf_init(&expected, 1 * MB);
	without_bcc(submitted, &expected);
	want = buf_str(&expected);
	v.trace_fields = skip_trace(&got);
	v.octets = want.len;
	v.exact = v.trace_fields > 0 && str_eq(want, got);
	while (at < want.len && at < got.len && want.at[at] == got.at[at])
		at++;
	if (!v.exact)
		snprintf(v.problem, sizeof(v.problem),
		    "%zu octets were "
		    "expected, %zu came, and they differ from octet %zu on",
		    want.len, got.len, at);
	header_split(fetched, &block, &rest);
	v.bcc_hidden = header_count(block, STR("Bcc")) == 0 &&
	               !str_find_str(fetched, bcc, &at);
	buf_release(&expected);
	return v;
}
