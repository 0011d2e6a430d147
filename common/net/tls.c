/* SPDX-License-Identifier: MIT */
#include "common/net/tls.h"

#include <assert.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/tls_internal.h"
#include "common/util/clock.h"
#include "common/util/mem.h"

#define TICKET_LIFE_S 7200 /* a stolen ticket key opens no more than this */

/* TLS 1.2: ECDHE and AEAD only; 1.3 has nothing else. */
static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:"
			      "ECDHE-RSA-AES128-GCM-SHA256:"
			      "ECDHE-ECDSA-AES256-GCM-SHA384:"
			      "ECDHE-RSA-AES256-GCM-SHA384:"
			      "ECDHE-ECDSA-CHACHA20-POLY1305:"
			      "ECDHE-RSA-CHACHA20-POLY1305";

struct tls {
	size_t refs;
	bool server;
	SSL_CTX *ctx;    /* of the certificate in force */
	BIO_METHOD *bio; /* how sessions reach their connection */
	char *certificate_file;
	char *key_file;
	char *alpn;                /* NULL: takes none */
	const struct clock *clock; /* by which certificates are judged, or NULL
	                            */
};

const char *
tls_reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *text = ERR_reason_error_string(code);

	ERR_clear_error();
	if (code == 0)
		return "no reason given";
	return text != NULL ? text : "unknown reason";
}

/* RFC 7301 s3.2: a client that offers only other protocols is refused.  So
 * bytes meant for one service are never taken by another (ALPACA). */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned int in_len, void *arg)
{
	const struct tls *t = arg;
	struct str want = str_of(t->alpn);
	struct str offers = {(const char *)in, in_len};

	(void)ssl;
	while (offers.len > 0) {
		struct str one = str_first(
		    str_after(offers, 1), (unsigned char)offers.at[0]);

		if (want.len > 0 && str_eq(one, want)) {
			*out = (const unsigned char *)one.at;
			*out_len = (unsigned char)one.len;
			return SSL_TLSEXT_ERR_OK;
		}
		offers = str_after(offers, 1 + one.len);
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Daemons have no terminal to ask for a passphrase. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static SSL_CTX *
context_new(bool server)
{
	SSL_CTX *ctx = SSL_CTX_new(
	    server ? TLS_server_method() : TLS_client_method());

	if (ctx == NULL)
		mem_gone("a TLS context");
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_early_data(ctx, 0); /* RFC 8446 s8: replays */
	SSL_CTX_set_recv_max_early_data(ctx, 0);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1)
		mem_gone("a list of ciphers");
	return ctx;
}

/* Read certificate and key into ctx, and see that they belong together. */
static int
load_pair(SSL_CTX *ctx, const struct tls *t, struct fail *f)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, t->certificate_file) != 1)
		return fail(f, FAIL_PERM, "%s: no certificate: %s",
		    t->certificate_file, tls_reason());
	if (SSL_CTX_use_PrivateKey_file(ctx, t->key_file, SSL_FILETYPE_PEM) !=
	    1)
		return fail(f, FAIL_PERM, "%s: no key of %s: %s", t->key_file,
		    t->certificate_file, tls_reason());
	if (SSL_CTX_check_private_key(ctx) != 1)
		return fail(f, FAIL_PERM, "%s is not the key of %s: %s",
		    t->key_file, t->certificate_file, tls_reason());
	return 0;
}

static SSL_CTX *
server_context(struct tls *t, struct fail *f)
{
	struct str id = t->alpn != NULL ? str_of(t->alpn) : STR("none");
	SSL_CTX *ctx = context_new(true);

	if (load_pair(ctx, t, f) == -1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, t);
	/* tickets of another service are refused: the keys are the context's
	 * own, and so is this name */
	id = str_first(id, SSL_MAX_SID_CTX_LENGTH);
	SSL_CTX_set_session_id_context(
	    ctx, (const unsigned char *)id.at, (unsigned int)id.len);
	SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
	SSL_CTX_set_num_tickets(ctx, 1);
	return ctx;
}

static struct tls *
tls_new(bool server)
{
	struct tls *t = MEM_NEW(struct tls);

	t->refs = 1;
	t->server = server;
	return t;
}

static int
bio_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

static long
bio_control(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static void
make_bio(struct tls *t)
{
	t->bio = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "conn");
	if (t->bio == NULL)
		mem_gone("a kind of BIO");
	BIO_meth_set_create(t->bio, bio_create);
	BIO_meth_set_ctrl(t->bio, bio_control);
	BIO_meth_set_read_ex(t->bio, tls_bio.read);
	BIO_meth_set_write_ex(t->bio, tls_bio.write);
}

struct tls *
tls_server_new(const char *certificate_file, const char *key_file,
    const char *alpn, struct fail *f)
{
	struct tls *t = tls_new(true);

	t->certificate_file = mem_dup(str_of(certificate_file));
	t->key_file = mem_dup(str_of(key_file));
	if (alpn != NULL)
		t->alpn = mem_dup(str_of(alpn));
	make_bio(t);
	t->ctx = server_context(t, f);
	if (t->ctx == NULL) {
		tls_free(t);
		return NULL;
	}
	return t;
}

int
tls_client_trust_file(struct tls *t, const char *ca_file, struct fail *f)
{
	assert(!t->server);
	ERR_clear_error();
	if (SSL_CTX_load_verify_file(t->ctx, ca_file) != 1)
		return fail(f, FAIL_PERM, "%s: no CA certificate: %s", ca_file,
		    tls_reason());
	return 0;
}

struct tls *
tls_client_new(const char *ca_file, struct fail *f)
{
	struct tls *t = tls_new(false);

	make_bio(t);
	t->ctx = context_new(false);
	if (SSL_CTX_dane_enable(t->ctx) <= 0) /* for sessions that want it */
		mem_gone("DANE");
	/* never ends a handshake by itself: the host looks at the verdict */
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_NONE, NULL);
	/* RFC 7435 s3: some protection beats none; old 1024-bit keys pass */
	if (ca_file == NULL) {
		SSL_CTX_set_security_level(t->ctx, 1);
		return t;
	}
	if (tls_client_trust_file(t, ca_file, f) == -1) {
		tls_free(t);
		return NULL;
	}
	return t;
}

int
tls_client_trust_system(struct tls *t, struct fail *f)
{
	assert(!t->server);
	ERR_clear_error();
	if (SSL_CTX_set_default_verify_paths(t->ctx) != 1)
		return fail(
		    f, FAIL_PERM, "no CA certificates: %s", tls_reason());
	return 0;
}

void
tls_client_clock(struct tls *t, const struct clock *clock)
{
	assert(!t->server);
	t->clock = clock;
}

int
tls_reload(struct tls *t, struct fail *f)
{
	SSL_CTX *ctx;

	assert(t->server);
	ctx = server_context(t, f);
	if (ctx == NULL)
		return -1;
	if (X509_cmp_current_time(
		X509_get0_notAfter(SSL_CTX_get0_certificate(ctx))) <= 0) {
		SSL_CTX_free(ctx);
		return fail(
		    f, FAIL_PERM, "%s has expired", t->certificate_file);
	}
	SSL_CTX_free(t->ctx); /* sessions hold it as long as they run */
	t->ctx = ctx;
	return 0;
}

struct tls *
tls_ref(struct tls *t)
{
	t->refs++;
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL || --t->refs > 0)
		return;
	SSL_CTX_free(t->ctx);
	BIO_meth_free(t->bio);
	free(t->certificate_file);
	free(t->key_file);
	free(t->alpn);
	free(t);
}

SSL *
tls_session(struct tls *t, void *bio_arg)
{
	SSL *ssl = SSL_new(t->ctx);
	BIO *bio = BIO_new(t->bio);

	if (ssl == NULL || bio == NULL) {
		BIO_free(bio);
		SSL_free(ssl);
		return NULL;
	}
	BIO_set_data(bio, bio_arg);
	SSL_set_bio(ssl, bio, bio);
	if (t->server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	if (t->clock != NULL)
		X509_VERIFY_PARAM_set_time(
		    SSL_get0_param(ssl), clock_wall_ms(t->clock) / 1000);
	return ssl;
}
