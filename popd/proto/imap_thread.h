/* SPDX-License-Identifier: MIT */
/*
 * imap_thread: the trees of THREAD (RFC 5256 s3), pure.
 *
 *	thread_new -> thread_add... -> thread_finish -> thread_write
 *
 * Time is about linear in the messages and their references whatever these are,
 * and memory is bounded: THREAD_IDS_MAX message ids or THREAD_TEXT_MAX octets
 * of them are kept, those beyond are as if their fields had been cut short by
 * a user agent.
 */
#ifndef POPD_PROTO_IMAP_THREAD_H
#define POPD_PROTO_IMAP_THREAD_H

#include "common/util/buf.h"
#include "common/util/mem.h"

#define THREAD_IDS_MAX  2000000
#define THREAD_TEXT_MAX (128 * MB) /* ids and subjects */

enum thread_algorithm {
	THREAD_ORDEREDSUBJECT,
	THREAD_REFERENCES,
};

struct thread;
struct thread *thread_new(enum thread_algorithm algorithm);
void thread_free(struct thread *t); /* NULL is fine */

struct thread_message {
	uint32_t uid;
	int64_t date_s;     /* sent */
	struct str subject; /* base subject, folded */
	bool is_reply;      /* or a forward, by its subject */
	struct str refs;    /* its own id, then its references, oldest first,
	                     * '\n' after each: structure.h */
};

/* One message; they come by rising UID.  Strings are copied. */
void thread_add(struct thread *t, const struct thread_message *m);

/* All are there: make the trees. */
void thread_finish(struct thread *t);

bool thread_is_empty(const struct thread *t);

/* Append "(1)(2 3)"; number: how the client knows this UID. */
typedef uint32_t thread_number(void *arg, uint32_t uid);
void thread_write(
    const struct thread *t, thread_number *number, void *arg, struct buf *out);

#endif
