/* SPDX-License-Identifier: MIT */
/*
 * imap_lex: bytes become one complete command with its literals in it
 * (RFC 9051 s4.3, RFC 7888, RFC 3516), in bounded memory.
 *
 *	        announced          keep
 *	  LINE ----------> JUDGED ------> KEEPING --+
 *	   ^  ^              |  | give              |
 *	   |  |       refuse |  +-------> GIVING ---+
 *	   |  +-- SWALLOWING <                      |
 *	   +----------------------------------------+ the line goes on
 *
 * The engine judges each literal.  A command that is broken (bare CR or LF,
 * NUL, too long) or has a literal that was refused is taken to its end all the
 * same, so that no octet of it is ever read as a command; nothing of it is
 * held then but its beginning.
 */
#ifndef POPD_PROTO_IMAP_LEX_H
#define POPD_PROTO_IMAP_LEX_H

#include "common/util/mem.h"
#include "popd/proto/imap_op.h"

/* How much of a broken command is taken before it is given up. */
#define IMAP_LEX_LINE_EXCESS (64 * KB)
#define IMAP_LEX_SWALLOW_MAX (128 * MB) /* octets of literals */

struct imap_lex;

enum imap_lex_result {
	IMAP_LEX_MORE,    /* *in is used up */
	IMAP_LEX_READY,   /* imap_lex_text() is a command, or a line */
	IMAP_LEX_LITERAL, /* judge imap_lex_literal(): keep, give or refuse */
	IMAP_LEX_OCTETS,  /* of a literal to be given: imap_lex_octets() */
	IMAP_LEX_BROKEN,  /* it is over, imap_lex_blame() says what was wrong;
	                   * imap_lex_text() has its beginning */
	IMAP_LEX_ENDLESS, /* there is no use in waiting for its end */
};

struct imap_lex_literal {
	struct str head; /* the command so far, up to the announcement */
	uint64_t size;   /* UINT64_MAX: more than can be said */
	bool waits;      /* synchronizing: sent when the server says so */
	bool binary;     /* literal8 */
};

struct imap_lex_blame {
	bool syntax; /* BAD, not NO */
	enum imap_code code;
	const char *text;
};

struct imap_lex *imap_lex_new(void);
void imap_lex_free(struct imap_lex *l);

/* Take bytes from the front of *in.  max: octets of a command, literals that
 * are kept included.  line: what comes is no command but one line, in which
 * nothing announces a literal. */
enum imap_lex_result imap_lex_step(
    struct imap_lex *l, struct str *in, size_t max, bool line);

/* Without its CRLF; kept literals as they came, of those given only the
 * announcement with its CRLF.  Lives until the next step or clear. */
struct str imap_lex_text(const struct imap_lex *l);
struct str imap_lex_octets(const struct imap_lex *l);
const struct imap_lex_blame *imap_lex_blame(const struct imap_lex *l);

/* Announced last. */
const struct imap_lex_literal *imap_lex_literal(const struct imap_lex *l);

/* What becomes of it.  keep asserts that it fits.  refuse: BROKEN, the command
 * is over, since the client waits (RFC 9051 s4.3); MORE, it will be, when all
 * the client sends has gone by; ENDLESS, that is too much. */
void imap_lex_keep(struct imap_lex *l);
void imap_lex_give(struct imap_lex *l);
enum imap_lex_result imap_lex_refuse(
    struct imap_lex *l, bool syntax, enum imap_code code, const char *text);
bool imap_lex_fits(const struct imap_lex *l); /* may be kept */

/* Nothing has come of the next command. */
bool imap_lex_is_empty(const struct imap_lex *l);

/* Forget the command that is over, and wipe it: it may be a LOGIN. */
void imap_lex_clear(struct imap_lex *l);

#endif
