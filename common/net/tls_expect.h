/* SPDX-License-Identifier: MIT */
/*
 * tls_expect: what a client expects of a server's certificate, and in words
 * whether it is so.  Only connections use this.
 *
 *	no TLSA record	a CA we trust signed it, it is valid now, and its
 *			names are the one expected (RFC 8461 s4.1)
 *	DANE-TA		the same with the CA that a record tells, and with
 *			any of the names (RFC 7672 s3.1.2, s3.2.2)
 *	DANE-EE		it is the one of a record, whatever its names and
 *			dates are (RFC 7672 s3.1.1)
 */
#ifndef NET_TLS_EXPECT_H
#define NET_TLS_EXPECT_H

#include "common/net/conn.h"
#include "common/net/tls_internal.h"
#include "common/util/buf.h"

#define TLS_EXPECT_NAMES 3

struct tls_expect;

/* All is copied. */
struct tls_expect *tls_expect_new(
    const char *name, const struct tlsa *records, size_t n);
void tls_expect_free(struct tls_expect *e);

/* One more name, at most TLS_EXPECT_NAMES in all. */
void tls_expect_also(struct tls_expect *e, const char *name);

/* Tell the session, before its handshake.  False: it cannot be told, and must
 * not begin. */
bool tls_expect_apply(const struct tls_expect *e, SSL *ssl);

/* After its handshake.  Words for people (in ASCII) are appended unless it is
 * CONN_TLS_GOOD.  e may be NULL: no name is expected, so nothing is good. */
enum conn_tls_problem tls_expect_judge(
    const struct tls_expect *e, SSL *ssl, struct buf *words);

#endif
