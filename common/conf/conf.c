/* SPDX-License-Identifier: MIT */
#include "common/conf/conf.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf/hostname.h"
#include "common/conf/setting.h"
#include "common/util/mem.h"

#define LINE_MAX_LEN 16000 /* longest line of the file */
#define LINES_MAX    100000
#define FORM_MAX_LEN 200
#define KEY_MAX_LEN  40 /* inih cuts longer ones without a word */

/* Where the settings come from. */
struct conf_source {
	char *file;
	size_t line[]; /* per setting: the line that set it, or 0 */
};

/* One reading of one file. */
struct reading {
	const char *file; /* borrowed */
	FILE *stream;
	struct conf *conf;
	struct fail *fail; /* the first failure is kept */
	bool failed;
	char *line; /* getline()'s */
	size_t line_room;
	size_t line_no;
};

struct conf *
conf_defaults(void)
{
	struct conf *c = MEM_NEW(struct conf);

	for (const struct setting *s = settings; s < settings + settings_n;
	     s++) {
		bool good = setting_read(s, c, str_of(s->fallback));

		assert(good); /* or keys.h is wrong */
	}
	return c;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (const struct setting *s = settings; s < settings + settings_n; s++)
		setting_release(s, c);
	if (c->source != NULL)
		free(c->source->file);
	free(c->source);
	free(c);
}

int
conf_refuse(const struct conf *c, const void *value, struct fail *f,
    const char *fmt, ...)
{
	size_t offset = (size_t)((const char *)value - (const char *)c);
	struct buf text;
	size_t i = 0;
	va_list ap;

	while (i < settings_n && settings[i].offset != offset)
		i++;
	assert(i < settings_n);
	buf_init(&text, LINE_MAX_LEN);
	if (c->source != NULL)
		buf_addf(&text, "%s:", c->source->file);
	if (c->source != NULL && c->source->line[i] != 0)
		buf_addf(&text, "%zu:", c->source->line[i]);
	if (text.len > 0)
		buf_add_char(&text, ' ');
	buf_addf(&text, "%s: ", settings[i].name);
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	fail(f, FAIL_SYNTAX, "%s", text.data);
	buf_release(&text);
	return -1;
}

/* How many letters must be put in, left out or changed to make b from a. */
static size_t
distance(struct str a, const char *b)
{
	size_t row[KEY_MAX_LEN + 1], n = strnlen(b, KEY_MAX_LEN);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; i < a.len; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= n; j++) {
			size_t best = corner + (a.at[i] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

/* Keep the first failure: "FILE:LINE: text". */
static int __attribute__((format(printf, 2, 3)))
refuse(struct reading *r, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	if (r->failed)
		return 0;
	r->failed = true;
	buf_init(&text, LINE_MAX_LEN * 2);
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	fail(r->fail, FAIL_PERM, "%s:%zu: %s", r->file, r->line_no,
	    text.data != NULL ? text.data : "");
	buf_release(&text);
	return 0;
}

static bool
section_exists(struct str section)
{
	for (const struct setting *s = settings; s < settings + settings_n; s++)
		if (str_eq(str_of(s->section), section))
			return true;
	return false;
}

static int
refuse_section(struct reading *r, struct str section)
{
	const struct setting *best = settings;

	if (section.len == 0)
		return refuse(
		    r, "a setting must stand under a section like [server]");
	for (const struct setting *s = settings; s < settings + settings_n; s++)
		if (distance(section, s->section) <
		    distance(section, best->section))
			best = s;
	return refuse(r, "there is no section [%.*s]; the nearest is [%s]",
	    STR_FMT(section), best->section);
}

static int
refuse_key(struct reading *r, const char *section, const char *name)
{
	const struct setting *best = NULL, *elsewhere = NULL;

	for (const struct setting *s = settings; s < settings + settings_n;
	     s++) {
		if (strcmp(s->name, name) == 0)
			elsewhere = s;
		if (strcmp(s->section, section) != 0)
			continue;
		if (best == NULL || distance(str_of(name), s->name) <
					distance(str_of(name), best->name))
			best = s;
	}
	if (elsewhere != NULL)
		return refuse(r, "%s does not belong to [%s] but to [%s]", name,
		    section, elsewhere->section);
	return refuse(r, "[%s] has no setting %s; the nearest is %s", section,
	    name, best->name);
}

static int
refuse_value(struct reading *r, const struct setting *s, const char *value)
{
	struct buf form;

	buf_init(&form, FORM_MAX_LEN);
	setting_form(s, &form);
	refuse(r, "%s must be %.*s, not \"%s\"", s->name,
	    STR_FMT(buf_str(&form)), value);
	buf_release(&form);
	return 0;
}

/* inih found `name = value'. */
static int
take_setting(
    void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;

	if (r->failed)
		return 0;
	if (!section_exists(str_of(section)))
		return refuse_section(r, str_of(section));
	for (size_t i = 0; i < settings_n; i++) {
		const struct setting *s = &settings[i];

		if (strcmp(s->section, section) != 0 ||
		    strcmp(s->name, name) != 0)
			continue;
		if (r->conf->source->line[i] != 0)
			return refuse(r,
			    "%s is given twice; it was set in line %zu", name,
			    r->conf->source->line[i]);
		r->conf->source->line[i] = r->line_no;
		return setting_read(s, r->conf, str_of(value))
		           ? 1
		           : refuse_value(r, s, value);
	}
	return refuse_key(r, section, name);
}

/* inih takes `key = value # note' as a value that ends in a note, and with
 * `;' would drop it: neither is what the writer may have meant. */
static bool
has_comment_behind(struct str line)
{
	size_t equals;

	if (!str_find(line, '=', &equals))
		return false;
	for (size_t i = 1; i < line.len; i++)
		if ((line.at[i] == '#' || line.at[i] == ';') &&
		    (line.at[i - 1] == ' ' || line.at[i - 1] == '\t' ||
			i == equals + 1))
			return true;
	return false;
}

/* inih knows `key: value' too; one way to write it is enough. */
static bool
is_setting(struct str line)
{
	size_t equals, colon;

	return str_find(line, '=', &equals) &&
	       (!str_find(line, ':', &colon) || equals < colon);
}

static bool
section_is_good(struct reading *r, struct str line)
{
	struct str name;

	if (line.len < 2 || line.at[line.len - 1] != ']') {
		refuse(r, "a section looks like [server]");
		return false;
	}
	name = str_first(str_after(line, 1), line.len - 2);
	if (!section_exists(name))
		refuse_section(r, name);
	return !r->failed;
}

/* What only the reader of whole lines can see.  False: refused. */
static bool
line_is_good(struct reading *r, struct str line)
{
	size_t at;

	if (r->line_no > LINES_MAX)
		refuse(r, "the file is too long");
	else if (line.len > LINE_MAX_LEN)
		refuse(r, "the line is longer than %d bytes", LINE_MAX_LEN);
	else if (str_find(line, '\0', &at))
		refuse(r, "there is a NUL byte: this is not a text file");
	else if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';')
		return true;
	else if (has_comment_behind(line))
		refuse(r, "a comment must stand on a line of its own");
	else if (line.at[0] == '[')
		return section_is_good(r, line);
	else if (!is_setting(line))
		refuse(r, "a setting looks like `key = value'");
	return !r->failed;
}

/*
 * inih's reader: one whole line for each call, so that line_no is right when
 * take_setting() is called.  Blanks in front are dropped: inih would take an
 * indented line for more of the value before.
 */
static char *
read_line(char *to, int room, void *arg)
{
	struct reading *r = arg;
	ssize_t n;
	struct str line;

	if (r->failed)
		return NULL;
	n = getline(&r->line, &r->line_room, r->stream);
	r->line_no++;
	if (n == -1 && ferror(r->stream))
		refuse(r, "cannot be read: %s", strerror(errno));
	if (n == -1)
		return NULL;
	line = (struct str){r->line, (size_t)n};
	if (r->line_no == 1)
		str_take_nocase(&line, STR("\xef\xbb\xbf"));
	if (line.len > 0 && line.at[line.len - 1] == '\n')
		line.len--;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	line = str_trim(line);
	if (!line_is_good(r, line))
		return NULL;
	snprintf(to, (size_t)room, "%.*s\n", STR_FMT(line));
	return to;
}

/* Debian's inih has 200 bytes a line on the stack, cuts the rest, and joins
 * lines; these are its own switches. */
static void
set_up_inih(void)
{
	ini_use_stack = false;
	ini_initial_alloc = ini_max_line = LINE_MAX_LEN + 8;
	ini_allow_realloc = false;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_stop_on_first_error = true;
}

struct conf *
conf_read(const char *file, struct fail *f)
{
	struct reading r = {.file = file, .fail = f};

	r.stream = fopen(file, "re");
	if (r.stream == NULL) {
		fail(f, FAIL_PERM, "cannot read %s: %s%s", file,
		    strerror(errno),
		    errno == ENOENT ? " (-c FILE names another)" : "");
		return NULL;
	}
	r.conf = conf_defaults();
	r.conf->source = mem_new(
	    1, sizeof(struct conf_source) + settings_n * sizeof(size_t));
	r.conf->source->file = mem_dup(str_of(file));
	set_up_inih();
	if (ini_parse_stream(read_line, &r, take_setting, &r) != 0)
		refuse(&r, "a setting looks like `key = value'");
	if (!r.failed && *r.conf->server_hostname == '\0') {
		free(r.conf->server_hostname);
		r.conf->server_hostname = hostname_of_system();
	}
	if (r.failed) {
		conf_free(r.conf);
		r.conf = NULL;
	}
	free(r.line);
	fclose(r.stream);
	return r.conf;
}

void
conf_print(const struct conf *c, bool comments, struct buf *out)
{
	const char *section = "";

	for (const struct setting *s = settings; s < settings + settings_n;
	     s++) {
		if (strcmp(section, s->section) != 0)
			buf_addf(out, "%s[%s]\n", *section != '\0' ? "\n" : "",
			    s->section);
		section = s->section;
		if (comments)
			buf_addf(out, "# %s\n", s->help);
		buf_addf(out, "%s = ", s->name);
		setting_write(s, c, out);
		buf_add_char(out, '\n');
	}
}
