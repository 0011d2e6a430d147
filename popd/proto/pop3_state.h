/* SPDX-License-Identifier: MIT */
/*
 * pop3_state: what the files of the POP3 engine share; nobody else's.
 *
 *	pop3.c		the states, the table of verbs, the step
 *	pop3_login.c	who is it: USER PASS AUTH STLS UTF8
 *	pop3_drop.c	the maildrop: STAT LIST UIDL RETR TOP DELE RSET
 */
#ifndef POPD_PROTO_POP3_STATE_H
#define POPD_PROTO_POP3_STATE_H

#include "common/auth/sasl.h"
#include "common/util/secret.h"
#include "common/wire/dot.h"
#include "common/wire/line.h"
#include "popd/proto/pop3.h"
#include "popd/proto/top.h"

enum state { /* RFC 1939 s3; SASL is within AUTHORIZATION */
	AUTHORIZATION = 1 << 0,
	SASL = 1 << 1,
	TRANSACTION = 1 << 2,
	UPDATE = 1 << 3,
	CLOSED = 1 << 4,
};

enum listing {
	LIST_NOTHING,
	LIST_SIZES,
	LIST_UIDS
};

struct pop3 {
	struct pop3_options options;
	enum state state;
	enum pop3_event waiting; /* event the host has yet to answer */
	struct line line;
	size_t lines; /* taken so far */
	unsigned errors, failures;
	struct buf out;

	struct buf user; /* of USER */
	struct secret password;
	struct sasl sasl; /* while in SASL or its login is checked */
	bool utf8;        /* RFC 6856: UTF8 was said */

	struct pop3_maildrop *drop; /* borrowed; NULL before login */
	size_t live;                /* messages not marked deleted */
	uint64_t live_octets;
	uint32_t *deleted; /* indexes of the others */
	size_t n_deleted, deleted_room;
	enum listing listing; /* being given out */
	size_t next;          /* its next message */
	size_t index;         /* message being given out */
	bool top_only;        /* by TOP, not RETR */
	struct top top;
	struct dot_writer dots;
};

/* What the client is told.  [..] are the codes of RFC 2449 s8 and 3206. */
#define REPLIES(R)                                                             \
	R(USER, "+OK now the password") /* same for unknown users */           \
	R(TLS, "+OK begin TLS")                                                \
	R(UTF8, "+OK UTF-8 it is")                                             \
	R(MECHANISMS, "+OK mechanisms follow")                                 \
	R(CAPA, "+OK what I can do follows")                                   \
	R(LANGUAGES, "+OK languages follow")                                   \
	R(ENGLISH, "+OK en English it is")                                     \
	R(DEFAULT, "+OK i-default English it is")                              \
	R(DELETED, "+OK marked deleted")                                       \
	R(RESET, "+OK nothing is deleted")                                     \
	R(NOOP, "+OK still here")                                              \
	R(TOP, "+OK top of message follows")                                   \
	R(BYE, "+OK bye")                                                      \
	R(NEED_TLS, "-ERR no login without TLS: STLS first")                   \
	R(USER_FIRST, "-ERR USER first")                                       \
	R(WRONG, "-ERR [AUTH] wrong name or password")                         \
	R(CANCELLED, "-ERR login cancelled")                                   \
	R(MALFORMED, "-ERR [AUTH] malformed response")                         \
	R(MECHANISM, "-ERR no such mechanism")                                 \
	R(TOO_MANY_LOGINS, "-ERR [AUTH] too many failed logins")               \
	R(IN_USE, "-ERR [IN-USE] another session has the maildrop")            \
	R(UNAVAILABLE, "-ERR [SYS/TEMP] try again later")                      \
	R(FORBIDDEN, "-ERR [SYS/PERM] this account may not log in")            \
	R(HAVE_TLS, "-ERR TLS is active already")                              \
	R(TLS_FIRST, "-ERR STLS comes before UTF8")                            \
	R(LANGUAGE, "-ERR no such language")                                   \
	R(NO_MESSAGE, "-ERR no such message")                                  \
	R(GONE, "-ERR this message was removed meanwhile")                     \
	R(KEPT, "-ERR [SYS/TEMP] nothing was deleted, try again later")        \
	R(SYNTAX, "-ERR wrong arguments")                                      \
	R(UNKNOWN, "-ERR unknown command")                                     \
	R(NOT_NOW, "-ERR not in this state")                                   \
	R(BAD_LINE, "-ERR bare CR, LF or NUL in line")                         \
	R(LONG_LINE, "-ERR line too long")                                     \
	R(ERRORS, "-ERR too many errors")                                      \
	R(COMMANDS, "-ERR too many commands without login")                    \
	R(NOT_POP3, "-ERR this is POP3")                                       \
	R(IDLE, "-ERR [SYS/TEMP] closed after long silence")                   \
	R(SHUTDOWN, "-ERR [SYS/TEMP] going down, try again later")

enum reply {
#define R(name, text) REPLY_##name,
	REPLIES(R)
#undef R
};

/* One line for the client; POP3_NONE. */
enum pop3_event pop3_reply(struct pop3 *p, enum reply r);

/* The dot that ends a list. */
void pop3_end_list(struct pop3 *p);

/* The one place that changes state. */
void pop3_enter(struct pop3 *p, enum state to);

/* Reply and end the session: POP3_CLOSE. */
enum pop3_event pop3_hang_up(struct pop3 *p, enum reply r);

/* Reply to what a client should know better; ends the session at the limit. */
enum pop3_event pop3_blame(struct pop3 *p, enum reply r);

/* The host answers this event. */
void pop3_answered(struct pop3 *p, enum pop3_event ev);

/* pop3_login.c */
bool pop3_may_log_in(const struct pop3 *p);
void pop3_forget(struct pop3 *p); /* name, password, SASL */

/* A line in state SASL; too_long and the like are not for here. */
enum pop3_event pop3_sasl_line(
    struct pop3 *p, struct str line, struct pop3_request *req);
enum pop3_event pop3_sasl_broken(struct pop3 *p);

/* pop3_drop.c: the next piece of the listing that is under way. */
void pop3_list_on(struct pop3 *p);

/* The commands: args are as many as the table of verbs allows, empty beyond. */
typedef enum pop3_event pop3_command(
    struct pop3 *p, const struct str *args, struct pop3_request *req);
pop3_command pop3_cmd_user, pop3_cmd_pass, pop3_cmd_auth, pop3_cmd_stls,
    pop3_cmd_utf8;
pop3_command pop3_cmd_stat, pop3_cmd_list, pop3_cmd_uidl, pop3_cmd_retr,
    pop3_cmd_top, pop3_cmd_dele, pop3_cmd_rset;

#endif
