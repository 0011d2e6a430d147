/* SPDX-License-Identifier: MIT */
#include "mailctl/import_source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "mailctl/import_name.h"
#include "mailctl/import_open.h"

#define PATH_ROOM 4096
#define DEPTH_MAX 40 /* of folders: a symbolic link may lead in a circle */

/* What a folder holds, by name. */
struct entries {
	char **names;
	size_t n;
};

/* A folder that is still to be looked at. */
struct pending {
	char *dir, *above; /* above may be NULL: it is the top */
	bool maildir;      /* in a Maildir */
	unsigned depth;
};

struct walk {
	struct import_sources *s;
	enum import_format format;
	const char *mailbox; /* of the user; or NULL */
	unsigned depth;      /* of the folder that is looked at */
	struct pending *pending;
	size_t n_pending;
};

static void
complain(struct walk *w, const char *path, const char *why)
{
	w->s->complain(w->s->arg, path, why);
}

static void
add(struct walk *w, enum import_format format, const char *path,
    const char *mailbox, uint64_t bytes)
{
	struct import_sources *s = w->s;
	char *resolved = realpath(path, NULL);

	if (resolved == NULL) {
		complain(w, path, strerror(errno));
		return;
	}
	s->all = mem_grow(s->all, s->n + 1, sizeof(*s->all));
	s->all[s->n++] = (struct import_source){
	    format, resolved, mem_dup(str_of(mailbox)), bytes, s->tops};
	s->bytes += bytes;
}

static bool
is_dir(const char *dir, const char *name)
{
	char path[PATH_ROOM];
	struct stat st;

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < PATH_ROOM &&
	       stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
read_entries(struct walk *w, const char *dir, struct entries *out)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	*out = (struct entries){0};
	if (d == NULL) {
		complain(w, dir, strerror(errno));
		return -1;
	}
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (out->n % 64 == 0)
			out->names = mem_grow(
			    out->names, out->n + 64, sizeof(*out->names));
		out->names[out->n++] = mem_dup(str_of(e->d_name));
	}
	closedir(d);
	if (out->n > 0)
		qsort(out->names, out->n, sizeof(*out->names), by_name);
	return 0;
}

static void
release_entries(struct entries *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->names[i]);
	free(e->names);
}

/* Octets of the files in a folder whose names end so. */
static uint64_t
sum_files(const char *dir, const char *ending)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	struct stat st;
	uint64_t sum = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (str_ends_nocase(str_of(e->d_name), str_of(ending)) &&
		    fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	if (d != NULL)
		closedir(d);
	return sum;
}

/* above/level; level alone at the top. */
static void
join(struct buf *out, const char *above, struct str level,
    void (*name)(struct str, struct buf *))
{
	buf_init(out, IMPORT_NAME_ROOM);
	if (above != NULL && above[0] != '\0')
		buf_addf(out, "%s/", above);
	name(level, out);
}

static bool
is_maildir(const char *dir)
{
	return is_dir(dir, "cur") && is_dir(dir, "new");
}

static void
add_maildir(struct walk *w, const char *dir, const char *mailbox)
{
	char cur[PATH_ROOM], fresh[PATH_ROOM];

	if (snprintf(cur, sizeof(cur), "%s/cur", dir) >= PATH_ROOM ||
	    snprintf(fresh, sizeof(fresh), "%s/new", dir) >= PATH_ROOM) {
		complain(w, dir, "its path is too long");
		return;
	}
	add(w, IMPORT_MAILDIR, dir, mailbox,
	    sum_files(cur, "") + sum_files(fresh, ""));
}

static bool
is_maildir_part(const char *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 ||
	       strcmp(name, "tmp") == 0;
}

static void
look_later(struct walk *w, const char *dir, const char *above, bool maildir)
{
	if (w->depth == DEPTH_MAX)
		return;
	w->pending = mem_grow(
	    w->pending, w->n_pending + 1, sizeof(*w->pending));
	w->pending[w->n_pending++] = (struct pending){mem_dup(str_of(dir)),
	    above != NULL ? mem_dup(str_of(above)) : NULL, maildir,
	    w->depth + 1};
}

/* A folder of a Maildir: ".A.B" of Maildir++, ".A.directory" of KMail, or a
 * plain one. */
static void
walk_maildir_entry(
    struct walk *w, const char *dir, const char *name, const char *above)
{
	struct str level = str_of(name);
	char path[PATH_ROOM];
	struct buf mailbox;
	bool kmail = str_starts(level, STR(".")) &&
	             str_ends_nocase(level, STR(".directory"));
	bool dotted = str_take(&level, '.');

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_ROOM) {
		complain(w, dir, "a path in it is too long");
		return;
	}
	if (kmail)
		level.len -= 10;
	join(&mailbox, above, level,
	    dotted && !kmail ? import_name_maildir : import_name_maildir_level);
	if (!kmail && is_maildir(path))
		add_maildir(w, path, mailbox.data);
	if (!dotted || kmail)
		look_later(w, path, mailbox.data, true);
	buf_release(&mailbox);
}

static void
walk_maildir_below(struct walk *w, const char *dir, const char *above)
{
	struct entries e;

	if (read_entries(w, dir, &e) == -1)
		return;
	for (size_t i = 0; i < e.n; i++)
		if (!is_maildir_part(e.names[i]) && is_dir(dir, e.names[i]))
			walk_maildir_entry(w, dir, e.names[i], above);
	release_entries(&e);
}

/* Does it begin as an mbox does?  1, 0, -1 complained. */
static int
looks_like_mbox(struct walk *w, const char *path, uint64_t *size)
{
	char head[5];
	struct fail why = {.text = "it is gone"};
	struct stat st;
	ssize_t n;
	int fd = import_source_open(w->s->tops, path, &st, &why);

	if (fd == -1) {
		complain(w, path, why.text);
		return -1;
	}
	*size = (uint64_t)st.st_size;
	n = read(fd, head, sizeof(head));
	close(fd);
	return n == (ssize_t)sizeof(head) &&
	       memcmp(head, "From ", sizeof(head)) == 0;
}

/* An empty file is an empty mailbox if anything says that it is one. */
static bool
is_empty_mbox(const struct entries *all, const char *name)
{
	struct str s = str_of(name);
	size_t at;

	if (str_ends_nocase(s, STR(".mbox")) || !str_find(s, '.', &at))
		return true;
	for (size_t i = 0; i < all->n; i++)
		if (str_starts(str_of(all->names[i]), s) &&
		    str_eq(
			str_after(str_of(all->names[i]), s.len), STR(".msf")))
			return true;
	return false;
}

static struct str
without(struct str name, const char *ending)
{
	if (str_ends_nocase(name, str_of(ending)) && name.len > strlen(ending))
		name.len -= strlen(ending);
	return name;
}

static struct str
mbox_level(const char *name)
{
	return without(without(str_of(name), ".mbox"), ".mbx");
}

static void
walk_file(struct walk *w, const char *dir, const struct entries *all,
    const char *name, const char *above)
{
	char path[PATH_ROOM];
	struct buf mailbox;
	uint64_t size = 0;
	int mbox;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_ROOM) {
		complain(w, dir, "a path in it is too long");
		return;
	}
	if (name[0] == '.' || str_ends_nocase(str_of(name), STR(".msf")))
		return;
	mbox = looks_like_mbox(w, path, &size);
	if (mbox == -1 ||
	    (mbox == 0 && (size != 0 || !is_empty_mbox(all, name))))
		return;
	join(&mailbox, above, mbox_level(name), import_name_level);
	add(w, IMPORT_MBOX, path, mailbox.data, size);
	buf_release(&mailbox);
}

/* A folder in a tree of mboxes or .eml files. */
static void
walk_folder(
    struct walk *w, const char *dir, const char *name, const char *above)
{
	char path[PATH_ROOM], mbox[PATH_ROOM];
	struct buf mailbox;
	uint64_t size;
	int begins;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_ROOM ||
	    snprintf(mbox, sizeof(mbox), "%s/mbox", path) >= PATH_ROOM) {
		complain(w, dir, "a path in it is too long");
		return;
	}
	if (w->format != IMPORT_EML &&
	    str_ends_nocase(str_of(name), STR(".mbox")) &&
	    access(mbox, F_OK) == 0) {
		join(&mailbox, above, mbox_level(name), import_name_level);
		begins = looks_like_mbox(w, mbox, &size);
		if (begins == 1 || (begins == 0 && size == 0))
			add(w, IMPORT_MBOX, mbox, mailbox.data, size);
	} else {
		join(&mailbox, above, without(str_of(name), ".sbd"),
		    import_name_level);
		look_later(w, path, mailbox.data, false);
	}
	buf_release(&mailbox);
}

static bool
is_eml(const char *name)
{
	return str_ends_nocase(str_of(name), STR(".eml"));
}

static void
walk_tree(struct walk *w, const char *dir, const char *above, bool top)
{
	struct entries e;
	bool eml = false;

	if (w->format != IMPORT_MBOX && w->format != IMPORT_EML &&
	    is_maildir(dir)) {
		add_maildir(w, dir, above);
		walk_maildir_below(w, dir, top ? w->mailbox : above);
		return;
	}
	if (read_entries(w, dir, &e) == -1)
		return;
	for (size_t i = 0; i < e.n; i++)
		eml |= is_eml(e.names[i]) ||
		       strcmp(e.names[i], IMPORT_INDEX) == 0;
	if (w->format != IMPORT_MBOX && w->format != IMPORT_MAILDIR &&
	    (eml || (w->format == IMPORT_EML && !top)))
		add(w, IMPORT_EML, dir, above, sum_files(dir, ".eml"));
	for (size_t i = 0; i < e.n; i++)
		if (is_dir(dir, e.names[i]) && e.names[i][0] != '.')
			walk_folder(
			    w, dir, e.names[i], top ? w->mailbox : above);
		else if (w->format != IMPORT_EML && !is_eml(e.names[i]) &&
			 w->format != IMPORT_MAILDIR)
			walk_file(
			    w, dir, &e, e.names[i], top ? w->mailbox : above);
	release_entries(&e);
}

static void
walk_pending(struct walk *w)
{
	for (size_t i = 0; i < w->n_pending; i++) {
		struct pending p = w->pending[i]; /* the array may move */

		w->depth = p.depth;
		if (p.maildir)
			walk_maildir_below(w, p.dir, p.above);
		else
			walk_tree(w, p.dir, p.above, false);
		free(p.dir);
		free(p.above);
	}
	free(w->pending);
}

static int
add_file(struct walk *w, const char *path, const char *mailbox,
    const struct stat *st, struct fail *f)
{
	uint64_t size;
	int mbox = w->format == IMPORT_EML ? 0
	                                   : looks_like_mbox(w, path, &size);

	if (mbox == 1 || st->st_size == 0 || w->format == IMPORT_MBOX)
		add(w, IMPORT_MBOX, path, mailbox, (uint64_t)st->st_size);
	else if (w->format != IMPORT_MAILDIR &&
		 (is_eml(path) || w->format == IMPORT_EML))
		add(w, IMPORT_EML, path, mailbox, (uint64_t)st->st_size);
	else
		return fail(f, FAIL_PERM,
		    "%s: it is no mbox, Maildir or .eml file", path);
	return 0;
}

/* What a mailbox is called that has no name but its file's. */
static void
top_name(
    const struct walk *w, const char *resolved, bool maildir, struct buf *out)
{
	struct str name = str_of(resolved);
	size_t slash;

	buf_init(out, IMPORT_NAME_ROOM);
	if (w->mailbox != NULL) {
		buf_add(out, str_of(w->mailbox));
		return;
	}
	if (maildir) {
		buf_add(out, STR("INBOX"));
		return;
	}
	if (str_find_last(name, '/', &slash))
		name = str_after(name, slash + 1);
	name = without(without(without(name, ".mbox"), ".mbx"), ".eml");
	import_name_level(name.len > 0 ? name : STR("Imported"), out);
}

int
import_sources_add(struct import_sources *s, const char *path,
    enum import_format format, const char *mailbox, struct fail *f)
{
	struct walk w = {.s = s, .format = format, .mailbox = mailbox};
	size_t before = s->n;
	struct stat st;
	struct import_top *top = import_top_new(path, &st, f);
	struct buf name;
	int rc = 0;

	if (top == NULL)
		return -1;
	top->next = s->tops;
	s->tops = top;
	top_name(&w, top->path,
	    S_ISDIR(st.st_mode) && format != IMPORT_EML &&
		is_maildir(top->path),
	    &name);
	if (!S_ISDIR(st.st_mode))
		rc = add_file(&w, top->path, name.data, &st, f);
	else if (format == IMPORT_MAILDIR && !is_maildir(top->path))
		walk_maildir_below(&w, top->path, mailbox);
	else
		walk_tree(&w, top->path, name.data, true);
	walk_pending(&w);
	if (rc == 0 && s->n == before)
		rc = fail(f, FAIL_PERM, "%s: there is no mail in it", path);
	buf_release(&name);
	return rc;
}

void
import_sources_release(struct import_sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->all[i].path);
		free(s->all[i].mailbox);
	}
	free(s->all);
	while (s->tops != NULL) {
		struct import_top *top = s->tops;

		s->tops = top->next;
		import_top_free(top);
	}
}
