/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>

#include "common/store/txn.h"
#include "tests/unit/store/fixture.h"

/* Deliver to alice and read back in pieces. */
static int64_t
keep(struct fixture *x, struct str bytes)
{
	struct delivery_target t = {
	    x->alice, STR("alice@d.test"), .original = STR("")};
	struct fail f;
	int64_t trace = fixture_deliver(x, bytes, &t, 1, &f);

	if (trace < 0) {
		fprintf(stderr, "%s\n", f.text);
		exit(1);
	}
	return fixture_number(x, "SELECT body FROM message ORDER BY uid DESC");
}

static void
sizes_come_back(void)
{
	static const size_t sizes[] = {0, 1, 100, 10240, 65535, 65536, 65537,
	    200000, 262143, 262144, 262145, 1000000, 5000000};
	static const size_t steps[] = {1000, 16384, 65536, 1 << 20};
	struct fixture x;

	fixture_init(&x);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int text = 0; text < 2; text++) {
			size_t n = sizes[i];
			char *bytes = fixture_noise(n, n + 1);
			int64_t id;

			for (size_t j = 0; text && j < n; j++)
				bytes[j] = "Lorem ipsum dolor\r\n"[j % 19];
			id = keep(&x, (struct str){bytes, n});
			for (size_t k = 0; k < 4; k++) {
				struct buf out;

				buf_init(&out, n + 1);
				MUST(
				    fixture_body(&x, id, steps[k], &out, &why));
				CHECK(str_eq(
				    buf_str(&out), (struct str){bytes, n}));
				buf_release(&out);
			}
			free(bytes);
		}
	}
	/* only what does not fit a row is in files; text is small enough */
	CHECK(fixture_objects(&x) ==
	      fixture_number(&x, "SELECT count(*) FROM body WHERE size > 65520"
				 " AND codec = 1 AND stored > 65536"));
	CHECK(fixture_number(&x, "SELECT count(*) FROM body WHERE file IS NULL"
				 " AND stored > 65536") == 0);
	CHECK(fixture_number(&x,
		  "SELECT count(*) FROM body WHERE file IS NOT NULL"
		  " AND stored <= 65536") == 0);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static void
every_piece_size(void)
{
	struct fixture x;
	char text[3000];
	int64_t id;

	fixture_init(&x);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "abc\r\n"[i % 5];
	id = keep(&x, (struct str){text, sizeof(text)});
	for (size_t step = 1; step <= 64; step++) {
		struct buf out;

		buf_init(&out, sizeof(text));
		MUST(fixture_body(&x, id, step, &out, &why));
		CHECK(str_eq(buf_str(&out), (struct str){text, sizeof(text)}));
		buf_release(&out);
	}
	fixture_release(&x);
}

static int
expunge_all(struct db *db, void *arg, struct fail *f)
{
	int64_t mailbox = *(int64_t *)arg;
	struct message_state *e;
	int64_t modseq;
	struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};
	size_t n, removed;
	int rc = 0;

	if (message_states(db, mailbox, 0, 0, &e, &n, f) == -1)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = message_expunge(db, mailbox, &e[i].uid, 1, false, &who,
		    NULL, &removed, &modseq, f);
	free(e);
	return rc;
}

static int
sweep(struct db *db, void *arg, struct fail *f)
{
	return body_sweep(db, 200, arg, f);
}

static int
sweep_files(struct db *db, void *arg, struct fail *f)
{
	return body_sweep_files(db, arg, f);
}

static void
large_ones_are_shared_and_swept(void)
{
	struct fixture x;
	char *bytes = fixture_noise(300000, 5);
	struct str s = {bytes, 300000};
	struct mailbox inbox;
	struct fixture_read open = {0};
	struct buf out;
	struct fail fail_;
	size_t n;
	int64_t id;
	int got = 1;

	fixture_init(&x);
	id = keep(&x, s);
	CHECK(keep(&x, s) == id);
	CHECK(fixture_number(&x, "SELECT refs FROM body") == 2);
	CHECK(fixture_objects(&x) == 1);
	open.id = id;
	MUST(db_read(x.db, fixture_open_body, &open, &why));
	MUST(mailbox_find(x.db, x.alice, STR("INBOX"), &inbox, &why));
	MUST(db_write(x.db, expunge_all, &inbox.id, &why));
	/* the highest id is never swept */
	MUST(db_write(x.db, sweep, &n, &why));
	CHECK(n == 0 && fixture_objects(&x) == 1);
	/* dead, not swept: an equal one brings it back to life */
	CHECK(keep(&x, s) == id);
	MUST(db_write(x.db, expunge_all, &inbox.id, &why));
	CHECK(keep(&x, STR("another\r\n")) == id + 1);
	MUST(db_write(x.db, sweep, &n, &why));
	CHECK(n == 1 && fixture_objects(&x) == 0);
	CHECK(fixture_is_clean(&x));
	/* who opened it before reads to the end */
	buf_init(&out, s.len);
	while (got == 1)
		got = body_read(open.body, 65536, &out, &fail_);
	CHECK(got == 0 && str_eq(buf_str(&out), s));
	buf_release(&out);
	body_free(open.body);
	CHECK(body_open(x.db, id, &fail_) == NULL);
	free(bytes);
	fixture_release(&x);
}

/* What an equal body lost must not be what a new message rests on. */
static void
a_lost_file_is_not_shared(void)
{
	struct fixture x;
	char *bytes = fixture_noise(300000, 7), path[300];
	struct str s = {bytes, 300000};
	struct buf out;
	int64_t first, second;

	fixture_init(&x);
	buf_init(&out, s.len);
	for (int cut = 0; cut < 2; cut++) {
		sqlite3_stmt *st;

		first = keep(&x, s);
		CHECK(sqlite3_prepare_v2(x.db->sqlite,
			  "SELECT file FROM body ORDER BY id DESC", -1, &st,
			  NULL) == SQLITE_OK);
		CHECK(sqlite3_step(st) == SQLITE_ROW);
		snprintf(path, sizeof(path), "%s/%s", x.dir,
		    (const char *)sqlite3_column_text(st, 0));
		sqlite3_finalize(st);
		CHECK(cut ? truncate(path, 1000) == 0 : unlink(path) == 0);
		second = keep(&x, s);
		CHECK(second > first);
		buf_clear(&out);
		MUST(fixture_body(&x, second, 65536, &out, &why));
		CHECK(str_eq(buf_str(&out), s));
		CHECK(keep(&x, s) == second);
	}
	buf_release(&out);
	free(bytes);
	fixture_release(&x);
}

static void
orphans_go_stages_stay(void)
{
	struct fixture x;
	char *bytes = fixture_noise(300000, 6), path[256];
	struct stage *held, *left;
	size_t n;
	int fd;

	fixture_init(&x);
	keep(&x, (struct str){bytes, 300000});
	/* sealed, not delivered yet */
	held = stage_new(x.dir);
	stage_add(held, (struct str){bytes, 299999});
	MUST(stage_seal(held, STR(""), &why));
	/* what a crash leaves */
	snprintf(path, sizeof(path), "%s/objects/new.0000000000000000", x.dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	CHECK(fd != -1 && close(fd) == 0);
	snprintf(path, sizeof(path), "%s/objects/ab/%064d.0123456789abcdef",
	    x.dir, 0);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	CHECK(fd != -1 && close(fd) == 0);
	CHECK(fixture_objects(&x) == 4);
	MUST(db_write(x.db, sweep_files, &n, &why));
	CHECK(n == 2 && fixture_objects(&x) == 2);
	/* a stage that is let go takes its file along */
	left = stage_new(x.dir);
	stage_add(left, (struct str){bytes, 299998});
	MUST(stage_seal(left, STR(""), &why));
	CHECK(fixture_objects(&x) == 3);
	stage_free(left);
	stage_free(held);
	CHECK(fixture_objects(&x) == 1);
	CHECK(fixture_is_clean(&x));
	free(bytes);
	fixture_release(&x);
}

/* How many of the 256 folders are there. */
static int
count_folders(struct fixture *x)
{
	int n = 0;

	for (unsigned i = 0; i < 256; i++) {
		struct stat st;
		char path[96];

		snprintf(path, sizeof(path), "%s/objects/%02x", x->dir, i);
		n += stat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
		     (st.st_mode & 07777) == 02770;
	}
	return n;
}

/* Every folder is made before anything goes into it, none while mail comes:
 * its own name in objects/ might not be on disk yet. */
static void
folders_are_made_at_open(void)
{
	struct fixture x;
	char *bytes = fixture_noise(300000, 8), path[300];
	struct str s = {bytes, 300000};
	struct stage *stage;
	struct fail f;
	sqlite3_stmt *st;

	fixture_init(&x);
	CHECK(count_folders(&x) == 256);
	keep(&x, s);
	CHECK(sqlite3_prepare_v2(x.db->sqlite, "SELECT file FROM body", -1, &st,
		  NULL) == SQLITE_OK);
	CHECK(sqlite3_step(st) == SQLITE_ROW);
	snprintf(path, sizeof(path), "%s/%s", x.dir,
	    (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	CHECK(unlink(path) == 0);
	*strrchr(path, '/') = '\0';
	CHECK(rmdir(path) == 0);
	stage = stage_new(x.dir);
	stage_add(stage, s);
	CHECK(stage_seal(stage, STR(""), &f) == -1 && f.kind == FAIL_TEMP);
	stage_free(stage);
	CHECK(fixture_objects(&x) == 0 && count_folders(&x) == 255);
	/* a copy brought back without its empty folders */
	db_close(x.db);
	fixture_open(&x);
	CHECK(count_folders(&x) == 256);
	keep(&x, s);
	CHECK(fixture_objects(&x) == 1);
	free(bytes);
	fixture_release(&x);
}

static int said;

/* No transaction is open while bodies are read, or the log would grow. */
static void
count_sentence(void *arg, const char *sentence)
{
	(void)sentence;
	said++;
	CHECK(txn_is_lost(arg));
}

static void
want_an_end(void *arg, const char *sentence)
{
	(void)sentence;
	said++;
	db_interrupt(arg);
}

/* Change a stored octet: never served as if nothing were. */
static void
damage_is_seen(void)
{
	struct fixture x;
	char *bytes = fixture_noise(300000, 9), *name, *path;
	int64_t small, large;
	struct buf out;
	struct fail f;
	FILE *file;

	fixture_init(&x);
	small = keep(&x, STR("Subject: a\r\n\r\nplain text, plain text\r\n"));
	large = keep(&x, (struct str){bytes, 300000});
	MUST(txn_lock(x.db, &why));
	MUST(sql_exec(x.db->sqlite,
	    "UPDATE body_data SET data = CAST(substr(data, 1, 19) || x'00'"
	    " || substr(data, 21) AS BLOB)",
	    &why));
	txn_unlock(x.db);
	sqlite3_stmt *st;
	CHECK(sqlite3_prepare_v2(x.db->sqlite,
		  "SELECT file FROM body"
		  " WHERE file IS NOT NULL",
		  -1, &st, NULL) == SQLITE_OK);
	CHECK(sqlite3_step(st) == SQLITE_ROW);
	name = sql_dup(st, 0);
	sqlite3_finalize(st);
	path = mem_new(200, 1);
	snprintf(path, 200, "%s/%s", x.dir, name);
	file = fopen(path, "r+");
	CHECK(file != NULL && fseek(file, 200000, SEEK_SET) == 0);
	CHECK(fputc(bytes[200000] ^ 1, file) != EOF && fclose(file) == 0);
	buf_init(&out, 300000);
	CHECK(fixture_body(&x, small, 4096, &out, &f) == -1);
	CHECK(f.kind == FAIL_PERM);
	buf_clear(&out);
	CHECK(fixture_body(&x, large, 4096, &out, &f) == -1);
	CHECK(f.kind == FAIL_PERM);
	said = 0;
	CHECK(db_check(x.db, count_sentence, x.db, &f) == 1 && said == 2);
	CHECK(truncate(path, 1000) == 0);
	buf_clear(&out);
	CHECK(fixture_body(&x, large, 4096, &out, &f) == -1);
	CHECK(f.kind == FAIL_PERM);
	CHECK(unlink(path) == 0);
	buf_clear(&out);
	CHECK(fixture_body(&x, large, 4096, &out, &f) == -1);
	said = 0;
	CHECK(db_check(x.db, count_sentence, x.db, &f) == 1 && said == 2);
	/* whoever waits for it may end it */
	said = 0;
	CHECK(db_check(x.db, want_an_end, x.db, &f) == -1 && said == 1);
	CHECK(f.kind == FAIL_TEMP && strstr(f.text, "interrupted") != NULL);
	CHECK(db_check(x.db, want_an_end, x.db, &f) == -1 && said == 1);
	buf_release(&out);
	free(path);
	free(name);
	free(bytes);
	fixture_release(&x);
}

/* Change what is stored. */
static void
harm(struct fixture *x, const char *sql)
{
	MUST(txn_lock(x->db, &why));
	MUST(sql_exec(x->db->sqlite, sql, &why));
	txn_unlock(x->db);
}

static int
open_body(struct db *db, void *arg, struct fail *f)
{
	int64_t id;

	if (sql_number(db, &id, "SELECT max(id) FROM body", f, "") != 1)
		return -1;
	*(struct body **)arg = body_open(db, id, f);
	return *(struct body **)arg != NULL ? 0 : -1;
}

/* A small one is unpacked when it is opened: what is wrong with it is said when
 * it is read, as of others, and a wrong hash to who asks for that. */
static void
small_ones_are_whole(void)
{
	struct fixture x;
	char text[10000];
	struct str all = {text, sizeof(text)}, whole;
	struct body *b;
	struct buf out;
	struct fail f;
	int got = 1;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "Lorem ipsum dolor\r\n"[i % 19];
	fixture_init(&x);
	keep(&x, all);
	buf_init(&out, sizeof(text));
	for (int harmed = 0; harmed < 2; harmed++) {
		MUST(db_read(x.db, open_body, &b, &why));
		whole = body_whole(b);
		CHECK(str_eq(whole, all));
		buf_clear(&out);
		for (got = 1; got == 1;)
			got = body_read(b, 999, &out, &f);
		CHECK(got == 0 && str_eq(buf_str(&out), all));
		CHECK(body_verify(b, &f) == -harmed);
		body_free(b);
		harm(&x, "UPDATE body SET hash = zeroblob(32)");
	}
	harm(&x, "UPDATE body_data SET data = CAST(substr(data, 1,"
		 " length(data) - 1) || x'00' AS BLOB)");
	MUST(db_read(x.db, open_body, &b, &why));
	CHECK(body_whole(b).at == NULL);
	for (got = 1, buf_clear(&out); got == 1;)
		got = body_read(b, 999, &out, &f);
	CHECK(got == -1 && f.kind == FAIL_PERM);
	body_free(b);
	buf_release(&out);
	fixture_release(&x);
}

int
main(void)
{
	sizes_come_back();
	every_piece_size();
	large_ones_are_shared_and_swept();
	a_lost_file_is_not_shared();
	orphans_go_stages_stay();
	folders_are_made_at_open();
	damage_is_seen();
	small_ones_are_whole();
	return TEST_EXIT();
}
