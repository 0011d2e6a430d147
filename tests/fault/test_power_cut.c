/* SPDX-License-Identifier: MIT */
/*
 * The power goes at a random moment of a random act: of what was written since
 * the last sync there is anything or nothing (film.h); in some films syncs
 * fail, too.  Each image is opened as after a start, and must hold exactly what
 * was acknowledged, or that and the whole of the step that was under way
 * (world_judge()).
 *
 *	fault_power_cut [--images N] [--seed N] [--act NAME] [--json]
 *	    [--without-sync log|db|object|folder|full] [--expect-loss]
 *
 * --without-sync leaves out the syncs of the log, the database, object files
 * or their folders; or has SQLite's synchronous=NORMAL instead of FULL (full).
 * With --expect-loss it must be found out that mail is lost, or it fails: that
 * is the test of this test.
 */
#include <time.h>

#include "common/store/gather.h"
#include "tests/fault/acts.h"
#include "tests/fault/faulty_vfs.h"
#include "tests/fault/film.h"

#define PER_FILM 10 /* images */

struct options {
	uint64_t images, seed;
	const char *act;
	bool json, expect_loss, normal;
	int without; /* enum film_sync; -1: none */
};

struct tally {
	uint64_t films, images, events, failed_syncs, steps, wrong;
};

/* One act as it was filmed. */
struct film_run {
	const struct act *act;
	struct world model, w;
	struct world_history *history;
	struct film *film;
	size_t said_at[WORLD_STEPS_MAX + 1]; /* events before each step was */
	int said;
};

static uint64_t
lot(uint64_t *seed, uint64_t n)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*seed >> 33) % n;
}

static void
note_step(void *arg, int said)
{
	struct film_run *r = arg;

	r->said = said;
	r->said_at[said] = film_length(r->film);
}

static void
do_normal(const struct options *o, struct world *w)
{
	if (!o->normal || w->x.db == NULL)
		return;
	gather_set(w->x.db->gather, false); /* it relies on FULL */
	MUST(sql_exec(w->x.db->sqlite, "PRAGMA synchronous = NORMAL", &why));
}

static void
shoot(struct film_run *r, const struct options *o, uint64_t seed)
{
	struct fail f = {0};
	int rc;

	world_copy(&r->model, &r->w);
	r->film = film_new(r->w.x.dir);
	if (o->without >= 0)
		film_skip(r->film, (enum film_sync)o->without);
	if (lot(&seed, 3) == 0)
		film_fail_syncs(r->film, 12, seed);
	r->w.say = note_step;
	r->w.say_arg = r;
	faulty_files_watch(film_watcher(r->film));
	rc = r->act->opens ? 0 : world_open(&r->w, &f);
	do_normal(o, &r->w);
	if (rc == 0)
		rc = r->act->run(&r->w, &f);
	faulty_files_watch(NULL);
	if (rc == -1 && film_failed(r->film) == 0) {
		fprintf(stderr, "%s: %s\n", r->act->name, f.text);
		test_failures++;
	}
	world_close(&r->w);
}

/* Right after an acknowledgement, soon after one, or at any time. */
static size_t
choose_moment(const struct film_run *r, uint64_t *seed)
{
	size_t end = film_length(r->film), at;

	if (lot(seed, 5) == 0)
		return end;
	if (r->said == 0 || lot(seed, 3) == 0)
		return (size_t)lot(seed, end + 1);
	at = r->said_at[1 + lot(seed, (uint64_t)r->said)];
	if (lot(seed, 2) == 0)
		at += (size_t)lot(seed, 30);
	return at < end ? at : end;
}

static int
said_by(const struct film_run *r, size_t at)
{
	int said = 0;

	while (said < r->said && r->said_at[said + 1] <= at)
		said++;
	return said;
}

static bool
image_is_right(
    struct film_run *r, size_t at, uint64_t seed, char why[WORLD_WHY_MAX])
{
	struct world w = r->model;
	struct fail f;
	bool fine;

	w.x.db = NULL;
	w.say = NULL;
	w.said = said_by(r, at);
	if (at == film_length(r->film))
		w.marked = r->w.marked;
	fixture_dir(w.x.dir);
	film_cut(r->film, at, seed, w.x.dir);
	if (world_open_again(&w, r->act, &f) == -1) {
		snprintf(
		    why, WORLD_WHY_MAX, "it does not open: %.200s", f.text);
		fine = false;
	} else {
		fine = world_judge(&w, r->act, r->history, w.said, true, why);
	}
	if (fine || getenv("KEEP_IMAGE") == NULL) {
		world_remove(&w);
	} else {
		world_close(&w);
		fprintf(stderr, "the image is %s\n", w.x.dir);
	}
	return fine;
}

static void
look_at_images(
    struct film_run *r, const struct options *o, uint64_t seed, struct tally *t)
{
	for (int i = 0; i < PER_FILM && t->images < o->images; i++) {
		char why[WORLD_WHY_MAX] = "";
		size_t at = choose_moment(r, &seed);

		lot(&seed, 2);
		t->images++;
		if (image_is_right(r, at, seed, why))
			continue;
		t->wrong++;
		fprintf(stderr,
		    "film %llu (%s), cut after %zu of %zu events, %d steps"
		    " said: %s\n",
		    (unsigned long long)t->films, r->act->name, at,
		    film_length(r->film), said_by(r, at), why);
		if (o->expect_loss)
			return;
	}
}

/* Every other film is of anything at all, the others of each act in turn. */
static const struct act *
choose_act(const struct options *o, uint64_t film)
{
	if (o->act != NULL)
		return acts_find(o->act);
	if (film % 2 == 0)
		return acts_find("a bit of everything");
	return &acts[film / 2 % acts_n];
}

static void
one_film(const struct options *o, uint64_t seed, struct tally *t)
{
	struct film_run r = {.act = choose_act(o, t->films)};

	r.history = MEM_NEW(struct world_history);
	world_begin(&r.model, r.act);
	r.model.seed = seed;
	r.model.steps = 25;
	world_learn(r.act, &r.model, r.history);
	shoot(&r, o, seed);
	look_at_images(&r, o, seed, t);
	t->films++;
	t->events += film_length(r.film);
	t->failed_syncs += film_failed(r.film);
	t->steps += (uint64_t)r.said;
	film_free(r.film);
	world_remove(&r.w);
	world_remove(&r.model);
	free(r.history);
}

static uint64_t
number(const char *text)
{
	uint64_t n = 0;

	if (text == NULL || !str_to_u64(str_of(text), UINT64_MAX, &n)) {
		fprintf(stderr, "a number is missing\n");
		exit(64);
	}
	return n;
}

static void
leave_out(struct options *o, const char *what)
{
	static const char *const names[] = {[FILM_LOG] = "log",
	    [FILM_DB] = "db",
	    [FILM_OBJECT] = "object",
	    [FILM_FOLDER] = "folder"};

	for (size_t i = 0; what != NULL && i < sizeof(names) / sizeof(names[0]);
	     i++)
		if (strcmp(names[i], what) == 0)
			o->without = (int)i;
	o->normal = what != NULL && strcmp(what, "full") == 0;
	if (o->without == -1 && !o->normal)
		exit(64);
}

static void
read_options(struct options *o, char **argv)
{
	for (argv++; *argv != NULL; argv++) {
		if (strcmp(*argv, "--images") == 0)
			o->images = number(*++argv);
		else if (strcmp(*argv, "--seed") == 0)
			o->seed = number(*++argv);
		else if (strcmp(*argv, "--act") == 0)
			o->act = *++argv;
		else if (strcmp(*argv, "--json") == 0)
			o->json = true;
		else if (strcmp(*argv, "--expect-loss") == 0)
			o->expect_loss = true;
		else if (strcmp(*argv, "--without-sync") == 0)
			leave_out(o, *++argv);
		else
			exit(64);
		if (*argv == NULL)
			exit(64);
	}
	if (o->act != NULL && acts_find(o->act) == NULL) {
		fprintf(stderr, "there is no act %s\n", o->act);
		exit(64);
	}
}

static void
print(const struct options *o, const struct tally *t)
{
	printf(o->json ? "{\"images\": %llu, \"films\": %llu, \"events\": %llu,"
			 " \"steps\": %llu, \"failed_syncs\": %llu,"
			 " \"wrong\": %llu}\n"
		       : "%llu images of %llu films with %llu events,"
			 " %llu steps and %llu failed syncs: %llu wrong\n",
	    (unsigned long long)t->images, (unsigned long long)t->films,
	    (unsigned long long)t->events, (unsigned long long)t->steps,
	    (unsigned long long)t->failed_syncs, (unsigned long long)t->wrong);
}

int
main(int argc, char **argv)
{
	struct options o = {.images = 150, .seed = 1, .without = -1};
	struct tally t = {0};
	uint64_t seed;

	(void)argc;
	read_options(&o, argv);
	fprintf(stderr, "seed %llu\n", (unsigned long long)o.seed);
	world_in_memory();
	faulty_install();
	seed = o.seed;
	while (t.images < o.images && !(o.expect_loss && t.wrong > 0)) {
		lot(&seed, 2);
		one_film(&o, seed, &t);
		if (t.films % 100 == 0)
			fprintf(stderr, "%llu images\n",
			    (unsigned long long)t.images);
	}
	print(&o, &t);
	return TEST_EXIT() || (o.expect_loss ? t.wrong == 0 : t.wrong > 0);
}
