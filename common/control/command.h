/* SPDX-License-Identifier: MIT */
/*
 * command: what a person can ask of a store, as JSON in and JSON out.
 *
 * One table names every command, the arguments it takes and what it changes.
 * maild executes them for its control socket; mailctl executes the same
 * ones by itself while no maild runs (owner.h).  They block: call them from a
 * thread that may wait.
 *
 *	{"command":"user.add","address":"bob@d.test","password":"..."}
 *	{"ok":true,"address":"bob@d.test","account":1}
 *	{"ok":false,"kind":"permanent","text":"there is no domain d.test: ..."}
 *
 * kind is "usage" (the request makes no sense), "permanent" or "temporary".
 * Addresses and domains are folded here.  Times are ISO 8601 in UTC with
 * milliseconds, ids of messages as trace_text() writes them.
 */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include <jansson.h>

#include "common/store/db.h"
#include "common/util/clock.h"
#include "common/util/str.h"

/* What a command that succeeded has changed, for the host to act on. */
enum control_effect {
	CONTROL_QUEUE = 1 << 0, /* look at the queue now */
	CONTROL_LOGIN = 1 << 1, /* forget what is remembered of logins and keys
	                         */
	CONTROL_WRITE = 1 << 2, /* something else in the store */
	CONTROL_SMARTHOST = 1 << 3, /* read the smarthosts again */
	CONTROL_BACKUP = 1 << 4,    /* a backup is wanted */
};

struct control {
	struct db *mail, *auth;       /* writers, borrowed */
	const struct clock *clock;    /* borrowed */
	int64_t started_ms;           /* wall clock; 0: executed offline */
	const char *hostname;         /* of this server, borrowed */
	const char *backup_dir;       /* borrowed; NULL: none is set */
	struct backup_board *backups; /* maild's, or NULL; borrowed */
	const char *counters;         /* maild's, as Prometheus wants them; or
	                               * NULL: executed offline; borrowed */
};

struct control_outcome {
	bool ok;
	unsigned effects;  /* of enum control_effect, also of what failed on its
	                    * way; 0 if it was not begun */
	char summary[400]; /* for a log: the command and what it was about,
	                    * never a password */
};

/* Execute a request.  The reply is the caller's to json_decref(). */
json_t *control_run(const struct control *c, const json_t *request,
    struct control_outcome *out);

/* The same on text: a line in, a malloc'd line of at most max bytes out,
 * without newline.  Secrets in `line' are not kept. */
char *control_answer(const struct control *c, struct str line, size_t max,
    struct control_outcome *out);

#endif
