/* SPDX-License-Identifier: MIT */
/* film_internal: what was seen; for film.c and film_cut.c. */
#ifndef TESTS_FAULT_FILM_INTERNAL_H
#define TESTS_FAULT_FILM_INTERNAL_H

#include <sys/types.h>

#include "tests/fault/film.h"

#define FILM_PATH_MAX 200

enum film_kind {
	FILM_WRITE,      /* node, at, n, bytes */
	FILM_TRUNCATE,   /* node, at */
	FILM_SYNC,       /* node */
	FILM_LOSE,       /* node: a sync of it failed */
	FILM_NAME,       /* path is node from now on, or nothing, or a folder */
	FILM_SYNC_NAMES, /* of the folder path */
	FILM_LOSE_NAMES,
};

/* In place of a node. */
#define FILM_NOTHING  (-1)
#define FILM_A_FOLDER (-2)

struct film_event {
	enum film_kind kind;
	int node;
	int folder; /* a node */
	off_t at;
	size_t n;
	char *bytes; /* owned */
	char *name;  /* owned */
	size_t move; /* both halves of a rename have one number; it is done
	              * wholly or not at all */
};

struct film_node { /* a file or a folder; 0 is the directory itself */
	ino_t inode;
	bool folder;
	char path[FILM_PATH_MAX]; /* the last name it got */
	char *base;               /* what was in it at first, owned */
	size_t base_size;
};

struct film {
	char *dir;
	struct film_node *nodes;
	size_t n_nodes, room_nodes;
	struct film_event *events;
	size_t n_events, room_events;
	size_t base_events; /* names that were there at first */
	bool skipped[FILM_SYNCS_N];
	unsigned fail_one_in;
	uint64_t seed;
	size_t failed;
	struct faulty_watcher watcher;
};

#endif
