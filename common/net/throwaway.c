/* SPDX-License-Identifier: MIT */
#include "common/net/throwaway.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/util/mem.h"

#define DAY_S      (24 * 3600L)
#define LIFE_S     (30 * DAY_S)
#define COMMON_MAX 64 /* RFC 5280 appendix A.1: ub-common-name */

static void
must(int ok)
{
	assert(ok > 0); /* only memory can be missing */
}

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(ext != NULL);
	must(X509_add_ext(cert, ext, -1));
	X509_EXTENSION_free(ext);
}

/* Not from a string: a name must not be able to add names. */
static void
add_names(X509 *cert, const char *const *names, size_t n)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();

	for (size_t i = 0; i < n; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_OCTET_STRING *ip = a2i_IPADDRESS(names[i]);

		if (ip != NULL) {
			GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
		} else {
			ASN1_IA5STRING *dns = ASN1_IA5STRING_new();

			must(ASN1_STRING_set(dns, names[i], -1));
			GENERAL_NAME_set0_value(name, GEN_DNS, dns);
		}
		sk_GENERAL_NAME_push(all, name);
	}
	must(X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, 0));
	GENERAL_NAMES_free(all);
}

static void
set_name(X509_NAME *name, const char *common)
{
	char cut[COMMON_MAX + 1];

	snprintf(cut, sizeof(cut), "%s", common);
	must(X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_UTF8, (const unsigned char *)cut, -1, -1, 0));
}

/* Version 3, random serial, 30 days, not yet signed. */
static X509 *
blank(EVP_PKEY *key, const char *common)
{
	X509 *cert = X509_new();
	BIGNUM *serial = BN_new();

	assert(cert != NULL && serial != NULL);
	must(X509_set_version(cert, X509_VERSION_3));
	must(BN_rand(serial, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY));
	BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
	BN_free(serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S); /* clocks differ */
	X509_gmtime_adj(X509_getm_notAfter(cert), LIFE_S);
	set_name(X509_get_subject_name(cert), common);
	must(X509_set_pubkey(cert, key));
	return cert;
}

static X509 *
make_ca(EVP_PKEY *key)
{
	X509 *ca = blank(key, "Penny Post throw-away CA");

	must(X509_set_issuer_name(ca, X509_get_subject_name(ca)));
	add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_extension(ca, ca, NID_subject_key_identifier, "hash");
	must(X509_sign(ca, key, EVP_sha256()));
	return ca;
}

/* Issued before it ended, and both are past. */
static void
let_expire(X509 *leaf)
{
	X509_gmtime_adj(X509_getm_notBefore(leaf), -LIFE_S);
	X509_gmtime_adj(X509_getm_notAfter(leaf), -DAY_S);
}

static X509 *
make_leaf(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, enum throwaway_kind kind,
    const char *const *names, size_t n)
{
	X509 *leaf = blank(key, names[0]);

	if (kind == THROWAWAY_EXPIRED)
		let_expire(leaf);
	if (kind == THROWAWAY_SELF_SIGNED) {
		ca = leaf;
		ca_key = key;
	}
	must(X509_set_issuer_name(leaf, X509_get_subject_name(ca)));
	add_extension(leaf, ca, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(leaf, ca, NID_key_usage, "critical,digitalSignature");
	add_extension(leaf, ca, NID_ext_key_usage, "serverAuth");
	add_extension(leaf, ca, NID_subject_key_identifier, "hash");
	add_extension(leaf, ca, NID_authority_key_identifier, "keyid:always");
	add_names(leaf, names, n);
	must(X509_sign(leaf, ca_key, EVP_sha256()));
	return leaf;
}

/* One PEM file: up to two certificates or a key.  Replaced in one step. */
static int
write_pem(const char *dir, const char *name, mode_t mode, X509 *first,
    X509 *second, EVP_PKEY *key, struct fail *f)
{
	char path[PATH_MAX], temporary[PATH_MAX + 8];
	FILE *file;
	bool ok;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return fail(f, FAIL_PERM, "%s: path too long", dir);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary); /* so that the mode is the one we ask for */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	file = fd != -1 ? fdopen(fd, "w") : NULL;
	if (file == NULL)
		return fail(f, FAIL_PERM, "%s: %s", temporary, strerror(errno));
	ok = (first == NULL || PEM_write_X509(file, first)) &&
	     (second == NULL || PEM_write_X509(file, second)) &&
	     (key == NULL ||
		 PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
	ok = fclose(file) == 0 && ok;
	if (!ok || rename(temporary, path) == -1) {
		fail(f, FAIL_TEMP, "%s: %s", path, strerror(errno));
		unlink(temporary);
		return -1;
	}
	return 0;
}

int
throwaway_ca(
    const char *dir, const char *const *names, size_t n, struct fail *f)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca, *leaf;
	int rc = -1;

	assert(n > 0);
	assert(ca_key != NULL && key != NULL);
	ca = make_ca(ca_key);
	leaf = make_leaf(key, ca, ca_key, THROWAWAY_GOOD, names, n);
	if (write_pem(dir, "ca.pem", 0644, ca, NULL, NULL, f) == 0 &&
	    write_pem(dir, "cert.pem", 0644, leaf, ca, NULL, f) == 0 &&
	    write_pem(dir, "key.pem", 0600, NULL, NULL, key, f) == 0)
		rc = 0;
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return rc;
}

struct throwaway {
	const char *dir; /* borrowed */
	EVP_PKEY *key;
	X509 *ca;
};

struct throwaway *
throwaway_new(const char *dir, struct fail *f)
{
	struct throwaway *t = MEM_NEW(struct throwaway);

	t->dir = dir;
	t->key = EVP_EC_gen("P-256");
	assert(t->key != NULL);
	t->ca = make_ca(t->key);
	if (write_pem(dir, "ca.pem", 0644, t->ca, NULL, NULL, f) == 0)
		return t;
	throwaway_free(t);
	return NULL;
}

int
throwaway_leaf(struct throwaway *t, const char *name, enum throwaway_kind kind,
    const char *const *names, size_t n, struct fail *f)
{
	char certificate[NAME_MAX], secret[NAME_MAX];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *leaf;
	int rc = -1;

	assert(n > 0 && key != NULL);
	leaf = make_leaf(key, t->ca, t->key, kind, names, n);
	snprintf(certificate, sizeof(certificate), "%s.pem", name);
	snprintf(secret, sizeof(secret), "%s.key", name);
	if (write_pem(t->dir, certificate, 0644, leaf,
		kind == THROWAWAY_SELF_SIGNED ? NULL : t->ca, NULL, f) == 0 &&
	    write_pem(t->dir, secret, 0600, NULL, NULL, key, f) == 0)
		rc = 0;
	X509_free(leaf);
	EVP_PKEY_free(key);
	return rc;
}

void
throwaway_free(struct throwaway *t)
{
	if (t == NULL)
		return;
	X509_free(t->ca);
	EVP_PKEY_free(t->key);
	free(t);
}
