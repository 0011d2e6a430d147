/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/store/credential.h"
#include "common/store/migrate.h"
#include "common/store/rules.h"
#include "tests/unit/store/fixture.h"

/* A connection outside the store, as the sqlite3 shell is one. */
static sqlite3 *
raw_open(const char *dir, const char *name)
{
	char path[100];
	sqlite3 *raw;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK(sqlite3_open(path, &raw) == SQLITE_OK);
	return raw;
}

static void
raw_run(const char *dir, const char *name, const char *sql)
{
	sqlite3 *raw = raw_open(dir, name);
	char *why = NULL;

	if (sqlite3_exec(raw, sql, NULL, NULL, &why) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, why);
		CHECK(!"the statement works");
	}
	sqlite3_free(why);
	sqlite3_close(raw);
}

/* Each rule, broken by itself, is named. */
static void
every_rule_is_asked_for(void)
{
	static const struct {
		const char *sql, *complaint;
		enum db_mode mode;
		enum db_file file;
	} cases[] = {
	    {"PRAGMA synchronous = FULL",        "synchronous is 2",           DB_WRITER,
             DB_SEARCH									   },
	    {"PRAGMA synchronous = OFF",         "synchronous is 0",           DB_READER,
             DB_SEARCH									   },
	    {"PRAGMA foreign_keys = OFF",        "foreign_keys is 0",          DB_WRITER,
             DB_SEARCH									   },
	    {"PRAGMA synchronous = NORMAL",      "synchronous is 1",           DB_WRITER,
             DB_MAIL									     },
	    {"PRAGMA synchronous = NORMAL",      "synchronous is 1",           DB_READER,
             DB_MAIL									     },
	    {"PRAGMA wal_autocheckpoint = 1000", "wal_autocheckpoint is 1000",
             DB_WRITER,								   DB_MAIL},
	    {"PRAGMA wal_autocheckpoint = 1",    "wal_autocheckpoint is 1",
             DB_READER,								   DB_MAIL},
	    {"PRAGMA mmap_size = 1048576",       "mmap_size is",               DB_READER, DB_MAIL},
	    {"PRAGMA secure_delete = ON",        "secure_delete is 1",         DB_WRITER,
             DB_MAIL									     },
	    {"PRAGMA foreign_keys = OFF",        "foreign_keys is 0",          DB_WRITER,
             DB_MAIL									     },
	    {"PRAGMA query_only = OFF",          "query_only is 0",            DB_READER, DB_MAIL},
	    {"PRAGMA journal_mode = DELETE",     "journal_mode is delete",
             DB_WRITER,								   DB_MAIL},
	};
	struct fixture x;
	struct fail f;

	fixture_init(&x);
	db_close(x.db);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sqlite3 *raw = raw_open(x.dir, "mail.db");
		struct db db = {.sqlite = raw,
		    .mode = cases[i].mode,
		    .file = cases[i].file};

		MUST(rules_set(&db, false, &why));
		MUST(rules_verify(&db, &why));
		CHECK(sqlite3_exec(raw, cases[i].sql, NULL, NULL, NULL) ==
		      SQLITE_OK);
		f.text[0] = '\0';
		CHECK(rules_verify(&db, &f) == -1);
		CHECK(f.kind == FAIL_PERM);
		if (strstr(f.text, cases[i].complaint) == NULL)
			CHECK_STR(f.text, cases[i].complaint);
		sqlite3_close(raw);
	}
	sqlite3 *raw = raw_open(x.dir, "mail.db");
	struct db db = {.sqlite = raw, .mode = DB_WRITER};

	MUST(rules_set(&db, false, &why));
	sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	CHECK(rules_verify(&db, &f) == -1);
	sqlite3_close(raw);
	/* a file that left WAL is refused by readers and writers */
	raw_run(x.dir, "mail.db", "PRAGMA journal_mode = DELETE");
	CHECK(db_open(x.dir, DB_MAIL, DB_READER, &f) == NULL);
	CHECK(db_open(x.dir, DB_MAIL, DB_WRITER, &f) == NULL);
	CHECK(strstr(f.text, "journal_mode is delete") != NULL);
	raw_run(x.dir, "mail.db", "PRAGMA journal_mode = WAL");
	fixture_open(&x);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
put(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite,
	    "INSERT INTO meta VALUES ('x', 1)"
	    " ON CONFLICT DO UPDATE SET value = value + 1",
	    f);
}

static int
put_and_fail(struct db *db, void *arg, struct fail *f)
{
	put(db, arg, f);
	return fail(f, FAIL_PERM, "on purpose");
}

/* SQLite itself refuses a commit when we do not hold the lock. */
static void
no_commit_without_the_lock(void)
{
	struct fixture x;
	struct fail f;
	int64_t before;

	fixture_init(&x);
	before = fixture_number(&x, "SELECT count(*) FROM meta");
	CHECK(sqlite3_exec(x.db->sqlite, "INSERT INTO meta VALUES ('y', 1)",
		  NULL, NULL, NULL) == SQLITE_CONSTRAINT_COMMITHOOK);
	CHECK(sqlite3_exec(x.db->sqlite,
		  "BEGIN IMMEDIATE; INSERT INTO meta VALUES ('y', 1); COMMIT",
		  NULL, NULL, NULL) == SQLITE_CONSTRAINT_COMMITHOOK);
	CHECK(sqlite3_get_autocommit(x.db->sqlite));
	CHECK(fixture_number(&x, "SELECT count(*) FROM meta") == before);
	/* inside a read transaction neither */
	CHECK(db_read(x.db, put, NULL, &f) == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM meta") == before);
	CHECK(db_write(x.db, put_and_fail, NULL, &f) == -1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM meta") == before);
	MUST(db_write(x.db, put, NULL, &why));
	CHECK(fixture_number(&x, "SELECT count(*) FROM meta") == before + 1);
	fixture_release(&x);
}

/* A promise of ours that is broken ends the program: seen from outside. */
static void
dies(void (*sin)(struct fixture *x), struct fixture *x)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		sin(x);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void
begin_unlocked(struct fixture *x)
{
	struct fail f;

	txn_begin(x->db, &f);
}

static void
checkpoint_unlocked(struct fixture *x)
{
	struct fail f;

	txn_checkpoint(x->db, true, &f);
}

static void
bind_unlocked(struct fixture *x)
{
	static const char sql[] = "DELETE FROM meta";
	struct fail f;

	sql_run(x->db, sql, &f, "");
}

static void
unlock_within(struct fixture *x)
{
	struct fail f;

	txn_lock(x->db, &f);
	txn_begin(x->db, &f);
	txn_unlock(x->db);
}

static void
our_promises_are_asserted(void)
{
	struct fixture x;

	fixture_init(&x);
	dies(begin_unlocked, &x);
	dies(checkpoint_unlocked, &x);
	dies(bind_unlocked, &x);
	dies(unlock_within, &x);
	fixture_release(&x);
}

static void
closing_does_not_checkpoint(void)
{
	struct fixture x;
	struct stat before, after;
	char wal[100];

	fixture_init(&x);
	snprintf(wal, sizeof(wal), "%s/mail.db-wal", x.dir);
	CHECK(stat(wal, &before) == 0 && before.st_size > 0);
	db_close(x.db);
	CHECK(stat(wal, &after) == 0 && after.st_size == before.st_size);
	fixture_open(&x);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
put_much(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite,
	    "INSERT INTO body_data VALUES (coalesce((SELECT max(body) + 1"
	    " FROM body_data), 1), randomblob(1000000))",
	    f);
}

/* The log never grows much over 16 MB, whoever writes. */
static void
the_log_stays_short(void)
{
	struct fixture x;
	struct stat st;
	char wal[100];
	struct fail f;

	fixture_init(&x);
	snprintf(wal, sizeof(wal), "%s/mail.db-wal", x.dir);
	for (int i = 0; i < 30; i++)
		MUST(db_write(x.db, put_much, NULL, &why));
	/* db_write() checkpoints as if idle: from 4 MB */
	CHECK(stat(wal, &st) == 0 && st.st_size < 6000000);
	for (int i = 0; i < 40; i++) {
		MUST(txn_lock(x.db, &why));
		MUST(txn_begin(x.db, &why));
		MUST(put_much(x.db, NULL, &why));
		MUST(txn_commit(x.db, &why));
		MUST(txn_checkpoint(x.db, false, &why));
		txn_unlock(x.db);
	}
	CHECK(stat(wal, &st) == 0);
	CHECK(st.st_size > 10000000 && st.st_size < 20000000);
	CHECK(sqlite3_exec(x.db->sqlite, "SELECT 1", NULL, NULL, NULL) == 0);
	CHECK(db_read(x.db, put_and_fail, NULL, &f) == -1);
	fixture_release(&x);
}

static void
files_that_are_not_ours(void)
{
	static const struct {
		const char *sql, *complaint;
	} cases[] = {
	    {"CREATE TABLE theirs (x)",                                       "not Penny Post's"},
	    {"PRAGMA application_id = 7; CREATE TABLE t (x)",
             "not Penny Post's"								 },
	    {"PRAGMA user_version = 1",                                       "not Penny Post's"},
	    {"PRAGMA application_id = 1347448172; PRAGMA user_version = 999",
             "newer version"								    },
	};
	char dir[64], path[100], before[8192], after[8192];
	struct fail f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n;
		FILE *file;

		fixture_dir(dir);
		raw_run(dir, "mail.db", cases[i].sql);
		snprintf(path, sizeof(path), "%s/mail.db", dir);
		file = fopen(path, "r");
		n = fread(before, 1, sizeof(before), file);
		fclose(file);
		CHECK(db_open(dir, DB_MAIL, DB_WRITER, &f) == NULL);
		if (strstr(f.text, cases[i].complaint) == NULL)
			CHECK_STR(f.text, cases[i].complaint);
		CHECK(f.kind == FAIL_PERM);
		CHECK(db_open(dir, DB_MAIL, DB_READER, &f) == NULL);
		file = fopen(path, "r");
		CHECK(fread(after, 1, sizeof(after), file) == n);
		fclose(file);
		CHECK(memcmp(before, after, n) == 0);
		fixture_remove_dir(dir);
	}
	/* no database at all */
	fixture_dir(dir);
	snprintf(path, sizeof(path), "%s/mail.db", dir);
	FILE *file = fopen(path, "w");
	for (int i = 0; i < 500; i++)
		fputs("this is not a database\n", file);
	fclose(file);
	CHECK(db_open(dir, DB_MAIL, DB_WRITER, &f) == NULL);
	CHECK(strstr(f.text, "not a database") != NULL);
	CHECK(f.kind == FAIL_PERM); /* nobody is to try again */
	fixture_remove_dir(dir);
	/* a reader makes nothing */
	fixture_dir(dir);
	CHECK(db_open(dir, DB_MAIL, DB_READER, &f) == NULL);
	CHECK(rmdir(dir) == 0);
	/* auth.db in the place of mail.db */
	fixture_dir(dir);
	struct db *auth = db_open(dir, DB_AUTH, DB_WRITER, &f);
	CHECK(auth != NULL);
	db_close(auth);
	char moved[100];
	snprintf(path, sizeof(path), "%s/auth.db", dir);
	snprintf(moved, sizeof(moved), "%s/mail.db", dir);
	raw_run(dir, "auth.db", "PRAGMA wal_checkpoint(TRUNCATE)");
	CHECK(rename(path, moved) == 0);
	CHECK(db_open(dir, DB_MAIL, DB_WRITER, &f) == NULL);
	CHECK(strstr(f.text, "not Penny Post's") != NULL);
	fixture_remove_dir(dir);
}

static void
modes_of_files(void)
{
	static const struct {
		const char *name;
		mode_t mode;
	} cases[] = {
	    {"mail.db",     0660 },
	    {"mail.db-wal", 0660 },
	    {"auth.db",     0600 },
	    {"auth.db-wal", 0600 },
	    {"lock.a",      0660 },
	    {"lock.b",      0660 },
	    {"routes",      0660 },
	    {"objects",     02770},
	};
	mode_t before = umask(0077); /* as strict as a person's may be */
	struct fixture x;
	struct fail f;
	struct db *auth;

	fixture_init(&x);
	auth = db_open(x.dir, DB_AUTH, DB_WRITER, &f);
	CHECK(auth != NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[100];
		struct stat st = {0};

		snprintf(path, sizeof(path), "%s/%s", x.dir, cases[i].name);
		CHECK(stat(path, &st) == 0);
		CHECK((st.st_mode & 07777) == cases[i].mode);
	}
	db_close(auth);
	umask(before);
	fixture_release(&x);
}

static int
set_credential(struct db *db, void *arg, struct fail *f)
{
	return credential_set(db, STR("bob@d.test"), arg, NOW, f);
}

static int
remove_credential(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return credential_remove(db, STR("bob@d.test"), f);
}

static void
credentials(void)
{
	char dir[64], verifier[CREDENTIAL_VERIFIER_MAX], first[] = "$a$one";
	char second[] = "$a$two", long_one[CREDENTIAL_VERIFIER_MAX + 1];
	struct fail f;
	struct db *db;

	fixture_dir(dir);
	db = db_open(dir, DB_AUTH, DB_WRITER, &f);
	CHECK(db != NULL);
	CHECK(credential_find(db, STR("bob@d.test"), verifier, &f) == 0);
	MUST(db_write(db, set_credential, first, &why));
	MUST(db_write(db, set_credential, second, &why));
	CHECK(credential_find(db, STR("bob@d.test"), verifier, &f) == 1);
	CHECK_STR(verifier, "$a$two");
	memset(long_one, 'x', sizeof(long_one));
	long_one[CREDENTIAL_VERIFIER_MAX] = '\0';
	CHECK(db_write(db, set_credential, long_one, &f) == -1);
	CHECK(f.kind == FAIL_PERM);
	CHECK(credential_find(db, STR("bob@d.test"), verifier, &f) == 1);
	CHECK(db_check(db, fixture_say, NULL, &f) == 0);
	MUST(db_write(db, remove_credential, NULL, &why));
	CHECK(credential_find(db, STR("bob@d.test"), verifier, &f) == 0);
	db_close(db);
	fixture_remove_dir(dir);
}

int
main(void)
{
	every_rule_is_asked_for();
	no_commit_without_the_lock();
	our_promises_are_asserted();
	closing_does_not_checkpoint();
	the_log_stays_short();
	files_that_are_not_ours();
	modes_of_files();
	credentials();
	return TEST_EXIT();
}
