/* SPDX-License-Identifier: MIT */
/*
 * conv: conversation files, and the runner that plays them in-process.
 *
 * One format, two runners: this one feeds an engine with a fake host, at
 * every chunk size; tests/conv/over_tcp.py plays the same files against the
 * real daemon over TCP and TLS.
 *
 *	# comment; the first one says what is shown, with its RFC
 *	@ option words		for the host, before the conversation; one
 *option a line: `@ allow-plaintext', `@ max-size 1000' S: +OK ...
 *the server's next line; `...' matches anything C: USER ann		the
 *client's next line (CRLF is added)
 *	C: no end\		a final backslash: no CRLF is added
 *	tls			the TLS handshake happens here
 *	eof			the client half-closes
 *	do WORDS		somebody else does something: the host knows
 *what close			the server must have closed
 *
 * Escapes in both: \r \n \t \0 \\ \xNN, and {text*N} for repetition, where
 * text has no braces ({123} and {5+} stand for themselves).  C: lines that
 * follow each other are sent as one flight.  Output of the server that no S:
 * line asks for fails the conversation, and so does a server that closes
 * without a `close' line.
 *
 * For an engine that is the client, `client' swaps the two sides: S: lines
 * are fed to it, C: lines are what it must say.
 */
#ifndef TESTS_CONV_H
#define TESTS_CONV_H

#include "common/util/str.h"

/* What is talked to: an engine with its fake host. */
struct conv_peer {
	bool client; /* the engine is the client side */
	void *(*open)(
	    struct str options); /* the `@' lines without `@', each with '\n' */
	void (*feed)(
	    void *p, struct str bytes); /* the host serves all events */
	void (*tls)(void *p);
	void (*eof)(void *p);
	struct str (*output)(void *p); /* everything not yet dropped */
	void (*drop)(void *p, size_t n);
	bool (*closed)(void *p);
	void (*free)(void *p);
	bool (*act)(void *p, struct str words); /* false: what is that? */
	const size_t *sizes; /* of the chunks, 0 at the end, besides whole
	                      * flights; NULL: as conv_run_dir() says */
	const char *begins;  /* only files whose names do; NULL: all */
};

/* Play every *.conv in dir at every chunk size from whole flights down to one
 * byte (flights over 8 KiB: a selection of sizes).  Prints file:line for each
 * difference; returns how many conversations failed; 0 files is a failure. */
int conv_run_dir(const char *dir, const struct conv_peer *peer);

#endif
