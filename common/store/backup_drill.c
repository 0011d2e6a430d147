/* SPDX-License-Identifier: MIT */
#include "common/store/backup_drill.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/mime/date.h"
#include "common/store/backup_file.h"
#include "common/store/disk.h"
#include "common/util/buf.h"
#include "common/util/mem.h"

#define RECORD     "drill"
#define RECORD_MAX 1024

struct drill {
	const struct drill_options *o;
	struct drill_report *out;
};

/* The first thing that is wrong goes into the report. */
static void
note(void *arg, const char *sentence)
{
	struct drill *d = arg;

	if (d->out->text[0] == '\0')
		snprintf(d->out->text, sizeof(d->out->text), "%s", sentence);
	if (d->o->say != NULL)
		d->o->say(d->o->arg, sentence);
}

static void
pass_checks(void *arg, struct db *db)
{
	const struct drill *d = arg;

	if (d->o->checks != NULL)
		d->o->checks(d->o->arg, db);
}

static int
choose(
    const struct drill_options *o, char name[BACKUP_NAME_MAX], struct fail *f)
{
	struct backup_info *list;
	size_t n;

	if (o->name != NULL) {
		snprintf(name, BACKUP_NAME_MAX, "%s", o->name);
		return 0;
	}
	if (backup_list(o->dir, &list, &n, f) == -1)
		return -1;
	if (n > 0)
		snprintf(name, BACKUP_NAME_MAX, "%s", list[n - 1].name);
	free(list);
	return n > 0 ? 0
	             : fail(f, FAIL_PERM, "%s: there is no snapshot", o->dir);
}

/* So that no backup removes it meanwhile. */
static int
lock_dir(const char *dir, struct fail *f)
{
	char *path = disk_path(dir, "lock");
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd == -1)
		backup_fail(f, path);
	else if (disk_try_lock(fd, LOCK_EX) == -1) {
		fail(f, FAIL_TEMP,
		    "%s: another backup is being made or tried there", dir);
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

static int
try_it(struct drill *d, const char *to, struct fail *f)
{
	char *snapshot = disk_path(d->o->dir, d->out->snapshot);
	struct restore_done done;
	const struct restore_options r = {
	    .snapshot = snapshot,
	    .to = to,
	    .link = true,
	    .damaged = d->o->damaged,
	    .unchecked = d->o->damaged,
	    .gentle = d->o->gentle,
	    .now_ms = d->o->now_ms,
	    .watch = d->o->watch,
	    .say = note,
	    .checks = pass_checks,
	    .arg = d,
	};
	int rc = backup_restore(&r, &done, f);

	free(snapshot);
	if (rc == 0 && d->o->look != NULL)
		rc = d->o->look(d->o->arg, to, f);
	d->out->good = rc == 0;
	if (rc == 0 || f->kind == FAIL_TEMP || f->kind == FAIL_DISK)
		return rc;
	note(d, f->text);
	return 0;
}

int
backup_drill(
    const struct drill_options *o, struct drill_report *out, struct fail *f)
{
	struct drill d = {.o = o, .out = out};
	char name[DISK_NAME_MAX], nonce[17], *to;
	int lock, rc;

	*out = (struct drill_report){.at_ms = o->now_ms};
	lock = lock_dir(o->dir, f);
	if (lock == -1)
		return -1;
	disk_nonce(nonce);
	snprintf(name, sizeof(name), "trying-%s", nonce);
	to = disk_path(o->dir, name);
	rc = choose(o, out->snapshot, f);
	if (rc == 0)
		rc = try_it(&d, to, f);
	backup_remove_tree(to);
	free(to);
	close(lock);
	return rc;
}

int
backup_drill_keep(const char *dir, const struct drill_report *r, struct fail *f)
{
	char *path = disk_path(dir, RECORD),
	     *draft = disk_path(dir, "drill.new");
	char date[DATE_TEXT_MAX];
	struct buf text;
	int fd, rc = -1;

	buf_init(&text, RECORD_MAX);
	buf_addf(&text, "%s %" PRId64 " %s %s\n%s\n", r->good ? "good" : "bad",
	    r->at_ms, date_iso(r->at_ms / 1000, date), r->snapshot, r->text);
	unlink(draft);
	fd = backup_create(draft, NULL, f);
	if (fd != -1)
		rc = backup_finish_file(
		    fd, draft, backup_write(fd, draft, buf_str(&text), f), f);
	if (rc == 0 && rename(draft, path) == -1)
		rc = backup_fail(f, path);
	buf_release(&text);
	free(draft);
	free(path);
	return rc == 0 ? disk_sync_dir(dir, f) : -1;
}

void
backup_drill_last(const char *dir, struct drill_report *out)
{
	char *path = disk_path(dir, RECORD), text[RECORD_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd != -1 ? read(fd, text, sizeof(text)) : -1;
	struct str rest = {text, n > 0 ? (size_t)n : 0}, line, word;
	uint64_t at;

	*out = (struct drill_report){0};
	free(path);
	if (fd != -1)
		close(fd);
	line = str_cut(&rest, '\n');
	word = str_cut(&line, ' ');
	if (!str_to_u64(str_cut(&line, ' '), INT64_MAX, &at))
		return;
	out->good = str_eq(word, STR("good"));
	out->at_ms = (int64_t)at;
	str_cut(&line, ' '); /* the time, for people */
	snprintf(out->snapshot, sizeof(out->snapshot), "%.*s", STR_FMT(line));
	snprintf(out->text, sizeof(out->text), "%.*s",
	    STR_FMT(str_cut(&rest, '\n')));
}

void
backup_drill_newest(
    const char *dir, struct backup_info *newest, struct drill_report *last)
{
	struct backup_info *list = NULL;
	struct fail ignored;
	size_t n = 0;

	*newest = (struct backup_info){0};
	backup_list(dir, &list, &n, &ignored);
	while (n > 0 && !list[n - 1].valid)
		n--;
	if (n > 0)
		*newest = list[n - 1];
	free(list);
	backup_drill_last(dir, last);
}
