/* SPDX-License-Identifier: MIT */
#include "common/policy/report.h"

#include "common/util/utf8.h"

#include <string.h>

#define COLUMN_MAX 500 /* octets */
#define WORD_USUAL 40  /* of a summary */

/* Readers split at tabs and line ends, and show it on a terminal: nothing but
 * whole characters that are no controls. */
static void
add_column(struct buf *out, struct str text)
{
	text = utf8_first(text, COLUMN_MAX);
	while (text.len > 0) {
		struct str at;
		uint32_t code;
		size_t n = 0;

		while (n < text.len && text.at[n] >= ' ' && text.at[n] < 127)
			n++;
		buf_add(out, str_first(text, n));
		at = text = str_after(text, n);
		if (text.len == 0)
			return;
		if (!utf8_take(&text, &code)) {
			text = str_after(text, 1);
			code = 0;
		}
		if (code < ' ' || (code >= 0x7f && code < 0xa0))
			buf_add_char(out, '?');
		else
			buf_add(out, str_first(at, at.len - text.len));
	}
}

void
report_add(struct buf *out, const char *check, const char *result,
    struct str inputs, struct str why, const char *setting)
{
	const struct str columns[] = {
	    str_of(check), str_of(result), inputs, why, str_of(setting)};
	size_t n = sizeof(columns) / sizeof(columns[0]);

	for (size_t i = 0; i < n; i++) {
		add_column(out, columns[i]);
		buf_add_char(out, i + 1 < n ? '\t' : '\n');
	}
}

bool
report_next(struct str *text, struct report_line *out)
{
	struct str line;

	if (text->len == 0)
		return false;
	line = str_cut(text, '\n');
	out->check = str_cut(&line, '\t');
	out->result = str_cut(&line, '\t');
	out->inputs = str_cut(&line, '\t');
	out->why = str_cut(&line, '\t');
	out->setting = str_cut(&line, '\t');
	return true;
}

/* Is the word one of those, with spaces between? */
static bool
has_word(struct str words, struct str word)
{
	while (words.len > 0)
		if (str_eq(str_cut(&words, ' '), word))
			return true;
	return false;
}

void
report_summary(struct str text, char *out, size_t size)
{
	struct report_line line;
	struct buf word;
	size_t len = 0;

	buf_init(&word, 2 * COLUMN_MAX + 1);
	buf_reserve(&word, WORD_USUAL);
	out[0] = '\0';
	while (report_next(&text, &line)) {
		buf_clear(&word);
		buf_add(&word, line.check);
		buf_add_char(&word, '=');
		buf_add(&word, line.result);
		if (word.overrun || str_eq(line.check, STR("decision")) ||
		    has_word((struct str){out, len}, buf_str(&word)))
			continue;
		if (len + (len > 0) + word.len >= size)
			break;
		if (len > 0)
			out[len++] = ' ';
		memcpy(out + len, word.data, word.len + 1);
		len += word.len;
	}
	buf_release(&word);
}
