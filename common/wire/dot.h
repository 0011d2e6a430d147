/* SPDX-License-Identifier: MIT */
/*
 * dot: transparency of message data, both ways, streaming (RFC 5321 s4.5.2,
 * RFC 1939 s3).
 *
 * Reading: only CRLF.CRLF ends the data.  Bare CR, bare LF and NUL are
 * passed through and remembered, so that the message can be refused at its
 * real end and nothing behind a false end is ever taken for a command.
 */
#ifndef WIRE_DOT_H
#define WIRE_DOT_H

#include "common/util/buf.h"

struct dot_reader {
	int state;      /* dot.c's own */
	bool bare;      /* a bare CR or LF was seen */
	bool nul;       /* a NUL was seen */
	size_t line;    /* octets of the current line */
	size_t longest; /* longest line seen, without CRLF */
};

enum dot_result {
	DOT_MORE, /* *in is used up; *out has what is decoded so far */
	DOT_END,  /* the final dot was taken; what follows stays in *in */
};

void dot_reader_init(struct dot_reader *d);

/* Decode from the front of *in, appending to out; returns early when out
 * reaches its limit (then *in is not used up and DOT_MORE). */
enum dot_result dot_read(struct dot_reader *d, struct str *in, struct buf *out);

struct dot_writer {
	bool line_start; /* next octet begins a line */
	bool cr;         /* last octet was CR */
};

void dot_writer_init(struct dot_writer *d);

/* Stuff bytes, appending to out; input must have CRLF line ends only. */
void dot_write(struct dot_writer *d, struct str bytes, struct buf *out);

/* The end: a CRLF if the last line lacked one, then ".CRLF". */
void dot_write_end(struct dot_writer *d, struct buf *out);

#endif
