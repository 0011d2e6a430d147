/* SPDX-License-Identifier: MIT */
/*
 * import_load: messages into the store, as fast as it goes.
 *
 * Whoever reads a source adds its messages one by one.  Threads seal them (as
 * many as there are processors), another commits them in order, up to 200 or
 * 16 MiB at a time, each batch with the place in the source that it reaches:
 * so a crash at any moment leaves no message twice and none out.  What waits
 * is bounded; adding then waits.
 *
 *	load_new -> (load_source -> load_add... -> load_drain)... -> load_free
 */
#ifndef MAILCTL_IMPORT_LOAD_H
#define MAILCTL_IMPORT_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/store/import.h"
#include "common/store/stage.h"

struct load;

struct load_options {
	struct db *db;     /* a writer, borrowed; in use between load_source()
	                    * and the return of load_drain() */
	const char *login; /* of the account, borrowed */
	bool ignore_quota;
	char *notices; /* popd's datagram socket, taken over; or NULL */
};

/* One message on its way. */
struct load_message {
	struct stage *stage; /* not sealed; taken over */
	uint64_t flags;      /* of enum message_flag */
	char *keywords;      /* names, a space between; or NULL; taken over */
	int64_t received_ms;
};

/* Where in its source a message ends. */
struct load_place {
	uint64_t position; /* of a file; 0: of a folder, which has names */
	char digest[IMPORT_DIGEST];
	char name[IMPORT_NAME];
};

struct load *load_new(const struct load_options *o);

/* From now on messages go into this mailbox and come from this import. */
void load_source(struct load *l, int64_t mailbox, int64_t import);

/* -1: nothing more can be added; load_drain() says why. */
int load_add(
    struct load *l, struct load_message *m, const struct load_place *place);

/* The file was read to here; nothing of it is a message. */
void load_pass(struct load *l, const struct load_place *place);

/* Wait until all is on disk: 0, or -1 with the first failure, after which
 * nothing was committed.  FAIL_QUOTA: what had room was. */
int load_drain(struct load *l, struct fail *f);

/* Committed so far, for whoever watches. */
struct load_count {
	uint64_t messages, bytes;
	uint64_t keywords_lost; /* messages of which a keyword found no place */
};
struct load_count load_count(struct load *l);

void load_free(struct load *l);

#endif
