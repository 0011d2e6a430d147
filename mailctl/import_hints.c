/* SPDX-License-Identifier: MIT */
#include "mailctl/import_hints.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/maildir_name.h"
#include "common/store/message.h"
#include "common/util/mem.h"
#include "mailctl/import.h"

#define PATH_ROOM    4200
#define LINE_MAX     (16 * KB)
#define KEYWORDS_MAX 64

/* A line of the index of .eml files. */
struct note {
	char *name;
	int64_t ms;
	unsigned flags;
	char *keywords;
};

struct import_hints {
	enum import_format format;
	char *keywords[KEYWORDS_MAX]; /* of a Maildir, by number */
	struct note *notes;           /* by name */
	size_t n;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(
	    ((const struct note *)a)->name, ((const struct note *)b)->name);
}

/* "3 $label1" */
static void
read_keyword(struct import_hints *h, struct str line)
{
	struct str number = str_cut(&line, ' ');
	size_t n;

	if (!str_to_size(number, KEYWORDS_MAX - 1, &n) || line.len == 0)
		return;
	free(h->keywords[n]);
	h->keywords[n] = mem_dup(line);
}

/* "1.eml<TAB>1763802000123<TAB>FS<TAB>$label1 other" */
static void
read_note(struct import_hints *h, struct str line)
{
	struct str name = str_cut(&line, '\t'), date = str_cut(&line, '\t');
	struct str flags = str_cut(&line, '\t');
	bool before_epoch = str_take(&date, '-');
	uint64_t ms;

	if (name.len == 0 || !str_to_u64(date, INT64_MAX, &ms))
		return;
	if (h->n % 256 == 0)
		h->notes = mem_grow(h->notes, h->n + 256, sizeof(*h->notes));
	h->notes[h->n++] = (struct note){mem_dup(name),
	    before_epoch ? -(int64_t)ms : (int64_t)ms,
	    maildir_name_flags(flags, NULL), mem_dup(line)};
}

/* Each line of a file beside the messages, if there is one. */
static void
read_lines(struct import_hints *h, const struct import_source *s,
    const char *file, void (*each)(struct import_hints *, struct str))
{
	char path[PATH_ROOM], *line = NULL;
	struct fail ignored;
	struct stat st;
	size_t room = 0;
	ssize_t n;
	FILE *in;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", s->path, file);
	fd = import_source_open(s->top, path, &st, &ignored);
	in = fd != -1 ? fdopen(fd, "r") : NULL;
	if (in == NULL)
		return;
	while ((n = getline(&line, &room, in)) != -1) {
		struct str text = {line, (size_t)n};

		if (text.len > 0 && text.at[text.len - 1] == '\n')
			text.len--;
		if (text.len <= LINE_MAX)
			each(h, text);
	}
	free(line);
	fclose(in);
}

struct import_hints *
import_hints_new(const struct import_source *s)
{
	struct import_hints *h = MEM_NEW(struct import_hints);

	h->format = s->format;
	if (s->format == IMPORT_MAILDIR) {
		read_lines(h, s, "dovecot-keywords", read_keyword);
		read_lines(h, s, IMPORT_KEYWORDS, read_keyword);
	} else {
		read_lines(h, s, IMPORT_INDEX, read_note);
	}
	if (h->n > 0)
		qsort(h->notes, h->n, sizeof(*h->notes), by_name);
	return h;
}

void
import_hints_free(struct import_hints *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < KEYWORDS_MAX; i++)
		free(h->keywords[i]);
	for (size_t i = 0; i < h->n; i++) {
		free(h->notes[i].name);
		free(h->notes[i].keywords);
	}
	free(h->notes);
	free(h);
}

static void
apply_maildir(const struct import_hints *h, const char *name, bool in_new,
    int64_t file_ms, struct import_fields *f)
{
	struct maildir_name parsed;

	f->has_marked = true;
	f->marked_ms = file_ms;
	if (in_new)
		return;
	maildir_name_parse(str_of(name), &parsed);
	f->flags = parsed.flags;
	if (parsed.forwarded)
		import_fields_keyword(&f->keywords, STR("$Forwarded"));
	for (unsigned i = 0; i < KEYWORDS_MAX; i++)
		if (parsed.keywords & (uint64_t)1 << i &&
		    h->keywords[i] != NULL)
			import_fields_keyword(
			    &f->keywords, str_of(h->keywords[i]));
}

static const struct note *
find_note(const struct import_hints *h, const char *name)
{
	const struct note key = {.name = (char *)(uintptr_t)name};

	return h->n == 0 ? NULL
	                 : bsearch(&key, h->notes, h->n, sizeof(key), by_name);
}

void
import_hints_prepare(
    const struct import_hints *h, const char *name, struct import_fields *f)
{
	f->states = h->format == IMPORT_EML && find_note(h, name) == NULL;
}

void
import_hints_apply(const struct import_hints *h, const char *name, bool in_new,
    int64_t file_ms, struct import_fields *f)
{
	const struct note *note;
	struct str words;

	if (h->format == IMPORT_MAILDIR) {
		apply_maildir(h, name, in_new, file_ms, f);
		return;
	}
	note = find_note(h, name);
	if (note == NULL)
		return;
	f->has_marked = true;
	f->marked_ms = note->ms;
	f->flags = note->flags;
	words = str_of(note->keywords);
	while (words.len > 0)
		import_fields_keyword(&f->keywords, str_cut(&words, ' '));
}
