/* SPDX-License-Identifier: MIT */
#include "tests/fault/film.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/fault/film_internal.h"

static struct film_event *
add_event(struct film *film, enum film_kind kind, int node)
{
	struct film_event *e;

	if (film->n_events == film->room_events) {
		film->room_events = 2 * film->room_events + 1024;
		film->events = mem_grow(
		    film->events, film->room_events, sizeof(*film->events));
	}
	e = &film->events[film->n_events++];
	*e = (struct film_event){.kind = kind, .node = node};
	return e;
}

static int
add_node(struct film *film, ino_t inode, bool folder, const char *path)
{
	struct film_node *node;

	if (film->n_nodes == film->room_nodes) {
		film->room_nodes = 2 * film->room_nodes + 1024;
		film->nodes = mem_grow(
		    film->nodes, film->room_nodes, sizeof(*film->nodes));
	}
	node = &film->nodes[film->n_nodes];
	*node = (struct film_node){.inode = inode, .folder = folder};
	snprintf(node->path, sizeof(node->path), "%s", path);
	return (int)film->n_nodes++;
}

/* The path below the directory, or NULL. */
static const char *
below(const struct film *film, const char *path)
{
	size_t n = strlen(film->dir);

	if (strncmp(path, film->dir, n) != 0)
		return NULL;
	if (path[n] == '\0')
		return "";
	return path[n] == '/' ? path + n + 1 : NULL;
}

/* An inode may be given again: the last node with it counts. */
static int
find(const struct film *film, ino_t inode)
{
	for (size_t i = film->n_nodes; i > 0; i--)
		if (film->nodes[i - 1].inode == inode)
			return (int)(i - 1);
	return FILM_NOTHING;
}

static int
find_fd(const struct film *film, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? find(film, st.st_ino) : FILM_NOTHING;
}

static int
find_path(const struct film *film, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? find(film, st.st_ino) : FILM_NOTHING;
}

/* The node of the folder that holds path, and its name there; FILM_NOTHING if
 * that is not below the directory. */
static int
folder_of(const struct film *film, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char folder[2 * FILM_PATH_MAX];

	if (slash == NULL || below(film, path) == NULL)
		return FILM_NOTHING;
	*name = slash + 1;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	return find_path(film, folder);
}

/* Path is node from now on. */
static void
name(struct film *film, const char *path, int node, size_t move)
{
	const char *last = NULL;
	int folder = folder_of(film, path, &last);
	struct film_event *e;

	if (folder < 0)
		return;
	e = add_event(film, FILM_NAME, node);
	e->folder = folder;
	e->name = mem_dup(str_of(last));
	e->move = move;
	if (node >= 0)
		snprintf(film->nodes[node].path, sizeof(film->nodes[node].path),
		    "%s", below(film, path));
}

/* ---- what is told ---- */

static void
opened(void *arg, const char *path, int fd, bool made)
{
	struct film *film = arg;
	const char *rest = below(film, path);
	struct stat st;

	if (rest != NULL && made && fstat(fd, &st) == 0)
		name(film, path, add_node(film, st.st_ino, false, rest),
		    film->n_events);
}

static void
made_folder(void *arg, const char *path)
{
	struct film *film = arg;
	const char *rest = below(film, path);
	struct stat st;

	if (rest == NULL || lstat(path, &st) == -1)
		return;
	name(film, path, add_node(film, st.st_ino, true, rest), film->n_events);
}

/* Memory shared by processes: what is in it after a cut is anything. */
static bool
is_shared_memory(const struct film *film, int node)
{
	return strstr(film->nodes[node].path, "-shm") != NULL;
}

static void
wrote(void *arg, int fd, const void *bytes, size_t n, off_t at)
{
	struct film *film = arg;
	int node = find_fd(film, fd);
	struct film_event *e;

	if (node < 0 || is_shared_memory(film, node))
		return;
	e = add_event(film, FILM_WRITE, node);
	e->at = at;
	e->n = n;
	e->bytes = mem_new(n, 1);
	memcpy(e->bytes, bytes, n);
}

static void
truncated(void *arg, int fd, off_t size)
{
	struct film *film = arg;
	int node = find_fd(film, fd);

	if (node >= 0 && !is_shared_memory(film, node))
		add_event(film, FILM_TRUNCATE, node)->at = size;
}

static enum film_sync
kind_of(const struct film_node *node)
{
	if (strstr(node->path, "objects") != NULL)
		return node->folder ? FILM_FOLDER : FILM_OBJECT;
	if (strstr(node->path, "-wal") != NULL)
		return FILM_LOG;
	return strstr(node->path, ".db") != NULL ? FILM_DB : FILM_OTHER;
}

static bool
is_to_fail(struct film *film)
{
	film->seed = film->seed * 6364136223846793005ULL +
	             1442695040888963407ULL;
	return film->fail_one_in > 0 &&
	       (film->seed >> 33) % film->fail_one_in == 0;
}

static enum faulty_sync
synced(void *arg, int fd)
{
	struct film *film = arg;
	int node = find_fd(film, fd);
	bool folder, fails;

	if (node < 0)
		return FAULTY_SYNC_DONE;
	folder = film->nodes[node].folder;
	if (film->skipped[kind_of(&film->nodes[node])])
		return FAULTY_SYNC_SKIPPED;
	fails = is_to_fail(film);
	film->failed += fails;
	if (folder)
		add_event(
		    film, fails ? FILM_LOSE_NAMES : FILM_SYNC_NAMES, node);
	else
		add_event(film, fails ? FILM_LOSE : FILM_SYNC, node);
	return fails ? FAULTY_SYNC_FAILED : FAULTY_SYNC_DONE;
}

static void
linked(void *arg, const char *from, const char *to)
{
	struct film *film = arg;

	(void)from;
	name(film, to, find_path(film, to), film->n_events);
}

static void
removed(void *arg, const char *path)
{
	struct film *film = arg;

	name(film, path, FILM_NOTHING, film->n_events);
}

static void
renamed(void *arg, const char *from, const char *to)
{
	struct film *film = arg;
	size_t move = film->n_events;

	name(film, to, find_path(film, to), move);
	name(film, from, FILM_NOTHING, move);
}

/* ---- beginning ---- */

static void
read_base(struct film_node *node, const char *path, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = 0;

	node->base = mem_new(size + 1, 1);
	while (fd != -1 && node->base_size < size &&
	       (n = read(fd, node->base + node->base_size,
		    size - node->base_size)) > 0)
		node->base_size += (size_t)n;
	if (fd == -1 || node->base_size != size) {
		perror(path);
		exit(1);
	}
	close(fd);
}

static void
scan(struct film *film, const char *folder)
{
	char path[2 * FILM_PATH_MAX];
	struct dirent *entry;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "%s%s%s", film->dir,
	    folder[0] != '\0' ? "/" : "", folder);
	d = opendir(path);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		char rest[FILM_PATH_MAX];
		int node;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(rest, sizeof(rest), "%.60s%s%.120s", folder,
		    folder[0] != '\0' ? "/" : "", entry->d_name);
		snprintf(path, sizeof(path), "%s/%s", film->dir, rest);
		if (lstat(path, &st) == -1)
			continue;
		node = add_node(film, st.st_ino, S_ISDIR(st.st_mode), rest);
		name(film, path, node, film->n_events);
		if (S_ISDIR(st.st_mode))
			scan(film, rest);
		else
			read_base(&film->nodes[node], path, (size_t)st.st_size);
	}
	if (d != NULL)
		closedir(d);
}

struct film *
film_new(const char *dir)
{
	struct film *film = MEM_NEW(struct film);
	struct stat st;

	film->dir = mem_dup(str_of(dir));
	film->watcher = (struct faulty_watcher){film, opened, wrote, truncated,
	    synced, made_folder, linked, renamed, removed};
	if (stat(dir, &st) == 0)
		add_node(film, st.st_ino, true, "");
	scan(film, "");
	film->base_events = film->n_events;
	return film;
}

void
film_free(struct film *film)
{
	if (film == NULL)
		return;
	for (size_t i = 0; i < film->n_events; i++) {
		free(film->events[i].bytes);
		free(film->events[i].name);
	}
	for (size_t i = 0; i < film->n_nodes; i++)
		free(film->nodes[i].base);
	free(film->events);
	free(film->nodes);
	free(film->dir);
	free(film);
}

void
film_skip(struct film *film, enum film_sync what)
{
	film->skipped[what] = true;
}

void
film_fail_syncs(struct film *film, unsigned one_in, uint64_t seed)
{
	film->fail_one_in = one_in;
	film->seed = seed;
}

const struct faulty_watcher *
film_watcher(struct film *film)
{
	return &film->watcher;
}

size_t
film_length(const struct film *film)
{
	return film->n_events - film->base_events;
}

size_t
film_failed(const struct film *film)
{
	return film->failed;
}
