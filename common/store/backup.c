/* SPDX-License-Identifier: MIT */
#include "common/store/backup.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/mime/date.h"
#include "common/store/backup_manifest.h"
#include "common/store/backup_objects.h"
#include "common/store/backup_parts.h"
#include "common/store/backup_previous.h"
#include "common/store/db_copy.h"
#include "common/store/sql.h"
#include "common/store/sweep_pause.h"
#include "common/util/mem.h"

#define TWINS_MAX 99 /* snapshots of one second */
#define ROOM_LEFT ((uint64_t)1024 * 1024)

static const char sql_begin[] = "BEGIN";
static const char sql_rollback[] = "ROLLBACK";
static const char sql_version[] = "PRAGMA user_version";

struct run {
	const struct backup_options *o;
	int lock;               /* DIR/lock */
	int pause;              /* of the sweeper */
	struct db *mail, *auth; /* readers, in a transaction */
	char *making;           /* DIR/unfinished-... */
	char *previous_dir;     /* NULL: nothing to share with */
	struct manifest_head head;
	struct backup_target target; /* what the parts of the work share */
};

bool
backup_name_is(struct str name)
{
	return name.len >= 20 && name.len < BACKUP_NAME_MAX &&
	       name.at[0] >= '0' && name.at[0] <= '9' && name.at[10] == 'T';
}

/* ---- the directory ---- */

static int
lock_dir(struct run *r, struct fail *f)
{
	char *path;

	if (backup_mkdir(r->o->dir, f) == -1)
		return -1;
	path = disk_path(r->o->dir, "lock");
	r->lock = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock == -1)
		backup_fail(f, path);
	else if (disk_try_lock(r->lock, LOCK_EX) == -1) {
		fail(f, FAIL_TEMP,
		    "%s: another backup is being made or tried there",
		    r->o->dir);
		close(r->lock);
		r->lock = -1;
	}
	free(path);
	return r->lock == -1 ? -1 : 0;
}

/* Of ours: what a person keeps in that directory is not touched. */
static bool
is_leftover(struct str name)
{
	static const struct str begins[] = {
	    STR("unfinished-"), STR("trying-"), STR("removing-")};

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
		struct str rest = str_after(name, begins[i].len);

		if (str_starts(name, begins[i]))
			return i < 2 ? disk_is_nonce(rest)
			             : backup_name_is(rest);
	}
	return false;
}

/* What those left who died. */
static void
clear_leftovers(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		if (is_leftover(str_of(entry->d_name))) {
			char *path = disk_path(dir, entry->d_name);

			backup_remove_tree(path);
			free(path);
		}
	closedir(d);
}

/* The newest there is: its number, and whether to share with it. */
static int
look_back(struct run *r, struct fail *f)
{
	struct backup_info *list;
	size_t n;

	if (backup_list(r->o->dir, &list, &n, f) == -1)
		return -1;
	r->head.number = n > 0 ? list[n - 1].number + 1 : 1;
	while (n > 0 && !list[n - 1].valid)
		n--;
	if (n > 0 && !r->o->whole)
		r->previous_dir = disk_path(r->o->dir, list[n - 1].name);
	free(list);
	return 0;
}

static int
make_dir(struct run *r, struct fail *f)
{
	static const char *const folders[] = {
	    "auth.db.parts", "mail.db.parts", "objects"};
	char name[DISK_NAME_MAX], nonce[17];
	int rc;

	disk_nonce(nonce);
	snprintf(name, sizeof(name), "unfinished-%s", nonce);
	r->making = disk_path(r->o->dir, name);
	rc = backup_mkdir(r->making, f);
	for (size_t i = 0; i < 3 && rc == 0; i++) {
		char *path = disk_path(r->making, folders[i]);

		rc = backup_mkdir(path, f);
		free(path);
	}
	return rc;
}

/* ---- the moment ---- */

static int
hold(struct db *db, int *version, struct fail *f)
{
	int64_t got = 0;

	/* the first read is what fixes the state */
	if (sql_run(db, sql_begin, f, "") == -1 ||
	    sql_number(db, &got, sql_version, f, "") == -1)
		return -1;
	*version = (int)got;
	return 0;
}

/* Under the lock nobody commits or sweeps: both databases are held as they are
 * now, and from now on nothing that they name goes away. */
static int
hold_moment(struct run *r, struct fail *f)
{
	struct lock *lock;
	int rc = -1;

	r->mail = db_open(r->o->store, DB_MAIL, DB_READER, f);
	if (r->mail == NULL)
		return -1;
	r->auth = db_open(r->o->store, DB_AUTH, DB_READER, f);
	if (r->auth == NULL)
		return -1;
	lock = lock_new(r->o->store, "lock", f);
	if (lock == NULL)
		return -1;
	if (lock_take(lock, f) == 0) {
		r->pause = sweep_pause_begin(r->o->store, f);
		if (r->pause != -1 &&
		    hold(r->mail, &r->head.mail_schema, f) == 0)
			rc = hold(r->auth, &r->head.auth_schema, f);
		lock_give(lock);
	}
	lock_free(lock);
	return rc;
}

static void
let_go(struct db **db)
{
	struct fail ignored;

	if (*db != NULL && !sqlite3_get_autocommit((*db)->sqlite))
		sql_run(*db, sql_rollback, &ignored, "");
	db_close(*db);
	*db = NULL;
}

/* ---- the work ---- */

/* A copy of the databases is written whole before what is known is taken
 * away. */
static int
need_room(struct run *r, uint64_t octets, struct fail *f)
{
	struct statvfs s;
	uint64_t left;

	if (statvfs(r->o->dir, &s) == -1)
		return backup_fail(f, r->o->dir);
	left = (uint64_t)s.f_bavail * s.f_frsize;
	if (left >= octets + ROOM_LEFT)
		return 0;
	return fail(f, FAIL_DISK,
	    "%s: there is no room: copying mail.db takes %llu MB, %llu MB are "
	    "free",
	    r->o->dir, (unsigned long long)(octets / MB + 1),
	    (unsigned long long)(left / MB));
}

static int
copy_all(struct run *r, struct fail *f)
{
	struct backup_objects *objects = NULL;
	uint64_t mail = 0, auth = 0, files = 0;
	int rc = -1;

	objects = backup_objects_gather(r->mail, r->making, &files, f);
	if (objects == NULL || db_copy_size(r->mail, &mail, f) == -1 ||
	    db_copy_size(r->auth, &auth, f) == -1 ||
	    need_room(r, mail + auth, f) == -1)
		goto out;
	/* a database is read, then compared with the one before */
	r->target.pace.total = 2 * (mail + auth) + files;
	if (backup_parts_make(&r->target, r->auth, "auth.db", f) == -1)
		goto out;
	let_go(&r->auth);
	if (backup_parts_make(&r->target, r->mail, "mail.db", f) == -1)
		goto out;
	let_go(&r->mail);
	rc = backup_objects_copy(&r->target, objects, r->o->store, f);
out:
	backup_objects_free(objects);
	return rc;
}

static int
sync_dirs(struct run *r, struct fail *f)
{
	static const char *const folders[] = {
	    "auth.db.parts", "mail.db.parts", "objects"};
	int rc = disk_sync_dir(r->making, f);

	for (size_t i = 0; i < 3 && rc == 0; i++) {
		char *path = disk_path(r->making, folders[i]);

		rc = disk_sync_dir(path, f);
		free(path);
	}
	return rc;
}

/* It becomes one by its name, when all it holds is on disk. */
static int
give_name(struct run *r, struct backup_made *out, struct fail *f)
{
	char date[DATE_TEXT_MAX], *to = NULL;
	int rc = -1;

	date_iso(r->head.made_ms / 1000, date);
	for (char *c = date; *c != '\0'; c++)
		if (*c == ':')
			*c = '-';
	for (int twin = 1; twin <= TWINS_MAX; twin++) {
		if (twin == 1)
			snprintf(out->name, sizeof(out->name), "%.20s", date);
		else
			snprintf(out->name, sizeof(out->name), "%.20s-%d", date,
			    twin);
		free(to);
		to = disk_path(r->o->dir, out->name);
		rc = rename(r->making, to);
		if (rc == 0 || (errno != EEXIST && errno != ENOTEMPTY))
			break;
	}
	if (rc == -1)
		backup_fail(f, to);
	else
		rc = disk_sync_dir(r->o->dir, f);
	free(to);
	return rc;
}

static int
finish(struct run *r, struct backup_made *out, struct fail *f)
{
	struct manifest_writer *w = r->target.manifest;

	r->target.manifest = NULL; /* closed by that */
	if (manifest_end(w, f) == -1 || sync_dirs(r, f) == -1)
		return -1;
	return give_name(r, out, f);
}

static int
make(struct run *r, struct backup_made *out, struct fail *f)
{
	if (lock_dir(r, f) == -1)
		return -1;
	clear_leftovers(r->o->dir);
	if (look_back(r, f) == -1 || make_dir(r, f) == -1 ||
	    hold_moment(r, f) == -1)
		return -1;
	r->target = (struct backup_target){
	    .dir = r->making,
	    .made = out,
	    .pace = {.watch = r->o->watch, .gentle = r->o->gentle},
	};
	r->target.manifest = manifest_begin(r->making, &r->head, f);
	if (r->target.manifest == NULL)
		return -1;
	if (r->previous_dir != NULL)
		r->target.previous = backup_previous_open(r->previous_dir);
	backup_pace_start(&r->target.pace);
	if (copy_all(r, f) == -1)
		return -1;
	return finish(r, out, f);
}

/* ---- old ones ---- */

static void
remove_snapshot(const char *dir, const char *name)
{
	char doomed[DISK_NAME_MAX], *from = disk_path(dir, name), *to;

	snprintf(doomed, sizeof(doomed), "removing-%s", name);
	to = disk_path(dir, doomed);
	if (rename(from, to) == 0)
		backup_remove_tree(to);
	free(to);
	free(from);
}

/* The oldest of those that count; what is damaged is left for a person. */
static void
prune(const struct backup_options *o, struct backup_made *out)
{
	struct backup_info *list;
	struct fail ignored;
	size_t n, valid = 0;

	if (o->keep == 0 || backup_list(o->dir, &list, &n, &ignored) == -1)
		return;
	for (size_t i = 0; i < n; i++)
		valid += list[i].valid;
	for (size_t i = 0; i < n && valid > o->keep; i++) {
		if (!list[i].valid)
			continue;
		remove_snapshot(o->dir, list[i].name);
		out->removed++;
		valid--;
	}
	free(list);
}

int
backup_make(
    const struct backup_options *o, struct backup_made *out, struct fail *f)
{
	struct run r = {
	    .o = o,
	    .lock = -1,
	    .pause = -1,
	    .head = {.made_ms = o->now_ms, .program = PP_VERSION},
	};
	int rc;

	*out = (struct backup_made){0};
	rc = make(&r, out, f);
	let_go(&r.mail);
	let_go(&r.auth);
	if (r.pause != -1)
		close(r.pause);
	manifest_abandon(r.target.manifest);
	backup_previous_close(r.target.previous);
	if (rc == -1 && r.making != NULL)
		backup_remove_tree(r.making);
	if (rc == 0)
		prune(o, out);
	if (r.lock != -1)
		close(r.lock);
	free(r.previous_dir);
	free(r.making);
	return rc;
}
