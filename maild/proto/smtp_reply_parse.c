/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_reply_parse.h"

#include <assert.h>
#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The three digits of RFC 5321 s4.2; 1yz has no use in SMTP. */
static int
code_of(const char *d)
{
	if (d[0] < '2' || d[0] > '5' || d[1] < '0' || d[1] > '5' ||
	    !is_digit(d[2]))
		return 0;
	return (d[0] - '0') * 100 + (d[1] - '0') * 10 + (d[2] - '0');
}

/* Take one to three digits. */
static bool
take_number(struct str *s)
{
	size_t n = 0;

	while (n < s->len && n < 3 && is_digit(s->at[n]))
		n++;
	*s = str_after(*s, n);
	return n > 0;
}

/* The enhanced code (RFC 2034 s4) at the front of a line, empty if none.  Its
 * class has to be that of the reply. */
static struct str
enhanced_of(struct str line, int code)
{
	struct str s = line, none = {0};

	if (!str_take(&s, (char)('0' + code / 100)) || !str_take(&s, '.') ||
	    !take_number(&s) || !str_take(&s, '.') || !take_number(&s) ||
	    (s.len > 0 && s.at[0] != ' ') || code / 100 == 3)
		return none;
	return str_first(line, line.len - s.len);
}

static enum smtp_reply_result
bad(struct smtp_reply_parse *p, const char *why)
{
	p->bad = why;
	return SMTP_REPLY_BAD;
}

/* The line is whole.  READY if it was the last. */
static enum smtp_reply_result
end_line(struct smtp_reply_parse *p)
{
	int code;

	if (p->at < 3 || (code = code_of(p->head)) == 0)
		return bad(p, "a reply without a code");
	if (p->code != 0 && p->code != code)
		return bad(p, "a reply with two codes");
	p->code = code;
	if (p->at == 3) /* RFC 5321 s4.2: accept "250" alone */
		return SMTP_REPLY_READY;
	if (p->head[3] == ' ')
		return SMTP_REPLY_READY;
	if (p->head[3] != '-')
		return bad(p, "a reply without a space after its code");
	p->at = 0;
	buf_add_char(&p->text, '\n');
	return SMTP_REPLY_MORE;
}

static enum smtp_reply_result
take_byte(struct smtp_reply_parse *p, char c)
{
	if (p->cr != (c == '\n'))
		return bad(p, "a bare CR or LF in a reply");
	if (c == '\0')
		return bad(p, "a NUL in a reply");
	if (++p->size > SMTP_REPLY_MAX)
		return bad(p, "a reply over 64 KiB");
	p->cr = c == '\r';
	if (c == '\r')
		return SMTP_REPLY_MORE;
	if (c == '\n')
		return end_line(p);
	if (p->at < 4)
		p->head[p->at] = c;
	else
		buf_add_char(&p->text, c);
	p->at++;
	return SMTP_REPLY_MORE;
}

static void
begin(struct smtp_reply_parse *p)
{
	buf_release(&p->text);
	p->at = p->size = 0;
	p->code = 0;
	p->given = false;
}

/* Cut the enhanced code off the first line, and off later ones that repeat
 * it; lines only get shorter, so this works in place. */
static void
cut_enhanced(struct smtp_reply_parse *p, struct smtp_reply *out)
{
	struct str rest = buf_str(&p->text), first = rest;
	size_t len = 0;
	struct str e = enhanced_of(str_cut(&first, '\n'), p->code);

	assert(e.len < sizeof(out->enhanced));
	memset(out->enhanced, 0, sizeof(out->enhanced));
	if (e.len > 0)
		memcpy(out->enhanced, e.at, e.len);
	e = str_of(out->enhanced);
	while (rest.len > 0) {
		struct str line = str_cut(&rest, '\n');
		bool more = line.at + line.len < p->text.data + p->text.len;

		if (e.len > 0 && str_eq(enhanced_of(line, p->code), e)) {
			line = str_after(line, e.len);
			str_take(&line, ' ');
		}
		memmove(p->text.data + len, line.at, line.len);
		len += line.len;
		if (more)
			p->text.data[len++] = '\n';
	}
	buf_cut(&p->text, len);
	out->text = buf_str(&p->text);
}

void
smtp_reply_init(struct smtp_reply_parse *p)
{
	*p = (struct smtp_reply_parse){0};
	buf_init(&p->text, SMTP_REPLY_MAX);
}

void
smtp_reply_release(struct smtp_reply_parse *p)
{
	buf_release(&p->text);
	smtp_reply_init(p);
}

enum smtp_reply_result
smtp_reply_take(
    struct smtp_reply_parse *p, struct str *in, struct smtp_reply *out)
{
	if (p->bad != NULL)
		return SMTP_REPLY_BAD;
	if (p->given)
		begin(p);
	while (in->len > 0) {
		enum smtp_reply_result r = take_byte(p, in->at[0]);

		*in = str_after(*in, 1);
		if (r == SMTP_REPLY_MORE)
			continue;
		if (r == SMTP_REPLY_READY) {
			assert(!p->text.overrun);
			p->given = true;
			out->code = p->code;
			cut_enhanced(p, out);
		}
		return r;
	}
	return SMTP_REPLY_MORE;
}

bool
smtp_reply_begun(const struct smtp_reply_parse *p)
{
	return p->size > 0 && !p->given;
}

void
smtp_reply_one_line(const struct smtp_reply *r, struct buf *out)
{
	size_t start = out->len;

	buf_addf(out, "%d%s%s%s", r->code, r->enhanced[0] != '\0' ? " " : "",
	    r->enhanced, r->text.len > 0 ? " " : "");
	for (size_t i = 0; i < r->text.len; i++) {
		char c = r->text.at[i];

		if (out->len - start >= SMTP_REPLY_ONE_MAX)
			break;
		if (c == '\n' || c == '\t')
			c = ' ';
		buf_add_char(out, c >= ' ' && c <= '~' ? c : '?');
	}
}

bool
smtp_reply_is_ok(const struct smtp_reply *r)
{
	return r->code / 10 == 25;
}

bool
smtp_reply_is_refusal(const struct smtp_reply *r)
{
	return r->code >= 400;
}
