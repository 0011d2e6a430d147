/* SPDX-License-Identifier: MIT */
#include "common/net/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int
certificate_look(
    const char *file, const char *host, struct certificate *out, struct fail *f)
{
	FILE *in = fopen(file, "re");
	struct tm tm;
	X509 *x;
	int good;

	if (in == NULL)
		return fail(f, FAIL_PERM, "%s: %s", file, strerror(errno));
	x = PEM_read_X509(in, NULL, NULL, NULL);
	fclose(in);
	ERR_clear_error();
	if (x == NULL)
		return fail(
		    f, FAIL_PERM, "%s: there is no certificate in it", file);
	good = ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm);
	if (good == 1) {
		out->expires_s = timegm(&tm);
		out->names_host = X509_check_host(x, host, 0, 0, NULL) == 1;
	}
	X509_free(x);
	if (good != 1)
		return fail(
		    f, FAIL_PERM, "%s: its end date cannot be read", file);
	return 0;
}
