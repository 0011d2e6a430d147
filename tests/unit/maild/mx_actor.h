/* SPDX-License-Identifier: MIT */
/*
 * mx_actor: another server's SMTP on the test's own loop, which answers as it
 * is told: any reply at any step, silence, or the end of the connection.
 */
#ifndef TESTS_UNIT_MAILD_MX_ACTOR_H
#define TESTS_UNIT_MAILD_MX_ACTOR_H

#include "common/net/address.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/util/buf.h"

enum actor_step {
	ACTOR_GREETING,
	ACTOR_EHLO,
	ACTOR_STARTTLS,
	ACTOR_AUTH,
	ACTOR_MAIL,
	ACTOR_RCPT,
	ACTOR_DATA,
	ACTOR_DOT,
	ACTOR_RSET,
	ACTOR_QUIT,
	ACTOR_STEPS,
};

/* Instead of a reply (with its CRLF). */
#define ACTOR_HANG  "hang"  /* say nothing more, ever */
#define ACTOR_CLOSE "close" /* reset the connection */
#define ACTOR_DRIP  "drip"  /* an octet of a reply every few ms, for ever */

struct actor {
	/* set by the test, at any time */
	const char *on[ACTOR_STEPS]; /* NULL: the usual reply */
	struct {
		const char *address, *reply;
	} rcpt[8];          /* of single recipients, before on[ACTOR_RCPT] */
	struct tls *tls;    /* offer STARTTLS */
	bool inside;        /* TLS from the first octet */
	const char *offers; /* more of EHLO: "250-DSN\r\n", or NULL */

	/* seen by the test */
	size_t connections, most_at_once, messages, ehlos, quits;
	size_t accepted[8]; /* of rcpt[i]: how often it was in a message */
	size_t dots;        /* messages that came to their end, taken or not */
	size_t recipients;  /* taken with a message */
	size_t most_recipients;
	struct buf last;      /* the last message, dots unstuffed */
	struct buf mails;     /* MAIL commands, a line each */
	struct buf rcpts;     /* RCPT commands likewise */
	struct buf auths;     /* AUTH commands likewise */
	struct conn *open[8]; /* connections, NULL: none */
	bool last_secure;     /* it came under TLS */
	bool last_chunk;      /* and by BDAT */
	int64_t first_ms;     /* loop_now_ms() of the first message */

	size_t now; /* connections open */
	struct loop *loop;
	struct listener *listener;
};

/* Listen on ip; port 0 takes a free one.  The port, or 0 when it is taken. */
uint16_t actor_start(
    struct actor *a, struct loop *l, const char *ip, uint16_t port);
void actor_stop(struct actor *a);

/* Say this on every connection; or end it, if bye is NULL. */
void actor_say(struct actor *a, const char *bye);

#endif
