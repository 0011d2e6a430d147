/* SPDX-License-Identifier: MIT */
/* What a power cut leaves: the events up to it, as far as they were synced, and
 * some of the others. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/fault/film_internal.h"

struct pending { /* an event that may be on the disk, or not */
	const struct film_event *event;
	bool lost; /* no later sync will write it */
};

struct content { /* of one node */
	char *bytes;
	size_t n, room;
	struct pending *pending;
	size_t n_pending, room_pending;
};

struct entry { /* one name */
	int folder;
	const char *name;                /* borrowed from an event */
	int certain;                     /* node, or FILM_NOTHING */
	const struct film_event **later; /* what may have become of it, the
	                                  * last is newest */
	size_t n_later, room_later;
	size_t lost; /* so many of later no sync will write */
};

/* How much of what is not certain is there. */
enum mood {
	NONE,
	ALL,
	FIRST, /* up to a random one */
	SOME,  /* each sector by itself */
	MOODS_N,
};

struct cut {
	const struct film *film;
	struct content *contents;
	struct entry *entries;
	size_t n_entries, room_entries;
	bool *moved;   /* by event: one half of this rename is certain */
	bool *written; /* by node: a folder has one name */
	uint64_t coin; /* for names */
	size_t prefix; /* of the events, when the mood is FIRST */
	uint64_t seed;
	size_t sector;
	enum mood mood;
};

static uint64_t
lot(struct cut *c, uint64_t n)
{
	c->seed = c->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (c->seed >> 33) % n;
}

/* ---- octets ---- */

static void
resize(struct content *to, size_t n)
{
	if (n > to->room) {
		to->room = 2 * n;
		to->bytes = mem_grow(to->bytes, to->room, 1);
	}
	if (n > to->n)
		memset(to->bytes + to->n, 0, n - to->n);
	to->n = n;
}

static void
put(struct content *to, size_t at, const char *bytes, size_t n)
{
	if (n == 0)
		return;
	if (at + n > to->n)
		resize(to, at + n);
	memcpy(to->bytes + at, bytes, n);
}

static void
apply(struct content *to, const struct film_event *e)
{
	if (e->kind == FILM_WRITE)
		put(to, (size_t)e->at, e->bytes, e->n);
	else
		resize(to, (size_t)e->at);
}

/* Some sectors of it; one that was just being written may hold anything. */
static void
apply_some(struct cut *c, struct content *to, const struct film_event *e)
{
	size_t done = 0;
	uint64_t one_in = 1 + lot(c, 4);

	if (e->kind != FILM_WRITE) {
		if (lot(c, 2) == 0)
			apply(to, e);
		return;
	}
	while (done < e->n) {
		size_t at = (size_t)e->at + done;
		size_t n = c->sector - at % c->sector;

		if (n > e->n - done)
			n = e->n - done;
		if (lot(c, one_in) == 0)
			put(to, at, e->bytes + done, n);
		else if (lot(c, 8) == 0)
			for (size_t i = 0; i < n; i++) {
				char any = (char)lot(c, 256);

				put(to, at + i, &any, 1);
			}
		done += n;
	}
}

static void
wait_for_sync(struct content *to, const struct film_event *e)
{
	if (to->n_pending == to->room_pending) {
		to->room_pending = 2 * to->room_pending + 64;
		to->pending = mem_grow(
		    to->pending, to->room_pending, sizeof(*to->pending));
	}
	to->pending[to->n_pending++] = (struct pending){e, false};
}

static void
sync_content(struct cut *c, struct content *to)
{
	for (size_t i = 0; i < to->n_pending; i++)
		if (!to->pending[i].lost)
			apply(to, to->pending[i].event);
		else if (c->mood != NONE)
			apply_some(c, to, to->pending[i].event);
	to->n_pending = 0;
}

static void
cut_content(struct cut *c, struct content *to)
{
	enum mood mood = lot(c, 3) == 0 ? (enum mood)lot(c, MOODS_N) : c->mood;
	size_t n = mood == FIRST ? lot(c, to->n_pending + 1) : to->n_pending;

	for (size_t i = 0; i < n; i++)
		if (mood == SOME)
			apply_some(c, to, to->pending[i].event);
		else if (mood != NONE)
			apply(to, to->pending[i].event);
	if (mood == FIRST && n < to->n_pending)
		apply_some(c, to, to->pending[n].event);
	to->n_pending = 0;
}

/* ---- names ---- */

static struct entry *
entry_of(struct cut *c, const struct film_event *e)
{
	for (size_t i = 0; i < c->n_entries; i++)
		if (c->entries[i].folder == e->folder &&
		    strcmp(c->entries[i].name, e->name) == 0)
			return &c->entries[i];
	if (c->n_entries == c->room_entries) {
		c->room_entries = 2 * c->room_entries + 512;
		c->entries = mem_grow(
		    c->entries, c->room_entries, sizeof(*c->entries));
	}
	c->entries[c->n_entries] = (struct entry){
	    .folder = e->folder, .name = e->name, .certain = FILM_NOTHING};
	return &c->entries[c->n_entries++];
}

static void
name(struct cut *c, const struct film_event *e, bool certain)
{
	struct entry *entry = entry_of(c, e);

	if (certain) {
		entry->certain = e->node;
		return;
	}
	if (entry->n_later == entry->room_later) {
		entry->room_later = 2 * entry->room_later + 4;
		entry->later = mem_grow(
		    entry->later, entry->room_later, sizeof(*entry->later));
	}
	entry->later[entry->n_later++] = e;
}

static void
make_certain(struct cut *c, struct entry *e)
{
	for (size_t i = 0; i < e->n_later; i++)
		c->moved[e->later[i]->move] = true;
	e->certain = e->later[e->n_later - 1]->node;
	e->n_later = e->lost = 0;
}

static void
sync_names(struct cut *c, int folder, bool fails)
{
	for (size_t i = 0; i < c->n_entries; i++) {
		struct entry *e = &c->entries[i];

		if (e->n_later == 0 || e->folder != folder)
			continue;
		if (fails)
			e->lost = e->n_later;
		else if (e->n_later > e->lost || lot(c, 2) == 0)
			make_certain(c, e);
	}
}

/* Did it happen?  The same for both halves of a rename. */
static bool
happened(const struct cut *c, const struct film_event *e)
{
	uint64_t any = ((e->move + 1) * 0x9e3779b97f4a7c15ULL) ^ c->coin;

	if (c->moved[e->move] || c->mood == ALL)
		return true;
	if (c->mood == NONE)
		return false;
	if (c->mood == FIRST)
		return e->move < c->prefix;
	any *= 0xbf58476d1ce4e5b9ULL;
	return (any >> 40 & 1) != 0;
}

static int
cut_name(const struct cut *c, const struct entry *e)
{
	for (size_t i = e->n_later; i > 0; i--)
		if (happened(c, e->later[i - 1]))
			return e->later[i - 1]->node;
	return e->certain;
}

/* ---- the image ---- */

static void
play(struct cut *c, size_t end)
{
	const struct film *film = c->film;

	for (size_t i = 0; i < film->n_nodes; i++)
		put(&c->contents[i], 0, film->nodes[i].base,
		    film->nodes[i].base_size);
	for (size_t i = 0; i < end; i++) {
		const struct film_event *e = &film->events[i];

		switch (e->kind) {
		case FILM_WRITE:
		case FILM_TRUNCATE:
			wait_for_sync(&c->contents[e->node], e);
			break;
		case FILM_SYNC:
			sync_content(c, &c->contents[e->node]);
			break;
		case FILM_LOSE:
			for (size_t k = 0; k < c->contents[e->node].n_pending;
			     k++)
				c->contents[e->node].pending[k].lost = true;
			break;
		case FILM_NAME:
			name(c, e, i < film->base_events);
			break;
		case FILM_SYNC_NAMES:
		case FILM_LOSE_NAMES:
			sync_names(c, e->node, e->kind == FILM_LOSE_NAMES);
			break;
		}
	}
}

static void
write_file(struct cut *c, const char *path, int node)
{
	struct content *content = &c->contents[node];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0660);

	if (fd == -1) {
		perror(path);
		exit(1);
	}
	if (strstr(path, "-shm") != NULL)
		for (size_t n = lot(c, 2) * 32768; content->n < n;) {
			char any = (char)lot(c, 256);

			put(content, content->n, &any, 1);
		}
	if (content->n > 0 &&
	    write(fd, content->bytes, content->n) != (ssize_t)content->n) {
		perror(path);
		exit(1);
	}
	close(fd);
}

static void
write_folder(struct cut *c, int folder, const char *to)
{
	c->written[folder] = true;
	for (size_t i = 0; i < c->n_entries; i++) {
		char path[4 * FILM_PATH_MAX];
		int node = FILM_NOTHING;

		if (c->entries[i].folder == folder)
			node = cut_name(c, &c->entries[i]);
		if (node < 0 || c->written[node])
			continue;
		snprintf(path, sizeof(path), "%s/%s", to, c->entries[i].name);
		if (!c->film->nodes[node].folder) {
			write_file(c, path, node);
		} else if (mkdir(path, 02770) == 0) {
			write_folder(c, node, path);
		} else {
			perror(path);
			exit(1);
		}
	}
}

static void
write_image(struct cut *c, const char *to)
{
	for (size_t i = 0; i < c->film->n_nodes; i++)
		if (c->contents[i].n_pending > 0)
			cut_content(c, &c->contents[i]);
	write_folder(c, 0, to);
}

void
film_cut(const struct film *film, size_t at, uint64_t seed, const char *to)
{
	struct cut c = {.film = film, .seed = seed};

	c.moved = mem_new(film->n_events + 1, sizeof(*c.moved));
	c.written = mem_new(film->n_nodes, sizeof(*c.written));
	c.contents = mem_new(film->n_nodes + 1, sizeof(*c.contents));
	c.sector = lot(&c, 2) == 0 ? 512 : 4096;
	c.mood = (enum mood)lot(&c, MOODS_N);
	c.coin = lot(&c, UINT32_MAX);
	c.prefix = film->base_events + lot(&c, at + 1);
	play(&c, film->base_events + at);
	write_image(&c, to);
	for (size_t i = 0; i < film->n_nodes; i++) {
		free(c.contents[i].bytes);
		free(c.contents[i].pending);
	}
	for (size_t i = 0; i < c.n_entries; i++)
		free(c.entries[i].later);
	free(c.entries);
	free(c.moved);
	free(c.written);
	free(c.contents);
}
