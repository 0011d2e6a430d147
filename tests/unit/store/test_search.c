/* SPDX-License-Identifier: MIT */
/* search.db: whatever state it is in, what a search finds is the same. */
#include "common/store/search.h"

#include <sys/stat.h>

#include "common/mime/text.h"
#include "common/store/search_db.h"
#include "tests/unit/store/fixture.h"

#define MESSAGES 40
#define NEEDLES  150

struct world {
	struct fixture x;
	struct db *reader, *search; /* as popd's and maild's */
	uint64_t seed;
	int64_t bodies[MESSAGES]; /* 0: deleted */
	struct buf truth[MESSAGES];
};

static uint64_t
random_below(struct world *w, uint64_t n)
{
	w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (w->seed >> 33) % n;
}

/* Few letters, so that needles are found, of every kind. */
static void
add_letters(struct world *w, size_t n, struct buf *out)
{
	static const char *const letters[] = {"a", "B", "e", "\xc3\xa9", "E",
	    "\xcc\x81", "\xc3\x9f", "\xe6\xbc\xa2", "\xe5\xad\x97",
	    "\xf0\x9f\x98\x80", "\"", "'", " ", "*", "-", "AND", "\xef\xbf\xbe",
	    "\xea\xb0\x81", "(", ":"};

	for (; n > 0; n--)
		buf_add(out, str_of(letters[random_below(
				 w, sizeof(letters) / sizeof(letters[0]))]));
}

static int64_t
deliver(struct world *w, struct str bytes)
{
	struct delivery_target t = {
	    w->x.alice, STR("alice@d.test"), .original = STR("")};
	struct fail f;

	CHECK(fixture_deliver(&w->x, bytes, &t, 1, &f) > 0);
	return fixture_number(&w->x, "SELECT max(id) FROM body");
}

static void
open_search(struct world *w)
{
	struct fail f;

	w->search = db_open(w->x.dir, DB_SEARCH, DB_WRITER, &f);
	CHECK(w->search != NULL);
}

static void
begin(struct world *w)
{
	struct fail f;

	*w = (struct world){.seed = 11};
	fixture_init(&w->x);
	w->reader = db_open(w->x.dir, DB_MAIL, DB_READER, &f);
	CHECK(w->reader != NULL);
}

static void
end(struct world *w)
{
	db_close(w->search);
	db_close(w->reader);
	fixture_release(&w->x);
}

/* ---- what popd asks ---- */

struct question {
	struct str needle;
	int64_t body;
	struct buf head, text;
	int64_t *found;
	size_t n;
	int64_t indexed;
	int got;
};

static int
ask_candidates(struct db *db, void *arg, struct fail *f)
{
	struct question *q = arg;

	q->got = search_candidates(
	    db, &q->needle, 1, &q->found, &q->n, &q->indexed, f);
	return 0;
}

static int
candidates(struct world *w, struct str needle, struct question *q)
{
	*q = (struct question){.needle = needle};
	MUST(db_read(w->reader, ask_candidates, q, &why));
	return q->got;
}

static int
ask_text(struct db *db, void *arg, struct fail *f)
{
	struct question *q = arg;

	q->got = search_text(db, q->body, &q->head, &q->text, f);
	return q->got == -1 ? -1 : 0;
}

/* head, then text; the result of search_text(). */
static int
read_text(struct world *w, int64_t body, struct buf *out, struct fail *f)
{
	struct question q = {.body = body};
	int rc;

	buf_init(&q.head, TEXT_MAX);
	buf_init(&q.text, TEXT_MAX);
	buf_init(out, 2 * TEXT_MAX);
	rc = db_read(w->reader, ask_text, &q, f);
	buf_add(out, buf_str(&q.head));
	buf_add(out, buf_str(&q.text));
	buf_release(&q.head);
	buf_release(&q.text);
	return rc == -1 ? -1 : q.got;
}

static bool
is_in(int64_t body, const struct question *q)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->found[i] == body)
			return true;
	return false;
}

static int64_t
fact(struct world *w, const char *key)
{
	int64_t n = -1;

	MUST(search_fact(w->search, key, &n, &why));
	return n;
}

struct setting {
	const char *key;
	int64_t value;
};

static int
set_fact(struct db *db, void *arg, struct fail *f)
{
	const struct setting *s = arg;

	return search_set_fact(db, s->key, s->value, f);
}

static bool
index_some(struct world *w, size_t max)
{
	bool more = false;

	MUST(search_index(w->reader, w->search, max, &more, &why));
	return more;
}

static void
index_all(struct world *w)
{
	while (index_some(w, 7))
		continue;
}

/* ---- finding the same in every state ---- */

static void
compare_texts(struct world *w, const char *state)
{
	for (size_t i = 0; i < MESSAGES; i++) {
		struct buf text;
		struct fail f;
		int got;

		if (w->bodies[i] == 0)
			continue;
		got = read_text(w, w->bodies[i], &text, &f);
		if (got != 1 ||
		    !str_eq(buf_str(&text), buf_str(&w->truth[i]))) {
			fprintf(stderr, "%s: body %lld: the text differs\n",
			    state, (long long)w->bodies[i]);
			test_failures++;
		}
		buf_release(&text);
	}
}

/* No body that has the needle is missing; how many needles were in the index
 * at all. */
static size_t
compare_candidates(struct world *w, const char *state)
{
	size_t helped = 0, hits = 0;

	for (int n = 0; n < NEEDLES; n++) {
		struct buf given, needle;
		struct question q;
		size_t at;

		buf_init(&given, 1 * KB);
		buf_init(&needle, 1 * KB);
		add_letters(w, 1 + random_below(w, 12), &given);
		text_fold(buf_str(&given), &needle);
		if (candidates(w, buf_str(&needle), &q) == 1) {
			helped++;
			for (size_t i = 0; i < MESSAGES; i++) {
				if (w->bodies[i] == 0 ||
				    w->bodies[i] > q.indexed ||
				    !str_find_str(buf_str(&w->truth[i]),
					buf_str(&needle), &at))
					continue;
				hits++;
				if (!is_in(w->bodies[i], &q)) {
					fprintf(stderr,
					    "%s: \"%s\" is in body %lld\n",
					    state, needle.data,
					    (long long)w->bodies[i]);
					test_failures++;
				}
			}
			for (size_t i = 1; i < q.n; i++)
				CHECK(q.found[i - 1] < q.found[i]);
			free(q.found);
		}
		buf_release(&given);
		buf_release(&needle);
	}
	CHECK(helped == 0 || w->search == NULL || fact(w, "indexed") == 0 ||
	      hits > 0);
	return helped;
}

static void
fill(struct world *w)
{
	for (size_t i = 0; i < MESSAGES; i++) {
		struct buf m;
		struct fail f;

		buf_init(&m, 64 * KB);
		buf_add(&m, STR("Subject: "));
		add_letters(w, 20, &m);
		buf_add(&m, STR("\r\n\r\n"));
		add_letters(w, 500, &m);
		buf_add_char(&m, '\0'); /* hides nothing behind it */
		add_letters(w, 500, &m);
		w->bodies[i] = deliver(w, buf_str(&m));
		buf_release(&m);
		CHECK(read_text(w, w->bodies[i], &w->truth[i], &f) == 1);
		CHECK(w->truth[i].len > 1000);
	}
}

static int
sweep_bodies(struct db *db, void *arg, struct fail *f)
{
	return body_sweep(db, 200, arg, f);
}

static int
expunge(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;
	struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};
	uint32_t uids[MESSAGES];
	struct mailbox m;
	int64_t modseq;
	size_t n = 0, gone;

	/* every second one; the highest body is never swept */
	for (uint32_t i = 0; i + 1 < MESSAGES; i += 2) {
		w->bodies[i] = 0;
		uids[n++] = i + 1;
	}
	if (mailbox_find(db, w->x.alice, STR("INBOX"), &m, f) != 1)
		return -1;
	return message_expunge(
	    db, m.id, uids, n, false, &who, NULL, &gone, &modseq, f);
}

static void
remove_half(struct world *w)
{
	size_t n;
	bool over = false;
	int rounds = 0;

	MUST(db_write(w->x.db, expunge, w, &why));
	MUST(db_write(w->x.db, sweep_bodies, &n, &why));
	CHECK(n == MESSAGES / 2);
	while (!over && rounds++ < 100)
		MUST(search_sweep(w->reader, w->search, 7, &over, &why));
	CHECK(rounds == MESSAGES / 7 + 1);
	CHECK(fact(w, "dead") == MESSAGES / 2);
	CHECK(fact(w, "texts") == MESSAGES / 2);
	CHECK(fact(w, "swept") == 0);
}

static void
it_finds_the_same_in_every_state(void)
{
	struct world w;
	struct question q;
	struct buf text;
	struct fail f;

	begin(&w);
	fill(&w);
	compare_texts(&w, "absent");
	CHECK(compare_candidates(&w, "absent") == 0);
	open_search(&w);
	compare_texts(&w, "empty");
	compare_candidates(&w, "empty");
	CHECK(index_some(&w, 15));
	CHECK(fact(&w, "indexed") == w.bodies[14] && fact(&w, "texts") == 15);
	compare_texts(&w, "in part");
	CHECK(compare_candidates(&w, "in part") > NEEDLES / 2);
	CHECK(index_some(&w, MESSAGES - 16) && !index_some(&w, 15));
	CHECK(!index_some(&w, 15));
	CHECK(fact(&w, "indexed") == w.bodies[MESSAGES - 1]);
	compare_texts(&w, "whole");
	CHECK(compare_candidates(&w, "whole") > NEEDLES / 2);
	CHECK(candidates(&w, STR("AB"), &q) == 0);
	CHECK(candidates(&w, STR("NOT THERE"), &q) == 1 && q.n == 0);
	free(q.found);
	remove_half(&w);
	compare_texts(&w, "half gone");
	CHECK(compare_candidates(&w, "half gone") > NEEDLES / 2);
	CHECK(read_text(&w, 1, &text, &f) == 0); /* no such body now */
	buf_release(&text);
	MUST(search_rebuild(w.search, &why));
	CHECK(fact(&w, "indexed") == 0 && fact(&w, "dead") == 0);
	compare_texts(&w, "begun anew");
	compare_candidates(&w, "begun anew");
	index_all(&w);
	CHECK(fact(&w, "texts") == MESSAGES / 2);
	compare_texts(&w, "built again");
	CHECK(compare_candidates(&w, "built again") > NEEDLES / 2);
	CHECK(fixture_is_clean(&w.x));
	for (size_t i = 0; i < MESSAGES; i++)
		buf_release(&w.truth[i]);
	end(&w);
}

/* A needle far longer than is asked for, and many of them. */
static void
many_needles(void)
{
	struct world w;
	struct str needles[60];
	int64_t *found, indexed;
	char text[400];
	struct fail f;
	size_t n;

	begin(&w);
	memset(text, 'X', sizeof(text));
	memcpy(text, "Subject: \r\n\r\n", 13);
	for (size_t i = 13; i < sizeof(text); i++)
		text[i] = (char)('A' + i * i % 23);
	deliver(&w, (struct str){text, sizeof(text)});
	open_search(&w);
	index_all(&w);
	for (size_t i = 0; i < 60; i++)
		needles[i] = (struct str){text + 20 + i, 300};
	CHECK(search_candidates(
		  w.reader, needles, 60, &found, &n, &indexed, &f) == 1);
	CHECK(n == 1 && found[0] == 1 && indexed == 1);
	free(found);
	/* the short one among them does not matter */
	needles[0] = STR("\"\"");
	needles[1] = STR("\"\"\"");
	CHECK(search_candidates(
		  w.reader, needles, 2, &found, &n, &indexed, &f) == 1);
	CHECK(n == 0);
	free(found);
	CHECK(search_candidates(
		  w.reader, needles, 1, &found, &n, &indexed, &f) == 0);
	CHECK(search_candidates(
		  w.reader, needles, 0, &found, &n, &indexed, &f) == 0);
	end(&w);
}

/* ---- trouble ---- */

static void
change(struct db *db, const char *sql)
{
	MUST(txn_lock(db, &why));
	MUST(sql_exec(db->sqlite, sql, &why));
	txn_unlock(db);
}

static void
bodies_that_cannot_be_read(void)
{
	struct world w;
	struct question q;
	struct buf text;
	struct fail f;

	begin(&w);
	deliver(&w, STR("Subject: one\r\n\r\nfirst\r\n"));
	deliver(&w, STR("Subject: two\r\n\r\nsecond\r\n"));
	deliver(&w, STR("Subject: three\r\n\r\nthird\r\n"));
	change(w.x.db, "UPDATE body_data SET data = x'00' WHERE body = 2;"
		       "DELETE FROM body_info WHERE body = 2");
	open_search(&w);
	index_all(&w);
	CHECK(fact(&w, "indexed") == 3 && fact(&w, "texts") == 2);
	CHECK(read_text(&w, 2, &text, &f) == -1 && f.kind == FAIL_PERM);
	buf_release(&text);
	CHECK(candidates(&w, STR("THIRD"), &q) == 1);
	CHECK(q.n == 1 && q.found[0] == 3);
	free(q.found);
	/* a text that is damaged is made again */
	change(w.search, "UPDATE text SET data = x'00' WHERE body = 3;"
			 "UPDATE text SET size = -1 WHERE body = 1");
	CHECK(read_text(&w, 3, &text, &f) == 1);
	CHECK_STR(text.data, "SUBJECT: THREE\n\nTHIRD\n\n");
	buf_release(&text);
	CHECK(read_text(&w, 1, &text, &f) == 1);
	CHECK_STR(text.data, "SUBJECT: ONE\n\nFIRST\n\n");
	buf_release(&text);
	end(&w);
}

/* What is indexed is of another mail.db, or was made by an older program. */
static void
an_index_of_something_else(void)
{
	static const struct setting wrong[] = {
	    {"indexed", 50              },
            {"made_as", TEXT_VERSION + 1}
        };
	struct world w;

	begin(&w);
	deliver(&w, STR("Subject: one\r\n\r\nfirst\r\n"));
	open_search(&w);
	for (size_t i = 0; i < 2; i++) {
		index_all(&w);
		CHECK(fact(&w, "indexed") == 1 && fact(&w, "texts") == 1);
		CHECK(fact(&w, "made_as") == TEXT_VERSION);
		MUST(db_write(
		    w.search, set_fact, (void *)(uintptr_t)&wrong[i], &why));
		CHECK(index_some(&w, 5) && fact(&w, "indexed") == 0);
	}
	index_all(&w);
	CHECK(fact(&w, "indexed") == 1 && fact(&w, "texts") == 1);
	end(&w);
}

/* An old mail.db was put back, and more came than was lost. */
static void
an_index_of_what_was_lost(void)
{
	struct world w;
	struct question q;

	begin(&w);
	deliver(&w, STR("Subject: one\r\n\r\nfirst\r\n"));
	deliver(&w, STR("Subject: two\r\n\r\nsecond\r\n"));
	open_search(&w);
	index_all(&w);
	change(w.x.db, "DELETE FROM message WHERE body = 2;"
		       "DELETE FROM body_info WHERE body = 2;"
		       "DELETE FROM body_data WHERE body = 2;"
		       "DELETE FROM body WHERE id = 2");
	deliver(&w, STR("Subject: three\r\n\r\nthird\r\n"));
	deliver(&w, STR("Subject: four\r\n\r\nfourth\r\n"));
	index_all(&w);
	CHECK(fact(&w, "indexed") == 3 && fact(&w, "texts") == 3);
	CHECK(candidates(&w, STR("SECOND"), &q) == 1 && q.n == 0);
	free(q.found);
	CHECK(candidates(&w, STR("THIRD"), &q) == 1 && q.n == 1);
	free(q.found);
	end(&w);
}

/* A reader that was opened before finds the new file. */
static void
another_file_of_that_name(void)
{
	struct world w;
	struct question q;
	struct fail f;

	begin(&w);
	deliver(&w, STR("Subject: one\r\n\r\nfirst\r\n"));
	CHECK(candidates(&w, STR("FIRST"), &q) == 0);
	open_search(&w);
	index_all(&w);
	CHECK(candidates(&w, STR("FIRST"), &q) == 1 && q.n == 1);
	free(q.found);
	CHECK(db_is_current(w.search));
	CHECK(db_discard(w.x.dir, DB_SEARCH, &f) == 0);
	CHECK(!db_is_current(w.search));
	CHECK(db_discard(w.x.dir, DB_SEARCH, &f) == 0); /* there is none */
	CHECK(candidates(&w, STR("FIRST"), &q) == 0);
	db_close(w.search);
	open_search(&w);
	CHECK(candidates(&w, STR("FIRST"), &q) == 1 && q.indexed == 0);
	free(q.found);
	index_all(&w);
	CHECK(candidates(&w, STR("FIRST"), &q) == 1 && q.n == 1);
	free(q.found);
	end(&w);
}

static void
overwrite(
    struct world *w, const char *name, long at, const char *with, size_t n)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", w->x.dir, name);
	file = fopen(path, "r+b");
	CHECK(file != NULL && fseek(file, at, SEEK_SET) == 0 &&
	      fwrite(with, 1, n, file) == n);
	fclose(file);
}

static int
checkpoint(struct world *w)
{
	return sqlite3_wal_checkpoint_v2(
	    w->search->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* Every page, one after another, is noise: nothing but the time it takes
 * differs, or it is begun anew. */
static void
a_damaged_file(void)
{
	char *noise = fixture_noise(4096, 5);
	struct world w;
	struct question q;
	struct buf text;
	struct fail f;
	int64_t pages;
	int refused = 0;

	begin(&w);
	deliver(&w, STR("Subject: one\r\n\r\nfirst\r\n"));
	open_search(&w);
	index_all(&w);
	pages = 3;
	for (int page = 0; page < pages; page++) {
		bool more;

		CHECK(checkpoint(&w) == SQLITE_OK);
		MUST(sql_number(
		    w.search, &pages, "PRAGMA page_count", &why, ""));
		db_close(w.search);
		db_close(w.reader);
		overwrite(
		    &w, "search/search.db", (long)page * 4096, noise, 4096);
		w.reader = db_open(w.x.dir, DB_MAIL, DB_READER, &f);
		if (candidates(&w, STR("FIRST"), &q) == 1)
			free(q.found);
		CHECK(read_text(&w, 1, &text, &f) == 1);
		CHECK_STR(text.data, "SUBJECT: ONE\n\nFIRST\n\n");
		buf_release(&text);
		deliver(&w, STR("Subject: x\r\n\r\nmore\r\n"));
		w.search = db_open(w.x.dir, DB_SEARCH, DB_WRITER, &f);
		if (w.search == NULL ||
		    search_index(w.reader, w.search, 5, &more, &f) == -1) {
			/* said to be the fault of search.db, when it opened */
			CHECK(w.search == NULL || f.kind == FAIL_PERM);
			refused++;
		}
		db_close(w.search);
		CHECK(db_discard(w.x.dir, DB_SEARCH, &f) == 0);
		open_search(&w);
		index_all(&w);
		CHECK(candidates(&w, STR("FIRST"), &q) == 1 && q.n == 1);
		free(q.found);
	}
	CHECK(pages > 5 && refused > 2);
	CHECK(fixture_is_clean(&w.x));
	free(noise);
	end(&w);
}

/* What fails in mail.db is not search.db's fault. */
static void
the_fault_is_of_mail(void)
{
	struct world w;
	struct fail f;
	bool more;

	begin(&w);
	deliver(&w, STR("Subject: one\r\n\r\nfirst\r\n"));
	open_search(&w);
	change(w.x.db, "ALTER TABLE body RENAME TO other");
	CHECK(search_index(w.reader, w.search, 5, &more, &f) == -1);
	CHECK(f.kind == FAIL_TEMP && !more);
	change(w.x.db, "ALTER TABLE other RENAME TO body");
	change(w.search, "ALTER TABLE text RENAME TO other");
	CHECK(search_index(w.reader, w.search, 5, &more, &f) == -1);
	CHECK(f.kind == FAIL_PERM && fact(&w, "indexed") == 0);
	end(&w);
}

int
main(void)
{
	it_finds_the_same_in_every_state();
	many_needles();
	bodies_that_cannot_be_read();
	an_index_of_something_else();
	an_index_of_what_was_lost();
	another_file_of_that_name();
	a_damaged_file();
	the_fault_is_of_mail();
	return TEST_EXIT();
}
