/* SPDX-License-Identifier: MIT */
/*
 * loop_internal: what the files of common/net share of the loop.
 *
 * Every libuv handle's `data' points to an object whose first member is a
 * struct loop_owned, so that the loop can close what its owner left.
 *
 * Tasks are work put off to the end of the round: first all LOOP_READY
 * tasks (hosts are called), then all LOOP_FLUSH ones (what the hosts said is
 * written).  That makes host calls never re-entrant and output gathered.
 */
#ifndef NET_LOOP_INTERNAL_H
#define NET_LOOP_INTERNAL_H

#include <uv.h>

#include "common/net/loop.h"
#include "common/util/mem.h"

#define LOOP_SCRATCH (64 * KB)
#define LOOP_RECORD  (16 * KB) /* RFC 8446 s5.1: plaintext of a record */

struct loop_owned {
	void (*close)(void *self); /* by loop_free(): close and free yourself */
	bool session; /* a connection: closed when loop_run() ends */
};

struct loop_task {
	void (*run)(struct loop_task *task);
	struct loop_task *next, *prev; /* NULL while not queued */
};

enum loop_phase {
	LOOP_READY,
	LOOP_FLUSH,
	LOOP_PHASES
};

uv_loop_t *loop_uv(struct loop *l);

/* LOOP_SCRATCH bytes for what comes from a socket, and LOOP_RECORD for what
 * was decrypted; stale after the return to the loop. */
char *loop_scratch(struct loop *l);
char *loop_record(struct loop *l);

/* Run the task once at the end of this round; queued already is fine. */
void loop_queue(struct loop *l, enum loop_phase phase, struct loop_task *t);
void loop_unqueue(struct loop_task *t);

/* A TLS handshake left holes in the heap.  After a number of them unused pages
 * are given back: without it an idle connection holds 45 KiB, with it 21. */
void loop_tidy_later(struct loop *l);

/* Was it stopped, and only closing goes on?  Hosts are not called then. */
bool loop_is_draining(const struct loop *l);

/* Connections that exist; loop_run() returns when there are none. */
void loop_session_began(struct loop *l);
void loop_session_ended(struct loop *l);

/* A watch whose owner is closed, by this call, when the loop is freed. */
struct watch *watch_new_owned(struct loop *l, int fd, void (*fn)(void *arg),
    void (*close)(void *arg), void *arg);

/* Stop and resume calling. */
void watch_enable(struct watch *w, bool on);

#endif
