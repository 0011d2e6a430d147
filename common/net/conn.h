/* SPDX-License-Identifier: MIT */
/*
 * conn: one stream connection with bounded buffers, deadlines and TLS.
 *
 * The host gets one call, ready(), whenever something may have changed: new
 * input, room in the output, TLS established, the peer's end.  It then looks
 * at conn_input(), takes what it can with conn_consume(), and answers with
 * conn_send().  ready() is never called from inside one of these functions,
 * and never after conn_finish()/conn_abort().
 *
 * Back-pressure both ways: reading stops while `in_limit' bytes wait
 * unconsumed; conn_has_room() is false while more than `out_high' bytes wait
 * to be sent, and ready() is called when they are down to a quarter of it.
 * What is sent is never refused: the host's duty is to stop at no-room, so
 * output holds at most out_high plus one answer.
 *
 * A peer that does not take CONN_STALL_LEAST octets in stall_ms, or all there
 * is, loses its connection (CONN_STALLED): a reader that takes one octet now
 * and then holds what it holds no longer than one that takes none.  Output is
 * written once per round of the loop, gathered.
 *
 * Memory: buffers exist only while they hold something; an idle TLS
 * connection costs OpenSSL's state (about 16 KiB), an idle plain one under 1
 * KiB.
 *
 * Life: closed() is called exactly once, when the socket is gone, whoever
 * ended it; the conn is freed after it returns.  Never free a conn yourself.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "common/net/address.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/net/tlsa.h"
#include "common/util/mem.h"
#include "common/util/str.h"

#define CONN_STALL_LEAST (16 * KB) /* a peer's duty in each stall_ms */

struct conn;

enum conn_end {
	CONN_FINISHED, /* conn_finish(), everything was sent */
	CONN_ABORTED,  /* conn_abort() */
	CONN_RESET, /* error on the socket, or peer gone with output waiting */
	CONN_STALLED,  /* peer took too little in stall_ms */
	CONN_DEADLINE, /* connecting or the TLS handshake took too long */
	CONN_TLS,      /* handshake or record failure: see the text */
	CONN_REFUSED,  /* conn_connect() did not succeed */
};

struct conn_host {
	void (*ready)(void *arg, struct conn *c);
	void (*closed)(void *arg, enum conn_end end, const char *text);
	void (*expired)(void *arg, struct conn *c); /* conn_deadline() passed */
};

struct conn_limits {
	size_t in_limit;      /* unread bytes held, default 16 KiB */
	size_t out_high;      /* default 64 KiB */
	int64_t stall_ms;     /* default 5 min */
	int64_t handshake_ms; /* TLS handshake, default 10 s */
	int64_t connect_ms;   /* default 30 s */
};

enum conn_tls_problem { /* RFC 8460 s4.3.1 tells these apart */
	CONN_TLS_GOOD,
	CONN_TLS_HOST,      /* of another name */
	CONN_TLS_EXPIRED,   /* or not valid yet */
	CONN_TLS_UNTRUSTED, /* no CA we trust, self-signed */
	CONN_TLS_TLSA,      /* matches no TLSA record */
	CONN_TLS_OTHER,
};

/* What conn_tls() tells; strings live as long as the conn. */
struct conn_tls {
	const char *version; /* "TLSv1.3" */
	const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
	int bits;
	bool verified;       /* client side: chain and name were good, or as
	                      * the TLSA records want it */
	const char *problem; /* client side: why not verified, or NULL: "the
	                      * certificate has expired (2026-01-02)" */
	enum conn_tls_problem kind; /* of problem */
};

struct conn_limits conn_default_limits(void);

/* Take over an accepted socket (made non-blocking here).  host and arg are
 * borrowed until closed() returns. */
struct conn *conn_new(struct loop *l, int fd, const struct conn_host *host,
    void *arg, const struct conn_limits *limits);

/* Connect to peer, from source if it is not NULL.  The first ready() means
 * connected; closed(CONN_REFUSED) means not. */
struct conn *conn_connect(struct loop *l, const struct address *peer,
    const struct address *source, const struct conn_host *host, void *arg,
    const struct conn_limits *limits);

/* Change host and arg, as when a pooled connection changes owner. */
void conn_rehost(struct conn *c, const struct conn_host *host, void *arg);

/* Bytes that arrived and are not consumed; valid until the next consume or
 * return to the loop. */
struct str conn_input(const struct conn *c);
void conn_consume(struct conn *c, size_t n);

/* The peer will send no more (FIN, or TLS close_notify).  Input that came
 * before is still there.  For TLS, conn_eof_clean() says whether the end was
 * announced; a bare FIN is a possible truncation. */
bool conn_eof(const struct conn *c);
bool conn_eof_clean(const struct conn *c);

void conn_send(struct conn *c, struct str bytes);
bool conn_has_room(const struct conn *c);
size_t conn_pending(
    const struct conn *c); /* bytes not yet taken by the kernel */

/* Stop and resume reading, for a host that is busy. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* expired() is called once, delay_ms from now, unless set again; 0 clears. */
void conn_deadline(struct conn *c, int64_t delay_ms);

/* Start TLS.  Waits until pending output is sent, so an answer like
 * `220 go ahead' may be sent just before.  Unread plaintext input must be
 * empty (assert): what follows STARTTLS in the same flight is the host's to
 * refuse.  Plaintext bytes that arrive between are never given to the host
 * as input.  ready() is called when established; CONN_TLS otherwise.
 * server_name (client side): SNI and the name to verify, or NULL. */
void conn_start_tls(struct conn *c, struct tls *t, const char *server_name);

/* The same for a client that has the server's TLSA records (RFC 7672): it is
 * verified only if it matches one; server_name is the TLSA base domain.  Their
 * data is copied. */
void conn_start_tls_dane(struct conn *c, struct tls *t, const char *server_name,
    const struct tlsa *records, size_t n);

/* Right after conn_start_tls_dane(): names that are as good where a record
 * names a CA, such as the domain that mail is for (RFC 7672 s3.2.2).  At most
 * two. */
void conn_tls_also(struct conn *c, const char *name);

/* The same for a server whose unread input is the beginning of the handshake
 * already: what came behind a PROXY header in the same flight. */
void conn_start_tls_inside(struct conn *c, struct tls *t);

/* Compress from here on, both ways, as raw DEFLATE (RFC 4978): what is sent
 * before goes out as it is.  Unread input must be empty (assert): what the
 * peer sends is expected to be compressed.  What is sent in one round of the
 * loop is flushed whole.  Costs some 60 KiB. */
void conn_start_deflate(struct conn *c);

/* NULL while not under TLS. */
const struct conn_tls *conn_tls(const struct conn *c);

/* What ties a login to this TLS connection: `tls-exporter' (RFC 9266).  False
 * without TLS, and under 1.2, where clients mean `tls-unique' if they are not
 * told otherwise (s3), and need a rare extension besides. */
#define CONN_EXPORTER_LEN 32
bool conn_tls_exporter(const struct conn *c, uint8_t out[CONN_EXPORTER_LEN]);

const struct address *conn_peer(const struct conn *c);
const struct address *conn_local(const struct conn *c);

/* Send what is pending (and close_notify), then close.  The peer has 2 s to
 * close its side, so that unread input does not cost it our last words. */
void conn_finish(struct conn *c);

/* Close now. */
void conn_abort(struct conn *c);

/* The same, and the host hears nothing of it any more. */
void conn_abandon(struct conn *c);

/* Finished, aborted or failed: closed() is what comes next.  Input that is left
 * is not to be looked at any more, since it is not consumed either. */
bool conn_is_over(const struct conn *c);

/* Bytes moved, for statistics. */
uint64_t conn_bytes_in(const struct conn *c);
uint64_t conn_bytes_out(const struct conn *c);

#endif
