/* SPDX-License-Identifier: MIT */
/*
 * The table of settings in pennypost.conf(5) is made from keys.h.  This
 * checks that the page has it; `conf_test_man --write' puts it there.
 */
#include <stdlib.h>

#include "common/conf/setting.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define PAGE          "docs/man/pennypost.conf.5"
#define PAGE_NEW      PAGE ".new"
#define BEGIN         ".\\\" settings begin: made by `conf_test_man --write'\n"
#define END           ".\\\" settings end\n"
#define PAGE_ROOM     (256 * KB)
#define LINE_MAX_TEXT 78

/* mdoc wants each sentence on a line of its own, none beginning with '.'. */
/* A sentence, in lines of at most LINE_MAX_TEXT octets where its words allow.
 */
static void
add_lines(struct buf *out, struct str sentence)
{
	while (sentence.len > 0) {
		size_t at = sentence.len < LINE_MAX_TEXT ? sentence.len
		                                         : LINE_MAX_TEXT;

		while (at > 0 && at < sentence.len && sentence.at[at] != ' ')
			at--;
		if (at == 0)
			at = sentence.len;
		buf_add(out, str_first(sentence, at));
		buf_add_char(out, '\n');
		sentence = str_after(sentence, at < sentence.len ? at + 1 : at);
	}
}

static void
add_sentences(struct buf *out, const char *text)
{
	for (const char *end; (end = strstr(text, ".  ")) != NULL;
	     text = end + 3) {
		add_lines(out, (struct str){text, (size_t)(end + 1 - text)});
	}
	add_lines(out, str_of(text));
}

static void
make_table(struct buf *out)
{
	const char *section = "";

	buf_add(out, STR(BEGIN));
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];

		if (strcmp(section, s->section) != 0) {
			if (*section != '\0')
				buf_add(out, STR(".El\n"));
			buf_addf(out, ".Ss [%s]\\&\n.Bl -tag -width Ds\n",
			    s->section);
		}
		section = s->section;
		buf_addf(out, ".It Cm %s No = Ar %s\n", s->name,
		    setting_type_name(s->type));
		add_sentences(out, s->help);
		if (*s->fallback != '\0')
			buf_addf(out, "Default:\n.Ql %s%s\n", s->fallback,
			    *s->least != '\0' ? " ;" : "");
		if (*s->least != '\0')
			buf_addf(out, "from\n.Ql %s\nto\n.Ql %s .\n", s->least,
			    s->most);
	}
	buf_add(out, STR(".El\n" END));
}

static bool
read_page(struct buf *out)
{
	FILE *f = fopen(PAGE, "r");
	char piece[4096];
	size_t n;

	if (f == NULL)
		return false;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, (struct str){piece, n});
	fclose(f);
	return out->len > 0 && !out->overrun;
}

static bool
write_page(struct str head, struct str table, struct str tail)
{
	FILE *f = fopen(PAGE_NEW, "w");

	if (f == NULL)
		return false;
	fprintf(
	    f, "%.*s%.*s%.*s", STR_FMT(head), STR_FMT(table), STR_FMT(tail));
	return fclose(f) == 0 && rename(PAGE_NEW, PAGE) == 0;
}

int
main(int argc, char **argv)
{
	bool write = argc == 2 && strcmp(argv[1], "--write") == 0;
	struct buf table, page;
	size_t begin, end;

	buf_init(&table, PAGE_ROOM);
	buf_init(&page, PAGE_ROOM);
	make_table(&table);
	CHECK(read_page(&page));
	if (!str_find_str(buf_str(&page), STR(BEGIN), &begin) ||
	    !str_find_str(buf_str(&page), STR(END), &end) || end < begin) {
		fprintf(stderr, "%s has no place for the settings\n", PAGE);
		return 1;
	}
	end += sizeof(END) - 1;
	if (write)
		CHECK(write_page(str_first(buf_str(&page), begin),
		    buf_str(&table), str_after(buf_str(&page), end)));
	else if (!str_eq(str_after(str_first(buf_str(&page), end), begin),
		     buf_str(&table))) {
		fprintf(stderr,
		    "%s does not show keys.h: run conf_test_man --write\n",
		    PAGE);
		test_failures++;
	}
	buf_release(&table);
	buf_release(&page);
	return TEST_EXIT();
}
