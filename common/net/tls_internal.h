/* SPDX-License-Identifier: MIT */
/* tls_internal: what connections need of a context. */
#ifndef NET_TLS_INTERNAL_H
#define NET_TLS_INTERNAL_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/net/tls.h"

/* A connection holds its context as long as it lives. */
struct tls *tls_ref(struct tls *t);

/* A new session of the certificate in force now.  bio_arg is what the three
 * functions of tls_bio find with BIO_get_data(). */
SSL *tls_session(struct tls *t, void *bio_arg);

/* The peer's side of every session: where bytes come from and go to. */
struct tls_bio {
	int (*read)(BIO *b, char *data, size_t len, size_t *done);
	int (*write)(BIO *b, const char *data, size_t len, size_t *done);
};
extern const struct tls_bio tls_bio;

/* OpenSSL's first recorded reason, and forget all. */
const char *tls_reason(void);

#endif
