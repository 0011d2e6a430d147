/* SPDX-License-Identifier: MIT */
#include "common/store/backup_restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/store/backup_manifest.h"
#include "common/store/backup_place.h"
#include "common/store/backup_settle.h"
#include "common/store/object.h"
#include "common/store/sql.h"
#include "common/store/txn.h"
#include "common/util/mem.h"

static const struct database {
	struct str begin; /* of the paths of its parts */
	const char *name;
	enum db_file file;
} databases[] = {
    {STR("auth.db.parts/"), "auth.db", DB_AUTH},
    {STR("mail.db.parts/"), "mail.db", DB_MAIL},
};

struct restoring {
	const struct restore_options *o;
	struct restore_done *done;
	struct backup_pace pace;
	char *dir;                   /* TO/restoring */
	const struct database *open; /* that is being put together; or NULL */
	int database;                /* its descriptor, -1 */
	char *path;                  /* its */
	size_t part;                 /* of it, that comes next */
};

/* ---- copying ---- */

static int
end_database(struct restoring *r, int rc, struct fail *f)
{
	if (r->database != -1)
		rc = backup_finish_file(r->database, r->path, rc, f);
	r->database = -1;
	r->open = NULL;
	free(r->path);
	r->path = NULL;
	return rc;
}

static int
begin_database(struct restoring *r, const struct database *d, struct fail *f)
{
	if (end_database(r, 0, f) == -1)
		return -1;
	r->path = disk_path(r->dir, d->name);
	r->database = backup_create(r->path, r->o->to, f);
	r->part = 0;
	if (r->database == -1)
		return -1;
	r->open = d;
	return d->file == DB_AUTH ? disk_adopt(r->database, r->o->to, 0600, f)
	                          : 0;
}

/* Is it, as it was read just now, what the manifest says? */
static bool
is_same(const struct manifest_file *file, uint64_t octets,
    const unsigned char hash[BACKUP_HASH])
{
	return octets == file->octets &&
	       memcmp(hash, file->hash, BACKUP_HASH) == 0;
}

/* Parts come in order, and none is missing. */
static int
turn_to_part(struct restoring *r, const struct database *d,
    const struct manifest_file *file, struct fail *f)
{
	char want[DISK_NAME_MAX];
	size_t part = r->open == d ? r->part : 0;

	snprintf(want, sizeof(want), "%.*s%07zx", STR_FMT(d->begin), part);
	if (strcmp(want, file->path) != 0)
		return fail(f, FAIL_PERM, "%s is not in the snapshot", want);
	return part == 0 ? begin_database(r, d, f) : 0;
}

static int
put_part(struct restoring *r, const struct database *d,
    const struct manifest_file *file, struct fail *f)
{
	unsigned char hash[BACKUP_HASH];
	uint64_t octets;
	char *from;
	int rc;

	if (turn_to_part(r, d, file, f) == -1)
		return -1;
	from = disk_path(r->o->snapshot, file->path);
	rc = backup_pour(
	    from, r->database, r->path, &octets, hash, &r->pace, f);
	free(from);
	r->part++;
	if (rc == 0 && !is_same(file, octets, hash))
		return fail(f, FAIL_PERM,
		    "%s is damaged: take another snapshot", file->path);
	return rc;
}

/* Copy it, or look at it and link it. */
static int
pour_object(struct restoring *r, const char *from, const char *to,
    uint64_t *octets, unsigned char hash[BACKUP_HASH], struct fail *f)
{
	int fd, got = r->o->link ? backup_link(from, to, f) : 0;

	if (got == -1)
		return -1;
	if (got == 1)
		return backup_pour(from, -1, to, octets, hash, &r->pace, f);
	fd = backup_create(to, r->o->to, f);
	if (fd == -1)
		return -1;
	return backup_finish_file(
	    fd, to, backup_pour(from, fd, to, octets, hash, &r->pace, f), f);
}

static int
note_damage(struct restoring *r, const struct manifest_file *file,
    const struct fail *why, struct fail *f)
{
	char sentence[400];

	snprintf(sentence, sizeof(sentence), "%s is damaged: %s", file->path,
	    why->text);
	r->done->damaged++;
	if (r->o->say != NULL)
		r->o->say(r->o->arg, sentence);
	return r->o->damaged ? 0 : fail(f, FAIL_PERM, "%.200s", sentence);
}

static int
put_object(
    struct restoring *r, const struct manifest_file *file, struct fail *f)
{
	char *from = disk_path(r->o->snapshot, file->path);
	char *to = disk_path(r->dir, file->path);
	unsigned char hash[BACKUP_HASH];
	struct fail why = {0};
	uint64_t octets = 0;
	int rc;

	if (access(from, F_OK) == -1)
		rc = fail(&why, FAIL_PERM, "it is missing");
	else
		rc = pour_object(r, from, to, &octets, hash, &why);
	if (rc == 0 && !is_same(file, octets, hash))
		rc = fail(&why, FAIL_PERM, "its octets are not what they were");
	free(to);
	free(from);
	if (rc == 0)
		return 0;
	/* what cannot be written here is not the snapshot's fault */
	if (why.kind == FAIL_DISK || why.kind == FAIL_TEMP) {
		*f = why;
		return -1;
	}
	return note_damage(r, file, &why, f);
}

static int
put_file(struct restoring *r, const struct manifest_file *file, struct fail *f)
{
	r->done->files++;
	r->done->octets += file->octets;
	for (size_t i = 0; i < sizeof(databases) / sizeof(*databases); i++)
		if (str_starts(str_of(file->path), databases[i].begin)) {
			r->pace.what = databases[i].name;
			return put_part(r, &databases[i], file, f);
		}
	r->pace.what = "objects";
	return put_object(r, file, f);
}

static int
put_files(struct restoring *r, struct fail *f)
{
	struct manifest_head head;
	struct manifest_file file;
	struct manifest_reader *in = manifest_open(r->o->snapshot, &head, f);
	int got;

	if (in == NULL)
		return -1;
	while ((got = manifest_next(in, &file, f)) == 1)
		if (put_file(r, &file, f) == -1) {
			got = -1;
			break;
		}
	manifest_close(in);
	return end_database(r, got, f);
}

/* Every folder of objects/ is on disk with what it names. */
static int
sync_objects(struct restoring *r, struct fail *f)
{
	int rc = 0;

	for (unsigned i = 0; i < 256 && rc == 0; i++) {
		char name[DISK_NAME_MAX], *path;

		snprintf(name, sizeof(name), "objects/%02x", i);
		path = disk_path(r->dir, name);
		rc = disk_sync_dir(path, f);
		free(path);
	}
	return rc;
}

static int
copy_all(struct restoring *r, struct fail *f)
{
	struct backup_info info;

	/* all of it is there, before anything is written */
	if (backup_look(r->o->snapshot, &info, f) == -1)
		return -1;
	if (!info.valid && !r->o->damaged) {
		*f = info.why;
		return -1;
	}
	r->pace.total = info.octets;
	if (object_make_folders(r->dir, f) == -1)
		return -1;
	backup_pace_start(&r->pace);
	if (put_files(r, f) == -1)
		return -1;
	return sync_objects(r, f);
}

/* ---- what was copied becomes a store ---- */

static int
settle(struct db *db, void *arg, struct fail *f)
{
	struct restoring *r = arg;

	return backup_settle(db, r->o->now_ms, &r->done->held, f);
}

static void
say_wrong(void *arg, const char *sentence)
{
	const struct restoring *r = arg;

	if (r->o->say != NULL)
		r->o->say(r->o->arg, sentence);
}

static int
check(struct restoring *r, struct db *db, const char *name, struct fail *f)
{
	int got;

	if (r->o->unchecked)
		return 0;
	if (r->o->checks != NULL)
		r->o->checks(r->o->arg, db);
	got = db_check(db, say_wrong, r, f);
	if (r->o->checks != NULL)
		r->o->checks(r->o->arg, NULL);
	if (got == 1 && !r->o->damaged)
		return fail(f, FAIL_PERM,
		    "the snapshot's %s is not as it should be", name);
	return got == -1 ? -1 : 0;
}

/* All into the file itself: nobody else has it open. */
static int
fold(struct db *db, struct fail *f)
{
	int rc = -1;

	if (txn_lock(db, f) == -1)
		return -1;
	if (sqlite3_wal_checkpoint_v2(db->sqlite, NULL,
		SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK)
		rc = 0;
	else
		sql_fail(db->sqlite, f);
	txn_unlock(db);
	return rc;
}

static int
finish_database(struct restoring *r, const struct database *d, struct fail *f)
{
	char *path = disk_path(r->dir, d->name);
	struct db *db = NULL;
	int rc = -1;

	if (access(path, F_OK) == -1)
		fail(f, FAIL_PERM, "there is no %s in the snapshot", d->name);
	else
		db = db_open(r->dir, d->file, DB_WRITER, f);
	free(path);
	if (db == NULL)
		return -1;
	r->pace.what = "checking";
	if (r->pace.watch.tell != NULL)
		r->pace.watch.tell(r->pace.watch.arg, r->pace.what,
		    r->pace.done, r->pace.total);
	if ((d->file != DB_MAIL || db_write(db, settle, r, f) == 0) &&
	    check(r, db, d->name, f) == 0)
		rc = fold(db, f);
	db_close(db);
	return rc;
}

static int
finish_databases(struct restoring *r, struct fail *f)
{
	for (size_t i = 0; i < sizeof(databases) / sizeof(*databases); i++)
		if (finish_database(r, &databases[i], f) == -1)
			return -1;
	return 0;
}

int
backup_restore(
    const struct restore_options *o, struct restore_done *out, struct fail *f)
{
	struct restoring r = {
	    .o = o,
	    .done = out,
	    .pace = {.watch = o->watch, .gentle = o->gentle},
	    .database = -1,
	};
	int rc = -1;

	*out = (struct restore_done){0};
	if (backup_place_prepare(o->to, o->replace, f) == -1)
		return -1;
	r.dir = disk_path(o->to, BACKUP_RESTORING);
	if (copy_all(&r, f) == 0 && finish_databases(&r, f) == 0)
		rc = backup_place_take(o->to, o->now_ms, out->aside, f);
	else
		backup_remove_tree(r.dir);
	free(r.dir);
	return rc;
}
