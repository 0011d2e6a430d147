/* SPDX-License-Identifier: MIT */
/* An mbox for each mailbox; what is below NAME is in NAME.sbd, as Thunderbird
 * has it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mime/mbox.h"
#include "common/util/mem.h"
#include "mailctl/export.h"
#include "mailctl/import_fields.h"
#include "mailctl/import_name.h"

#define SENDER_MAX 320

static int
make_path(struct export_box *box, struct fail *f)
{
	struct str name = str_of(box->name);
	struct buf path;
	size_t dot;
	int rc = 0;

	buf_init(&path, EXPORT_PATH - 1);
	buf_add(&path, str_of(box->dir));
	while (rc == 0 && name.len > 0) {
		struct str level = str_cut(&name, '/');

		if (path.data != NULL && !path.overrun)
			rc = export_mkdir(path.data, f);
		buf_add_char(&path, '/');
		import_name_to_level(level, &path);
		if (name.len > 0)
			buf_add(&path, STR(".sbd"));
		else if (box->empty && str_find(level, '.', &dot))
			/* an empty file says it by nothing but its name */
			buf_add(&path, STR(".mbox"));
	}
	if (rc == 0 && path.overrun)
		rc = fail(f, FAIL_PERM, "its path would be too long");
	if (rc == 0)
		snprintf(box->path, sizeof(box->path), "%s", path.data);
	buf_release(&path);
	return rc;
}

static int
open_box(struct export_box *box, struct fail *f)
{
	if (make_path(box, f) == -1)
		return -1;
	box->fd = open(
	    box->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (box->fd == -1)
		return fail(f, FAIL_PERM, "%s: %s", box->path, strerror(errno));
	return 0;
}

/* Who sent it, of a Return-Path at its beginning. */
static struct str
sender_of(struct str message)
{
	struct str sender = message;
	size_t end;

	if (!str_take_nocase(&sender, STR("Return-Path: <")) ||
	    !str_find(sender, '>', &end) || end == 0 || end > SENDER_MAX)
		return STR("MAILER-DAEMON");
	sender.len = end;
	return str_is_printable(sender) && !str_find(sender, ' ', &end)
	           ? sender
	           : STR("MAILER-DAEMON");
}

/* The line before a message, and the block of fields that is not its own. */
static void
add_block(const struct export_message *m, struct buf *out)
{
	unsigned states = MESSAGE_ANSWERED | MESSAGE_FLAGGED | MESSAGE_DELETED |
	                  MESSAGE_DRAFT;
	unsigned lines = 2 + ((m->flags & states) != 0) + (m->keywords.len > 0);
	int64_t part = (m->received_ms % 1000 + 1000) % 1000;

	mbox_from_write(
	    sender_of(m->begin), (m->received_ms - part) / 1000, out);
	buf_addf(out, IMPORT_MARK ": mbox %u %" PRId64 "%s\n", lines,
	    m->received_ms, m->cut ? " cut" : "");
	buf_addf(out, "Status: %s\n", m->flags & MESSAGE_SEEN ? "RO" : "O");
	if (m->flags & states)
		buf_addf(out, "X-Status: %s%s%s%s\n",
		    m->flags & MESSAGE_ANSWERED ? "A" : "",
		    m->flags & MESSAGE_FLAGGED ? "F" : "",
		    m->flags & MESSAGE_DELETED ? "D" : "",
		    m->flags & MESSAGE_DRAFT ? "T" : "");
	if (m->keywords.len > 0)
		buf_addf(out, "X-Keywords: %.*s\n", STR_FMT(m->keywords));
}

static int
put(struct export_box *box, struct export_message *m, struct fail *f)
{
	struct mbox_writer writer = {0};
	struct buf room, out;
	struct str piece;
	int got, rc = 0;

	buf_init(&room, 1 * MB);
	buf_init(&out, 8 * MB);
	add_block(m, &out);
	while (rc == 0 && (got = export_read(m, &room, &piece, f)) != 0) {
		if (got == -1) {
			rc = -1;
			break;
		}
		mbox_write(&writer, piece, &out);
		box->written += piece.len;
		rc = export_write(box->fd, buf_str(&out), box->path, f);
		buf_clear(&out);
	}
	if (rc == 0) {
		mbox_write_end(&writer, &out);
		rc = export_write(box->fd, buf_str(&out), box->path, f);
	}
	buf_release(&out);
	buf_release(&room);
	return rc;
}

static int
close_box(struct export_box *box, struct fail *f)
{
	if (fsync(box->fd) == -1 || close(box->fd) == -1)
		return fail(f, FAIL_TEMP, "%s: %s", box->path, strerror(errno));
	return 0;
}

const struct export_format export_mbox = {"mbox", open_box, put, close_box};
