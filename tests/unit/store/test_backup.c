/* SPDX-License-Identifier: MIT */
/* Snapshots of a store that is written to, and the way back. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/store/backup.h"
#include "common/store/backup_manifest.h"
#include "common/store/backup_restore.h"
#include "common/store/sweep_pause.h"
#include "tests/unit/store/fixture.h"

#define LARGE 200000 /* octets that are a file of their own */

struct place { /* of snapshots, and of a store to be restored to */
	char dir[64], to[64];
};

static void
place_init(struct place *p)
{
	fixture_dir(p->dir);
	fixture_dir(p->to);
}

static void
place_release(struct place *p)
{
	fixture_remove_dir(p->dir);
	fixture_remove_dir(p->to);
}

static void
make_auth(struct fixture *x)
{
	struct fail f;
	struct db *auth = db_open(x->dir, DB_AUTH, DB_WRITER, &f);

	CHECK(auth != NULL);
	db_close(auth);
}

static void
keep(struct fixture *x, size_t size, uint64_t seed)
{
	struct delivery_target t = {
	    x->alice, STR("alice@d.test"), .original = STR("")};
	char *bytes = fixture_noise(size, seed);
	struct fail f;

	CHECK(fixture_deliver(x, (struct str){bytes, size}, &t, 1, &f) > 0);
	free(bytes);
}

static void
queue_one(struct fixture *x)
{
	struct delivery_target t = {
	    0, STR("zoe@remote.test"), .original = STR("")};
	struct fail f;

	CHECK(
	    fixture_deliver(x, STR("Subject: x\r\n\r\nx\r\n"), &t, 1, &f) > 0);
}

static struct backup_options
options(const struct fixture *x, const struct place *p)
{
	return (struct backup_options){
	    .store = x->dir, .dir = p->dir, .now_ms = NOW};
}

static struct restore_options
back(const char *snapshot, const struct place *p)
{
	return (struct restore_options){
	    .snapshot = snapshot, .to = p->to, .now_ms = NOW + 1000};
}

static void
path_of(const struct place *p, const char *name, char out[200])
{
	snprintf(out, 200, "%s/%s", p->dir, name);
}

/* The store in dir instead of the fixture's. */
static void
look_into(struct fixture *x, struct fixture *y, const char *dir)
{
	*y = *x;
	snprintf(y->dir, sizeof(y->dir), "%s", dir);
	fixture_open(y);
}

static void
comes_back_whole(void)
{
	struct fixture x, y;
	struct place p;
	struct backup_made made;
	struct restore_done done;
	struct backup_info info;
	struct stat st;
	char snapshot[200], path[300];
	int64_t next;

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	for (unsigned i = 0; i < 20; i++)
		keep(&x, i % 4 == 0 ? LARGE : 3000, i);
	queue_one(&x);
	next = fixture_number(&x, "SELECT uid_next FROM mailbox_state"
				  " ORDER BY uid_next DESC");
	struct backup_options o = options(&x, &p);
	MUST(backup_make(&o, &made, &why));
	CHECK_STR(made.name, "2026-11-18T11-06-40Z");
	CHECK(made.files == made.copied_files && made.files >= 7);
	path_of(&p, made.name, snapshot);
	MUST(backup_look(snapshot, &info, &why));
	CHECK(info.valid && info.number == 1 && info.made_ms == NOW);
	CHECK(info.files == made.files && info.octets == made.octets);

	/* it holds secrets */
	CHECK(stat(snapshot, &st) == 0 && (st.st_mode & 07777) == 0700);
	snprintf(path, sizeof(path), "%s/MANIFEST", snapshot);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	snprintf(path, sizeof(path), "%s/auth.db.parts/0000000", snapshot);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);

	struct restore_options r = back(snapshot, &p);
	MUST(backup_restore(&r, &done, &why));
	CHECK(done.files == made.files && done.damaged == 0 && done.held == 1);
	CHECK_STR(done.aside, "");
	snprintf(path, sizeof(path), "%s/mail.db", p.to);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0660);
	snprintf(path, sizeof(path), "%s/auth.db", p.to);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	snprintf(path, sizeof(path), "%s/restoring", p.to);
	CHECK(stat(path, &st) == -1);

	look_into(&x, &y, p.to);
	CHECK(fixture_is_clean(&y));
	CHECK(fixture_number(&y, "SELECT count(*) FROM message") == 20);
	CHECK(fixture_objects(&y) == 5);
	/* no UID is given twice, whatever came after the snapshot */
	CHECK(
	    fixture_number(&y, "SELECT uid_next FROM mailbox_state"
			       " ORDER BY uid_next DESC") == next + (1 << 20));
	CHECK(fixture_number(&y, "SELECT min(modseq) FROM message") >=
	      INT64_C(1) << 32);
	CHECK(fixture_number(&y, "SELECT state FROM recipient") == 1);
	CHECK(fixture_number(&y, "SELECT count(*) FROM hop WHERE detail LIKE"
				 " '%restored from a backup%'") == 1);
	keep(&y, 100, 7);
	CHECK(fixture_number(&y, "SELECT max(uid) FROM message") ==
	      next + (1 << 20));
	CHECK(fixture_is_clean(&y));
	db_close(y.db);
	place_release(&p);
	fixture_release(&x);
}

static void
shares_what_has_not_changed(void)
{
	struct fixture x, y;
	struct place p;
	struct backup_made first, second, third;
	struct restore_done done;
	char path[200];
	struct backup_info *list;
	size_t n;

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	for (unsigned i = 0; i < 60; i++)
		keep(&x, i % 3 == 0 ? LARGE : 30000, i);
	struct backup_options o = options(&x, &p);
	MUST(backup_make(&o, &first, &why));
	keep(&x, LARGE, 100);
	o.now_ms++; /* the same second */
	MUST(backup_make(&o, &second, &why));
	CHECK_STR(second.name, "2026-11-18T11-06-40Z-2");
	CHECK(second.files == first.files + 1);
	CHECK(second.copied_octets < second.octets / 2);
	CHECK(second.copied_files < second.files / 2);
	/* what is linked is what the store has */
	path_of(&p, second.name, path);
	struct restore_options r = back(path, &p);
	MUST(backup_restore(&r, &done, &why));
	look_into(&x, &y, p.to);
	CHECK(fixture_is_clean(&y));
	CHECK(fixture_number(&y, "SELECT count(*) FROM message") == 61);
	db_close(y.db);
	o.whole = true;
	MUST(backup_make(&o, &third, &why));
	CHECK(third.copied_files == third.files);

	/* the older goes, the younger stays whole */
	path_of(&p, first.name, path);
	o.keep = 2;
	o.whole = false;
	MUST(backup_make(&o, &third, &why));
	CHECK(third.removed == 2);
	CHECK(access(path, F_OK) == -1);
	MUST(backup_list(p.dir, &list, &n, &why));
	CHECK(n == 2 && list[0].valid && list[1].valid);
	CHECK(list[0].number == 3 && list[1].number == 4);
	CHECK_STR(list[1].name, third.name);
	free(list);
	place_release(&p);
	fixture_release(&x);
}

/* Whatever the clock says: what was made last is the newest. */
static void
clock_may_run_back(void)
{
	struct fixture x;
	struct place p;
	struct backup_made made;
	struct backup_info *list;
	size_t n;

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	struct backup_options o = options(&x, &p);
	o.keep = 2;
	o.now_ms = NOW + INT64_C(315360000000);
	MUST(backup_make(&o, &made, &why));
	o.now_ms = NOW;
	for (int i = 0; i < 3; i++)
		MUST(backup_make(&o, &made, &why));
	MUST(backup_list(p.dir, &list, &n, &why));
	CHECK(n == 2 && list[0].made_ms == NOW && list[1].made_ms == NOW);
	free(list);
	place_release(&p);
	fixture_release(&x);
}

/* Deliveries and a deletion between the steps: the snapshot has the moment in
 * which it began, and every file of it. */
struct meddler {
	struct fixture *x;
	unsigned calls;
	bool swept;
};

static int
remove_all(struct db *db, void *arg, struct fail *f)
{
	size_t n;

	(void)arg;
	if (sqlite3_exec(db->sqlite,
		"DELETE FROM message;"
		"UPDATE body SET refs = 0 WHERE file IS NOT NULL;",
		NULL, NULL, NULL) != SQLITE_OK)
		return fail(f, FAIL_TEMP, "%s", sqlite3_errmsg(db->sqlite));
	return body_sweep(db, 1000, &n, f);
}

static void
meddle(void *arg, const char *what, uint64_t done, uint64_t total)
{
	struct meddler *m = arg;

	CHECK(done <= total);
	(void)what;
	if (m->calls++ == 1) {
		MUST(db_write(m->x->db, remove_all, NULL, &why));
		m->swept = fixture_objects(m->x) == 0;
	}
	keep(m->x, 500, m->calls);
}

/* One that began anew at every delivery would never end. */
static bool
is_endless(void *arg)
{
	return ((struct meddler *)arg)->calls > 500;
}

static void
holds_one_moment(void)
{
	struct fixture x, y;
	struct place p;
	struct backup_made made;
	struct restore_done done;
	struct meddler m = {.x = &x};
	char snapshot[200];

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	for (unsigned i = 0; i < 40; i++)
		keep(&x, i % 4 == 0 ? LARGE : 30000, i);
	struct backup_options o = options(&x, &p);
	o.watch = (struct backup_watch){
	    .tell = meddle, .stop = is_endless, .arg = &m};
	MUST(backup_make(&o, &made, &why));
	CHECK(m.calls > 4 && !m.swept);
	path_of(&p, made.name, snapshot);
	struct restore_options r = back(snapshot, &p);
	MUST(backup_restore(&r, &done, &why));
	look_into(&x, &y, p.to);
	CHECK(fixture_is_clean(&y));
	CHECK(fixture_number(&y, "SELECT count(*) FROM message") == 40);
	CHECK(fixture_objects(&y) == 10);
	db_close(y.db);
	/* it is over: the sweeper works again */
	MUST(db_write(x.db, remove_all, NULL, &why));
	CHECK(fixture_objects(&x) == 0);
	place_release(&p);
	fixture_release(&x);
}

/* Change one octet of a file. */
static void
damage(const char *path)
{
	int fd = open(path, O_RDWR);
	char c = 0;

	CHECK(fd != -1 && pread(fd, &c, 1, 77) == 1);
	c ^= 1;
	CHECK(pwrite(fd, &c, 1, 77) == 1);
	close(fd);
}

static char first_object[300];

static int
find_object(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)w;
	if (type == FTW_F && strstr(path, "/objects/") != NULL)
		snprintf(first_object, sizeof(first_object), "%s", path);
	return 0;
}

static void
count_say(void *arg, const char *sentence)
{
	(void)sentence;
	++*(int *)arg;
}

/* Whatever octet changes, wherever it is cut. */
static void
manifest_proves_itself(const char *snapshot)
{
	struct backup_info info;
	struct fail f;
	char path[300], octets[8192];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/MANIFEST", snapshot);
	fd = open(path, O_RDWR);
	len = read(fd, octets, sizeof(octets));
	CHECK(len > 300 && len < (ssize_t)sizeof(octets));
	for (ssize_t i = 0; i < len; i++) {
		char c = (char)(octets[i] ^ 1);

		CHECK(pwrite(fd, &c, 1, i) == 1);
		CHECK(backup_look(snapshot, &info, &f) == -1);
		CHECK(pwrite(fd, &octets[i], 1, i) == 1);
	}
	for (ssize_t i = len - 1; i >= 0; i--) {
		CHECK(ftruncate(fd, i) == 0);
		CHECK(backup_look(snapshot, &info, &f) == -1);
	}
	CHECK(pwrite(fd, octets, (size_t)len, 0) == len);
	CHECK(pwrite(fd, "x", 1, len) == 1);
	CHECK(backup_look(snapshot, &info, &f) == -1);
	CHECK(ftruncate(fd, len) == 0);
	MUST(backup_look(snapshot, &info, &why));
	close(fd);
}

static void
damage_is_found(void)
{
	struct fixture x, y;
	struct place p;
	struct backup_made made;
	struct restore_done done;
	struct backup_info info;
	struct fail f;
	char snapshot[200], path[300];
	struct stat st;
	int said = 0, fd;

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	for (unsigned i = 0; i < 8; i++)
		keep(&x, i % 2 == 0 ? LARGE : 3000, i);
	struct backup_options o = options(&x, &p);
	o.whole = true;
	MUST(backup_make(&o, &made, &why));
	path_of(&p, made.name, snapshot);
	struct restore_options r = back(snapshot, &p);
	r.say = count_say;
	r.arg = &said;

	/* a message of four large ones */
	nftw(snapshot, find_object, 16, FTW_PHYS);
	damage(first_object);
	CHECK(backup_restore(&r, &done, &f) == -1 && f.kind == FAIL_PERM);
	CHECK(strstr(f.text, "objects/") != NULL && said == 1);
	CHECK(rmdir(p.to) == 0 && mkdir(p.to, 0700) == 0); /* left empty */
	r.damaged = true;
	MUST(backup_restore(&r, &done, &why));
	CHECK(done.damaged == 1);
	look_into(&x, &y, p.to);
	CHECK(fixture_number(&y, "SELECT count(*) FROM message") == 8);
	CHECK(db_check(y.db, count_say, &said, &f) == 1);
	db_close(y.db);

	/* there is a store now */
	CHECK(backup_restore(&r, &done, &f) == -1 && f.kind == FAIL_PERM);
	CHECK(strstr(f.text, "--replace") != NULL);

	/* a missing file, a cut one */
	CHECK(unlink(first_object) == 0);
	MUST(backup_look(snapshot, &info, &why));
	CHECK(!info.valid && info.missing == 1);
	r.replace = true;
	snprintf(path, sizeof(path), "%s/mail.db-wal", p.to);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd != -1 && write(fd, "of mail.db", 10) == 10);
	close(fd);
	MUST(backup_restore(&r, &done, &why));
	CHECK(access(path, F_OK) == -1);
	/* a database and its log stay together, under one name each */
	snprintf(path, sizeof(path), "%s/%s/mail.db-wal", p.to, done.aside);
	CHECK(stat(path, &st) == 0 && st.st_size == 10 && st.st_nlink == 1);
	CHECK(strncmp(done.aside, "before-restore-", 15) == 0);
	snprintf(path, sizeof(path), "%s/%s/mail.db", p.to, done.aside);
	CHECK(access(path, F_OK) == 0);

	/* a database, whatever one is ready to accept */
	snprintf(path, sizeof(path), "%s/mail.db.parts/0000000", snapshot);
	damage(path);
	CHECK(backup_restore(&r, &done, &f) == -1 && f.kind == FAIL_PERM);
	snprintf(path, sizeof(path), "%s/mail.db", p.to);
	CHECK(access(path, F_OK) == 0); /* the old one is untouched */

	manifest_proves_itself(snapshot);
	snprintf(path, sizeof(path), "%s/MANIFEST", snapshot);
	CHECK(unlink(path) == 0);
	CHECK(backup_look(snapshot, &info, &f) == -1);
	struct backup_info *list;
	size_t n;
	MUST(backup_list(p.dir, &list, &n, &why));
	CHECK(n == 1 && !list[0].valid);
	free(list);
	place_release(&p);
	fixture_release(&x);
}

/* Of the object that comes last, and of the first. */
static int
add_twins(struct db *db, void *arg, struct fail *f)
{
	static const char rows[] =
	    "INSERT INTO body (size, stored, codec, hash, file, refs)"
	    " SELECT size, stored, codec, zeroblob(32), file, 1"
	    " FROM body WHERE file IS NOT NULL ORDER BY hash DESC LIMIT 1;"
	    "INSERT INTO body (size, stored, codec, hash, file, refs)"
	    " SELECT size, stored, codec, hash, file, 1"
	    " FROM body WHERE file IS NOT NULL ORDER BY hash LIMIT 1";

	(void)arg;
	(void)f;
	CHECK(sqlite3_exec(db->sqlite, rows, NULL, NULL, NULL) == SQLITE_OK);
	return 0;
}

/* Two rows of one object: damage, but none that a backup fails of. */
static void
bears_two_rows(void)
{
	struct fixture x;
	struct place p;
	struct backup_made first, made;

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	for (unsigned i = 0; i < 3; i++)
		keep(&x, LARGE, i);
	struct backup_options o = options(&x, &p);
	MUST(backup_make(&o, &first, &why));
	MUST(db_write(x.db, add_twins, NULL, &why));
	o.now_ms += 1000;
	MUST(backup_make(&o, &made, &why)); /* by links */
	CHECK(made.files == first.files);
	o.whole = true;
	o.now_ms += 1000;
	MUST(backup_make(&o, &made, &why)); /* by copies */
	CHECK(made.files == first.files);
	place_release(&p);
	fixture_release(&x);
}

/* One that holds the directory, and one that died in it. */
static void
one_at_a_time(void)
{
	static const struct {
		const char *name;
		bool stays; /* it is somebody's own */
	} lefts[] = {
	    {"unfinished-0123456789abcdef",    false},
	    {"trying-zyxwvtsrqpnmkjhg",        false},
	    {"removing-2026-11-22T17-30-05Z",  false},
	    {"unfinished-thesis",              true },
	    {"unfinished-0123456789abcdefg",   true },
	    {"trying-0123456789ABCDEF",        true },
	    {"removing-furniture-in-november", true },
	};
	struct fixture x;
	struct place p;
	struct backup_made made;
	struct fail f;
	char path[200];
	int fd;

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	struct backup_options o = options(&x, &p);
	path_of(&p, "lock", path);
	fd = open(path, O_RDONLY | O_CREAT, 0600);
	CHECK(fd != -1 && flock(fd, LOCK_EX) == 0);
	CHECK(backup_make(&o, &made, &f) == -1 && f.kind == FAIL_TEMP);
	close(fd);
	for (size_t i = 0; i < sizeof(lefts) / sizeof(*lefts); i++) {
		path_of(&p, lefts[i].name, path);
		CHECK(mkdir(path, 0700) == 0);
	}
	MUST(backup_make(&o, &made, &why));
	for (size_t i = 0; i < sizeof(lefts) / sizeof(*lefts); i++) {
		path_of(&p, lefts[i].name, path);
		CHECK((access(path, F_OK) == 0) == lefts[i].stays);
	}

	/* no store; nowhere to put it */
	o.store = p.to;
	CHECK(backup_make(&o, &made, &f) == -1 && f.kind == FAIL_PERM);
	o.store = x.dir;
	o.dir = "/nowhere/at/all";
	CHECK(backup_make(&o, &made, &f) == -1 && f.kind == FAIL_PERM);
	place_release(&p);
	fixture_release(&x);
}

static bool
stop_at_once(void *arg)
{
	(void)arg;
	return true;
}

static void
can_be_stopped(void)
{
	struct fixture x;
	struct place p;
	struct backup_made made;
	struct backup_info *list;
	struct fail f;
	size_t n;

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	keep(&x, LARGE, 1);
	struct backup_options o = options(&x, &p);
	o.watch.stop = stop_at_once;
	CHECK(backup_make(&o, &made, &f) == -1 && f.kind == FAIL_TEMP);
	MUST(backup_list(p.dir, &list, &n, &why));
	CHECK(n == 0);
	free(list);
	MUST(txn_lock(x.db, &why));
	CHECK(sweep_pause_look(x.dir, &f) == 0);
	txn_unlock(x.db);
	place_release(&p);
	fixture_release(&x);
}

/* A directory from elsewhere: its numbers are not counted on. */
static void
huge_numbers(void)
{
	static const struct manifest_head heads[] = {
	    {.number = INT64_MAX, .made_ms = NOW,       .program = "x"},
	    {.number = 1,         .made_ms = INT64_MAX, .program = "x"},
	};
	struct fixture x;
	struct place p;
	struct backup_made made;
	struct backup_info *list;
	struct fail f;
	char path[200];
	size_t n;

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	for (size_t i = 0; i < 2; i++) {
		char name[] = "2026-01-01T00-00-00Z";
		struct manifest_writer *w;

		name[3] += (char)i;
		path_of(&p, name, path);
		CHECK(mkdir(path, 0700) == 0);
		w = manifest_begin(path, &heads[i], &f);
		CHECK(w != NULL);
		MUST(manifest_end(w, &why));
	}
	struct backup_options o = options(&x, &p);
	MUST(backup_make(&o, &made, &why));
	MUST(backup_list(p.dir, &list, &n, &why));
	CHECK(n == 3 && !list[0].valid && !list[1].valid);
	CHECK(list[2].valid && list[2].number == 1);
	free(list);
	place_release(&p);
	fixture_release(&x);
}

/* smtpd and popd write rows, too: theirs lead nowhere. */
static int
add_rows(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	if (sqlite3_exec(db->sqlite,
		"INSERT INTO body (id, size, stored, codec, hash, file, refs)"
		" VALUES (100, 1, 1, 0, x'00', 'auth.db', 0),"
		" (101, 1, 1, 0, x'01', '../stolen', 0),"
		" (102, 1, 1, 0, x'02', 'objects/../auth.db', 0),"
		" (103, 1, 1, 0, x'03', '/etc/passwd', 0),"
		" (104, 1, 1, 0, x'04', 'objects/aa/b/c', 0),"
		" (105, 1, 1, 0, x'05', 'objects/x', 0),"
		" (200, 1, 1, 0, x'06', NULL, 0)", /* is never swept */
		NULL, NULL, NULL) != SQLITE_OK)
		return fail(f, FAIL_TEMP, "%s", sqlite3_errmsg(db->sqlite));
	return 0;
}

static void
rows_lead_nowhere_else(void)
{
	struct fixture x;
	struct place p;
	struct backup_made made;
	struct backup_info info;
	char path[200];

	fixture_init(&x);
	place_init(&p);
	make_auth(&x);
	keep(&x, LARGE, 1);
	MUST(db_write(x.db, add_rows, NULL, &why));
	struct backup_options o = options(&x, &p);
	MUST(backup_make(&o, &made, &why));
	path_of(&p, made.name, path);
	MUST(backup_look(path, &info, &why));
	CHECK(info.valid);
	MUST(db_write(x.db, remove_all, NULL, &why));
	CHECK(fixture_number(&x, "SELECT count(*) FROM body") == 1);
	CHECK(fixture_objects(&x) == 0);
	snprintf(path, sizeof(path), "%s/auth.db", x.dir);
	CHECK(access(path, F_OK) == 0);
	place_release(&p);
	fixture_release(&x);
}

/* A daemon that starts while something is restored makes no new store. */
static void
nobody_takes_the_place(void)
{
	struct fail f;
	char dir[64], path[100];

	fixture_dir(dir);
	snprintf(path, sizeof(path), "%s/restoring", dir);
	CHECK(mkdir(path, 0700) == 0);
	CHECK(db_open(dir, DB_MAIL, DB_WRITER, &f) == NULL);
	CHECK(strstr(f.text, "restore") != NULL);
	fixture_remove_dir(dir);
}

/* Nor does it open the old one once a restore has begun to take it away: until
 * then it may. */
static void
nothing_half_taken_opens(void)
{
	struct fixture x;
	struct fail f;
	char path[200], other[200];

	fixture_init(&x);
	db_close(x.db);
	snprintf(path, sizeof(path), "%s/restoring", x.dir);
	CHECK(mkdir(path, 0700) == 0);
	x.db = db_open(x.dir, DB_MAIL, DB_WRITER, &f);
	CHECK(x.db != NULL);
	db_close(x.db);
	snprintf(path, sizeof(path), "%s/mail.db", x.dir);
	snprintf(other, sizeof(other), "%s/restoring/mail.db", x.dir);
	CHECK(link(path, other) == 0);
	CHECK(db_open(x.dir, DB_MAIL, DB_WRITER, &f) == NULL);
	CHECK(strstr(f.text, "restore") != NULL);
	CHECK(unlink(other) == 0);
	snprintf(path, sizeof(path), "%s/objects", x.dir);
	snprintf(other, sizeof(other), "%s/restoring/objects", x.dir);
	CHECK(rename(path, other) == 0);
	CHECK(db_open(x.dir, DB_MAIL, DB_WRITER, &f) == NULL);
	CHECK(strstr(f.text, "restore") != NULL);
	CHECK(rename(other, path) == 0);
	x.db = db_open(x.dir, DB_MAIL, DB_WRITER, &f);
	CHECK(x.db != NULL);
	fixture_release(&x);
}

int
main(void)
{
	comes_back_whole();
	shares_what_has_not_changed();
	clock_may_run_back();
	holds_one_moment();
	damage_is_found();
	bears_two_rows();
	one_at_a_time();
	can_be_stopped();
	huge_numbers();
	rows_lead_nowhere_else();
	nobody_takes_the_place();
	nothing_half_taken_opens();
	return TEST_EXIT();
}
