/* SPDX-License-Identifier: MIT */
/* What a client says of a server's certificate: by the CAs it trusts, and by
 * TLSA records. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/net/tls_internal.h"
#include "tests/unit/net/side.h"

/* ---- certificates ---- */

enum who {
	NOBODY,
	CA,
	OTHER_CA,
	EARLY_CA, /* a CA by itself that is over */
	LEAF,
	WRONG, /* name */
	WILD,
	HALF_WILD,
	BY_CN, /* no other name */
	MANY,  /* names */
	EVIL,  /* names */
	OLD,
	YOUNG,
	SELF,
	BY_EARLY_CA,
	BY_LEAF, /* signed by what is no CA */
	CLIENT,  /* for clients only */
	FORGED,  /* its signature is wrong */
	ALL,
};

struct paper {
	X509 *cert;
	EVP_PKEY *key;
};

static struct paper papers[ALL];

#define EVIL_NAME "a\x1b[2J\r\n.test"

static const struct plan {
	enum who who, issuer; /* NOBODY: itself */
	const char *names[7];
	int from_days, to_days;
	const char *usage;
} plans[] = {
    {CA,	  NOBODY,   {NULL},				-9,  9,   NULL        },
    {OTHER_CA,    NOBODY,   {NULL},				-9,  9,   NULL        },
    {EARLY_CA,    NOBODY,   {NULL},				-99, -50, NULL        },
    {LEAF,        CA,       {"mx.d.test", "127.0.0.1"},            -9,  9,   "serverAuth"},
    {WRONG,       CA,       {"mail.other.test"},                   -9,  9,   "serverAuth"},
    {WILD,        CA,       {"*.d.test"},                          -9,  9,   "serverAuth"},
    {HALF_WILD,   CA,       {"m*.d.test"},                         -9,  9,   "serverAuth"},
    {BY_CN,       CA,       {NULL},				-9,  9,   "serverAuth"},
    {MANY,        CA,       {"a.test", "b.test", "::1", "d", "e"}, -9,  9,   "serverAuth"},
    {EVIL,        CA,       {EVIL_NAME},                           -9,  9,   "serverAuth"},
    {OLD,         CA,       {"mx.d.test"},                         -9,  -2,  "serverAuth"},
    {YOUNG,       CA,       {"mx.d.test"},                         2,   9,   "serverAuth"},
    {SELF,        NOBODY,   {"mx.d.test"},                         -9,  9,   "serverAuth"},
    {BY_EARLY_CA, EARLY_CA, {"mx.d.test"},                         -9,  9,   "serverAuth"},
    {BY_LEAF,     LEAF,     {"mx.d.test"},                         -9,  9,   "serverAuth"},
    {CLIENT,      CA,       {"mx.d.test"},                         -9,  9,   "clientAuth"},
    {FORGED,      CA,       {"mx.d.test"},                         -9,  9,   "serverAuth"},
};

static bool
is_ca(enum who who)
{
	return who == CA || who == OTHER_CA || who == EARLY_CA;
}

static void
extend(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	CHECK(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static void
add_names(X509 *cert, const char *const *names)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();

	for (; *names != NULL; names++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_OCTET_STRING *ip = a2i_IPADDRESS(*names);
		ASN1_IA5STRING *dns = ASN1_IA5STRING_new();

		ASN1_STRING_set(dns, *names, -1);
		if (ip != NULL) {
			ASN1_IA5STRING_free(dns);
			GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
		} else {
			GENERAL_NAME_set0_value(name, GEN_DNS, dns);
		}
		sk_GENERAL_NAME_push(all, name);
	}
	CHECK(X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, 0) == 1);
	GENERAL_NAMES_free(all);
}

/* Every issuer has a name of its own; other leaves have mx.d.test as CN. */
static void
name_subject(X509 *cert, enum who who)
{
	char text[32] = "mx.d.test";

	if (is_ca(who) || who == BY_LEAF)
		snprintf(text, sizeof(text), "number %d", who);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
	    MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0);
}

static void
make(const struct plan *p)
{
	struct paper *own = &papers[p->who], *by;
	X509 *cert = X509_new();

	own->cert = cert;
	own->key = EVP_EC_gen("P-256");
	by = p->issuer == NOBODY ? own : &papers[p->issuer];
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)p->who);
	X509_gmtime_adj(X509_getm_notBefore(cert), p->from_days * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(cert), p->to_days * 86400L);
	name_subject(cert, p->who);
	X509_set_pubkey(cert, own->key);
	X509_set_issuer_name(cert, X509_get_subject_name(by->cert));
	extend(cert, NID_basic_constraints,
	    is_ca(p->who) ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (p->usage != NULL)
		extend(cert, NID_ext_key_usage, p->usage);
	if (p->names[0] != NULL)
		add_names(cert, p->names);
	if (p->who == FORGED)
		by = &papers[OTHER_CA];
	CHECK(X509_sign(cert, by->key, EVP_sha256()) > 0);
}

static const char *
issuer_of(enum who who, char path[128], const char *folder)
{
	const struct plan *p = &plans[who - 1];
	FILE *f = fopen(in_folder(path, folder, "chain.pem"), "w");

	CHECK(f != NULL && p->who == who);
	PEM_write_X509(f, papers[who].cert);
	for (enum who up = p->issuer; up != NOBODY; up = plans[up - 1].issuer)
		PEM_write_X509(f, papers[up].cert);
	fclose(f);
	return path;
}

static const char *
key_of(enum who who, char path[128], const char *folder)
{
	FILE *f = fopen(in_folder(path, folder, "key.pem"), "w");

	CHECK(f != NULL);
	PEM_write_PrivateKey(f, papers[who].key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	return path;
}

static void
make_all(const char *folder)
{
	char path[128];
	FILE *f;

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		make(&plans[i]);
	f = fopen(in_folder(path, folder, "ca.pem"), "w");
	PEM_write_X509(f, papers[CA].cert);
	PEM_write_X509(f, papers[EARLY_CA].cert);
	fclose(f);
}

static void
free_all(void)
{
	for (size_t i = 0; i < ALL; i++) {
		X509_free(papers[i].cert);
		EVP_PKEY_free(papers[i].key);
	}
}

/* ---- records ---- */

static const char *const words[ALL] = {
    [CA] = "ca",
    [OTHER_CA] = "other_ca",
    [EARLY_CA] = "early_ca",
    [LEAF] = "leaf",
    [WRONG] = "wrong",
    [WILD] = "wild",
    [HALF_WILD] = "half_wild",
    [BY_CN] = "by_cn",
    [MANY] = "many",
    [EVIL] = "evil",
    [OLD] = "old",
    [YOUNG] = "young",
    [SELF] = "self",
    [BY_EARLY_CA] = "by_early_ca",
    [BY_LEAF] = "by_leaf",
    [CLIENT] = "client",
    [FORGED] = "forged",
};

struct octets {
	unsigned char at[4096];
	size_t len;
};

/* "311 leaf" */
static struct tlsa
record_of(struct str text, struct octets *o)
{
	uint8_t head[] = {(uint8_t)(text.at[0] - '0'),
	    (uint8_t)(text.at[1] - '0'), (uint8_t)(text.at[2] - '0')};
	unsigned char *der = NULL;
	struct tlsa t = {0};
	unsigned digest = 0;
	size_t who = CA;
	int len;

	while (who < ALL && !str_eq(str_after(text, 4), str_of(words[who])))
		who++;
	CHECK(who < ALL);
	len = head[1] == TLSA_KEY
	          ? i2d_X509_PUBKEY(
			X509_get_X509_PUBKEY(papers[who].cert), &der)
	          : i2d_X509(papers[who].cert, &der);
	CHECK(len > 0 && (size_t)len < sizeof(o->at) - 3);
	memcpy(o->at, head, 3);
	memcpy(o->at + 3, der, (size_t)len);
	o->len = (size_t)len;
	if (head[2] > 0) {
		CHECK(
		    EVP_Digest(der, (size_t)len, o->at + 3, &digest,
			head[2] == 1 ? EVP_sha256() : EVP_sha512(), NULL) == 1);
		o->len = digest;
	}
	OPENSSL_free(der);
	CHECK(tlsa_parse((struct str){(char *)o->at, o->len + 3}, &t));
	return t;
}

/* ---- one handshake ---- */

struct seen {
	struct conn_tls tls;
	char problem[1000];
};

struct view {
	struct side side; /* first */
	struct seen seen;
};

static void
look(struct side *s)
{
	struct view *v = (struct view *)s;

	CHECK(conn_tls(s->conn) != NULL);
	v->seen.tls = *conn_tls(s->conn);
	CHECK(v->seen.tls.verified == (v->seen.tls.problem == NULL));
	CHECK(v->seen.tls.verified == (v->seen.tls.kind == CONN_TLS_GOOD));
	if (v->seen.tls.problem != NULL)
		snprintf(v->seen.problem, sizeof(v->seen.problem), "%s",
		    v->seen.tls.problem);
	conn_finish(s->conn);
}

static void
finish_at_eof(struct side *s)
{
	if (s->eof)
		conn_finish(s->conn);
}

struct test {
	enum who server;
	bool trust;
	const char *name, *also;
	const char *records; /* "" or "311 leaf,201 ca" */
	enum conn_tls_problem kind;
	const char *problem; /* %1, %2: the dates of the certificate; or NULL */
};

static void
start(const struct test *t, struct conn *c, struct tls *tls)
{
	static struct octets octets[3];
	struct tlsa records[3];
	size_t n = 0;

	for (struct str all = str_of(t->records); all.len > 0; n++)
		records[n] = record_of(str_cut(&all, ','), &octets[n]);
	if (n == 0) {
		conn_start_tls(c, tls, t->name);
		return;
	}
	conn_start_tls_dane(c, tls, t->name, records, n);
	memset(octets, 0, sizeof(octets)); /* they were copied */
	if (t->also != NULL) {
		conn_tls_also(c, "not-this-one.test");
		conn_tls_also(c, t->also);
	}
}

static struct seen
meet(const struct test *t, const char *folder)
{
	char chain[128], key[128], ca[128];
	struct view client = {0};
	struct side server;
	struct fail f = {0};
	struct rig r;
	struct tls *st = tls_server_new(issuer_of(t->server, chain, folder),
	    key_of(t->server, key, folder), NULL, &f);
	struct tls *ct = tls_client_new(NULL, &f);
	int fds[2];

	CHECK_STR(f.text, "");
	if (t->trust)
		CHECK(tls_client_trust_file(
			  ct, in_folder(ca, folder, "ca.pem"), &f) == 0);
	rig_open(&r);
	unix_pair(fds);
	sides_open(&client.side, &server, &r, fds, NULL);
	client.side.act = look;
	server.act = finish_at_eof;
	start(t, client.side.conn, ct);
	conn_start_tls(server.conn, st, NULL);
	loop_run(r.loop);
	side_release(&client.side);
	side_release(&server);
	rig_close(&r);
	tls_free(st);
	tls_free(ct);
	return client.seen;
}

/* The sentence with the date where it has a "%". */
static void
expect_words(const struct test *t, char out[1000])
{
	const char *at = t->problem != NULL ? strchr(t->problem, '%') : NULL;
	enum who who = t->server == BY_EARLY_CA ? EARLY_CA : t->server;
	char date[16];
	struct tm tm;

	snprintf(out, 1000, "%s", t->problem != NULL ? t->problem : "");
	if (at == NULL)
		return;
	ASN1_TIME_to_tm(who == YOUNG ? X509_get0_notBefore(papers[who].cert)
				     : X509_get0_notAfter(papers[who].cert),
	    &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	snprintf(out, 1000, "%.*s%s%s", (int)(at - t->problem), t->problem,
	    date, at + 1);
}

static void
check(const struct test *t, const char *folder, size_t i)
{
	struct seen got = meet(t, folder);
	char want[1000];

	expect_words(t, want);
	if (got.tls.kind != t->kind || strcmp(got.problem, want) != 0) {
		fprintf(stderr, "row %zu: kind %d \"%s\", want %d \"%s\"\n", i,
		    got.tls.kind, got.problem, t->kind, want);
		test_failures++;
	}
	CHECK(got.tls.bits >= 128 && strlen(got.tls.cipher) > 4);
	CHECK(str_is_printable(str_of(got.problem)));
}

#define MX "mx.d.test"

static const struct test by_ca[] = {
    {LEAF,        true,  MX,             NULL, "", CONN_TLS_GOOD,      NULL                        },
    {LEAF,        true,  "MX.D.Test",    NULL, "", CONN_TLS_GOOD,      NULL                        },
    {LEAF,        true,  "127.0.0.1",    NULL, "", CONN_TLS_GOOD,      NULL                        },
    {WILD,        true,  MX,             NULL, "", CONN_TLS_GOOD,      NULL                        },
    {LEAF,        true,  "other.d.test", NULL, "", CONN_TLS_HOST,
     "the certificate is for mx.d.test, 127.0.0.1, not other.d.test"                               },
    {LEAF,        true,  "127.0.0.2",    NULL, "", CONN_TLS_HOST,
     "the certificate is for mx.d.test, 127.0.0.1, not 127.0.0.2"                                  },
    {WRONG,       true,  MX,             NULL, "", CONN_TLS_HOST,
     "the certificate is for mail.other.test, not mx.d.test"                                       },
    {HALF_WILD,   true,  MX,             NULL, "", CONN_TLS_HOST,
     "the certificate is for m*.d.test, not mx.d.test"                                             },
    {WILD,        true,  "a.b.d.test",   NULL, "", CONN_TLS_HOST,
     "the certificate is for *.d.test, not a.b.d.test"                                             },
    {BY_CN,       true,  MX,             NULL, "", CONN_TLS_HOST,
     "the certificate is for no host (its CN is mx.d.test), not mx.d.test"                         },
    {MANY,        true,  MX,             NULL, "", CONN_TLS_HOST,
     "the certificate is for a.test, b.test, ::1 and 2 more, not mx.d.test"                        },
    {EVIL,        true,  MX,             NULL, "", CONN_TLS_HOST,
     "the certificate is for a?[2J??.test, not mx.d.test"                                          },
    {OLD,         true,  MX,             NULL, "", CONN_TLS_EXPIRED,
     "the certificate has expired (%)"							     },
    {YOUNG,       true,  MX,             NULL, "", CONN_TLS_EXPIRED,
     "the certificate is not valid yet (%)"							},
    {BY_EARLY_CA, true,  MX,             NULL, "", CONN_TLS_EXPIRED,
     "the certificate of its CA has expired (%)"						   },
    {SELF,        true,  MX,             NULL, "", CONN_TLS_UNTRUSTED,
     "the certificate is self-signed"							      },
    {LEAF,        false, MX,             NULL, "", CONN_TLS_UNTRUSTED,
     "no CA we trust has signed the certificate"						   },
    {LEAF,        true,  NULL,           NULL, "", CONN_TLS_OTHER,     "there is no name to verify"},
    {BY_LEAF,     true,  MX,             NULL, "", CONN_TLS_OTHER,
     "the certificate is signed by what is no CA"                                                  },
    {CLIENT,      true,  MX,             NULL, "", CONN_TLS_OTHER,
     "the certificate is not one for servers"						      },
    {FORGED,      true,  MX,             NULL, "", CONN_TLS_OTHER,
     "the signature of the certificate is wrong"						   },
};

#define NOT_IT "the certificate does not match the TLSA record of mx.d.test"
#define NOT_THESE                                                              \
	"the certificate matches none of the 2 TLSA records of mx.d.test"

static const struct test by_records[] = {
  /* DANE-EE: neither names nor dates, nor who signed (RFC 7672 s3.1.1) */
    {LEAF,   false, MX, NULL,              "311 leaf",           CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "301 leaf",           CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "312 leaf",           CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "302 leaf",           CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "300 leaf",           CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "310 leaf",           CONN_TLS_GOOD,    NULL     },
    {WRONG,  false, MX, NULL,              "311 wrong",          CONN_TLS_GOOD,    NULL     },
    {OLD,    false, MX, NULL,              "311 old",            CONN_TLS_GOOD,    NULL     },
    {YOUNG,  false, MX, NULL,              "311 young",          CONN_TLS_GOOD,    NULL     },
    {SELF,   false, MX, NULL,              "311 self",           CONN_TLS_GOOD,    NULL     },
    {BY_CN,  false, MX, NULL,              "311 by_cn",          CONN_TLS_GOOD,    NULL     },
    {FORGED, false, MX, NULL,              "311 forged",         CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "311 wrong,311 leaf", CONN_TLS_GOOD,    NULL     },
 /* what we trust otherwise does not help */
    {LEAF,   true,  MX, NULL,              "311 wrong",          CONN_TLS_TLSA,    NOT_IT   },
    {LEAF,   true,  MX, NULL,              "311 wrong,311 self", CONN_TLS_TLSA,    NOT_THESE},
    {LEAF,   true,  MX, NULL,              "311 ca",             CONN_TLS_TLSA,    NOT_IT   },
    {LEAF,   true,  MX, NULL,              "201 other_ca",       CONN_TLS_TLSA,    NOT_IT   },
    {SELF,   true,  MX, NULL,              "201 ca",             CONN_TLS_TLSA,    NOT_IT   },
    {WRONG,  true,  MX, NULL,              "311 leaf",           CONN_TLS_TLSA,    NOT_IT   },
    {OLD,    true,  MX, NULL,              "311 leaf",           CONN_TLS_TLSA,    NOT_IT   },
 /* RFC 7671 s9: the strongest digest alone counts */
    {LEAF,   false, MX, NULL,              "311 leaf,312 wrong", CONN_TLS_TLSA,    NOT_THESE},
    {LEAF,   false, MX, NULL,              "311 wrong,312 leaf", CONN_TLS_GOOD,    NULL     },
 /* DANE-TA: the chain, the dates and a name */
    {LEAF,   false, MX, NULL,              "201 ca",             CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "211 ca",             CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "202 ca",             CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "200 ca",             CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "210 ca",             CONN_TLS_GOOD,    NULL     },
    {WILD,   false, MX, NULL,              "201 ca",             CONN_TLS_GOOD,    NULL     },
    {BY_CN,  false, MX, NULL,              "201 ca",             CONN_TLS_GOOD,    NULL     },
    {WRONG,  false, MX, "mail.other.test", "201 ca",             CONN_TLS_GOOD,    NULL     },
    {WRONG,  false, MX, "d.test",          "201 ca",             CONN_TLS_HOST,
     "the certificate is for mail.other.test, not mx.d.test or "
	"not-this-one.test or d.test"						       },
    {WRONG,  true,  MX, NULL,              "211 ca",             CONN_TLS_HOST,
     "the certificate is for mail.other.test, not mx.d.test"                                },
    {OLD,    false, MX, NULL,              "201 ca",             CONN_TLS_EXPIRED,
     "the certificate has expired (%)"						      },
    {CLIENT, false, MX, NULL,              "201 ca",             CONN_TLS_OTHER,
     "the certificate is not one for servers"                                               },
 /* one of each */
    {OLD,    false, MX, NULL,              "201 ca,311 old",     CONN_TLS_GOOD,    NULL     },
    {LEAF,   false, MX, NULL,              "311 wrong,201 ca",   CONN_TLS_GOOD,    NULL     },
};

int
main(void)
{
	char folder[64], ca[128];
	struct fail f = {0};
	struct tls *t = tls_client_new(NULL, &f);

	folder_open(folder);
	make_all(folder);
	for (size_t i = 0; i < sizeof(by_ca) / sizeof(by_ca[0]); i++)
		check(&by_ca[i], folder, i);
	for (size_t i = 0; i < sizeof(by_records) / sizeof(by_records[0]); i++)
		check(&by_records[i], folder, 100 + i);
	CHECK(tls_client_trust_file(t, in_folder(ca, folder, "key.pem"), &f) ==
	      -1);
	CHECK(strstr(f.text, "key.pem: no CA certificate") != NULL);
	tls_free(t);
	free_all();
	folder_close(folder);
	return TEST_EXIT();
}
