/* SPDX-License-Identifier: MIT */
/*
 * load: many client connections on one thread, for load generators.
 *
 * The host is told of each line that arrives and says what to send; a
 * connection that ends is told once, and may be opened again from there.
 * Anything unexpected from the system ends the program with a sentence.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "common/util/buf.h"

struct load;
struct ssl_st; /* OpenSSL's connection */

struct load_conn {
	int fd; /* -1: closed */
	struct load *load;
	struct buf in, out;
	struct ssl_st *ssl; /* NULL: in the clear */
	bool wants_out;     /* epoll watches for room */
};

struct load_host {
	/* A line without its CRLF.  False closes the connection. */
	bool (*line)(struct load_conn *c, struct str line);
	/* It is closed, by either side. */
	void (*closed)(struct load_conn *c);
	bool tls; /* from the first octet on */
};

struct load *load_new(const char *address_port, const struct load_host *host);
void load_free(struct load *l);

/* Connect (the greeting is the first line).  c is zeroed or closed. */
void load_connect(struct load *l, struct load_conn *c);
void load_send(struct load_conn *c, struct str text);

/* What was sent to c outside of its own line() goes on its way. */
void load_flush(struct load_conn *c);

/* From now on in TLS, without a look at the certificate: what was sent is out,
 * and the line just served was the last in the clear. */
void load_secure(struct load_conn *c);

/* Serve all connections until none is open. */
void load_run(struct load *l);

/* Serve what is ready within so many milliseconds (-1: wait for something);
 * false if no connection is open. */
bool load_turn(struct load *l, int wait_ms);

int64_t load_now_us(void);

/* Latencies: keep them, and ask for percentiles afterwards. */
struct load_times {
	uint32_t *us;
	size_t n, room;
};
void load_times_add(struct load_times *t, int64_t us);
double load_times_ms(struct load_times *t, double percentile);

/* End with a usage or other complaint. */
void load_die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
