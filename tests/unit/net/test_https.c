/* SPDX-License-Identifier: MIT */
#include "common/net/https.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/net/tls.h"
#include "tests/unit/net/net_test.h"

#define DAY_S 86400L

/* ---- certificates ---- */

struct maker {
	EVP_PKEY *key, *ca_key;
	X509 *ca;
	char folder[64];
};

static X509 *
certificate(const struct maker *m, const char *common, const char *names,
    long end_s, EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool is_ca = m->ca == NULL;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), -9 * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(x), end_s);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)common, -1, -1, 0);
	X509_set_issuer_name(x, is_ca ? name : X509_get_subject_name(m->ca));
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, is_ca ? x : m->ca, x, NULL, NULL, 0);
	if (is_ca || names != NULL) {
		ext = X509V3_EXT_conf_nid(NULL, &ctx,
		    is_ca ? NID_basic_constraints : NID_subject_alt_name,
		    is_ca ? "critical,CA:TRUE" : names);
		X509_add_ext(x, ext, -1);
		X509_EXTENSION_free(ext);
	}
	CHECK(X509_sign(x, m->ca_key, EVP_sha256()) > 0);
	return x;
}

static const char *
write_file(const struct maker *m, const char *name, char path[128],
    const X509 *x, const EVP_PKEY *key)
{
	FILE *file = fopen(in_folder(path, m->folder, name), "w");

	CHECK(file != NULL);
	if (x != NULL)
		CHECK(PEM_write_X509(file, x) == 1);
	if (key != NULL)
		CHECK(PEM_write_PrivateKey(
			  file, key, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(file);
	return path;
}

static void
maker_open(struct maker *m, const char *name)
{
	char path[128];

	*m = (struct maker){
	    .key = EVP_EC_gen("P-256"), .ca_key = EVP_EC_gen("P-256")};
	folder_open(m->folder);
	m->ca = certificate(m, name, NULL, 9 * DAY_S, m->ca_key);
	write_file(m, "ca.pem", path, m->ca, NULL);
	write_file(m, "key.pem", path, NULL, m->key);
}

static void
maker_close(struct maker *m)
{
	folder_close(m->folder);
	X509_free(m->ca);
	EVP_PKEY_free(m->key);
	EVP_PKEY_free(m->ca_key);
}

/* ---- the server ---- */

/* What the server does once it has the request. */
enum act {
	ANSWER, /* and close */
	HANG,
	DRIP, /* an octet of the answer for each turn of the loop */
};

struct server {
	struct rig rig;
	struct listener *listener;
	struct tls *tls; /* NULL: it answers in the clear */
	struct timer *drip;
	enum act act;
	struct str answer;
	size_t dripped;
	struct buf got;
	size_t connections;
	struct conn *conn; /* the last one; NULL once closed */
	const char *end;   /* of the request that is waited for */
};

static void
drip(void *arg)
{
	struct server *s = arg;

	if (s->conn == NULL)
		return;
	if (s->dripped == s->answer.len) {
		conn_finish(s->conn);
		return;
	}
	conn_send(s->conn, str_first(str_after(s->answer, s->dripped++), 1));
	timer_set(s->drip, 0);
}

static void
server_ready(void *arg, struct conn *c)
{
	struct server *s = arg;
	struct str end = str_of(s->end);
	size_t at;

	buf_add(&s->got, conn_input(c));
	conn_consume(c, conn_input(c).len);
	if (!str_find_str(buf_str(&s->got), end, &at) || s->dripped > 0)
		return;
	if (s->act == ANSWER) {
		conn_send(c, s->answer);
		conn_finish(c);
	} else if (s->act == DRIP) {
		drip(s);
	}
}

static void
server_closed(void *arg, enum conn_end end, const char *text)
{
	struct server *s = arg;

	(void)end;
	(void)text;
	s->conn = NULL;
}

static const struct conn_host server_host = {server_ready, server_closed, NULL};

static void
on_accept(void *arg, int fd, const struct address *peer, bool refuse)
{
	struct server *s = arg;

	(void)peer;
	CHECK(!refuse);
	s->connections++;
	s->conn = conn_new(s->rig.loop, fd, &server_host, s, NULL);
	if (s->tls != NULL)
		conn_start_tls(s->conn, s->tls, NULL);
}

static void
server_open(struct server *s)
{
	struct address at;
	struct fail f = {0};

	*s = (struct server){.end = "\r\n\r\n"};
	rig_open(&s->rig);
	CHECK(address_parse(STR("127.0.0.1:0"), &at));
	s->listener = listener_new(
	    s->rig.loop, listen_bind(&at, &f), on_accept, s);
	s->drip = timer_new(s->rig.loop, drip, s);
	buf_init(&s->got, MB);
}

static void
server_close(struct server *s)
{
	timer_free(s->drip);
	listener_free(s->listener);
	tls_free(s->tls);
	buf_release(&s->got);
	rig_close(&s->rig);
}

/* ---- the client ---- */

struct client {
	struct server *server;
	struct https *https;
	struct https_question *question;
	enum https_result result;
	int status, answers;
	char body[200], why[400];
	size_t body_len;
};

static void
done(void *arg, const struct https_answer *a)
{
	struct client *c = arg;

	c->answers++;
	c->question = NULL;
	c->result = a->result;
	c->status = a->status;
	c->body_len = a->body.len;
	CHECK((a->why == NULL) == (a->result == HTTPS_GOOD));
	snprintf(c->body, sizeof(c->body), "%.*s", STR_FMT(a->body));
	snprintf(c->why, sizeof(c->why), "%s", a->why != NULL ? a->why : "");
	loop_stop(c->server->rig.loop);
}

static void
client_open(struct client *c, struct server *s, const char *ca_file)
{
	struct fail f = {0};

	*c = (struct client){.server = s};
	c->https = https_new(s->rig.loop, ca_file, &f);
	CHECK_STR(f.text, "");
}

static struct https_ask
ask_for(const struct server *s, const struct address *to)
{
	return (struct https_ask){
	    .host = STR("mta-sts.d.test"),
	    .port = address_port(listener_address(s->listener)),
	    .addresses = to,
	    .n = 1,
	    .path = STR("/.well-known/mta-sts.txt"),
	    .type = STR("text/plain"),
	    .limit = 100,
	    .time_ms = GUARD_MS,
	};
}

static void
client_ask(struct client *c, const struct https_ask *ask)
{
	c->question = https_ask(c->https, ask, done, c);
	CHECK(c->answers == 0); /* not before it returned */
	loop_run(c->server->rig.loop);
	CHECK(c->answers == 1);
}

/* ---- answers ---- */

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define X100                                                                   \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *answer;
	enum https_result result;
	const char *body_or_why;
} answers[] = {
    {HEAD "Content-Length: 2\r\n\r\nhi",                                      HTTPS_GOOD,        "hi"                                     },
    {HEAD "\r\nuntil the end",						HTTPS_GOOD,        "until the end"                          },
    {HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n",
     HTTPS_GOOD,										 "hi!"				    },
    {"HTTP/1.0 200 fine\r\ncontent-type: Text/Plain; charset=utf-8\r\n\r\nx",
     HTTPS_GOOD,										 "x"				      },
    {HEAD "Content-Length: 0\r\n\r\n",					HTTPS_GOOD,        ""                                       },
    {HEAD "\r\n" X100,							HTTPS_GOOD,        X100                                     },
    {HEAD "\r\n" X100 "x",						    HTTPS_LONG,
     "the answer of mta-sts.d.test is longer than 100 octets"									     },
    {HEAD "Content-Length: 101\r\n\r\n" X100 "x",                             HTTPS_LONG,
     "the answer of mta-sts.d.test is longer than 100 octets"									     },
    {HEAD "Content-Length: 9999999999999\r\n\r\nx",                           HTTPS_LONG,
     "the answer of mta-sts.d.test is longer than 100 octets"									     },
    {"HTTP/1.1 301 Over there\r\nLocation: https://mta-sts.d.test/x\r\n"
     "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n",	    HTTPS_STATUS,      "mta-sts.d.test answered with status 301"},
    {"HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n",                        HTTPS_STATUS,
     "mta-sts.d.test answered with status 404"											    },
    {"HTTP/1.1 204 None\r\nContent-Type: text/plain\r\n\r\n",                 HTTPS_STATUS,
     "mta-sts.d.test answered with status 204"											    },
    {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nx",                   HTTPS_TYPE,
     "the answer of mta-sts.d.test is not of type text/plain"									     },
    {"HTTP/1.1 200 OK\r\nContent-Type: text/plainer\r\n\r\nx",                HTTPS_TYPE,
     "the answer of mta-sts.d.test is not of type text/plain"									     },
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",                         HTTPS_TYPE,
     "the answer of mta-sts.d.test is not of type text/plain"									     },
    {"220 mx.d.test ESMTP\r\n",					       HTTPS_PROTOCOL,    NULL                                     },
    {HEAD "Content-Length: 5\r\n\r\nhi",                                      HTTPS_PROTOCOL,    NULL                                     },
    {"",								      HTTPS_UNREACHABLE, NULL				     },
};

static void
check_answer(struct maker *m, size_t row, enum act act)
{
	struct address to;
	char cert[128], key[128], ca[128];
	struct server s;
	struct client c;
	struct fail f = {0};

	address_from_ip(STR("127.0.0.1"), 0, &to);
	server_open(&s);
	s.tls = tls_server_new(in_folder(cert, m->folder, "good.pem"),
	    in_folder(key, m->folder, "key.pem"), "http/1.1", &f);
	CHECK(s.tls != NULL);
	s.answer = str_of(answers[row].answer);
	s.act = act;
	client_open(&c, &s, in_folder(ca, m->folder, "ca.pem"));
	struct https_ask ask = ask_for(&s, &to);
	client_ask(&c, &ask);
	if (c.result != answers[row].result)
		fprintf(stderr, "answer %zu: %s\n", row, c.why);
	CHECK(c.result == answers[row].result);
	CHECK(s.connections == 1);
	if (answers[row].body_or_why != NULL)
		CHECK_STR(c.result == HTTPS_GOOD ? c.body : c.why,
		    answers[row].body_or_why);
	CHECK(str_starts(
	    buf_str(&s.got), STR("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"
				 "Host: mta-sts.d.test")));
	https_free(c.https);
	server_close(&s);
}

static void
test_answers(struct maker *m)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		check_answer(m, i, ANSWER);
		check_answer(m, i, DRIP);
	}
}

/* ---- whom it trusts ---- */

static const struct {
	const char *common, *names;
	long end_s;
	int other_ca; /* signed by one of those that are not trusted */
	enum https_result result;
	const char *why;
} certificates[] = {
    {"x",	      "DNS:mta-sts.d.test",            DAY_S,  0, HTTPS_GOOD,        ""},
    {"x",	      "DNS:a.test,DNS:MTA-STS.D.test", DAY_S,  0, HTTPS_GOOD,        ""},
    {"x",	      "DNS:*.d.test",                  DAY_S,  0, HTTPS_GOOD,        ""},
    {"x",	      "DNS:*.test",                    DAY_S,  0, HTTPS_CERTIFICATE,
     "the certificate of mta-sts.d.test is for another name"                            },
    {"x",	      "DNS:mta-*.d.test",              DAY_S,  0, HTTPS_CERTIFICATE,
     "the certificate of mta-sts.d.test is for another name"                            },
    {"x",	      "DNS:d.test",                    DAY_S,  0, HTTPS_CERTIFICATE,
     "the certificate of mta-sts.d.test is for another name"                            },
 /* RFC 8461 s3.3: by a DNS-ID only */
    {"mta-sts.d.test", NULL,                            DAY_S,  0, HTTPS_CERTIFICATE,
     "the certificate of mta-sts.d.test is for another name"                            },
    {"mta-sts.d.test", "email:a@d.test",                DAY_S,  0, HTTPS_CERTIFICATE,
     "the certificate of mta-sts.d.test is for another name"                            },
    {"x",	      "IP:127.0.0.1",                  DAY_S,  0, HTTPS_CERTIFICATE,
     "the certificate of mta-sts.d.test is for another name"                            },
    {"x",	      "DNS:mta-sts.d.test",            -DAY_S, 0, HTTPS_CERTIFICATE,
     "the certificate of mta-sts.d.test has expired"                                    },
    {"x",	      "DNS:mta-sts.d.test",            DAY_S,  1, HTTPS_CERTIFICATE,
     "the certificate of mta-sts.d.test is not trusted: "
	"unable to get local issuer certificate"                                        },
    {"x",	      "DNS:mta-sts.d.test",            DAY_S,  2, HTTPS_CERTIFICATE,
     "the certificate of mta-sts.d.test is not trusted: "
	"certificate signature failure"						 },
};

static void
test_certificates(struct maker *m)
{
	struct maker others[2];
	struct address to;
	char cert[128], key[128], ca[128];
	struct fail f = {0};

	address_from_ip(STR("127.0.0.1"), 0, &to);
	maker_open(&others[0], "another CA");
	maker_open(&others[1], "CA"); /* the same name, another key */
	for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]);
	     i++) {
		const struct maker
		    *by = certificates[i].other_ca > 0
		              ? &others[certificates[i].other_ca - 1]
		              : m;
		X509 *x = certificate(by, certificates[i].common,
		    certificates[i].names, certificates[i].end_s, m->key);
		struct server s;
		struct client c;

		write_file(m, "cert.pem", cert, x, NULL);
		server_open(&s);
		s.tls = tls_server_new(
		    cert, in_folder(key, m->folder, "key.pem"), "http/1.1", &f);
		CHECK(s.tls != NULL);
		s.answer = str_of(answers[0].answer);
		client_open(&c, &s, in_folder(ca, m->folder, "ca.pem"));
		struct https_ask ask = ask_for(&s, &to);
		client_ask(&c, &ask);
		CHECK(c.result == certificates[i].result);
		CHECK_STR(c.why, certificates[i].why);
		/* nothing is said to one who is not who he should be */
		CHECK((s.got.len == 0) == (c.result != HTTPS_GOOD));
		https_free(c.https);
		server_close(&s);
		X509_free(x);
	}
	maker_close(&others[0]);
	maker_close(&others[1]);
}

static void
test_ca_file(struct maker *m)
{
	struct rig r;
	struct fail f = {0};
	char path[128];

	rig_open(&r);
	CHECK(https_new(r.loop, in_folder(path, m->folder, "no.pem"), &f) ==
	      NULL);
	CHECK(strstr(f.text, "no.pem: ") != NULL);
	https_free(https_new(r.loop, NULL, &f));
	https_free(NULL);
	rig_close(&r);
}

/* ---- the rest ---- */

static struct tls *
good_tls(const struct maker *m)
{
	char cert[128], key[128];
	struct fail f = {0};
	struct tls *t = tls_server_new(in_folder(cert, m->folder, "good.pem"),
	    in_folder(key, m->folder, "key.pem"), "http/1.1", &f);

	CHECK(t != NULL);
	return t;
}

static void
test_post(struct maker *m)
{
	static const struct {
		const char *answer;
		enum https_result result;
	} rows[] = {
	    {"HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n", HTTPS_GOOD  },
	    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", HTTPS_GOOD  },
	    {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",   HTTPS_STATUS},
	};
	struct address to;
	char ca[128];

	address_from_ip(STR("127.0.0.1"), 0, &to);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct server s;
		struct client c;
		size_t at;

		server_open(&s);
		s.tls = good_tls(m);
		s.answer = str_of(rows[i].answer);
		s.end = "END";
		client_open(&c, &s, in_folder(ca, m->folder, "ca.pem"));
		struct https_ask ask = ask_for(&s, &to);
		ask.type = STR("");
		ask.path = STR("/v1?a=b");
		ask.body = STR("\0\x1f\x8b END");
		ask.body_type = STR("application/tlsrpt+gzip");
		client_ask(&c, &ask);
		CHECK(c.result == rows[i].result);
		CHECK(str_starts(
		    buf_str(&s.got), STR("POST /v1?a=b HTTP/1.1\r\n")));
		CHECK(str_find_str(buf_str(&s.got),
		    STR("\r\nContent-Type: application/tlsrpt+gzip\r\n"), &at));
		CHECK(str_find_str(
		    buf_str(&s.got), STR("\r\n\r\n\0\x1f\x8b END"), &at));
		CHECK(!str_find_str(buf_str(&s.got), STR("Expect:"), &at));
		https_free(c.https);
		server_close(&s);
	}
}

static void
test_slow(struct maker *m)
{
	struct address to;
	char ca[128];
	struct server s;
	struct client c;

	address_from_ip(STR("127.0.0.1"), 0, &to);
	server_open(&s);
	s.tls = good_tls(m);
	s.act = HANG;
	client_open(&c, &s, in_folder(ca, m->folder, "ca.pem"));
	struct https_ask ask = ask_for(&s, &to);
	ask.time_ms = 300;
	client_ask(&c, &ask);
	CHECK(c.result == HTTPS_SLOW);
	https_free(c.https);
	server_close(&s);
}

/* No TLS, nobody there, and more addresses than one. */
static void
test_unreachable(struct maker *m)
{
	struct address to[2];
	char ca[128];
	struct server s;
	struct client c;

	address_from_ip(STR("127.0.0.1"), 0, &to[0]);
	server_open(&s);
	s.answer = str_of(answers[0].answer);
	s.end = "\x16\x03"; /* its ClientHello */
	client_open(&c, &s, in_folder(ca, m->folder, "ca.pem"));
	struct https_ask ask = ask_for(&s, &to[0]);
	client_ask(&c, &ask);
	CHECK(c.result == HTTPS_TLS);
	https_free(c.https);
	server_close(&s);

	server_open(&s);
	s.tls = good_tls(m);
	s.answer = str_of(answers[0].answer);
	/* nobody listens on the first */
	address_from_ip(STR("127.0.0.9"), 0, &to[0]);
	address_from_ip(STR("127.0.0.1"), 0, &to[1]);
	client_open(&c, &s, in_folder(ca, m->folder, "ca.pem"));
	ask = ask_for(&s, to);
	client_ask(&c, &ask);
	CHECK(c.result == HTTPS_UNREACHABLE);
	c.answers = 0;
	ask.n = 2;
	client_ask(&c, &ask);
	CHECK(c.result == HTTPS_GOOD);
	/* what was said of the host's addresses is forgotten */
	c.answers = 0;
	ask.n = 1;
	client_ask(&c, &ask);
	CHECK(c.result == HTTPS_UNREACHABLE);
	https_free(c.https);
	server_close(&s);
}

static void
cancel_it(void *arg)
{
	struct client *c = arg;

	https_cancel(c->question);
	loop_stop(c->server->rig.loop);
}

static void
test_cancel(struct maker *m)
{
	struct address to;
	char ca[128];
	struct server s;
	struct client c;

	address_from_ip(STR("127.0.0.1"), 0, &to);
	server_open(&s);
	s.tls = good_tls(m);
	s.act = HANG;
	client_open(&c, &s, in_folder(ca, m->folder, "ca.pem"));
	struct https_ask ask = ask_for(&s, &to);
	struct timer *t = timer_new(s.rig.loop, cancel_it, &c);

	timer_set(t, 20);
	c.question = https_ask(c.https, &ask, done, &c);
	loop_run(s.rig.loop);
	CHECK(c.answers == 0);
	/* at once, and never: free finds it */
	https_cancel(https_ask(c.https, &ask, done, &c));
	https_ask(c.https, &ask, done, &c);
	https_free(c.https);
	CHECK(c.answers == 0);
	timer_free(t);
	server_close(&s);
}

int
main(void)
{
	struct maker m;
	char path[128];
	X509 *x;

	/* what the environment says of proxies is nobody's business */
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	maker_open(&m, "CA");
	x = certificate(&m, "x", "DNS:mta-sts.d.test", DAY_S, m.key);
	write_file(&m, "good.pem", path, x, NULL);
	X509_free(x);
	test_answers(&m);
	test_certificates(&m);
	test_ca_file(&m);
	test_post(&m);
	test_slow(&m);
	test_unreachable(&m);
	test_cancel(&m);
	maker_close(&m);
	return TEST_EXIT();
}
