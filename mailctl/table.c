/* SPDX-License-Identifier: MIT */
#include "mailctl/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "common/util/mem.h"

struct table {
	const char *const *headings;
	size_t columns, cells, room;
	char **cell;
};

struct table *
table_new(const char *const *headings)
{
	struct table *t = MEM_NEW(struct table);

	t->headings = headings;
	while (headings[t->columns] != NULL)
		t->columns++;
	assert(t->columns > 0 && t->columns <= TABLE_COLUMNS_MAX);
	return t;
}

void
table_add(struct table *t, struct str cell)
{
	if (t->cells == t->room) {
		t->room = t->room > 0 ? 2 * t->room : 64;
		t->cell = mem_grow(t->cell, t->room, sizeof(*t->cell));
	}
	t->cell[t->cells++] = mem_dup(cell);
}

void
table_addf(struct table *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_add(t, str_of(text));
}

bool
table_is_hidden(uint32_t code)
{
	/* letters and marks by name, and blank */
	static const uint32_t blank[] = {
	    0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0};

	switch (utf8proc_category((utf8proc_int32_t)code)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof(blank) / sizeof(blank[0]); i++)
		if (code == blank[i])
			return true;
	return false;
}

/* Take one character off *s.  Returns its columns, or -1 when its octets
 * (of which it took one) must be shown in hex. */
static int
take_char(struct str *s, struct str *octets)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n = utf8proc_iterate(
	    (const utf8proc_uint8_t *)s->at, (utf8proc_ssize_t)s->len, &c);
	bool hidden = n <= 0 || table_is_hidden((uint32_t)c);
	size_t took = n > 0 && !hidden ? (size_t)n : 1;

	*octets = str_first(*s, took);
	*s = str_after(*s, took);
	return hidden ? -1 : utf8proc_charwidth(c);
}

size_t
table_width(struct str text)
{
	struct str octets;
	size_t width = 0;

	while (text.len > 0) {
		int columns = take_char(&text, &octets);
		width += columns >= 0 ? (size_t)columns : 4;
	}
	return width;
}

void
table_print_text(FILE *out, struct str text)
{
	struct str octets;

	while (text.len > 0)
		if (take_char(&text, &octets) >= 0)
			fwrite(octets.at, 1, octets.len, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)octets.at[0]);
}

static bool
is_right(const struct table *t, size_t column)
{
	return t->headings[column][0] == '>';
}

static struct str
heading(const struct table *t, size_t column)
{
	return str_of(t->headings[column] + is_right(t, column));
}

static void
print_cell(const struct table *t, FILE *out, size_t column, struct str text,
    size_t width)
{
	size_t fill = width - table_width(text);

	if (is_right(t, column))
		fprintf(out, "%*s", (int)fill, "");
	table_print_text(out, text);
	if (column + 1 == t->columns)
		fputc('\n', out);
	else
		fprintf(
		    out, "%*s", is_right(t, column) ? 2 : (int)fill + 2, "");
}

void
table_print(struct table *t, FILE *out, const char *none)
{
	size_t width[TABLE_COLUMNS_MAX];

	assert(t->cells % t->columns == 0);
	for (size_t c = 0; c < t->columns; c++)
		width[c] = table_width(heading(t, c));
	for (size_t i = 0; i < t->cells; i++) {
		size_t w = table_width(str_of(t->cell[i]));
		if (w > width[i % t->columns])
			width[i % t->columns] = w;
	}
	if (t->cells == 0)
		fprintf(out, "%s\n", none);
	for (size_t c = 0; t->cells > 0 && c < t->columns; c++)
		print_cell(t, out, c, heading(t, c), width[c]);
	for (size_t i = 0; i < t->cells; i++) {
		print_cell(t, out, i % t->columns, str_of(t->cell[i]),
		    width[i % t->columns]);
		free(t->cell[i]);
	}
	free(t->cell);
	free(t);
}
