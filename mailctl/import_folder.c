/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/message.h"
#include "common/util/mem.h"
#include "mailctl/import.h"
#include "mailctl/import_hints.h"

#define PIECE     (256 * KB)
#define PATH_ROOM 4200
#define NAMES_MAX ((size_t)1 << 31) /* octets of digests of names */

/* A file that is a message. */
struct file {
	char *name;
	bool in_new; /* of a Maildir: new/, else cur/ */
};

struct reader {
	struct import *i;
	struct file *files;
	size_t n;
	struct buf done; /* digests of what was imported before, sorted */
	struct import_hints *hints;
	char *piece;
	bool is_file; /* the source is one .eml file */
};

/* By the number it begins with, then as text: so a Maildir's are in the order
 * they came. */
static int
by_age(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	unsigned long long n = strtoull(x->name, NULL, 10);
	unsigned long long m = strtoull(y->name, NULL, 10);

	if (n != m)
		return n < m ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int
by_octets(const void *a, const void *b)
{
	return memcmp(a, b, IMPORT_NAME);
}

static bool
is_message(const struct reader *r, const char *name)
{
	if (name[0] == '.')
		return false;
	return r->i->source->format == IMPORT_MAILDIR ||
	       str_ends_nocase(str_of(name), STR(".eml"));
}

static void
list(struct reader *r, const char *below, bool in_new)
{
	char path[PATH_ROOM];
	const struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s%s", r->i->source->path, below);
	d = opendir(path);
	if (d == NULL) {
		import_complain(r->i, path, strerror(errno));
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (!is_message(r, e->d_name))
			continue;
		if (r->n % 256 == 0)
			r->files = mem_grow(
			    r->files, r->n + 256, sizeof(*r->files));
		r->files[r->n++] = (struct file){
		    mem_dup(str_of(e->d_name)), in_new};
	}
	closedir(d);
}

/* What stays of a Maildir's file name when its flags change. */
static struct str
lasting_name(const struct reader *r, const struct file *file)
{
	struct str name = str_of(file->name);

	return r->i->source->format == IMPORT_MAILDIR ? str_cut(&name, ':')
	                                              : name;
}

static int
load_done(struct db *db, void *arg, struct fail *f)
{
	struct reader *r = arg;

	return import_names(db, r->i->mark.id, &r->done, f);
}

static bool
is_done(const struct reader *r, const char digest[IMPORT_NAME])
{
	return r->done.len > 0 &&
	       bsearch(digest, r->done.data, r->done.len / IMPORT_NAME,
		   IMPORT_NAME, by_octets) != NULL;
}

/* All octets of a file into the message: 0, -1 with errno. */
static int
read_file(struct reader *r, int fd, struct import_message *m)
{
	ssize_t n;

	while ((n = read(fd, r->piece, PIECE)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		r->i->read += (uint64_t)n;
		import_message_add(m, (struct str){r->piece, (size_t)n});
		import_pause(r->i);
	}
	return 0;
}

/* -1: no more can be added. */
static int
take_file(struct reader *r, const struct file *file, const char *path,
    const struct load_place *place)
{
	struct import *i = r->i;
	struct import_message m;
	const char *why;
	int64_t file_ms;
	struct stat st = {0};
	struct fail gone = {.text = "it is gone"};
	int fd = import_source_open(i->source->top, path, &st, &gone);
	int rc = 0;

	if (fd == -1) {
		if (!S_ISDIR(st.st_mode))
			import_complain(i, path, gone.text);
		return 0;
	}
	import_message_begin(
	    &m, i->dry_run ? NULL : db_dir(i->db), i->max_size);
	import_hints_prepare(r->hints, file->name, &m.fields);
	file_ms = (int64_t)st.st_mtim.tv_sec * 1000 +
	          st.st_mtim.tv_nsec / 1000000;
	if (read_file(r, fd, &m) == -1) {
		import_complain(i, path, strerror(errno));
	} else if (!i->interrupted) {
		why = import_message_end(&m);
		import_hints_apply(
		    r->hints, file->name, file->in_new, file_ms, &m.fields);
		rc = import_store(i, &m, why, place, path, file_ms);
	}
	import_message_release(&m);
	close(fd);
	return rc;
}

static int
take(struct reader *r, const struct file *file)
{
	const struct import_source *s = r->i->source;
	struct load_place place = {0};
	char path[PATH_ROOM];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s%s", s->path,
	    s->format == IMPORT_EML ? (r->is_file ? "" : "/")
	    : file->in_new          ? "/new/"
				    : "/cur/",
	    r->is_file ? "" : file->name);
	import_name_digest(lasting_name(r, file), place.name);
	if (!is_done(r, place.name))
		return take_file(r, file, path, &place);
	r->i->old++;
	if (stat(path, &st) == 0) {
		r->i->read += (uint64_t)st.st_size;
		r->i->progress.skipped += (uint64_t)st.st_size;
	}
	return 0;
}

/* A single .eml file is a folder of one. */
static void
find_files(struct reader *r)
{
	const struct import_source *s = r->i->source;
	struct stat st;

	if (s->format == IMPORT_MAILDIR) {
		list(r, "/cur", false);
		list(r, "/new", true);
	} else if (stat(s->path, &st) == 0 && S_ISREG(st.st_mode)) {
		r->is_file = true;
		r->files = mem_new(1, sizeof(*r->files));
		r->files[r->n++].name = mem_dup(str_of(s->path));
	} else {
		list(r, "", false);
	}
	if (r->n > 0)
		qsort(r->files, r->n, sizeof(*r->files), by_age);
}

int
import_folder(struct import *i, struct fail *f)
{
	struct reader r = {.i = i};
	int rc = 0;

	buf_init(&r.done, NAMES_MAX);
	if (i->known)
		rc = db_read(i->db, load_done, &r, f);
	if (r.done.len > 0)
		qsort(r.done.data, r.done.len / IMPORT_NAME, IMPORT_NAME,
		    by_octets);
	if (rc == 0) {
		r.piece = mem_new(PIECE, 1);
		r.hints = import_hints_new(i->source);
		find_files(&r);
	}
	for (size_t n = 0; n < r.n && rc == 0 && !import_pause(i); n++)
		if (take(&r, &r.files[n]) == -1)
			break; /* load_drain() says why */
	for (size_t n = 0; n < r.n; n++)
		free(r.files[n].name);
	free(r.files);
	free(r.piece);
	import_hints_free(r.hints);
	buf_release(&r.done);
	return rc;
}
