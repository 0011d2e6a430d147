/* SPDX-License-Identifier: MIT */
/*
 * imap_state: what the files of the IMAP engine share; nobody else's.
 *
 *	imap.c		the session, its step, the host's answers
 *	imap_command.c	the table of commands; literals, lines
 *	imap_lex.c	bytes -> one complete command; message literals
 *	imap_arg*.c	cursors over its arguments (imap_arg.h)
 *	imap_out.c	pieces of responses (imap_out.h)
 *	imap_reply.c	states, tagged and other responses
 *	imap_client.c	CAPABILITY ID ENABLE COMPRESS LOGOUT
 *	imap_login.c	STARTTLS LOGIN AUTHENTICATE
 *	imap_box*.c	LIST LSUB STATUS CREATE ... QUOTA METADATA
 *	imap_select.c	SELECT EXAMINE CLOSE UNSELECT NOOP CHECK IDLE
 *	imap_sync.c	untagged EXISTS, EXPUNGE, FETCH: what changed
 *	imap_notify.c	NOTIFY
 *	imap_store.c	STORE EXPUNGE COPY MOVE
 *	imap_fetch*.c	FETCH
 *	imap_append.c	APPEND REPLACE
 *	imap_search*.c	SEARCH SORT THREAD
 *
 * A command is a function from the table.  It parses its arguments wholly
 * before it does anything, and returns
 *	IMAP_NONE	over: it has given its tagged response
 *	IMAP_OP ...	imap_ask(): goes on in op->done()
 *	IMAP_DRAIN	p->resume is set: called when there is room again
 */
#ifndef POPD_PROTO_IMAP_STATE_H
#define POPD_PROTO_IMAP_STATE_H

#include "popd/proto/imap.h"
#include "popd/proto/imap_arg.h"
#include "popd/proto/imap_caps.h"
#include "popd/proto/imap_out.h"

enum imap_state {
	IMAP_NOT_AUTHENTICATED = 1 << 0,
	IMAP_AUTHENTICATED = 1 << 1,
	IMAP_SELECTED = 1 << 2,
	IMAP_LOGGED_OUT = 1 << 3,
};

enum imap_enabled { /* RFC 5161 */
	IMAP_HAS_CONDSTORE = 1 << 0,
	IMAP_HAS_QRESYNC = 1 << 1,
	IMAP_HAS_UTF8 = 1 << 2,
	IMAP_HAS_REV2 = 1 << 3,
	IMAP_HAS_UIDONLY = 1 << 4,
};

enum imap_status {
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
};

/* Goes on with what it was about: an event as a command returns. */
typedef enum imap_event imap_resume(struct imap *p);

struct imap_lex;         /* imap_lex.h */
struct imap_login_state; /* imap_login.c */
struct imap_notify;      /* imap_notify.c */

struct imap {
	struct imap_options options;
	enum imap_state state;
	unsigned enabled;        /* of enum imap_enabled */
	imap_caps off;           /* not offered */
	enum imap_event waiting; /* event the host has yet to answer */
	unsigned errors, failures;
	size_t commands;
	struct buf out;
	struct imap_lex *lex;
	int64_t now_s;

	/* the command under way */
	char tag[64];    /* "" between commands */
	struct str verb; /* its name as in the table, without UID */
	bool uid;        /* UID before it */
	unsigned may;    /* of enum imap_may: what responses fit */
	imap_resume *resume;
	struct imap_op *op;
	void *work; /* its own state, freed by free_work when it ends */
	void (*free_work)(void *work);
	char *late; /* its tagged response, while there is no room for it */

	/* who */
	int64_t account;
	char *login;
	struct buf client; /* name and version of ID */
	struct imap_login_state *login_state;

	/* SELECTED */
	struct view *view; /* NULL otherwise */
	char *mailbox_name;
	bool read_only;
	struct seqset saved;  /* SEARCHRES: UIDs of the last SAVE */
	struct seqset read;   /* UIDs whose text was read here */
	int64_t *read_traces; /* imap_read_traces() */
	size_t n_read_traces, read_room;

	bool idling; /* IDLE, until DONE */
	bool poked;
	struct imap_notify *notify; /* NULL: not set */
	bool unasked; /* a FETCH for NOTIFY is under way: no tagged response */

	/* imap_body_wanted(), and where its octets go */
	struct imap_body body;
	void (*body_chunk)(struct imap *p, struct str chunk);
	enum imap_event (*body_over)(struct imap *p, bool whole);
	enum imap_event next; /* what an answer led to, for the next step */

	bool judging; /* a literal waits for an op (IMAP_LITERAL_ASK) */
	uint64_t stage_size;
	struct str octets;
	bool staged;  /* this command has stages */
	bool unstage; /* one that had is over, the host is to be told */

	bool compressed;
	size_t traces_given; /* of these, to the host */
};

enum imap_may {                      /* columns of the table of commands */
	IMAP_MAY_EXPUNGE = 1 << 0,   /* EXPUNGE may be told at its end */
	IMAP_MAY_UID = 1 << 1,       /* may follow UID */
	IMAP_TAKES_NUMBERS = 1 << 2, /* without UID: not with UIDONLY */
	IMAP_NEEDS_WRITE = 1 << 3,   /* not in a mailbox opened by EXAMINE */
	IMAP_MAY_NOTHING = 1 << 4,   /* its answer tells of no change: what
	                              * follows it may not wait for room */
};

/* a: what stands behind its name and one space. */
typedef enum imap_event imap_command(struct imap *p, struct imap_args *a);

/* Every command, in the table of imap_command.c. */
imap_command imap_cmd_capability, imap_cmd_noop, imap_cmd_logout, imap_cmd_id,
    imap_cmd_starttls, imap_cmd_login, imap_cmd_authenticate, imap_cmd_enable,
    imap_cmd_compress;
imap_command imap_cmd_select, imap_cmd_examine, imap_cmd_close,
    imap_cmd_unselect, imap_cmd_check, imap_cmd_idle, imap_cmd_notify;
imap_command imap_cmd_list, imap_cmd_lsub, imap_cmd_namespace, imap_cmd_status,
    imap_cmd_create, imap_cmd_delete, imap_cmd_rename, imap_cmd_subscribe,
    imap_cmd_unsubscribe, imap_cmd_getquota, imap_cmd_getquotaroot,
    imap_cmd_setquota, imap_cmd_getmetadata, imap_cmd_setmetadata;
imap_command imap_cmd_store, imap_cmd_expunge, imap_cmd_copy, imap_cmd_move;
imap_command imap_cmd_fetch, imap_cmd_append, imap_cmd_replace;
imap_command imap_cmd_search, imap_cmd_sort, imap_cmd_thread;

/* Tagged responses: they end the command.  First what has changed is told, as
 * far as the command may.  code may be NONE.  IMAP_NONE, to be returned. */
enum imap_event imap_reply(struct imap *p, enum imap_status status,
    enum imap_code code, const char *text);

/* The same with a code that has arguments: "APPENDUID 1 2". */
enum imap_event imap_reply_with(
    struct imap *p, enum imap_status status, struct str code, const char *text);

/* "OK FETCH done", and what an op that failed calls for. */
enum imap_event imap_reply_done(struct imap *p);
enum imap_event imap_reply_failed(struct imap *p, const struct imap_op *op);

/* BAD for arguments that do not parse: counted. */
enum imap_event imap_reply_syntax(struct imap *p, const char *what_is_wrong);

/* An untagged response, "* " and CRLF added. */
void imap_untagged(struct imap *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void imap_untagged_code(struct imap *p, enum imap_status status,
    const char *code, const char *text);

/* Hand an op to the host: IMAP_OP, to be returned. */
enum imap_event imap_ask(struct imap *p, struct imap_op *op);

/* Is it offered to this client?  Is it enabled? */
bool imap_offers(const struct imap *p, enum imap_cap cap);
bool imap_has(const struct imap *p, enum imap_enabled what);

/* Enable, with what it implies (QRESYNC: CONDSTORE). */
void imap_enable(struct imap *p, unsigned what);

/* UTF-8 may stand in quotes; mailbox names are UTF-8. */
bool imap_utf8(const struct imap *p);

/* The one place that changes state. */
void imap_enter(struct imap *p, enum imap_state to);

bool imap_is_full(const struct imap *p); /* output is past its high water */

/* BAD for a command that has no place here: counted. */
enum imap_event imap_blame(
    struct imap *p, enum imap_code code, const char *what_is_wrong);

/* BYE and the end: IMAP_NONE. */
enum imap_event imap_hang_up(struct imap *p, const char *why);

/* imap_command.c.  Take input up to an event or the end of a command; *idle:
 * it is used up. */
enum imap_event imap_input(struct imap *p, struct str *in, bool *idle);

/* imap_client.c: "CAPABILITY ..." as it is now. */
void imap_write_caps(const struct imap *p, struct buf *out);

/* imap_login.c */
bool imap_may_log_in(const struct imap *p); /* under TLS, or without */
bool imap_is_authenticating(const struct imap *p);
enum imap_event imap_sasl_line(struct imap *p, struct str line);
enum imap_event imap_sasl_broken(struct imap *p);
void imap_login_forget(struct imap *p); /* name, password, SASL */

/* imap_sync.c.  Tell what changed: expunged too, or not now.  False: there is
 * more, but no room: call it again. */
bool imap_sync(struct imap *p, bool expunged);

/* One message's flags: "* 3 FETCH (UID 7 FLAGS (...) MODSEQ (9))"; with UIDONLY
 * "* 7 UIDFETCH (...)".  extra: items before FLAGS, "" for none. */
void imap_tell_flags(struct imap *p, const struct mirror_message *m);

/* imap_select.c: the mailbox is left, its view closed. */
void imap_leave(struct imap *p);

/* A set of the client's as UIDs (`$' too): false, and BAD was replied, if there
 * is something wrong with it. */
bool imap_take_set(struct imap *p, struct imap_args *a, struct seqset *uids);

/* imap_notify.c: has something to say or to ask?  As a command returns. */
enum imap_event imap_notify_step(struct imap *p);
void imap_notify_news(struct imap *p, const struct imap_news *news);
void imap_notify_free(struct imap *p);

/* Ends the command that is `unasked', in place of its tagged response. */
void imap_notify_fetched(struct imap *p);

/* imap_append.c, for imap_command.c: a literal of `size' octets (UINT64_MAX:
 * more than can be said) is announced behind `head', which is all of the
 * command so far, without tag and up to the announcement ("APPEND x ", "UID
 * REPLACE 3 x UTF8 ("; earlier messages as imap_arg_message() has them); is it
 * a message?  Asked after login only. */
enum imap_literal {
	IMAP_LITERAL_ARGUMENT, /* no: keep it with the command */
	IMAP_LITERAL_MESSAGE,  /* yes: give it to the stages */
	IMAP_LITERAL_REFUSED,  /* not taken: the tagged response is in *code,
	                        *text */
	IMAP_LITERAL_ASK, /* not known yet: imap_ask() was called, hand out its
	                   * op, and ask here again when that is done */
};
enum imap_literal imap_append_literal(struct imap *p, struct str head,
    uint64_t size, bool binary, enum imap_code *code, const char **text);

/* The octets of a message go by (the event IMAP_OCTETS): what may not be in
 * them is noted, for the command when it is complete. */
void imap_append_octets(struct imap *p, struct str octets);

#endif
