/* SPDX-License-Identifier: MIT */
/*
 * conn_internal: what conn.c (life, what the host may do), conn_io.c (the
 * socket), conn_tls.c (the engine between socket and buffers) and
 * conn_deflate.c (compression between buffers and these) share.
 *
 *   connecting --> open --> finishing --> lingering --> ended
 *        |           |          |             |           ^
 *        +-----------+----------+-------------+-----------+
 *
 * finishing: what is pending goes out, nothing more is read.  lingering: we
 * said all and shut our side; input is thrown away until the peer closes,
 * because closing a socket with unread input resets the connection and may
 * take our last words from the peer.
 */
#ifndef NET_CONN_INTERNAL_H
#define NET_CONN_INTERNAL_H

#include "common/net/conn.h"
#include "common/net/deflate.h"
#include "common/net/loop_internal.h"
#include "common/net/tls_expect.h"
#include "common/net/tls_internal.h"
#include "common/util/buf.h"

enum conn_state {
	CONN_CONNECTING,
	CONN_OPEN,
	CONN_FINISHING,
	CONN_LINGERING,
	CONN_ENDED,
};

enum conn_engine_state {
	ENGINE_WAITING,   /* plaintext from before still goes out */
	ENGINE_HANDSHAKE, /* step_at is running */
	ENGINE_ESTABLISHED,
	ENGINE_BROKEN, /* SSL may not be used any more */
};

/* TLS of one connection.  The conn's `in' and `out' are plaintext then, and
 * `wire' is what the socket takes. */
struct conn_engine {
	enum conn_engine_state state;
	struct tls *tls;           /* a reference held */
	SSL *ssl;                  /* NULL while waiting */
	struct tls_expect *expect; /* client: of the server, or NULL */
	struct str fresh;          /* bytes just read, in the loop's scratch */
	struct buf raw;  /* bytes read before that wait for room in `in' */
	struct buf wire; /* bytes for the socket */
	bool said_bye;   /* close_notify is in wire */
	struct conn_tls info;
	char *problem; /* of info */
};

/* Compression of one connection: the conn's `in' and `out' are as the host has
 * them, `raw' and `packed' as TLS or the socket does. */
struct conn_squeeze {
	struct deflate *deflate;
	struct buf raw;    /* waits for room in `in' */
	struct buf packed; /* waits to be encrypted or sent */
	bool full;         /* more may be drawn without input */
};

struct conn {
	struct loop_owned owned;
	struct loop *loop; /* borrowed */
	int fd;            /* -1: no socket could be made */
	enum conn_state state;
	const struct conn_host *host; /* borrowed, with arg */
	void *arg;
	struct conn_limits limits;

	struct buf in;           /* for the host; len never exceeds in_limit */
	struct buf out;          /* from the host */
	struct conn_engine *tls; /* NULL in the clear */
	struct conn_squeeze *squeeze; /* NULL: not compressed */
	bool paused;
	bool loaded;  /* much was pending: the host is told when it is gone */
	bool blocked; /* the kernel takes no more at the moment */
	bool fin;     /* the socket's end of input was read */
	bool eof;     /* the host may see the end of input */
	bool eof_clean;

	uv_poll_t poll;
	uv_timer_t timer;
	int events;         /* polled for */
	unsigned handles;   /* not yet closed */
	int64_t timer_at;   /* when the timer fires; 0: not armed */
	int64_t expires_at; /* conn_deadline(), 0: none */
	int64_t stall_at;   /* 0: nothing is blocked */
	size_t stall_taken; /* octets, since stall_at was set */
	int64_t step_at;    /* of connecting, handshake, finishing, lingering */
	struct loop_task ready;
	struct loop_task flush;

	enum conn_end
	    end;   /* once finishing for another reason than CONN_FINISHED */
	char *why; /* text for closed() */
	size_t discarded; /* while lingering */
	uint64_t bytes_in, bytes_out;
	struct address peer, local;
};

/* ---- conn.c ---- */

/* The socket is gone now; closed() follows from the loop. */
void conn_end(struct conn *c, enum conn_end end, const char *why);
void conn_end_now(struct conn *c); /* for the reason set before */

/* Say what is in wire and end as CONN_TLS. */
void conn_tls_failed(struct conn *c, const char *doing, const char *why);

/* The host is called at the end of the round; output is looked at there. */
void conn_soon(struct conn *c);
void conn_flush_soon(struct conn *c);

/* Octets that TLS or the socket is to have next. */
struct buf *conn_outgoing(struct conn *c);

/* Octets that came from TLS or the socket, at most conn_in_room(). */
void conn_take(struct conn *c, struct str bytes);

/* ---- conn_io.c ---- */

/* Write what can be written, read on if there is room, set the timer. */
void conn_run_flush(struct loop_task *t);

/* See that the timer fires at the earliest of the three times. */
void conn_arm(struct conn *c);

/* Look up both addresses of the open socket, set its options. */
void conn_name_ends(struct conn *c);

/* Room for more input from TLS or the socket. */
size_t conn_in_room(const struct conn *c);

/* ---- conn_tls.c ---- */

/* expect is owned from here on. */
struct conn_engine *engine_new(
    struct conn *c, struct tls *t, struct tls_expect *expect);
void engine_free(struct conn_engine *e);

/* Everything that can be done now: handshake, decrypt while `in' has room,
 * encrypt while `wire' has. */
void engine_run(struct conn *c);

/* As above, with bytes from the socket; keeps what it cannot use yet. */
void engine_input(struct conn *c, struct str bytes);

/* Put close_notify into wire. */
void engine_say_bye(struct conn *c);

/* ---- conn_deflate.c ---- */

void squeeze_free(struct conn_squeeze *z);

/* Unpack what there is room for; the connection may end here. */
void squeeze_input(struct conn *c);

/* Pack all that the host has sent. */
void squeeze_output(struct conn *c);

#endif
