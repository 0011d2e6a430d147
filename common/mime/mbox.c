/* SPDX-License-Identifier: MIT */
#include "common/mime/mbox.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"

#define LENGTH_MAX ((uint64_t)1 << 50)

/*
 * START --From_--> LINE <--LF-- MID       START: nothing but empty lines yet
 *                   |  \------> QUOTE     QUOTE: behind the first '>'
 *                   v
 *                 CONTENT --> LINE        CONTENT: as long as its field says
 */
enum state {
	START,
	LINE,
	MID,
	QUOTE,
	CONTENT,
};

struct mbox {
	enum state state;
	uint64_t at;     /* of the next octet of the input */
	struct buf line; /* the beginning of a line, until it is decided what
	                  * it is */
	uint64_t line_at;
	struct buf out;   /* text of ours that the caller looks at */
	struct str held;  /* an empty line that may be nobody's; a literal */
	bool blank;       /* the line before was empty */
	bool open;        /* in a message */
	bool begins;      /* line is its From_ line: to be told */
	bool header;      /* in its header */
	bool junk;        /* was told */
	unsigned matched; /* QUOTE: octets of "From " */
	bool has_length;  /* a Content-Length was read */
	uint64_t length;  /* that, then what of the content is to come */
};

static const struct str from = {"From ", 5};

struct mbox *
mbox_new(uint64_t at)
{
	struct mbox *m = MEM_NEW(struct mbox);

	m->at = at;
	m->blank = true;
	buf_init(&m->line, MBOX_LOOK_MAX);
	buf_init(&m->out, MBOX_LOOK_MAX + 8);
	return m;
}

void
mbox_free(struct mbox *m)
{
	if (m == NULL)
		return;
	buf_release(&m->line);
	buf_release(&m->out);
	free(m);
}

static struct str
consume(struct mbox *m, struct str *in, size_t n)
{
	struct str got = str_first(*in, n);

	*in = str_after(*in, n);
	m->at += n;
	return got;
}

static bool
is_empty_line(struct str line)
{
	return str_eq(line, STR("\n")) || str_eq(line, STR("\r\n"));
}

/* Text that is ours to keep until the next step; what was held back first. */
static void
put(struct mbox *m, struct str text)
{
	buf_add(&m->out, m->held);
	buf_add(&m->out, text);
	m->held = STR("");
	assert(!m->out.overrun);
}

/* Does this line, as far as it is known, say no more than that it is text? */
static bool
is_undecided(const struct mbox *m, struct str line)
{
	if (line.len == 0)
		return true;
	if (line.len >= MBOX_LOOK_MAX || line.at[line.len - 1] == '\n')
		return false;
	if (m->header || m->state == START)
		return true;
	return str_starts(from, line) || str_starts(line, from) ||
	       str_eq(line, STR("\r"));
}

/* RFC 4155 does not know it, mboxcl2 lives by it. */
static void
note_length(struct mbox *m, struct str line)
{
	struct str value = line;
	uint64_t n;

	if (!str_take_nocase(&value, STR("Content-Length:")))
		return;
	while (value.len > 0 && (value.at[value.len - 1] == '\n' ||
				    value.at[value.len - 1] == '\r'))
		value.len--;
	m->has_length = str_to_u64(str_trim(value), LENGTH_MAX, &n);
	if (m->has_length)
		m->length = n;
}

/* An empty line: it may be the one before the next message. */
static enum mbox_event
take_empty(struct mbox *m, struct str line, struct mbox_item *item)
{
	struct str now = line.len == 1 ? STR("\n") : STR("\r\n");
	bool asks = m->header && m->has_length;

	m->blank = true;
	m->header = false;
	put(m, STR(""));
	m->held = now;
	buf_clear(&m->line);
	item->text = buf_str(&m->out);
	if (item->text.len > 0) {
		/* cannot be while asking: what was held was a header's end */
		assert(!asks);
		return MBOX_TEXT;
	}
	if (!asks)
		return MBOX_NONE;
	item->at = m->at + m->length;
	return MBOX_LOOK;
}

/* The line in m->line is decided.  MBOX_NONE: go on. */
static enum mbox_event
take_line(struct mbox *m, struct mbox_item *item)
{
	struct str line = buf_str(&m->line);
	struct mbox_from parsed;

	if (str_starts(line, from) && mbox_from_parse(line, &parsed) &&
	    (m->blank || parsed.has_date)) {
		m->begins = true;
		m->held = STR("");
		if (!m->open)
			return MBOX_NONE;
		m->open = false;
		item->at = m->line_at;
		return MBOX_END;
	}
	if (m->state == START) {
		bool tell = !m->junk && !is_empty_line(line);

		m->junk |= tell;
		m->blank = is_empty_line(line);
		if (line.len > 0 && line.at[line.len - 1] != '\n')
			m->state = MID;
		buf_clear(&m->line);
		item->at = m->line_at;
		return tell ? MBOX_JUNK : MBOX_NONE;
	}
	if (is_empty_line(line))
		return take_empty(m, line, item);
	if (m->header)
		note_length(m, line);
	m->blank = false;
	m->state = line.at[line.len - 1] == '\n' ? LINE : MID;
	put(m, line);
	buf_clear(&m->line);
	item->text = buf_str(&m->out);
	return MBOX_TEXT;
}

/* The longest run at the beginning of s, where a line begins, that is text
 * whatever follows. */
static size_t
plain_run(struct str s)
{
	size_t at = 0, end;

	while (at < s.len) {
		struct str rest = str_after(s, at);
		char c = rest.at[0];

		if (c == 'F' || c == '>' || c == '\n' || c == '\r')
			break;
		if (!str_find(rest, '\n', &end))
			return s.len;
		at += end + 1;
	}
	return at;
}

static enum mbox_event
give_run(struct mbox *m, struct str *in, size_t n, struct mbox_item *item)
{
	if (m->held.len > 0) {
		item->text = m->held;
		m->held = STR("");
		return MBOX_TEXT;
	}
	item->text = consume(m, in, n);
	m->blank = false;
	m->state = item->text.at[n - 1] == '\n' ? LINE : MID;
	return MBOX_TEXT;
}

static enum mbox_event
at_line(struct mbox *m, struct str *in, bool last, struct mbox_item *item)
{
	if (m->state == LINE && m->line.len == 0 && in->len > 0) {
		size_t n = m->header ? 0 : plain_run(*in);

		if (n > 0)
			return give_run(m, in, n, item);
		if (in->at[0] == '>') {
			if (m->held.len > 0)
				return give_run(m, in, 0, item);
			consume(m, in, 1);
			m->state = QUOTE;
			m->matched = 0;
			return MBOX_NONE;
		}
	}
	if (m->line.len == 0)
		m->line_at = m->at;
	while (in->len > 0 && is_undecided(m, buf_str(&m->line)))
		buf_add(&m->line, consume(m, in, 1));
	if (m->line.len == 0 || (is_undecided(m, buf_str(&m->line)) && !last))
		return MBOX_NONE;
	return take_line(m, item);
}

static enum mbox_event
in_line(struct mbox *m, struct str *in, bool last, struct mbox_item *item)
{
	size_t end;
	bool whole = str_find(*in, '\n', &end);

	(void)last;
	item->text = consume(m, in, whole ? end + 1 : in->len);
	if (whole)
		m->state = m->open ? LINE : START;
	return m->open ? MBOX_TEXT : MBOX_NONE;
}

/* The first '>' is kept back.  Others pass: all look the same. */
static enum mbox_event
in_quote(struct mbox *m, struct str *in, bool last, struct mbox_item *item)
{
	size_t n = 0;

	while (m->matched == 0 && n < in->len && in->at[n] == '>')
		n++;
	if (n > 0) {
		item->text = consume(m, in, n);
		return MBOX_TEXT;
	}
	while (in->len > 0 && m->matched < from.len &&
	       in->at[0] == from.at[m->matched]) {
		consume(m, in, 1);
		m->matched++;
	}
	if (in->len == 0 && m->matched < from.len && !last)
		return MBOX_NONE;
	if (m->matched < from.len)
		put(m, STR(">"));
	put(m, str_first(from, m->matched));
	m->blank = false;
	m->state = MID;
	item->text = buf_str(&m->out);
	return MBOX_TEXT;
}

static enum mbox_event
in_content(struct mbox *m, struct str *in, bool last, struct mbox_item *item)
{
	(void)last;
	if (m->held.len > 0)
		return give_run(m, in, 0, item);
	item->text = consume(
	    m, in, m->length < in->len ? (size_t)m->length : in->len);
	m->length -= item->text.len;
	if (m->length == 0) {
		m->state = LINE;
		m->blank = true;
	}
	return item->text.len > 0 ? MBOX_TEXT : MBOX_NONE;
}

static enum mbox_event
begin(struct mbox *m, struct mbox_item *item)
{
	m->begins = false;
	m->open = m->header = true;
	m->has_length = m->blank = false;
	m->state = LINE;
	item->at = m->line_at;
	buf_add(&m->out, buf_str(&m->line));
	buf_clear(&m->line);
	item->text = buf_str(&m->out);
	return MBOX_FROM;
}

static enum mbox_event
finish(struct mbox *m, struct mbox_item *item)
{
	m->held = STR("");
	if (!m->open)
		return MBOX_NONE;
	m->open = false;
	item->at = m->at;
	return MBOX_END;
}

enum mbox_event
mbox_step(struct mbox *m, struct str *in, bool last, struct mbox_item *item)
{
	static enum mbox_event (*const states[])(
	    struct mbox *, struct str *, bool, struct mbox_item *) = {
	    [START] = at_line,
	    [LINE] = at_line,
	    [MID] = in_line,
	    [QUOTE] = in_quote,
	    [CONTENT] = in_content,
	};
	enum mbox_event ev = MBOX_NONE;

	buf_clear(&m->out);
	while (ev == MBOX_NONE) {
		if (m->begins)
			return begin(m, item);
		if (in->len == 0 &&
		    !(last && (m->line.len > 0 || m->state == QUOTE)))
			return last ? finish(m, item) : MBOX_NONE;
		ev = states[m->state](m, in, last, item);
	}
	return ev;
}

/* Does a message begin there, behind an empty line or not; or is it the end? */
static bool
is_border(struct str octets)
{
	struct mbox_from parsed;
	size_t end;

	str_take(&octets, '\r');
	str_take(&octets, '\n');
	if (octets.len == 0)
		return true;
	if (str_find(octets, '\n', &end))
		octets.len = end + 1;
	return str_starts(octets, from) && mbox_from_parse(octets, &parsed);
}

void
mbox_looked(struct mbox *m, bool there, struct str octets)
{
	assert(m->state == LINE && m->has_length);
	m->has_length = false;
	if (there && is_border(octets))
		m->state = CONTENT;
}
