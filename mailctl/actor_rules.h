/* SPDX-License-Identifier: MIT */
/*
 * actor_rules: how a mail server of somebody else behaves.  All its sessions
 * share them: a script goes on where the session before left it.
 */
#ifndef MAILCTL_ACTOR_RULES_H
#define MAILCTL_ACTOR_RULES_H

#include "common/util/mem.h"
#include "common/util/str.h"

#define ACTOR_SIZE_DEFAULT (50 * MB)
#define ACTOR_MET_MAX      10000

/* V(NAME, "word"): what a server answers to. */
#define ACTOR_VERBS(V)                                                         \
	V(CONNECT, "CONNECT")                                                  \
	V(EHLO, "EHLO")                                                        \
	V(HELO, "HELO")                                                        \
	V(STARTTLS, "STARTTLS")                                                \
	V(MAIL, "MAIL")                                                        \
	V(RCPT, "RCPT")                                                        \
	V(DATA, "DATA")                                                        \
	V(BODY, "BODY") /* in the middle of the data */                        \
	V(END, ".")     /* its end */                                          \
	V(RSET, "RSET")                                                        \
	V(NOOP, "NOOP")                                                        \
	V(VRFY, "VRFY")                                                        \
	V(QUIT, "QUIT")

enum actor_verb {
#define V(name, word) ACTOR_##name,
	ACTOR_VERBS(V)
#undef V
	ACTOR_VERBS_N
};

const char *actor_verb_word(enum actor_verb verb);

enum actor_reply_kind {
	ACTOR_SAY,
	ACTOR_SAY_NOTHING, /* for ever: "hang" */
	ACTOR_SAY_GOODBYE, /* end the connection without a word: "drop" */
};

struct actor_reply {
	enum actor_reply_kind kind;
	char *text; /* ACTOR_SAY: whole, CRLF after each line */
};

struct actor_script { /* one reply after the other; the last one stays */
	struct actor_reply *replies;
	size_t n, next;
};

/* T(NAME, "word") */
#define ACTOR_TLS_KINDS(T)                                                     \
	T(GOOD, "good")                                                        \
	T(NONE, "none")                                                        \
	T(EXPIRED, "expired")                                                  \
	T(SELF_SIGNED, "self-signed")                                          \
	T(WRONG_NAME, "wrong-name")                                            \
	T(BROKEN, "broken") /* says what is no TLS */                          \
	T(SILENT, "hang")   /* says nothing */

enum actor_tls {
#define T(name, word) ACTOR_TLS_##name,
	ACTOR_TLS_KINDS(T)
#undef T
	ACTOR_TLS_N
};

struct actor_words {
	char **at;
	size_t n;
};

struct actor_met; /* who came when: greylisting */

struct actor_rules { /* of a server; all sessions share them */
	char *host, *address;
	enum actor_tls tls;
	bool refuses; /* every recipient */
	struct actor_script scripts[ACTOR_VERBS_N];
	struct actor_words full, unknown;       /* local parts, or addresses */
	int64_t greylist_ms, delay_ms, drip_ms; /* 0: not */
	size_t size;   /* of a message, 0: ACTOR_SIZE_DEFAULT */
	size_t window; /* octets taken at a time, 0: all */
	struct actor_met *met;
};
void actor_rules_release(struct actor_rules *r);

/* What the script says next; NULL if there is none. */
const struct actor_reply *actor_rules_next(
    struct actor_rules *r, enum actor_verb verb);

/* Largest message. */
size_t actor_rules_size(const struct actor_rules *r);

/* The reply to RCPT by the rules alone; it may be in room. */
#define ACTOR_RCPT_ROOM 100
const char *actor_rules_rcpt(struct actor_rules *r, const char *peer,
    const char *sender, struct str recipient, int64_t now_ms,
    char room[ACTOR_RCPT_ROOM]);

void actor_words_add(struct actor_words *w, struct str word); /* copied */
void actor_words_release(struct actor_words *w);

#endif
