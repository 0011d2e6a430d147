/* SPDX-License-Identifier: MIT */
#include "common/net/tls.h"

#include "common/net/throwaway.h"
#include "common/net/tls_internal.h"
#include "tests/unit/net/side.h"

/* A peer with OpenSSL on a blocking socket, in a thread. */
struct peer {
	int fd;
	/* what it wants */
	int version; /* the only one offered, or 0 */
	const char *ciphers;
	const char *alpn;     /* wire form */
	SSL_SESSION *session; /* to resume; then the one it was given */
	bool renegotiate;
	const char *sni;
	/* what happened */
	bool connected, resumed, renegotiated;
	int reason; /* why not connected */
	char alpn_got[32];
	char got[64];
	long serial; /* of the server's certificate */
	uint32_t early_data;
};

static void
set_wishes(SSL_CTX *ctx, const struct peer *p)
{
	SSL_CTX_set_security_level(ctx, 0);
	if (p->version != 0) {
		SSL_CTX_set_min_proto_version(ctx, p->version);
		SSL_CTX_set_max_proto_version(ctx, p->version);
	}
	if (p->ciphers != NULL)
		CHECK(SSL_CTX_set_cipher_list(ctx, p->ciphers) == 1);
	if (p->alpn != NULL)
		SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)p->alpn,
		    (unsigned)strlen(p->alpn));
}

static void
note(struct peer *p, SSL *ssl)
{
	const unsigned char *alpn;
	unsigned len;
	X509 *cert = SSL_get1_peer_certificate(ssl);
	const uint8_t *bytes = ASN1_STRING_get0_data(
	    X509_get0_serialNumber(cert));

	memcpy(&p->serial, bytes + 1, sizeof(p->serial));
	X509_free(cert);
	SSL_get0_alpn_selected(ssl, &alpn, &len);
	snprintf(p->alpn_got, sizeof(p->alpn_got), "%.*s", (int)len,
	    len > 0 ? (const char *)alpn : "");
	p->resumed = SSL_session_reused(ssl);
}

static void
talk(struct peer *p, SSL *ssl)
{
	int n;

	if (SSL_connect(ssl) == 1)
		p->connected = true;
	/* under TLS 1.3 a refusal comes with the first bytes */
	n = p->connected ? SSL_read(ssl, p->got, sizeof(p->got) - 1) : -1;
	if (n <= 0) {
		p->connected = false;
		p->reason = ERR_GET_REASON(ERR_peek_error());
		return;
	}
	note(p, ssl);
	if (p->renegotiate) {
		SSL_renegotiate(ssl);
		p->renegotiated = SSL_do_handshake(ssl) == 1;
	}
	SSL_SESSION_free(p->session);
	p->session = SSL_get1_session(ssl);
	p->early_data = SSL_SESSION_get_max_early_data(p->session);
	SSL_shutdown(ssl);
}

static void
play(void *arg)
{
	struct peer *p = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	ERR_clear_error();
	set_wishes(ctx, p);
	ssl = SSL_new(ctx);
	if (p->session != NULL)
		CHECK(SSL_set_session(ssl, p->session) == 1);
	if (p->sni != NULL)
		SSL_set_tlsext_host_name(ssl, p->sni);
	SSL_set_fd(ssl, p->fd);
	talk(p, ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(p->fd);
}

static void
greet(struct side *s)
{
	if (s->secure && s->sent++ == 0)
		conn_send(s->conn, STR("hi"));
	if (s->eof)
		conn_finish(s->conn);
}

/* One connection from p to a server with t. */
static void
meet(struct peer *p, struct tls *t, struct side *s)
{
	struct rig r;
	int fds[2];

	rig_open(&r);
	tcp_pair(fds);
	p->fd = fds[0];
	side_open(s, &r, fds[1], NULL);
	s->act = greet;
	r.wait_for = &s->closes;
	conn_start_tls(s->conn, t, NULL);
	rig_play(&r, play, p);
	CHECK(s->closes == 1);
	side_release(s);
	rig_close(&r);
}

struct files {
	char folder[64], cert[128], key[128], ca[128];
};

static void
files_make(struct files *f)
{
	const char *names[] = {"mx.d.test", "127.0.0.1"};
	struct fail why;

	folder_open(f->folder);
	CHECK(throwaway_ca(f->folder, names, 2, &why) == 0);
	in_folder(f->cert, f->folder, "cert.pem");
	in_folder(f->key, f->folder, "key.pem");
	in_folder(f->ca, f->folder, "ca.pem");
}

static struct tls *
service(const struct files *files, const char *alpn)
{
	struct fail f;
	struct tls *t = tls_server_new(files->cert, files->key, alpn, &f);

	CHECK(t != NULL);
	return t;
}

/* ---- what is accepted ---- */

static const struct {
	const char *title;
	const char *service; /* its ALPN */
	struct peer peer;
	bool connected;
	int reason;
	const char *alpn;
} offers[] = {
    {"1.3",		  NULL,   {.version = TLS1_3_VERSION},         true,  0,                                   ""    },
    {"1.2",		  NULL,   {.version = TLS1_2_VERSION},         true,  0,                                   ""    },
    {"1.1",		  NULL,   {.version = TLS1_1_VERSION},         false,
     SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,									      NULL  },
    {"1.0",		  NULL,   {.version = TLS1_VERSION},           false,
     SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,									      NULL  },
    {"CBC",		  NULL,
     {.version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA256"},
     false,								      SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, NULL  },
    {"no ECDHE",             NULL,
     {.version = TLS1_2_VERSION, .ciphers = "DHE-RSA-AES128-GCM-SHA256"},
     false,								      SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, NULL  },
    {"ALPN good",            "imap", {.alpn = "\4imap"},                  true,  0,                                   "imap"},
    {"ALPN second",          "imap", {.alpn = "\2h2\4imap"},              true,  0,                                   "imap"},
    {"ALPN none",            "imap", {0},				 true,  0,                                   ""    },
    {"ALPN other",           "imap", {.alpn = "\2h2\10http/1.1"},         false,
     SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL,								       NULL  },
    {"ALPN longer",          "imap", {.alpn = "\5imaps"},                 false,
     SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL,								       NULL  },
    {"ALPN any, none taken", NULL,   {.alpn = "\2h2"},                    false,
     SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL,								       NULL  },
    {"SNI unknown",          NULL,   {.sni = "nobody.example"},           true,  0,                                   ""    },
};

static void
test_offers(const struct files *files)
{
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		struct tls *t = service(files, offers[i].service);
		struct peer p = offers[i].peer;
		struct side s;

		meet(&p, t, &s);
		if (p.connected != offers[i].connected ||
		    (!p.connected && p.reason != offers[i].reason))
			fprintf(stderr, "case: %s (reason %d, %s)\n",
			    offers[i].title, p.reason, s.why);
		CHECK(p.connected == offers[i].connected);
		CHECK(s.end == (p.connected ? CONN_FINISHED : CONN_TLS));
		if (!p.connected) {
			CHECK(p.reason == offers[i].reason);
			CHECK(strstr(s.why, "TLS handshake: ") == s.why);
		} else {
			CHECK_STR(p.alpn_got, offers[i].alpn);
			CHECK_STR(p.got, "hi");
			CHECK(p.early_data == 0);
		}
		SSL_SESSION_free(p.session);
		tls_free(t);
	}
}

static void
test_renegotiation(const struct files *files)
{
	struct tls *t = service(files, NULL);
	struct peer p = {.version = TLS1_2_VERSION, .renegotiate = true};
	struct side s;

	meet(&p, t, &s);
	CHECK(p.connected && !p.renegotiated);
	SSL_SESSION_free(p.session);
	tls_free(t);
}

/* A ticket opens the service that gave it and no other. */
static void
test_tickets(const struct files *files, int version)
{
	struct tls *imap = service(files, "imap"), *pop3 = service(files, NULL);
	struct peer p = {.version = version};
	struct side s;
	struct fail f;

	meet(&p, imap, &s);
	CHECK(p.connected && !p.resumed && p.session != NULL);
	meet(&p, imap, &s);
	CHECK(p.connected && p.resumed);
	meet(&p, pop3, &s);
	CHECK(p.connected && !p.resumed);
	meet(&p, pop3, &s);
	CHECK(p.connected && p.resumed);
	CHECK(tls_reload(pop3, &f) == 0); /* new keys */
	meet(&p, pop3, &s);
	CHECK(p.connected && !p.resumed);
	SSL_SESSION_free(p.session);
	tls_free(imap);
	tls_free(pop3);
}

/* ---- certificates come and go ---- */

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f != NULL);
	fputs(text, f);
	fclose(f);
}

/* Sign the leaf again, with its own key, as of the past. */
static void
make_expired(const struct files *f)
{
	FILE *file = fopen(f->cert, "r");
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
	EVP_PKEY *key;

	fclose(file);
	file = fopen(f->key, "r");
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	X509_gmtime_adj(X509_getm_notAfter(cert), -60);
	CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
	file = fopen(f->cert, "w");
	PEM_write_X509(file, cert);
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void
mismatch(const struct files *f)
{
	struct files other;

	files_make(&other);
	CHECK(rename(other.key, f->key) == 0);
	folder_close(other.folder);
}

static void
empty_certificate(const struct files *f)
{
	write_file(f->cert, "");
}

static void
empty_key(const struct files *f)
{
	write_file(f->key, "");
}

static void
garbage(const struct files *f)
{
	write_file(f->cert,
	    "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n");
}

static void
gone(const struct files *f)
{
	unlink(f->cert);
}

static void
locked_key(const struct files *f)
{
	FILE *file = fopen(f->key, "r");
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

	fclose(file);
	file = fopen(f->key, "w");
	PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(),
	    (const unsigned char *)"secret", 6, NULL, NULL);
	fclose(file);
	EVP_PKEY_free(key);
}

static const struct {
	const char *title;
	void (*harm)(const struct files *f);
	const char *says;
} harms[] = {
    {"mismatch",       mismatch,          "is not the key"},
    {"no certificate", empty_certificate, "no certificate"},
    {"no key",         empty_key,         "no key"        },
    {"garbage",        garbage,           "no certificate"},
    {"gone",           gone,              "no certificate"},
    {"locked key",     locked_key,        "no key"        },
    {"expired",        make_expired,      "has expired"   },
};

static void
test_reload(void)
{
	for (size_t i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
		struct files files;
		struct peer p = {0};
		struct side s;
		struct fail f = {0};
		long first;

		files_make(&files);
		struct tls *t = service(&files, NULL);
		meet(&p, t, &s);
		first = p.serial;
		harms[i].harm(&files);
		CHECK(tls_reload(t, &f) == -1);
		if (strstr(f.text, harms[i].says) == NULL &&
		    strstr(f.text, "no key") == NULL)
			fprintf(stderr, "%s: %s\n", harms[i].title, f.text);
		CHECK(strstr(f.text, harms[i].says) != NULL ||
		      (harms[i].harm == mismatch &&
			  strstr(f.text, "no key") != NULL));
		meet(&p, t, &s);
		CHECK(p.connected && p.serial == first);
		/* repaired */
		const char *names[] = {"mx.d.test"};
		CHECK(throwaway_ca(files.folder, names, 1, &f) == 0);
		CHECK(tls_reload(t, &f) == 0);
		meet(&p, t, &s);
		CHECK(p.connected && p.serial != first);
		SSL_SESSION_free(p.session);
		tls_free(t);
		folder_close(files.folder);
	}
}

struct living {
	struct side client, server;
	struct tls *tls;
	const struct files *files;
};

static void
reload_and_say(struct side *s)
{
	struct living *l = (struct living *)s;
	struct fail f;

	if (s->sent++ == 0) {
		CHECK(tls_reload(l->tls, &f) == 0);
		tls_free(l->tls); /* the session lives on */
		conn_send(s->conn, STR("still here?"));
	}
	if (s->got.len > 0)
		conn_finish(s->conn);
}

static void
answer(struct side *s)
{
	if (s->got.len == strlen("still here?") && s->sent++ == 0)
		conn_send(s->conn, STR("yes"));
	if (s->eof)
		conn_finish(s->conn);
}

static void
test_reload_keeps_sessions(const struct files *files)
{
	struct living l;
	struct tls *client_tls;
	struct fail f;
	struct rig r;
	int fds[2];

	rig_open(&r);
	tcp_pair(fds);
	l.tls = service(files, NULL);
	client_tls = tls_client_new(files->ca, &f);
	sides_open(&l.client, &l.server, &r, fds, NULL);
	conn_start_tls(l.client.conn, client_tls, "mx.d.test");
	conn_start_tls(l.server.conn, l.tls, NULL);
	tls_free(client_tls); /* connections hold theirs */
	l.client.act = reload_and_say;
	l.server.act = answer;
	loop_run(r.loop);
	CHECK(l.client.got.len == 3);
	CHECK(l.client.end == CONN_FINISHED && l.server.end == CONN_FINISHED);
	side_release(&l.client);
	side_release(&l.server);
	rig_close(&r);
}

static void
test_no_files(void)
{
	struct fail f;

	CHECK(tls_server_new("/nonexistent", "/nonexistent", NULL, &f) == NULL);
	CHECK(tls_client_new("/nonexistent", &f) == NULL);
}

/* ---- STARTTLS, and what hostile peers do ---- */

static struct tls *starttls;

static void
finish_at_eof(struct side *s)
{
	if (s->eof)
		conn_finish(s->conn);
}

static void
serve_starttls(struct side *s)
{
	if (!s->secure && s->got.len == strlen("STARTTLS\r\n") &&
	    s->sent++ == 0) {
		conn_send(s->conn, STR("220 go\r\n"));
		conn_start_tls(s->conn, starttls, NULL);
	} else if (s->secure && s->sent++ == 1) {
		conn_send(s->conn, STR("hi"));
	}
	if (s->eof)
		conn_finish(s->conn);
}

static void
upgrade(void *arg)
{
	struct peer *p = arg;
	char line[9] = "";

	CHECK(send(p->fd, "STARTTLS\r\n", 10, MSG_NOSIGNAL) == 10);
	CHECK(recv(p->fd, line, 8, MSG_WAITALL) == 8);
	CHECK_STR(line, "220 go\r\n");
	play(p);
}

/* The bytes reach us after conn_start_tls(): they are no TLS. */
static void
inject(void *arg)
{
	struct peer *p = arg;
	char got[100];

	CHECK(send(p->fd, "STARTTLS\r\n", 10, MSG_NOSIGNAL) == 10);
	CHECK(recv(p->fd, got, 8, MSG_WAITALL) == 8);
	CHECK(send(p->fd, "EHLO injected\r\n", 15, MSG_NOSIGNAL) == 15);
	p->reason = (int)recv(p->fd, got, sizeof(got), MSG_WAITALL);
	close(p->fd);
}

static void
three_bytes(void *arg)
{
	struct peer *p = arg;
	char got[100];

	CHECK(send(p->fd, "\x16\x03\x01", 3, MSG_NOSIGNAL) == 3);
	CHECK(recv(p->fd, got, sizeof(got), 0) <= 0);
	close(p->fd);
}

static void
leave(void *arg)
{
	struct peer *p = arg;

	CHECK(send(p->fd, "\x16\x03\x01", 3, MSG_NOSIGNAL) == 3);
	close(p->fd);
}

/* After both said goodbye the socket still carries bytes: nobody listens. */
static void
goodbye_and_more(void *arg)
{
	struct peer *p = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, p->fd);
	CHECK(SSL_connect(ssl) == 1);
	CHECK(SSL_write(ssl, "one", 3) == 3);
	SSL_shutdown(ssl);
	send(p->fd, "DATA\r\n", 6, MSG_NOSIGNAL);
	usleep(50000);
	send(p->fd, "DATA\r\n", 6, MSG_NOSIGNAL);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(p->fd);
}

static void
plain_after_handshake(void *arg)
{
	struct peer *p = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, p->fd);
	CHECK(SSL_connect(ssl) == 1);
	CHECK(SSL_write(ssl, "one", 3) == 3);
	send(p->fd, "QUIT\r\n", 6, MSG_NOSIGNAL);
	while (recv(p->fd, p->got, sizeof(p->got), 0) > 0)
		;
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(p->fd);
}

static void
hostile(struct side *s, struct tls *t, void (*peer)(void *), bool at_once,
    struct peer *p)
{
	struct conn_limits limits = conn_default_limits();
	struct rig r;
	int fds[2];

	rig_open(&r);
	if (peer == three_bytes)
		limits.handshake_ms = 200;
	tcp_pair(fds);
	p->fd = fds[0];
	side_open(s, &r, fds[1], &limits);
	r.wait_for = &s->closes;
	s->act = at_once ? finish_at_eof : serve_starttls;
	starttls = t;
	if (at_once)
		conn_start_tls(s->conn, t, NULL);
	rig_play(&r, peer, p);
	CHECK(s->closes == 1);
	rig_close(&r);
}

static void
test_hostile(const struct files *files)
{
	struct tls *t = service(files, NULL);
	struct peer p = {0};
	struct side s;

	hostile(&s, t, upgrade, false, &p);
	CHECK(p.connected && strcmp(p.got, "hi") == 0);
	CHECK(s.end == CONN_FINISHED && s.eof_clean);
	side_release(&s);

	hostile(&s, t, inject, false, &p);
	CHECK(s.end == CONN_TLS && !s.secure && s.got.len == 10);
	CHECK(p.reason == 0 || p.reason == 7); /* an alert at most */
	side_release(&s);

	hostile(&s, t, three_bytes, true, &p);
	CHECK(s.end == CONN_DEADLINE && s.readies == 0);
	side_release(&s);

	hostile(&s, t, leave, true, &p);
	CHECK(s.end == CONN_TLS && s.readies == 0);
	side_release(&s);

	hostile(&s, t, goodbye_and_more, true, &p);
	CHECK(s.end == CONN_FINISHED && s.eof_clean);
	CHECK(s.got.len == 3 && memcmp(s.got.data, "one", 3) == 0);
	side_release(&s);

	hostile(&s, t, plain_after_handshake, true, &p);
	CHECK(s.end == CONN_TLS);
	/* in one read with the bad record, even the good one is not given */
	CHECK(s.got.len == 0 || str_eq(buf_str(&s.got), STR("one")));
	side_release(&s);

	SSL_SESSION_free(p.session);
	tls_free(t);
}

/* A wrong handshake at every length of a right one. */
static void
cut_hello(void *arg)
{
	struct peer *p = arg;
	char got[4000];

	CHECK(send(p->fd, p->ciphers, (size_t)p->version, MSG_NOSIGNAL) > 0);
	shutdown(p->fd, SHUT_WR);
	while (recv(p->fd, got, sizeof(got), 0) > 0)
		;
	close(p->fd);
}

static void
test_cut_hello(const struct files *files)
{
	struct tls *t = service(files, NULL);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *out = BIO_new(BIO_s_mem());
	char *hello;
	int len;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	SSL_connect(ssl);
	len = (int)BIO_get_mem_data(out, &hello);
	CHECK(len > 100);
	for (int i = 1; i <= len; i += i < 10 ? 1 : 23) {
		struct peer p = {.ciphers = hello, .version = i};
		struct side s;

		hostile(&s, t, cut_hello, true, &p);
		CHECK(s.end == CONN_TLS && s.readies == 0);
		side_release(&s);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	tls_free(t);
}

int
main(void)
{
	struct files files;

	files_make(&files);
	test_offers(&files);
	test_renegotiation(&files);
	test_tickets(&files, TLS1_2_VERSION);
	test_tickets(&files, TLS1_3_VERSION);
	test_reload();
	test_reload_keeps_sessions(&files);
	test_no_files();
	test_hostile(&files);
	test_cut_hello(&files);
	folder_close(files.folder);
	return TEST_EXIT();
}
