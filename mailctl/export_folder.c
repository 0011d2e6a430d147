/* SPDX-License-Identifier: MIT */
/* Maildir++ and folders of .eml files: a file for each message. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mime/maildir_name.h"
#include "common/util/mem.h"
#include "mailctl/export.h"
#include "mailctl/import_name.h"
#include "mailctl/import_source.h"

static int
create(const char *path, struct fail *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1)
		fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
	return fd;
}

/* Where lines end with LF; a CR alone stays one. */
static void
add_without_cr(struct str s, bool *cr, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		if (*cr && s.at[i] != '\n')
			buf_add_char(out, '\r');
		*cr = s.at[i] == '\r';
		if (!*cr)
			buf_add_char(out, s.at[i]);
	}
}

static int
write_message(struct export_box *box, struct export_message *m, bool lf,
    const char *path, struct fail *f)
{
	struct buf room, out;
	struct str piece;
	bool cr = false;
	int got, rc = -1, fd = create(path, f);

	if (fd == -1)
		return -1;
	buf_init(&room, 1 * MB);
	buf_init(&out, 2 * MB);
	while ((got = export_read(m, &room, &piece, f)) == 1) {
		buf_clear(&out);
		if (lf)
			add_without_cr(piece, &cr, &out);
		box->written += piece.len;
		if (export_write(fd, lf ? buf_str(&out) : piece, path, f) == -1)
			goto out;
	}
	if (got == 0 && cr)
		got = export_write(fd, STR("\r"), path, f);
	rc = got;
out:
	buf_release(&out);
	buf_release(&room);
	if (rc == -1) {
		close(fd);
		return -1;
	}
	return export_close(fd, m->received_ms, path, f);
}

/* A name and its keywords' numbers, "3 $label1", from this number on. */
static int
write_keywords(const struct export_box *box, const char *file, size_t from,
    size_t to, struct fail *f)
{
	char path[EXPORT_PATH + 32];
	struct buf text;
	size_t n = 0;
	int fd, rc = 0;

	buf_init(&text, 16 * KB);
	for (size_t bit = 0; bit < 64; bit++)
		if (box->keywords->names[bit] != NULL) {
			if (n >= from && n < to)
				buf_addf(&text, "%zu %s\n", n,
				    box->keywords->names[bit]);
			n++;
		}
	if (text.len > 0) {
		snprintf(path, sizeof(path), "%s/%s", box->path, file);
		fd = create(path, f);
		rc = fd == -1 ? -1 : export_write(fd, buf_str(&text), path, f);
		if (fd != -1)
			close(fd);
	}
	buf_release(&text);
	return rc;
}

static int
set_path(struct export_box *box, const struct buf *path, struct fail *f)
{
	if (path->overrun)
		return fail(f, FAIL_PERM, "its path would be too long");
	snprintf(box->path, sizeof(box->path), "%s", path->data);
	return 0;
}

static int
open_maildir(struct export_box *box, struct fail *f)
{
	static const char *const parts[] = {"cur", "new", "tmp"};
	char part[EXPORT_PATH + 16];
	struct buf path;
	int rc;

	buf_init(&path, EXPORT_PATH - 1);
	buf_addf(&path, "%s", box->dir);
	if (strcmp(box->name, "INBOX") != 0) {
		buf_add_char(&path, '/');
		import_name_to_maildir(str_of(box->name), &path);
	}
	rc = set_path(box, &path, f);
	buf_release(&path);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == 0;
	     i++) {
		snprintf(part, sizeof(part), "%s/%s", box->path, parts[i]);
		rc = export_mkdir(part, f);
	}
	if (rc == -1)
		return -1;
	return write_keywords(
		   box, "dovecot-keywords", 0, MAILDIR_KEYWORDS, f) == -1 ||
	               write_keywords(
			   box, IMPORT_KEYWORDS, MAILDIR_KEYWORDS, 64, f) == -1
	           ? -1
	           : 0;
}

static int
put_maildir(struct export_box *box, struct export_message *m, struct fail *f)
{
	int64_t part = (m->received_ms % 1000 + 1000) % 1000;
	char path[EXPORT_PATH + 256];
	struct buf name;

	/* in order of the UIDs, and unlike any other program's */
	buf_init(&name, 256);
	buf_addf(&name, "%" PRIu32 ".P%" PRId64 ".pennypost", m->uid,
	    (m->received_ms - part) / 1000);
	maildir_name_extra(m->keyword_bits, &name);
	buf_add(&name, STR(":2,"));
	maildir_name_letters(m->flags, m->keyword_bits, &name);
	snprintf(path, sizeof(path), "%s/cur/%s", box->path, name.data);
	buf_release(&name);
	return write_message(box, m, true, path, f);
}

static int
close_maildir(struct export_box *box, struct fail *f)
{
	(void)box;
	(void)f;
	return 0;
}

static int
open_eml(struct export_box *box, struct fail *f)
{
	struct str name = str_of(box->name);
	char index[EXPORT_PATH + 32];
	struct buf path;
	int rc;

	buf_init(&path, EXPORT_PATH - 1);
	buf_addf(&path, "%s", box->dir);
	while (name.len > 0) {
		buf_add_char(&path, '/');
		import_name_to_level(str_cut(&name, '/'), &path);
	}
	rc = set_path(box, &path, f);
	buf_release(&path);
	if (rc == -1 || export_mkdir(box->path, f) == -1)
		return -1;
	snprintf(index, sizeof(index), "%s/" IMPORT_INDEX, box->path);
	box->fd = create(index, f);
	return box->fd == -1 ? -1 : 0;
}

static int
put_eml(struct export_box *box, struct export_message *m, struct fail *f)
{
	char path[EXPORT_PATH + 32];
	struct buf line;
	int rc;

	snprintf(
	    path, sizeof(path), "%s/%010" PRIu32 ".eml", box->path, m->uid);
	if (write_message(box, m, false, path, f) == -1)
		return -1;
	buf_init(&line, 16 * KB);
	buf_addf(
	    &line, "%010" PRIu32 ".eml\t%" PRId64 "\t", m->uid, m->received_ms);
	maildir_name_letters(m->flags, 0, &line);
	buf_addf(&line, "\t%.*s\n", STR_FMT(m->keywords));
	rc = export_write(box->fd, buf_str(&line), path, f);
	buf_release(&line);
	return rc;
}

static int
close_eml(struct export_box *box, struct fail *f)
{
	if (close(box->fd) == -1)
		return fail(f, FAIL_TEMP, "%s: %s", box->path, strerror(errno));
	return 0;
}

const struct export_format export_maildir = {
    "maildir", open_maildir, put_maildir, close_maildir};
const struct export_format export_eml = {"eml", open_eml, put_eml, close_eml};
