/* SPDX-License-Identifier: MIT */
/* The line that begins a message (RFC 4155 s2, appendix A), as it is found. */
#include <stdio.h>

#include "common/mime/date.h"
#include "common/mime/mbox.h"
#include "common/util/mem.h"

#define WORDS_MAX                                                              \
	8 /* of a date, a zone before and behind the year included             \
	   */

static bool
is_one_of(struct str word, const char *names)
{
	struct str all = str_of(names);

	for (; word.len == 3 && all.len > 0; all = str_after(all, 3))
		if (str_eq_nocase(word, str_first(all, 3)))
			return true;
	return false;
}

static bool
is_digits(struct str word, size_t least, size_t most)
{
	uint64_t n;

	return word.len >= least && word.len <= most &&
	       str_to_u64(word, UINT64_MAX, &n);
}

static struct str
take_word(struct str *s)
{
	struct str word;

	*s = str_trim(*s);
	word = str_cut(s, ' ');
	*s = str_trim(*s);
	return word;
}

/* "Thu Jan  1 00:00:00 1970", seconds optional, a zone anywhere from the time
 * on: made a date as mail writes it. */
static bool
parse_date(struct str s, int64_t *date_s)
{
	struct str day, month, time, year = {0}, zone = STR("+0000");
	struct buf text;
	bool good;

	if (!is_one_of(take_word(&s), "SunMonTueWedThuFriSat"))
		return false;
	month = take_word(&s);
	day = take_word(&s);
	time = take_word(&s);
	if (!is_digits(day, 1, 2) || time.len < 4 || time.len > 8)
		return false;
	for (unsigned i = 0; s.len > 0 && i < 3; i++) {
		struct str word = take_word(&s);

		if (year.len == 0 && is_digits(word, 4, 4))
			year = word;
		else if (word.len <= 5)
			zone = word;
		else
			break;
	}
	buf_init(&text, 1 * KB);
	buf_addf(&text, "%.*s %.*s %.*s %.*s %.*s", STR_FMT(day),
	    STR_FMT(month), STR_FMT(year), STR_FMT(time), STR_FMT(zone));
	good = year.len == 4 && date_parse(buf_str(&text), date_s);
	buf_release(&text);
	return good;
}

bool
mbox_from_parse(struct str line, struct mbox_from *out)
{
	struct str rest, before;

	*out = (struct mbox_from){0};
	while (line.len > 0 &&
	       (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
		line.len--;
	if (!str_starts(line, STR("From ")))
		return false;
	line = rest = str_trim(str_after(line, 5));
	/* a sender may have spaces in it: the date is the first that is one */
	while (rest.len > 0) {
		if (parse_date(rest, &out->date_s)) {
			before = str_first(line, line.len - rest.len);
			out->sender = str_trim(before);
			out->has_date = true;
			return true;
		}
		take_word(&rest);
	}
	/* Thunderbird's, without one */
	out->sender = line;
	return line.len == 0 || str_eq(line, STR("-"));
}

void
mbox_from_write(struct str sender, int64_t date_s, struct buf *out)
{
	char text[DATE_TEXT_MAX];

	/* "Thu, 01 Jan 1970 00:00:00 +0000" */
	date_text(date_s, text);
	buf_addf(out, "From %.*s %.3s %.3s %c%c %.8s %.4s\n", STR_FMT(sender),
	    text, text + 8, text[5] == '0' ? ' ' : text[5], text[6], text + 17,
	    text + 12);
}

static void
add_from(struct mbox_writer *w, struct buf *out)
{
	buf_add(out, str_first(STR("From "), w->matched));
	w->matched = 0;
}

static void
add_octet(struct mbox_writer *w, char c, struct buf *out)
{
	static const char from[] = "From ";

	if (w->in_line || c == '\n') {
		add_from(w, out);
		buf_add_char(out, c);
		w->in_line = c != '\n';
		return;
	}
	if (c == '>' && w->matched == 0) {
		buf_add_char(out, c);
		return;
	}
	if (c == from[w->matched]) {
		if (++w->matched < sizeof(from) - 1)
			return;
		buf_add_char(out, '>');
		add_from(w, out);
	} else {
		add_from(w, out);
		buf_add_char(out, c);
	}
	w->in_line = true;
}

void
mbox_write(struct mbox_writer *w, struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		size_t run;

		if (w->cr && c != '\n')
			add_octet(w, '\r', out);
		w->cr = c == '\r';
		w->open = c != '\n';
		if (w->cr)
			continue;
		add_octet(w, c, out);
		if (!w->in_line)
			continue;
		/* the rest of the line at once, but its end */
		for (run = i + 1; run < text.len && text.at[run] != '\n' &&
				  text.at[run] != '\r';)
			run++;
		buf_add(out, (struct str){text.at + i + 1, run - i - 1});
		w->open |= run > i + 1;
		i = run - 1;
	}
}

bool
mbox_write_end(struct mbox_writer *w, struct buf *out)
{
	bool cut;

	if (w->cr)
		add_octet(w, '\r', out);
	cut = w->open;
	add_from(w, out);
	buf_add(out, cut ? STR("\n\n") : STR("\n"));
	*w = (struct mbox_writer){0};
	return cut;
}
