/* SPDX-License-Identifier: MIT */
#include "common/net/tls_expect.h"

#include <assert.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "common/net/address.h"
#include "common/util/buf.h"
#include "common/util/mem.h"

#define NAMES_SHOWN   3   /* of a certificate */
#define NAME_LEN_MOST 100 /* of each */

struct tls_expect {
	char *names[TLS_EXPECT_NAMES]; /* the first is SNI */
	size_t n_names;
	struct tlsa *records; /* owned, with their data */
	size_t n_records;
};

struct tls_expect *
tls_expect_new(const char *name, const struct tlsa *records, size_t n)
{
	struct tls_expect *e = MEM_NEW(struct tls_expect);

	tls_expect_also(e, name);
	e->records = mem_new(n, sizeof(*records));
	e->n_records = n;
	for (size_t i = 0; i < n; i++) {
		e->records[i] = records[i];
		e->records[i].data.at = mem_dup(records[i].data);
	}
	return e;
}

void
tls_expect_free(struct tls_expect *e)
{
	if (e == NULL)
		return;
	for (size_t i = 0; i < e->n_names; i++)
		free(e->names[i]);
	for (size_t i = 0; i < e->n_records; i++)
		free((char *)e->records[i].data.at);
	free(e->records);
	free(e);
}

void
tls_expect_also(struct tls_expect *e, const char *name)
{
	assert(e->n_names < TLS_EXPECT_NAMES);
	e->names[e->n_names++] = mem_dup(str_of(name));
}

/* ---- before ---- */

static bool
apply_records(const struct tls_expect *e, SSL *ssl)
{
	/* sets SNI too */
	if (SSL_dane_enable(ssl, e->names[0]) <= 0)
		return false;
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 1; i < e->n_names; i++)
		SSL_add1_host(ssl, e->names[i]);
	/* one that OpenSSL does not take counts as one that does not match */
	for (size_t i = 0; i < e->n_records; i++) {
		const struct tlsa *t = &e->records[i];

		SSL_dane_tlsa_add(ssl, t->usage, t->selector, t->matching,
		    (const unsigned char *)t->data.at, t->data.len);
	}
	return true;
}

bool
tls_expect_apply(const struct tls_expect *e, SSL *ssl)
{
	unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
	bool good = true;

	if (e->n_records > 0) { /* RFC 7672 s3.2.3: CN if there is no DNS-ID */
		SSL_set_hostflags(ssl, flags);
		good = apply_records(e, ssl);
	} else if (X509_VERIFY_PARAM_set1_ip_asc(
		       SSL_get0_param(ssl), e->names[0]) != 1) {
		/* an address is not sent in SNI: RFC 6066 s3 */
		SSL_set_hostflags(
		    ssl, flags | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
		/* without it any name would do */
		good = SSL_set1_host(ssl, e->names[0]) == 1;
		SSL_set_tlsext_host_name(ssl, e->names[0]);
	}
	ERR_clear_error(); /* of a name that is no address */
	return good;
}

/* ---- words ---- */

/* What a peer wrote, cut and made printable. */
static void
add_name(struct buf *out, const void *at, size_t len)
{
	struct str s = str_first((struct str){at, len}, NAME_LEN_MOST);

	for (size_t i = 0; i < s.len; i++)
		buf_add_char(
		    out, s.at[i] > ' ' && s.at[i] <= '~' ? s.at[i] : '?');
}

static bool
add_alternative(struct buf *out, const GENERAL_NAME *name)
{
	const ASN1_STRING *ip = name->d.iPAddress;
	char text[ADDRESS_TEXT_MAX];
	struct address a;
	size_t len;

	if (name->type == GEN_DNS) {
		add_name(out, ASN1_STRING_get0_data(name->d.dNSName),
		    (size_t)ASN1_STRING_length(name->d.dNSName));
		return true;
	}
	if (name->type != GEN_IPADD)
		return false;
	len = (size_t)ASN1_STRING_length(ip);
	if (len != 4 && len != 16)
		return false;
	a = address_from_bytes(ASN1_STRING_get0_data(ip), len, 0);
	buf_addf(out, "%s", address_ip_text(&a, text));
	return true;
}

/* The first names it is for.  False if it has none. */
static bool
add_alternatives(struct buf *out, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(
	    cert, NID_subject_alt_name, NULL, NULL);
	int n = names != NULL ? sk_GENERAL_NAME_num(names) : 0;
	int shown = 0, more = 0;

	for (int i = 0; i < n; i++) {
		size_t before = out->len;

		if (shown == NAMES_SHOWN) {
			more++;
			continue;
		}
		if (shown > 0)
			buf_addf(out, ", ");
		if (add_alternative(out, sk_GENERAL_NAME_value(names, i)))
			shown++;
		else
			buf_cut(out, before);
	}
	if (more > 0)
		buf_addf(out, " and %d more", more);
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	return shown > 0;
}

static void
say_names(const struct tls_expect *e, X509 *cert, struct buf *out)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	buf_addf(out, "the certificate is for ");
	if (!add_alternatives(out, cert)) {
		buf_addf(out, "no host");
		if (at >= 0) {
			const ASN1_STRING *cn = X509_NAME_ENTRY_get_data(
			    X509_NAME_get_entry(subject, at));

			buf_addf(out, " (its CN is ");
			add_name(out, ASN1_STRING_get0_data(cn),
			    (size_t)ASN1_STRING_length(cn));
			buf_addf(out, ")");
		}
	}
	for (size_t i = 0; i < e->n_names; i++)
		buf_addf(out, "%s%s", i == 0 ? ", not " : " or ", e->names[i]);
}

static void
add_date(struct buf *out, const ASN1_TIME *when)
{
	char text[16] = "";
	struct tm tm;

	if (ASN1_TIME_to_tm(when, &tm) == 1)
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	buf_addf(out, " (%s)", text[0] != '\0' ? text : "its date is wrong");
}

/* OpenSSL tells of the one that is nearest to the CA. */
static void
say_dates(SSL *ssl, struct buf *out)
{
	time_t now = X509_VERIFY_PARAM_get_time(SSL_get0_param(ssl));
	time_t *judged_at = now != 0 ? &now : NULL; /* by the system's clock */
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

	for (int i = sk_X509_num(chain) - 1; i >= 0; i--) {
		X509 *cert = sk_X509_value(chain, i);
		const ASN1_TIME *from = X509_get0_notBefore(cert),
				*to = X509_get0_notAfter(cert);
		const char *whose = i == 0 ? "the certificate"
		                           : "the certificate of its CA";

		if (X509_cmp_time(from, judged_at) >= 0) {
			buf_addf(out, "%s is not valid yet", whose);
			add_date(out, from);
			return;
		}
		if (X509_cmp_time(to, judged_at) <= 0) {
			buf_addf(out, "%s has expired", whose);
			add_date(out, to);
			return;
		}
	}
	buf_addf(out, "the certificate is not valid at this time");
}

static void
say_records(const struct tls_expect *e, struct buf *out)
{
	if (e->n_records == 1)
		buf_addf(out,
		    "the certificate does not match the TLSA record of %s",
		    e->names[0]);
	else
		buf_addf(out,
		    "the certificate matches none of the %zu TLSA records of "
		    "%s",
		    e->n_records, e->names[0]);
}

static const struct {
	int error;
	enum conn_tls_problem kind;
	const char *words; /* NULL: said elsewhere */
} problems[] = {
    {X509_V_ERR_HOSTNAME_MISMATCH,                 CONN_TLS_HOST,      NULL},
    {X509_V_ERR_IP_ADDRESS_MISMATCH,               CONN_TLS_HOST,      NULL},
    {X509_V_ERR_CERT_HAS_EXPIRED,                  CONN_TLS_EXPIRED,   NULL},
    {X509_V_ERR_CERT_NOT_YET_VALID,                CONN_TLS_EXPIRED,   NULL},
    {X509_V_ERR_DANE_NO_MATCH,                     CONN_TLS_TLSA,      NULL},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,       CONN_TLS_UNTRUSTED,
     "the certificate is self-signed"                                      },
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,         CONN_TLS_UNTRUSTED,
     "no CA we trust has signed the certificate"                           },
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,         CONN_TLS_UNTRUSTED,
     "no CA we trust has signed the certificate"                           },
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CONN_TLS_UNTRUSTED,
     "no CA we trust has signed the certificate"                           },
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,   CONN_TLS_UNTRUSTED,
     "no CA we trust has signed the certificate"                           },
    {X509_V_ERR_CERT_UNTRUSTED,                    CONN_TLS_UNTRUSTED,
     "no CA we trust has signed the certificate"                           },
    {X509_V_ERR_INVALID_CA,                        CONN_TLS_OTHER,
     "the certificate is signed by what is no CA"                          },
    {X509_V_ERR_INVALID_PURPOSE,                   CONN_TLS_OTHER,
     "the certificate is not one for servers"                              },
    {X509_V_ERR_CERT_SIGNATURE_FAILURE,            CONN_TLS_OTHER,
     "the signature of the certificate is wrong"                           },
    {X509_V_ERR_EE_KEY_TOO_SMALL,                  CONN_TLS_OTHER,
     "the key of the certificate is too weak"                              },
    {X509_V_ERR_CA_KEY_TOO_SMALL,                  CONN_TLS_OTHER,
     "the key of the certificate's CA is too weak"                         },
    {X509_V_ERR_CA_MD_TOO_WEAK,                    CONN_TLS_OTHER,
     "the certificate is signed in a way that is too weak"                 },
};

#define N_PROBLEMS (sizeof(problems) / sizeof(problems[0]))

static enum conn_tls_problem
say_problem(const struct tls_expect *e, SSL *ssl, long error, struct buf *words)
{
	enum conn_tls_problem kind = CONN_TLS_OTHER;
	const char *text = NULL;
	size_t i = 0;

	while (i < N_PROBLEMS && problems[i].error != error)
		i++;
	if (i < N_PROBLEMS) {
		kind = problems[i].kind;
		text = problems[i].words;
	}
	/* with records "no CA" means: none that they tell */
	if (e->n_records > 0 && kind == CONN_TLS_UNTRUSTED)
		kind = CONN_TLS_TLSA;
	switch (kind) {
	case CONN_TLS_HOST:
		say_names(e, SSL_get0_peer_certificate(ssl), words);
		break;
	case CONN_TLS_EXPIRED:
		say_dates(ssl, words);
		break;
	case CONN_TLS_TLSA:
		say_records(e, words);
		break;
	default:
		if (text != NULL)
			buf_addf(words, "%s", text);
		else
			buf_addf(words, "the certificate is not good: %s",
			    X509_verify_cert_error_string(error));
	}
	return kind;
}

enum conn_tls_problem
tls_expect_judge(const struct tls_expect *e, SSL *ssl, struct buf *words)
{
	long error = SSL_get_verify_result(ssl);

	if (SSL_get0_peer_certificate(ssl) == NULL) {
		buf_addf(words, "the server shows no certificate");
		return CONN_TLS_OTHER;
	}
	if (e == NULL) {
		buf_addf(words, "there is no name to verify");
		return CONN_TLS_OTHER;
	}
	/* Without a record that OpenSSL takes it looks for a CA instead. */
	if (error == X509_V_OK && e->n_records > 0 &&
	    SSL_get0_dane_authority(ssl, NULL, NULL) < 0)
		error = X509_V_ERR_DANE_NO_MATCH;
	if (error == X509_V_OK)
		return CONN_TLS_GOOD;
	return say_problem(e, ssl, error, words);
}
