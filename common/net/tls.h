/* SPDX-License-Identifier: MIT */
/*
 * tls: certificates and the settings every connection shares (OpenSSL).
 *
 * TLS 1.2 with ECDHE and AEAD, and 1.3.  No renegotiation, no compression,
 * no early data.  A context is made before privileges are dropped and
 * holds its keys in memory; tls_reload() reads the files again, validates
 * the new pair (parse, match, not expired) and swaps, or keeps the old one.
 * A context is reference-counted inside; connections that run keep theirs.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>

#include "common/util/fail.h"

struct tls;

/* Server side.  alpn is the one protocol accepted when the client offers any
 * ("smtp", "imap", "pop3"); NULL takes none.  A client that offers only
 * others gets no_application_protocol (RFC 7301 s3.2).  Session tickets are
 * bound to the context by a session id context made of alpn. */
struct tls *tls_server_new(const char *certificate_file, const char *key_file,
    const char *alpn, struct fail *f);

/* Client side.  Opportunistic: verifies nothing, unless ca_file is given.  A
 * bad verdict does not end the handshake: ask conn_tls() before you trust. */
struct tls *tls_client_new(const char *ca_file, struct fail *f);

/* Client side: trust the CAs of this system (the environment's SSL_CERT_FILE
 * and SSL_CERT_DIR name others).  As above a verdict ends nothing. */
int tls_client_trust_system(struct tls *t, struct fail *f);

/* Client side: trust the CAs of this PEM file.  Verdicts as above. */
int tls_client_trust_file(struct tls *t, const char *ca_file, struct fail *f);

/* Client side: what time it is where certificates are judged (borrowed); else
 * the system's. */
struct clock;
void tls_client_clock(struct tls *t, const struct clock *clock);

/* Read certificate and key again.  On failure the old ones stay. */
int tls_reload(struct tls *t, struct fail *f);

void tls_free(struct tls *t);

#endif
