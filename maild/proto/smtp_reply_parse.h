/* SPDX-License-Identifier: MIT */
/*
 * smtp_reply_parse: the replies of another SMTP server (RFC 5321 s4.2), pure.
 *
 * Strict: lines end with CRLF and hold no bare CR or LF and no NUL; a code is
 * three digits from 200 to 559; all lines of one reply carry the same code; a
 * reply is at most 64 KiB, whatever its lines.  Anything else is
 * SMTP_REPLY_BAD as soon as it is seen, and the parser then stays bad: what
 * follows can belong to nothing we asked.
 */
#ifndef MAILD_PROTO_SMTP_REPLY_PARSE_H
#define MAILD_PROTO_SMTP_REPLY_PARSE_H

#include "common/util/buf.h"
#include "common/util/mem.h"

#define SMTP_REPLY_MAX     (64 * KB)
#define SMTP_ENHANCED_MAX  16  /* "5.123.123" with NUL, and to spare */
#define SMTP_REPLY_ONE_MAX 900 /* smtp_reply_one_line() writes no more */

struct smtp_reply {
	int code;
	/* RFC 3463 code of the first line, when its class is that of the code;
	 * "" if there is none. */
	char enhanced[SMTP_ENHANCED_MAX];
	struct str text; /* lines joined by '\n', codes before them cut off;
	                  * valid until the next smtp_reply_take() */
};

struct smtp_reply_parse {
	struct buf text; /* of the lines so far */
	char head[4];    /* code and separator of the line that goes by */
	size_t at;       /* octets of that line */
	size_t size;     /* octets of the reply */
	int code;        /* of the first line, 0 before it */
	bool cr;         /* last octet was CR */
	bool given;      /* text was handed out: begin anew */
	const char *bad; /* why no more is taken */
};

enum smtp_reply_result {
	SMTP_REPLY_MORE,  /* *in is used up */
	SMTP_REPLY_READY, /* *out is one reply; what follows stays in *in */
	SMTP_REPLY_BAD,   /* p->bad says why, a constant sentence */
};

void smtp_reply_init(struct smtp_reply_parse *p);
void smtp_reply_release(struct smtp_reply_parse *p);

/* Take bytes from the front of *in, up to the end of one reply. */
enum smtp_reply_result smtp_reply_take(
    struct smtp_reply_parse *p, struct str *in, struct smtp_reply *out);

/* Has the first byte of a reply been taken, and not its last? */
bool smtp_reply_begun(const struct smtp_reply_parse *p);

/* Append the reply as one line for logs, hops and DSNs: code, enhanced code,
 * words; control and 8-bit bytes as `?', cut at SMTP_REPLY_ONE_MAX. */
void smtp_reply_one_line(const struct smtp_reply *r, struct buf *out);

/* RFC 5321 s4.2.1: x5z, the mail system says yes; 4yz or 5yz. */
bool smtp_reply_is_ok(const struct smtp_reply *r);
bool smtp_reply_is_refusal(const struct smtp_reply *r);

#endif
