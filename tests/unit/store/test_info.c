/* SPDX-License-Identifier: MIT */
/* What is kept beside bodies and mailboxes: info, metadata; and search.db. */
#include <sys/stat.h>

#include "common/store/info.h"
#include "common/store/metadata.h"
#include "tests/unit/store/fixture.h"

#define MAIL                                                                   \
	"Message-ID: <one@d.test>\r\n"                                         \
	"In-Reply-To: <zero@d.test>\r\n"                                       \
	"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"                            \
	"Subject: hello\r\n"                                                   \
	"\r\n"                                                                 \
	"The text.\r\n"

static int64_t
deliver(struct fixture *x, struct str bytes, bool local)
{
	struct delivery_target t = {local ? x->alice : 0,
	    local ? STR("alice@d.test") : STR("bob@remote.test"),
	    .original = STR("")};
	struct fail f;

	CHECK(fixture_deliver(x, bytes, &t, 1, &f) > 0);
	return fixture_number(x, "SELECT max(id) FROM body");
}

struct question {
	int64_t body;
	unsigned want;
	struct info *info;
	int got;
};

static int
read_info(struct db *db, void *arg, struct fail *f)
{
	struct question *q = arg;

	q->got = info_read(db, q->body, q->want, q->info, f);
	return q->got == -1 ? -1 : 0;
}

static int
ask(struct fixture *x, int64_t body, unsigned want, struct info *info,
    struct fail *f)
{
	struct question q = {body, want, info, 0};

	return db_read(x->db, read_info, &q, f) == -1 ? -1 : q.got;
}

static void
forget_info(struct fixture *x)
{
	MUST(txn_lock(x->db, &why));
	MUST(sql_exec(x->db->sqlite, "DELETE FROM body_info", &why));
	txn_unlock(x->db);
}

static int64_t
n_info(struct fixture *x)
{
	return fixture_number(x, "SELECT count(*) FROM body_info");
}

/* Kept or found again, it is the same; what is not asked for is empty. */
static void
info_is_the_same_either_way(void)
{
	struct fixture x;
	struct info kept, found;
	struct fail f;
	int64_t id;

	fixture_init(&x);
	info_init(&kept);
	info_init(&found);
	id = deliver(&x, STR(MAIL), true);
	CHECK(n_info(&x) == 1);
	CHECK(ask(&x, id, INFO_ALL, &kept, &f) == 1);
	CHECK(kept.has_sent && kept.sent_s == 1795341600);
	CHECK(str_eq(kept.refs, STR("one@d.test\nzero@d.test\n")));
	CHECK(kept.envelope.len > 0 && kept.structure.len > 0);
	CHECK(kept.parts.len > 0);
	CHECK(str_eq(kept.preview, STR("The text.")));
	for (unsigned want = 0; want <= INFO_ALL; want++) {
		if (want == 0)
			forget_info(&x);
		CHECK(ask(&x, id, want, &found, &f) == 1);
		CHECK(!(want & INFO_SENT) ||
		      (found.has_sent && found.sent_s == kept.sent_s));
		CHECK(str_eq(found.envelope,
		    want & INFO_ENVELOPE ? kept.envelope : STR("")));
		CHECK(str_eq(found.structure,
		    want & INFO_STRUCTURE ? kept.structure : STR("")));
		CHECK(str_eq(
		    found.parts, want & INFO_PARTS ? kept.parts : STR("")));
		CHECK(
		    str_eq(found.refs, want & INFO_REFS ? kept.refs : STR("")));
		CHECK(str_eq(found.preview,
		    want & INFO_PREVIEW ? kept.preview : STR("")));
	}
	CHECK(ask(&x, id + 1, INFO_ALL, &found, &f) == 0);
	CHECK(fixture_is_clean(&x));
	info_release(&kept);
	info_release(&found);
	fixture_release(&x);
}

static int
sweep(struct db *db, void *arg, struct fail *f)
{
	return body_sweep(db, 200, arg, f);
}

static int
empty_inbox(struct db *db, void *arg, struct fail *f)
{
	struct fixture *x = arg;
	struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};
	uint32_t uids[] = {1, 2, 3, 4, 5};
	struct mailbox m;
	int64_t modseq;
	size_t n;

	if (mailbox_find(db, x->alice, STR("INBOX"), &m, f) != 1)
		return -1;
	return message_expunge(
	    db, m.id, uids, 5, false, &who, NULL, &n, &modseq, f);
}

/* Only what a mailbox holds has a row; it goes with the body. */
static void
info_of_whom(void)
{
	struct fixture x;
	struct info i;
	char *bytes = fixture_noise(300000, 3);
	struct str large = {bytes, 300000};
	struct fail f;
	int64_t id;
	size_t n;

	fixture_init(&x);
	info_init(&i);
	id = deliver(&x, STR(MAIL), false);
	CHECK(n_info(&x) == 0);
	CHECK(ask(&x, id, INFO_REFS, &i, &f) == 1 && i.refs.len > 0);
	id = deliver(&x, large, false);
	CHECK(n_info(&x) == 0);
	/* an equal one, this time for a mailbox; and once more */
	CHECK(deliver(&x, large, true) == id && n_info(&x) == 1);
	CHECK(deliver(&x, large, true) == id && n_info(&x) == 1);
	deliver(&x, STR(MAIL), true);
	deliver(&x, STR(MAIL), false); /* the highest is not swept */
	CHECK(n_info(&x) == 2);
	MUST(db_write(x.db, empty_inbox, &x, &why));
	MUST(db_write(x.db, sweep, &n, &why));
	CHECK(n == 1 && n_info(&x) == 1); /* the queue holds the large one */
	CHECK(fixture_is_clean(&x));
	/* a body that is damaged says so */
	forget_info(&x);
	MUST(txn_lock(x.db, &why));
	MUST(sql_exec(x.db->sqlite,
	    "UPDATE body_data SET data = CAST(substr(data, 2) AS BLOB)", &why));
	txn_unlock(x.db);
	CHECK(ask(&x, 1, INFO_REFS, &i, &f) == -1 && f.kind == FAIL_PERM);
	info_release(&i);
	free(bytes);
	fixture_release(&x);
}

struct entry {
	struct fixture *x;
	int64_t account, mailbox;
	struct str name;
	const struct str *value;
	int got;
};

static int
set_entry(struct db *db, void *arg, struct fail *f)
{
	struct entry *e = arg;

	e->got = metadata_set(db, e->account, e->mailbox, e->name, e->value, f);
	return e->got == -1 ? -1 : 0;
}

static int
set(struct fixture *x, int64_t mailbox, const char *name, const char *value)
{
	struct str v = str_of(value);
	struct entry e = {
	    x, x->alice, mailbox, str_of(name), value != NULL ? &v : NULL, 0};

	MUST(db_write(x->db, set_entry, &e, &why));
	return e.got;
}

static void
add_entry(void *arg, struct str name, struct str value)
{
	buf_addf(arg, "%.*s=%.*s ", STR_FMT(name), STR_FMT(value));
}

static void
check_entries(struct fixture *x, int64_t mailbox, const char *want)
{
	struct buf b;

	buf_init(&b, 1000);
	buf_add(&b, STR("."));
	MUST(metadata_each(x->db, x->alice, mailbox, add_entry, &b, &why));
	CHECK_STR(b.data, want);
	buf_release(&b);
}

static void
metadata(void)
{
	struct fixture x;
	char name[32];

	fixture_init(&x);
	CHECK(set(&x, 0, "/private/b", "two") == 1);
	CHECK(set(&x, 0, "/private/a", "") == 1);
	CHECK(set(&x, 1, "/private/a", "box") == 1);
	check_entries(&x, 0, "./private/a= /private/b=two ");
	check_entries(&x, 1, "./private/a=box ");
	check_entries(&x, 2, ".");
	CHECK(set(&x, 0, "/PRIVATE/B", "three") == 1);
	check_entries(&x, 0, "./private/a= /private/b=three ");
	CHECK(set(&x, 0, "/Private/B", NULL) == 1);
	CHECK(set(&x, 0, "/private/never", NULL) == 1);
	check_entries(&x, 0, "./private/a= ");
	for (int i = 2; i < METADATA_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "/private/n%d", i);
		CHECK(set(&x, 1 + i % 2, name, "x") == 1);
	}
	CHECK(set(&x, 0, "/private/more", "x") == 0);
	CHECK(set(&x, 0, "/private/a", "changed") == 1);
	CHECK(set(&x, 0, "/private/a", NULL) == 1);
	CHECK(set(&x, 0, "/private/more", "x") == 1);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
index_it(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite,
	    "INSERT INTO gram (rowid, text) VALUES (7, 'some text')", f);
}

/* A database of its own, with a lock of its own. */
static void
search_db(void)
{
	struct fixture x;
	struct db *search, *reader;
	struct stat st;
	char path[100];
	struct fail f;

	fixture_init(&x);
	CHECK(db_open(x.dir, DB_SEARCH, DB_READER, &f) == NULL);
	search = db_open(x.dir, DB_SEARCH, DB_WRITER, &f);
	CHECK(search != NULL);
	MUST(txn_lock(x.db, &why)); /* mail is being delivered */
	MUST(db_write(search, index_it, NULL, &why));
	txn_unlock(x.db);
	reader = db_open(x.dir, DB_SEARCH, DB_READER, &f);
	CHECK(reader != NULL);
	CHECK(db_write(search, index_it, NULL, &f) == 0);
	CHECK(db_check(search, fixture_say, NULL, &f) == 0);
	snprintf(path, sizeof(path), "%s/search/search.db", x.dir);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0660);
	snprintf(path, sizeof(path), "%s/search", x.dir);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 02770);
	snprintf(path, sizeof(path), "%s/search.lock.b", x.dir);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0660);
	db_close(reader);
	db_close(search);
	fixture_release(&x);
}

int
main(void)
{
	info_is_the_same_either_way();
	info_of_whom();
	metadata();
	search_db();
	return TEST_EXIT();
}
