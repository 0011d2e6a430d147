/* SPDX-License-Identifier: MIT */
#include "tests/fault/world.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/store/backup_place.h"
#include "common/store/search.h"

/* ---- making and copying ---- */

void
world_in_memory(void)
{
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
}

char *
world_octets(size_t size, uint64_t seed)
{
	static const char head[] = "Content-Type: application/octet-stream\r\n"
				   "Content-Transfer-Encoding: binary\r\n\r\n";
	char *octets = fixture_noise(size, seed);

	ENSURE(size >= sizeof(head));
	memcpy(octets, head, sizeof(head) - 1);
	return octets;
}

void
world_says(struct world *w)
{
	w->said++;
	if (w->say != NULL)
		w->say(w->say_arg, w->said);
}

/* Two messages in alice's INBOX, of which one waits to be relayed too, and a
 * large one of hers and bob's. */
static void
deliver_first(struct fixture *x)
{
	struct delivery_target relayed[] = {
	    {x->alice, STR("alice@d.test"),    .original = STR("")},
	    {0,        STR("old@remote.test"), .original = STR("")},
	};
	struct delivery_target both[] = {
	    {x->alice, STR("alice@d.test"), .original = STR("")},
	    {x->bob,   STR("bob@d.test"),   .original = STR("")},
	};
	char *noise = world_octets(150000, 3);
	struct fail f;

	ENSURE(fixture_deliver(x, STR("Subject: first\r\n\r\nOne.\r\n"),
		   relayed, 2, &f) == 1001);
	ENSURE(fixture_deliver(x, STR("Subject: second\r\n\r\nTwo.\r\n"),
		   relayed, 1, &f) == 1002);
	ENSURE(fixture_deliver(x, (struct str){noise, 150000}, both, 2, &f) ==
	       1003);
	free(noise);
}

void
world_begin(struct world *w, const struct act *act)
{
	*w = (struct world){.x = {.trace = 1000}};
	fixture_dir(w->x.dir);
	if (!act->empty) {
		fixture_open(&w->x);
		MUST(db_write(w->x.db, fixture_people, &w->x, &why));
		deliver_first(&w->x);
	}
	w->x.trace = 5000;
	if (act->prepare != NULL)
		act->prepare(w);
	world_close(w);
}

static void
copy_file(const char *from, const char *to)
{
	char chunk[65536];
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	ENSURE(in != -1 && out != -1);
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		ENSURE(write(out, chunk, (size_t)n) == n);
	close(in);
	close(out);
}

/* What is in a folder.  Object files never change: linked; their folders are
 * made when needed. */
static void
copy_folder(const char *from, const char *to, bool objects)
{
	DIR *d = opendir(from);
	struct dirent *entry;

	ENSURE(d != NULL);
	while ((entry = readdir(d)) != NULL) {
		char old[600], new[600];
		const char *name = entry->d_name;
		struct stat st;

		if (name[0] == '.')
			continue;
		snprintf(old, sizeof(old), "%.400s/%.120s", from, name);
		snprintf(new, sizeof(new), "%.400s/%.120s", to, name);
		if (lstat(old, &st) == -1)
			continue;
		if (S_ISDIR(st.st_mode)) {
			if (!objects)
				ENSURE(mkdir(new, 02770) == 0);
			copy_folder(
			    old, new, objects || strcmp(name, "objects") == 0);
		} else if (objects) {
			mkdir(to, 02770);
			ENSURE(link(old, new) == 0);
		} else if (strstr(name, "-shm") == NULL) {
			/* SQLite's locks are by inode, and this is another
			 * file: the living connection keeps its own */
			copy_file(old, new);
		}
	}
	closedir(d);
}

void
world_copy(const struct world *from, struct world *to)
{
	*to = *from;
	to->x.db = NULL;
	to->auth = NULL;
	to->say = NULL;
	fixture_dir(to->x.dir);
	copy_folder(from->x.dir, to->x.dir, false);
}

int
world_open(struct world *w, struct fail *f)
{
	w->x.db = db_open(w->x.dir, DB_MAIL, DB_WRITER, f);
	return w->x.db != NULL ? 0 : -1;
}

int
world_open_again(struct world *w, const struct act *act, struct fail *f)
{
	int rc = world_open(w, f);

	if (rc == -1 && act->again && backup_place_is_restoring(w->x.dir))
		return act->run(w, f);
	return rc;
}

void
world_close(struct world *w)
{
	db_close(w->x.db);
	w->x.db = NULL;
	db_close(w->auth);
	w->auth = NULL;
}

void
world_remove(struct world *w)
{
	world_close(w);
	fixture_remove_dir(w->x.dir);
}

/* ---- learning ---- */

/* No UID is given twice and no MODSEQ falls: of each mailbox of before. */
static const char sql_marks[] =
    "SELECT mailbox, uid_next, modseq FROM mailbox_state ORDER BY mailbox";

struct marks {
	int64_t mailbox[64], uid_next[64], modseq[64];
	size_t n;
};

static void
read_marks(struct world *w, struct marks *m)
{
	sqlite3_stmt *st;

	m->n = 0;
	ENSURE(sqlite3_prepare_v2(w->x.db->sqlite, sql_marks, -1, &st, NULL) ==
	       SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW && m->n < 64) {
		m->mailbox[m->n] = sqlite3_column_int64(st, 0);
		m->uid_next[m->n] = sqlite3_column_int64(st, 1);
		m->modseq[m->n++] = sqlite3_column_int64(st, 2);
	}
	sqlite3_finalize(st);
}

static void
check_marks(const struct marks *before, const struct marks *after)
{
	for (size_t i = 0; i < before->n; i++)
		for (size_t k = 0; k < after->n; k++) {
			if (before->mailbox[i] != after->mailbox[k])
				continue;
			ENSURE(after->uid_next[k] >= before->uid_next[i]);
			ENSURE(after->modseq[k] >= before->modseq[i]);
		}
}

struct learning {
	struct world *w;
	const struct act *act;
	struct world_history *h;
	struct marks marks;
};

static void
learn_step(void *arg, int said)
{
	struct learning *l = arg;
	struct marks marks;

	ENSURE(said <= WORLD_STEPS_MAX);
	if (said > WORLD_STEPS_MAX)
		exit(1);
	l->h->steps = said;
	world_look(l->w, l->act, &l->h->states[said]);
	if (said > 0)
		ENSURE(memcmp(&l->h->states[said], &l->h->states[said - 1],
			   sizeof(l->h->states[0])) != 0);
	read_marks(l->w, &marks);
	check_marks(&l->marks, &marks);
	l->marks = marks;
}

void
world_learn(
    const struct act *act, const struct world *model, struct world_history *h)
{
	struct world w;
	struct learning l = {.w = &w, .act = act, .h = h};
	struct fail f = {0};
	char words[WORLD_WHY_MAX];

	memset(h, 0, sizeof(*h));
	world_copy(model, &w);
	if (!act->opens) {
		MUST(world_open(&w, &why));
		learn_step(&l, 0);
		w.say = learn_step;
		w.say_arg = &l;
	}
	if (act->run(&w, &f) == -1) {
		fprintf(stderr, "%s, without faults: %s\n", act->name, f.text);
		exit(1);
	}
	if (act->opens)
		learn_step(&l, 0);
	if (!world_judge(&w, act, h, h->steps, false, words)) {
		fprintf(stderr, "%s, without faults: %s\n", act->name, words);
		exit(1);
	}
	world_remove(&w);
}

/* ---- judging ---- */

static bool
wrong(char why[WORLD_WHY_MAX], const char *what, const char *more)
{
	snprintf(why, WORLD_WHY_MAX, "%s%s%.200s", what,
	    more[0] != '\0' ? ": " : "", more);
	return false;
}

static void
first_sentence(void *arg, const char *sentence)
{
	char *why = arg;

	if (why[0] == '\0')
		wrong(why, "the checker", sentence);
}

static bool
is_clean(struct db *db, char why[WORLD_WHY_MAX])
{
	struct fail f;
	int rc;

	why[0] = '\0';
	rc = db_check(db, first_sentence, why, &f);
	if (rc == -1)
		wrong(why, "the checker could not look", f.text);
	return rc == 0;
}

static int
sweep_files(struct db *db, void *arg, struct fail *f)
{
	return body_sweep_files(db, arg, f);
}

static int
open_search(struct world *w, struct db **search, struct fail *f)
{
	*search = db_open(w->x.dir, DB_SEARCH, DB_WRITER, f);
	if (*search == NULL && f->kind == FAIL_PERM &&
	    db_discard(w->x.dir, DB_SEARCH, f) == 0)
		*search = db_open(w->x.dir, DB_SEARCH, DB_WRITER, f);
	return *search != NULL ? 0 : -1;
}

struct texts {
	struct db *search;
	bool missing;
};

/* Every body somebody holds has its text. */
static int
look_for_texts(struct db *db, void *arg, struct fail *f)
{
	static const char held[] = "SELECT id FROM body WHERE refs > 0";
	static const char text[] = "SELECT 1 FROM text WHERE body = ?1";
	struct texts *t = arg;
	sqlite3_stmt *st = sql_bind(db, held, f, "");
	int got;

	while ((got = sql_step(st, f)) == 1) {
		int64_t one;

		if (sql_number(t->search, &one, text, f, "i", sql_int(st, 0)) !=
		    1)
			t->missing = true;
	}
	return got;
}

/* It may be behind, but it is whole, and catches up with every body. */
static bool
search_catches_up(struct world *w, char why[WORLD_WHY_MAX])
{
	struct texts texts = {0};
	struct fail f;
	bool more = true, fine = false;

	if (open_search(w, &texts.search, &f) == -1)
		return wrong(why, "search.db does not open", f.text);
	while (more)
		if (search_index(w->x.db, texts.search, 100, &more, &f) == -1) {
			wrong(why, "search.db", f.text);
			goto out;
		}
	if (db_read(w->x.db, look_for_texts, &texts, &f) == -1)
		wrong(why, "search.db", f.text);
	else if (texts.missing)
		wrong(why, "search.db has not all texts", "");
	else
		fine = is_clean(texts.search, why);
out:
	db_close(texts.search);
	return fine;
}

static bool
state_may_be(struct world *w, const struct act *act,
    const struct world_history *h, int said, bool crashed,
    char why[WORLD_WHY_MAX])
{
	struct world_state now;
	char text[80];

	world_look(w, act, &now);
	for (int n = said; n <= said + (crashed ? 1 : 0) && n <= h->steps; n++)
		if (memcmp(&now, &h->states[n], sizeof(now)) == 0)
			return true;
	if (act->holds != NULL && act->holds(w, crashed))
		return true;
	for (int n = 0; n <= h->steps; n++)
		if (memcmp(&now, &h->states[n], sizeof(now)) == 0) {
			snprintf(
			    text, sizeof(text), "%d said, %d there", said, n);
			return wrong(why, "not what was acknowledged", text);
		}
	snprintf(text, sizeof(text), "%d said", said);
	return wrong(why, "a state that no run ever had", text);
}

bool
world_judge(struct world *w, const struct act *act,
    const struct world_history *h, int said, bool crashed,
    char why[WORLD_WHY_MAX])
{
	size_t swept = 0;
	struct fail f;

	if (crashed && db_write(w->x.db, sweep_files, &swept, &f) == -1)
		return wrong(why, "sweeping", f.text);
	if (!state_may_be(w, act, h, said, crashed, why) ||
	    !is_clean(w->x.db, why))
		return false;
	if (crashed &&
	    fixture_objects(&w->x) !=
		fixture_number(
		    &w->x, "SELECT count(*) FROM body WHERE file IS NOT NULL"))
		return wrong(why, "object files nobody names are left", "");
	if (act->search && !search_catches_up(w, why))
		return false;
	return act->beside == NULL || act->beside(w, why);
}
