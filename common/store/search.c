/* SPDX-License-Identifier: MIT */
#include "common/store/search.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/search_db.h"
#include "common/util/utf8.h"

#define GRAM      3  /* characters */
#define GRAMS_MAX 48 /* asked for at once: more hardly narrow further */
#define MATCH_MAX (4 * KB)

static const char sql_fact[] = "SELECT value FROM meta WHERE key = ?1";
static const char sql_set_fact[] =
    "INSERT INTO meta (key, value) VALUES (?1, ?2)"
    " ON CONFLICT (key) DO UPDATE SET value = ?2";
static const char sql_match[] =
    "SELECT rowid FROM gram WHERE gram MATCH ?1 ORDER BY rowid";

int
search_fact(struct db *search, const char *key, int64_t *out, struct fail *f)
{
	int got = sql_number(search, out, sql_fact, f, "t", str_of(key));

	if (got == 0)
		*out = 0;
	return got == -1 ? -1 : 0;
}

int
search_set_fact(
    struct db *search, const char *key, int64_t value, struct fail *f)
{
	return sql_run(search, sql_set_fact, f, "ti", str_of(key), value);
}

/* The first three characters of s; false if it has fewer. */
static bool
first_gram(struct str s, struct str *gram)
{
	struct str rest = s;
	uint32_t code;

	for (int i = 0; i < GRAM; i++)
		if (!utf8_take(&rest, &code))
			return false;
	*gram = str_first(s, s.len - rest.len);
	return true;
}

/* "abc" AND "bcd": the index keeps no positions, so a phrase is its trigrams.
 */
static void
add_needle(struct str needle, struct buf *match, size_t *n)
{
	struct str gram;
	uint32_t code;

	while (*n < GRAMS_MAX && first_gram(needle, &gram)) {
		buf_add(match, (*n)++ > 0 ? STR(" AND \"") : STR("\""));
		for (size_t i = 0; i < gram.len; i++) {
			if (gram.at[i] == '"')
				buf_add_char(match, '"');
			buf_add_char(match, gram.at[i]);
		}
		buf_add_char(match, '"');
		utf8_take(&needle, &code);
	}
}

struct match {
	struct str text;
	int64_t *bodies;
	size_t n, room;
	int64_t indexed;
};

static int
run_match(struct db *search, void *arg, struct fail *f)
{
	struct match *m = arg;
	sqlite3_stmt *st;
	int got;

	if (search_fact(search, "indexed", &m->indexed, f) == -1)
		return -1;
	st = sql_bind(search, sql_match, f, "t", m->text);
	while ((got = sql_step(st, f)) == 1) {
		if (m->n == m->room) {
			m->room = m->room * 2 + 64;
			m->bodies = mem_grow(
			    m->bodies, m->room, sizeof(*m->bodies));
		}
		m->bodies[m->n++] = sql_int(st, 0);
	}
	return got;
}

int
search_candidates(struct db *mail, const struct str *needles, size_t n,
    int64_t **bodies, size_t *n_bodies, int64_t *indexed, struct fail *f)
{
	struct match m = {.bodies = NULL};
	struct db *search = search_open(mail, true);
	struct buf text;
	size_t grams = 0;
	int got = 0;

	(void)f; /* what is wrong with search.db is not the caller's trouble */
	buf_init(&text, MATCH_MAX);
	for (size_t i = 0; i < n; i++)
		add_needle(needles[i], &text, &grams);
	assert(!text.overrun);
	m.text = buf_str(&text);
	if (search != NULL && grams > 0) {
		struct fail ignored;

		got = db_read(search, run_match, &m, &ignored) == 0;
	}
	buf_release(&text);
	if (got == 0) {
		free(m.bodies);
		return 0;
	}
	*bodies = m.bodies;
	*n_bodies = m.n;
	*indexed = m.indexed;
	return 1;
}
