/* SPDX-License-Identifier: MIT */
/*
 * imap_thread_tree: what the files of THREAD share; nobody else's.
 *
 *	imap_thread.c		messages in, trees out
 *	imap_thread_link.c	RFC 5256 s3 REFERENCES step 1: who answers whom
 *	imap_thread_merge.c	steps 2 to 6, ORDEREDSUBJECT
 *	imap_thread_tree.c	nodes and their children; interned strings
 *
 * Nodes and strings are numbers, so that arrays may move; 0 is none.  Node 1 is
 * the root, whose children are the threads.
 */
#ifndef POPD_PROTO_IMAP_THREAD_TREE_H
#define POPD_PROTO_IMAP_THREAD_TREE_H

#include "popd/proto/imap_thread.h"

#define THREAD_ROOT 1

struct thread_node {
	uint32_t uid; /* 0: a dummy */
	uint32_t parent, first, last, next, previous;
	uint32_t subject; /* string; 0: empty, or lost */
	bool lost;        /* there was no room for its subject */
	bool is_reply;
	int64_t date_s;
	uint32_t order; /* its UID: among equal dates.  A dummy's date and
	                 * order are those of its first child */
};

/* Strings, each once. */
struct thread_string {
	size_t at, len;
	uint32_t next; /* in its slot */
	uint32_t node; /* of the message with this id; or, of a subject, the
	                * message in the subject table */
};
struct thread_strings {
	struct thread_string *all; /* from 1 */
	size_t n, room;
	uint32_t *slots;
	size_t n_slots; /* a power of two */
	struct buf text;
};

struct thread {
	enum thread_algorithm algorithm;
	struct thread_node *nodes;
	size_t n, room;
	struct thread_strings ids, subjects;
	uint64_t walked; /* steps up, looking for loops */
};

void thread_strings_init(struct thread_strings *s);
void thread_strings_release(struct thread_strings *s);

/* The number of a string, which is new if it was not there; 0: there is no room
 * for one more. */
uint32_t thread_intern(struct thread_strings *s, struct str text);

/* A new node, without parent. */
uint32_t thread_node(struct thread *t);

/* Make it the last child; it has no parent.  Take it from its parent. */
void thread_attach(struct thread *t, uint32_t parent, uint32_t child);
void thread_detach(struct thread *t, uint32_t child);

/* All children of `from' become the last of `to'. */
void thread_adopt(struct thread *t, uint32_t to, uint32_t from);

/* imap_thread_link.c: one message, of this node, answers these. */
void thread_link(struct thread *t, uint32_t node, struct str refs);
uint32_t thread_node_of_id(struct thread *t, struct str refs);

/* imap_thread_merge.c */
void thread_by_references(struct thread *t);
void thread_by_subject(struct thread *t);

#endif
