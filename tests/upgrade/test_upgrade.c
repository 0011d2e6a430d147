/* SPDX-License-Identifier: MIT */
/*
 * Stores as each earlier schema made them (the steps of schema/ up to it, and
 * rows such as its program wrote) come forward: nothing is missing, the
 * checker finds nothing, what was before is kept beside it, and the program of
 * before refuses what has become of it.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/store/migrate.h"
#include "common/store/queue.h"
#include "tests/unit/store/fixture.h"

#define MAIL_ID 0x50506d6c
#define AUTH_ID 0x50506175
#define LARGE   70000

/* BLAKE2b-256 of the bodies. */
#define HASH_SMALL                                                             \
	"604541163b77c8e81efd50c6015b1f4cde0ec3852f4e744a7f0a1b6d9321b3f2"
#define HASH_LARGE                                                             \
	"b57502135c50f4894efa56c68595596b3031956a264f50973ed07d7f1d49701a"
#define HASH_GONE                                                              \
	"664a578d76b8aac7f50d566523d70ef02bc8dd995b9217777aaa0d8ed6748535"

static const char small[] = "Subject: small\r\n\r\nHello.\r\n";

static int
latest(const char *database)
{
	int version = 0;

	for (const struct schema_step *s = schema_steps; s->database != NULL;
	     s++)
		if (strcmp(s->database, database) == 0 && s->version > version)
			version = s->version;
	return version;
}

static void
run(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
		fprintf(stderr, "%s\n%.200s\n", why, sql);
		exit(1);
	}
}

static int64_t
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	int64_t n;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		exit(1);
	}
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* The file as the program of that schema made it. */
static sqlite3 *
make(const char *dir, const char *database, int version, int id)
{
	char path[100], text[100];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s.db", dir, database);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		exit(1);
	run(db, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
		"PRAGMA journal_mode = WAL; BEGIN;");
	for (const struct schema_step *s = schema_steps; s->database != NULL;
	     s++)
		if (strcmp(s->database, database) == 0 && s->version <= version)
			run(db, s->sql);
	snprintf(text, sizeof(text),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", id,
	    version);
	run(db, text);
	return db;
}

/* file: the nonce of an object file, or NULL. */
static void
add_body(sqlite3 *db, int64_t id, const char *hash, struct str bytes,
    int64_t refs, const char *file, const char *dir)
{
	char sql[600], name[200] = "";
	sqlite3_stmt *st;

	if (file != NULL) {
		char path[400];
		int fd;

		snprintf(path, sizeof(path), "%s/objects", dir);
		mkdir(path, 02770);
		snprintf(path, sizeof(path), "%s/objects/%.2s", dir, hash);
		mkdir(path, 02770);
		snprintf(
		    name, sizeof(name), "objects/%.2s/%s.%s", hash, hash, file);
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		fd = open(path, O_WRONLY | O_CREAT, 0660);
		CHECK(write(fd, bytes.at, bytes.len) == (ssize_t)bytes.len);
		close(fd);
	}
	snprintf(sql, sizeof(sql),
	    "INSERT INTO body (id, size, stored, codec, hash, file, refs)"
	    " VALUES (%lld, %zu, %zu, 0, x'%s', nullif('%s', ''), %lld)",
	    (long long)id, bytes.len, bytes.len, hash, name, (long long)refs);
	run(db, sql);
	if (file != NULL)
		return;
	sqlite3_prepare_v2(
	    db, "INSERT INTO body_data VALUES (?1, ?2)", -1, &st, NULL);
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_blob(st, 2, bytes.at, (int)bytes.len, SQLITE_STATIC);
	CHECK(sqlite3_step(st) == SQLITE_DONE);
	sqlite3_finalize(st);
}

/* What is in every schema. */
static const char rows_1[] =
    "INSERT INTO domain VALUES (1, 'd.test', 1700000000000);"
    "INSERT INTO account VALUES (1, 'alice@d.test', 0, 0, '', 1700000000000),"
    " (2, 'bob@d.test', 1, 1000000, 'IDLE', 1700000000000);"
    "INSERT INTO account_use VALUES (1, 70052, 3), (2, 26, 1);"
    "INSERT INTO address VALUES (1, 'alice', 0, 1, NULL), (1, 'bob', 0, 2,"
    " NULL), (1, 'team', 0, 1, NULL), (1, 'team', 1, NULL, 'x@remote.test');"
    "INSERT INTO mailbox VALUES (1, 1, 'INBOX', 1700000001, 0, 1700000000000),"
    " (2, 1, 'Archive/2024', 1700000002, 1, 1700000000000),"
    " (3, 2, 'INBOX', 1700000003, 0, 1700000000000);"
    "INSERT INTO mailbox_state VALUES (1, 8, 20, 12, 8, 2, 1, 1, 70026),"
    " (2, 2, 3, 1, 2, 1, 0, 0, 26), (3, 2, 2, 1, 1, 1, 1, 0, 26);"
    "INSERT INTO keyword VALUES (1, 8, '$Forwarded');"
    "INSERT INTO message VALUES"
    " (1, 3, 11, 0x101, 1700000003000, 26, 1, 77, 0, 0, 0),"
    " (1, 7, 19, 0x08, 1700000007000, 70000, 2, 0, 0, 0, 0),"
    " (2, 1, 3, 0x03, 1700000001000, 26, 1, 0, 1700000002000,"
    " 7301444407990419456, 7301444407990419457),"
    " (3, 1, 2, 0, 1700000001000, 26, 1, 0, 0, 0, 0);"
    "INSERT INTO expunged VALUES (1, 12, 1, 2), (1, 12, 4, 6);"
    "INSERT INTO subscription VALUES (1, 'Archive/2024');"
    "INSERT INTO metadata VALUES (1, 2, '/private/comment', x'6f6c64');"
    "INSERT INTO queue (trace, body, skip, sender, created, expires, account)"
    " VALUES (77, 1, 0, 'alice@d.test', 1700000000000, 1800000000000, 1);"
    "INSERT INTO recipient (trace, n, address, domain, original, state,"
    " next_at, tries, last_at, last_code, last_reply, last_host) VALUES"
    " (77, 0, 'x@remote.test', 'remote.test', 'team@d.test', 0,"
    " 1700000100000, 2, 1700000050000, 451, 'come again', 'mx [192.0.2.1]'),"
    " (77, 1, 'y@other.test', 'other.test', NULL, 1, 1700000200000, 0, NULL,"
    " NULL, NULL, NULL);"
    "INSERT INTO journey VALUES (77, 1700000000000, 'alice@d.test',"
    " '<small@d.test>', 26);"
    "INSERT INTO hop VALUES (77, 1, 1700000000000, 1, 1, NULL, '127.0.0.1',"
    " 250, 'from test');"
    "INSERT INTO meta VALUES ('uid_validity', 1700000003), ('proof', 4);";

/* Rows of a table that came with the schema. */
static const char *const rows_since[] = {
    [2] = "INSERT INTO verdict VALUES (77, '', 'd.test', '192.0.2.0/24', '{}',"
	  " 'spf=pass'); INSERT INTO reputation VALUES ('d.test', 3, 1, 1);"
	  "INSERT INTO correspondent VALUES (1, 'x@remote.test', 1, 2);"
	  "INSERT INTO greylist VALUES (x'0102', 1, 2, 1);"
	  "INSERT INTO signing_key VALUES (1, 'e1', 1, 'v=DKIM1', 0, 1, 1);",
    [3] = "UPDATE queue SET envelope_id = 'e77', ret = 2, hold_until = 5;"
	  "UPDATE recipient SET notify = 7, told = 1 WHERE n = 0;"
	  "INSERT INTO report VALUES (77, 0, 1, 'alice@d.test', 'bob@d.test',"
	  " NULL, 'e77', 2, 0, 1, 0, NULL, NULL, 1700000000000, 1700000001000);"
	  "UPDATE body SET refs = refs + 1 WHERE id = 1;",
};

static const int n_since = sizeof(rows_since) / sizeof(*rows_since);

static void
fill_mail(sqlite3 *db, const char *dir, int version, struct str large)
{
	run(db, "BEGIN");
	add_body(db, 1, HASH_SMALL, STR(small), 4, NULL, dir);
	add_body(db, 2, HASH_LARGE, large, 1, "0123456789abcdef", dir);
	/* nobody holds it: the sweeper has not come yet */
	add_body(db, 3, HASH_GONE, STR("gone"), 0, NULL, dir);
	run(db, rows_1);
	for (int v = 2; v <= version && v < n_since; v++)
		if (rows_since[v] != NULL)
			run(db, rows_since[v]);
	run(db, "COMMIT");
}

static void
fill_auth(sqlite3 *db, int version)
{
	run(db, "INSERT INTO credential VALUES ('alice@d.test', 'argon2id...',"
		" 1700000000000); INSERT INTO meta VALUES ('key', x'0a0b');");
	if (version >= 2)
		run(db, "INSERT INTO app_password VALUES (1, 'alice@d.test',"
			" 'telephone', 7, x'0102', 1, NULL, NULL, NULL)");
}

/* ---- what must have come along ---- */

static void
check_kept(
    const char *dir, const char *database, int version, mode_t mode, bool kept)
{
	char path[200];
	struct stat st;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s.db.before-v%d", dir, database,
	    latest(database));
	CHECK((stat(path, &st) == 0) == kept);
	if (!kept)
		return;
	CHECK((st.st_mode & 0777) == mode);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		exit(1);
	CHECK(number(db, "PRAGMA user_version") == version);
	CHECK(number(db, "SELECT count(*) FROM pragma_integrity_check"
			 " WHERE integrity_check <> 'ok'") == 0);
	CHECK(number(db, strcmp(database, "mail") == 0
			     ? "SELECT count(*) FROM message"
			     : "SELECT count(*) FROM credential") ==
	      (strcmp(database, "mail") == 0 ? 4 : 1));
	sqlite3_close(db);
}

static int
read_queue(struct db *db, void *arg, struct fail *f)
{
	const struct queue_filter all = {0};

	return queue_read(db, &all, NOW, 100, arg, f);
}

static void
check_queue(struct fixture *x, int version)
{
	struct queue_list list = {0};

	MUST(db_read(x->db, read_queue, &list, &why));
	CHECK(list.n == 2);
	CHECK_STR(list.entries[0].address, "x@remote.test");
	CHECK_STR(list.entries[0].original, "team@d.test");
	CHECK_STR(list.entries[0].last_reply, "come again");
	CHECK(list.entries[0].tries == 2 && !list.entries[0].held);
	CHECK(list.entries[0].account == 1 && list.entries[0].trace == 77);
	CHECK(list.entries[1].held);
	if (version >= 3)
		CHECK_STR(list.entries[0].envelope_id, "e77");
	queue_list_release(&list);
}

static void
check_bodies(struct fixture *x, struct str large)
{
	struct buf out;

	buf_init(&out, 2 * LARGE);
	MUST(fixture_body(x, 1, 1000, &out, &why));
	CHECK(str_eq(buf_str(&out), STR(small)));
	buf_clear(&out);
	MUST(fixture_body(x, 2, 1000, &out, &why));
	CHECK(str_eq(buf_str(&out), large));
	buf_release(&out);
}

static void
check_mail(struct fixture *x, int version, struct str large)
{
	CHECK(fixture_is_clean(x));
	CHECK(fixture_number(x, "PRAGMA user_version") == latest("mail"));
	CHECK(fixture_number(x, "SELECT count(*) FROM message") == 4);
	CHECK(fixture_number(x, "SELECT sum(flags * uid) FROM message") ==
	      0x101 * 3 + 8 * 7 + 3);
	CHECK(fixture_number(x, "SELECT sum(uid_next * modseq) FROM"
				" mailbox_state") == 8 * 20 + 2 * 3 + 2 * 2);
	CHECK(fixture_number(x, "SELECT count(*) FROM account"
				" WHERE login = 'bob@d.test' AND state = 1"
				" AND quota_bytes = 1000000") == 1);
	CHECK(fixture_number(x, "SELECT count(*) FROM address") == 4);
	CHECK(fixture_number(x, "SELECT count(*) FROM expunged") == 2);
	CHECK(fixture_number(x, "SELECT count(*) FROM metadata") == 1);
	if (version >= 2)
		CHECK(
		    fixture_number(x, "SELECT count(*) FROM signing_key") == 1);
	check_queue(x, version);
	check_bodies(x, large);
}

/* The program of that schema: it knows no later steps. */
static void
refuses(struct fixture *x, int version)
{
	struct schema_step old[16];
	struct fail f;
	size_t n = 0;

	for (const struct schema_step *s = schema_steps; s->database != NULL;
	     s++)
		if (strcmp(s->database, "mail") == 0 && s->version <= version)
			old[n++] = *s;
	old[n] = (struct schema_step){NULL, 0, NULL};
	CHECK(migrate_look(x->db, old, &f) == MIGRATE_FOREIGN);
	CHECK(strstr(f.text, "newer version") != NULL);
}

/* No room for the copy: nothing is changed. */
static void
stays_without_room(struct fixture *x, int version)
{
	struct rlimit before, tight = {16 * 1024, RLIM_INFINITY};
	char path[100];
	struct fail f;
	sqlite3 *db;

	getrlimit(RLIMIT_FSIZE, &before);
	tight.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &tight);
	CHECK(db_open(x->dir, DB_MAIL, DB_WRITER, &f) == NULL);
	setrlimit(RLIMIT_FSIZE, &before);
	check_kept(x->dir, "mail", version, 0660, false);
	snprintf(path, sizeof(path), "%s/mail.db", x->dir);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		exit(1);
	CHECK(number(db, "PRAGMA user_version") == version);
	sqlite3_close(db);
}

/* Of a try before, when there was less mail. */
static void
leave_old_copy(const struct fixture *x)
{
	char path[200];
	FILE *out;

	snprintf(path, sizeof(path), "%s/mail.db.before-v%d", x->dir,
	    latest("mail"));
	out = fopen(path, "w");
	CHECK(out != NULL && fputs("old", out) >= 0 && fclose(out) == 0);
}

static void
mail_comes_forward(int version, struct str large)
{
	struct fixture x = {0};
	bool older = version < latest("mail");
	sqlite3 *db;

	fixture_dir(x.dir);
	db = make(x.dir, "mail", version, MAIL_ID);
	fill_mail(db, x.dir, version, large);
	sqlite3_close(db);
	if (older) {
		stays_without_room(&x, version);
		leave_old_copy(&x);
	}
	fixture_open(&x);
	check_mail(&x, version, large);
	check_kept(x.dir, "mail", version, 0660, older);
	if (older)
		refuses(&x, version);
	/* what is kept stays as it is */
	db_close(x.db);
	fixture_open(&x);
	check_kept(x.dir, "mail", version, 0660, older);
	fixture_release(&x);
}

static void
auth_comes_forward(int version)
{
	struct fixture x = {0};
	struct fail f;
	sqlite3 *db;

	fixture_dir(x.dir);
	db = make(x.dir, "auth", version, AUTH_ID);
	fill_auth(db, version);
	sqlite3_close(db);
	x.db = db_open(x.dir, DB_AUTH, DB_WRITER, &f);
	CHECK(x.db != NULL && db_check(x.db, fixture_say, NULL, &f) == 0);
	CHECK(fixture_number(&x, "PRAGMA user_version") == latest("auth"));
	CHECK(fixture_number(&x, "SELECT count(*) FROM credential"
				 " WHERE verifier = 'argon2id...'") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM meta") >= 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM app_password") ==
	      (version >= 2));
	check_kept(x.dir, "auth", version, 0600, version < latest("auth"));
	fixture_release(&x);
}

int
main(void)
{
	char *large = fixture_noise(LARGE, 5);

	for (int v = 1; v <= latest("mail"); v++)
		mail_comes_forward(v, (struct str){large, LARGE});
	for (int v = 1; v <= latest("auth"); v++)
		auth_comes_forward(v);
	free(large);
	return TEST_EXIT();
}
