/* SPDX-License-Identifier: MIT */
/*
 * smtp_engine: the inside of smtp_server, shared by its files only.
 *
 *	smtp_server.c	steps, data, answers
 *	smtp_command.c	the table of commands and what each does
 *	smtp_bdat.c	BDAT and its octets
 *	smtp_login.c	AUTH
 *	smtp_engine.c	state: the one place that changes it
 *
 * `held' has the line that the strings of MAIL and RCPT point into.
 */
#ifndef SMTPD_PROTO_SMTP_ENGINE_H
#define SMTPD_PROTO_SMTP_ENGINE_H

#include "common/auth/sasl.h"
#include "common/wire/dot.h"
#include "common/wire/line.h"
#include "smtpd/proto/smtp_chunk.h"
#include "smtpd/proto/smtp_extension.h"
#include "smtpd/proto/smtp_server.h"

#define COMMAND_MAX      2048 /* RFC 5321 s4.5.3.1.4 asks for 512 */
#define JUNK_MAX         100  /* commands that bring no mail nearer */
#define AUTH_FAILURE_MAX 3
#define TEXT_LINE_MAX    (1024 * 1024)

enum smtp_state {
	IN_GREET = 1 << 0,
	IN_READY = 1 << 1,
	IN_LOGIN = 1 << 2, /* the next line answers a challenge */
	IN_MAIL = 1 << 3,
	IN_RCPT = 1 << 4,
	IN_DATA = 1 << 5,
	IN_CLOSED = 1 << 6,
	IN_SILENT = 1 << 7, /* the host holds the greeting back */
	IN_CHUNK = 1 << 8,  /* octets of a BDAT are to come */
	IN_CHUNKS = 1 << 9, /* and now another BDAT */
};
#define IN_TRANSACTION (IN_MAIL | IN_RCPT | IN_DATA | IN_CHUNK | IN_CHUNKS)

/* A BDAT that is taken, from its command on. */
struct chunk {
	bool begun; /* its command was seen; the host may be asked first */
	bool last;
	uint64_t octets, left;
};

/* Octets of a BDAT that was refused: outside of any transaction, and before
 * whatever comes next. */
struct skip {
	bool pending;
	uint64_t left;
	enum smtp_reply reply; /* said at their end */
	struct buf text;       /* and its argument */
};

enum scram_step {
	SCRAM_UNUSED,
	SCRAM_FIRST, /* the client's first message is awaited */
	SCRAM_FINAL,
	SCRAM_NOTHING, /* the empty line that answers our last one */
};

struct smtp_server {
	struct smtp_server_options o;
	unsigned has; /* of enum smtp_extension */
	enum smtp_state state;
	enum smtp_event waiting; /* event the host has yet to answer */
	struct line line;
	struct buf out;
	enum smtp_reply last; /* reply that was said */
	struct buf helo;
	bool esmtp, tls, authenticated;
	size_t errors, junk, auth_failures;
	uint64_t progress;
	struct skip skip;
	bool dropped; /* the host is yet to be told of it */

	/* while AUTH is under way */
	struct sasl *sasl;
	enum scram_step scram;
	bool scram_plus;
	struct buf scram_message; /* decoded; wiped */

	/* the transaction: reset_transaction() is their only end */
	struct buf held; /* the line that a request's strings point into */
	struct buf envelope_id;
	bool utf8, binary;
	size_t recipients;
	struct dot_reader dot;
	struct chunk chunk;
	struct smtp_text text; /* of all chunks */
	struct buf body;       /* decoded, given to the host by BODY */
	bool ended;            /* the final dot or the last chunk was taken */
	uint64_t size;         /* decoded octets so far */
	size_t unread;         /* octets since progress last grew */
};

/* Change state; asserts that the edge is in the picture of smtp_server.h. */
void smtp_enter(struct smtp_server *s, enum smtp_state to);

/* Forget the transaction; back to READY if there was one. */
void smtp_reset_transaction(struct smtp_server *s);

/* Forget an AUTH under way, wiping what it held. */
void smtp_drop_login(struct smtp_server *s);

/* Reply; counts faults, and turns the one too many into 421.  A 421 closes. */
void smtp_say(struct smtp_server *s, enum smtp_reply r);
void smtp_say_with(struct smtp_server *s, enum smtp_reply r, struct str arg);

/* One whole command line, in any state that takes commands. */
enum smtp_event smtp_command(
    struct smtp_server *s, struct str line, struct smtp_request *req);

/* Octets of data went by. */
void smtp_count_progress(struct smtp_server *s, size_t octets);

/* BDAT that may be, and one that may not: its octets go by, then r is said. */
enum smtp_event smtp_bdat_begin(
    struct smtp_server *s, struct str arg, struct smtp_request *req);
enum smtp_event smtp_bdat_refuse(struct smtp_server *s, struct str arg,
    enum smtp_reply r, struct smtp_request *req);

/* The host does not want the first one. */
void smtp_bdat_refused(
    struct smtp_server *s, enum smtp_reply r, struct str text);

/* Take octets of a chunk, or of one refused.  *ev: what came of it.  False:
 * there must be more of them. */
bool smtp_bdat_step(struct smtp_server *s, struct str *in,
    struct smtp_request *req, enum smtp_event *ev);
bool smtp_bdat_skip(struct smtp_server *s, struct str *in);

/* AUTH with its arguments, and a line that answers a challenge. */
enum smtp_event smtp_login_begin(
    struct smtp_server *s, struct str arg, struct smtp_request *req);
enum smtp_event smtp_login_line(
    struct smtp_server *s, struct str line, struct smtp_request *req);
void smtp_login_failed(struct smtp_server *s, enum smtp_reply r);
void smtp_login_done(struct smtp_server *s);

/* SCRAM's answer to the first message, or (good) to the last. */
void smtp_login_ask(struct smtp_server *s, struct str text, bool good);

#endif
