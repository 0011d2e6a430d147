/* SPDX-License-Identifier: MIT */
#include "tests/bench/mail.h"

#include <inttypes.h>

static const char *const words[] = {"the", "letter", "of", "morning", "and",
    "to", "harbour", "which", "we", "early", "garden", "with", "kind", "train",
    "after", "school", "meeting", "a", "in", "question", "paper", "Thursday",
    "mother", "answer", "window", "for", "photograph", "evening", "is",
    "please", "ticket", "summer"};
static const char *const names[] = {"Alice Archer", "Bob Baker", "Carol Carter",
    "Dave Dyer", "Erin Fisher", "Frank Glover", "Grace Hooper", "Heidi Mason"};
static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct maker {
	struct buf *out;
	uint64_t number, state;
};

static unsigned
draw(struct maker *m, unsigned below)
{
	m->state = m->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(m->state >> 33) % below;
}

static void
say(struct maker *m, const char *text)
{
	buf_add(m->out, str_of(text));
}

/* Lines of words, about n octets of them. */
static void
prose(struct maker *m, size_t n, const char *before, const char *after)
{
	size_t end = m->out->len + n;

	while (m->out->len < end) {
		size_t line = m->out->len;

		say(m, before);
		while (m->out->len < line + 68) {
			say(m, words[draw(m, 32)]);
			buf_add_char(m->out, ' ');
		}
		say(m, after);
		say(m, "\r\n");
	}
}

static void
base64_lines(struct maker *m, size_t n)
{
	for (; n >= 78; n -= 78) {
		for (int i = 0; i < 76; i++)
			buf_add_char(m->out, base64[draw(m, 64)]);
		say(m, "\r\n");
	}
	say(m, "AAAA\r\n");
}

static void
base64_field(struct maker *m, const char *tag, int lines)
{
	say(m, tag);
	for (int i = 0; i < lines; i++) {
		say(m, "\r\n\t");
		for (int k = 0; k < 64; k++)
			buf_add_char(m->out, base64[draw(m, 62)]);
	}
}

/* Second s after the day the letters begin. */
static void
date(struct maker *m, unsigned s)
{
	static const char *const days[] = {
	    "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	unsigned day = (unsigned)(m->number / 97 % 28);

	buf_addf(m->out, "%s, %u Jan 2026 %02u:%02u:%02u +0000", days[day % 7],
	    day + 1, (unsigned)(m->number / 4 % 24), (unsigned)(m->number % 60),
	    s % 60);
}

static void
received(struct maker *m, const char *from, const char *by, unsigned s)
{
	buf_addf(m->out,
	    "Received: from %s (%s [192.0.2.%u])\r\n\tby %s with ESMTPS id "
	    "%08x%05x\r\n\t(version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 "
	    "bits=256/256);\r\n\t",
	    from, from, draw(m, 250), by, draw(m, 1U << 31), draw(m, 1U << 20));
	date(m, s);
	say(m, "\r\n");
}

static void
addresses(struct maker *m)
{
	unsigned from = draw(m, 8), to = draw(m, 8);

	buf_addf(m->out,
	    "From: %s <%s%u@remote%u.test>\r\nTo: \"%s\" <user@d.test>,\r\n\t"
	    "=?utf-8?Q?Zo=C3=AB_M=C3=BCller?= <zoe%u@d.test>\r\n"
	    "Cc: family-list <family@lists.remote%u.test>\r\n",
	    names[from], "person", from, draw(m, 50), names[to], draw(m, 100),
	    draw(m, 50));
	say(m, "Subject: Re: ");
	for (int i = 0; i < 6; i++) {
		say(m, words[draw(m, 32)]);
		buf_add_char(m->out, ' ');
	}
	buf_addf(m->out,
	    "%" PRIu64 "\r\nMessage-ID: <%" PRIu64 ".%08x@remote.test>\r\n"
	    "In-Reply-To: <%" PRIu64 ".0@remote.test>\r\n"
	    "References: <%" PRIu64 ".0@remote.test>\r\n"
	    "\t<%" PRIu64 ".1@remote.test>\r\n",
	    m->number, m->number, draw(m, 1U << 31), m->number / 5,
	    m->number / 25, m->number / 5);
}

static void
header(struct maker *m, const char *type)
{
	say(m, "Return-Path: <person@remote.test>\r\n");
	received(m, "mx.remote.test", "mx.d.test", 9);
	received(m, "out.remote.test", "mx.remote.test", 7);
	received(m, "[192.168.1.7]", "out.remote.test", 5);
	base64_field(m,
	    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\t"
	    "d=remote.test; s=s2026; h=from:to:cc:subject:date:message-id:\r\n"
	    "\t in-reply-to:references:mime-version:content-type;\r\n\tbh=",
	    1);
	base64_field(m, ";\r\n\tb=", 5);
	say(m, "\r\nAuthentication-Results: mx.d.test; dkim=pass "
	       "header.d=remote.test\r\n\theader.s=s2026; spf=pass "
	       "smtp.mailfrom=person@remote.test;\r\n\tdmarc=pass "
	       "(policy=quarantine) header.from=remote.test\r\nDate: ");
	date(m, 5);
	say(m, "\r\n");
	addresses(m);
	base64_field(m, "X-Provider-Trace:", 3);
	say(m, "\r\nList-Id: <family.lists.remote.test>\r\nList-Unsubscribe: "
	       "<https://lists.remote.test/u/family>,\r\n\t"
	       "<mailto:family-leave@lists.remote.test>\r\n"
	       "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
	       "Gecko/20100101\r\nMIME-Version: 1.0\r\nContent-Type: ");
	say(m, type);
}

static void
word(struct maker *m)
{
	if (m->number % MAIL_WORD_EVERY == 1)
		say(m, "The work of a " MAIL_WORD " is rare.\r\n");
}

static void
plain(struct maker *m)
{
	header(m, "text/plain; charset=utf-8; format=flowed\r\n"
		  "Content-Transfer-Encoding: 8bit\r\n\r\n");
	prose(m, 500 + draw(m, 3000), "", "");
	word(m);
	prose(m, 500 + draw(m, 3000), "> ", "");
}

static void
newsletter(struct maker *m)
{
	header(m, "multipart/alternative;\r\n\tboundary=\"=_alt_1\"\r\n\r\n"
		  "--=_alt_1\r\nContent-Type: text/plain; charset=utf-8\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	prose(m, 1500 + draw(m, 1000), "", "=");
	word(m);
	say(m, "\r\n--=_alt_1\r\nContent-Type: text/html; charset=utf-8\r\n"
	       "Content-Transfer-Encoding: 7bit\r\n\r\n<html><body>\r\n");
	prose(m, 4000 + draw(m, 6000),
	    "<p class=\"story\" style=\"margin:0;padding:4px\">", "</p>");
	say(m, "</body></html>\r\n--=_alt_1--\r\n");
}

static void
photograph(struct maker *m)
{
	header(m,
	    "multipart/mixed;\r\n\tboundary=\"=_mix_1\"\r\n\r\n"
	    "--=_mix_1\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
	prose(m, 300 + draw(m, 700), "", "");
	word(m);
	say(m, "--=_mix_1\r\nContent-Type: image/jpeg; name=\"summer.jpg\"\r\n"
	       "Content-Disposition: attachment; filename=\"summer.jpg\";\r\n"
	       "\tsize=9000\r\nContent-Transfer-Encoding: base64\r\n"
	       "Content-ID: <photo@remote.test>\r\n\r\n");
	base64_lines(m, 6000 + draw(m, 14000));
	say(m, "--=_mix_1--\r\n");
}

static void
enclosing(struct maker *m)
{
	header(m, "multipart/mixed;\r\n\tboundary=\"=_fwd_1\"\r\n\r\n"
		  "--=_fwd_1\r\nContent-Type: text/plain\r\n\r\n");
	prose(m, 300 + draw(m, 600), "", "");
	word(m);
	say(m, "--=_fwd_1\r\nContent-Type: message/rfc822\r\n"
	       "Content-Disposition: inline\r\n\r\n");
	header(m, "text/plain; charset=iso-8859-1\r\n\r\n");
	prose(m, 1000 + draw(m, 4000), "", "");
	say(m, "--=_fwd_1--\r\n");
}

void
mail_make(uint64_t number, struct buf *out)
{
	static void (*const shapes[])(struct maker *) = {
	    plain, newsletter, photograph, enclosing};
	struct maker m = {out, number, number * 0x9e3779b97f4a7c15ULL + 1};

	shapes[number % 4](&m);
}
