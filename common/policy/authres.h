/* SPDX-License-Identifier: MIT */
/*
 * authres: Authentication-Results fields (RFC 8601): writing ours, taking out
 * those that pretend to be ours.  Pure.
 */
#ifndef POLICY_AUTHRES_H
#define POLICY_AUTHRES_H

#include "common/util/buf.h"

/* Write ours, one result after another:
 *
 *	authres_begin(&a, out, host);
 *	authres_method(&a, "spf", "pass", NULL);
 *	authres_property(&a, "smtp", "mailfrom", str);
 *	authres_end(&a);
 *
 * A value is written as token, address or quoted string (RFC 8601 s2.2) and
 * never ends the one it is in, for careless readers too: of an address whose
 * local part wants quotes only "@domain" is told, and a semicolon becomes a
 * question mark.  Controls and what is no UTF-8 are left out; a property of
 *which nothing is left, too.  Folded before each method.  Without any: ";
 *none". */
struct authres {
	struct buf *out;
	unsigned methods;
};
void authres_begin(struct authres *a, struct buf *out, struct str host);
void authres_method(struct authres *a, const char *method, const char *result,
    const char *comment); /* comment: a few printable words, or NULL */
void authres_property(
    struct authres *a, const char *type, const char *name, struct str value);
void authres_end(struct authres *a); /* with CRLF */

/* Copy a header block without the fields that claim to be ours:
 * Authentication-Results whose authserv-id is host, in any case, with comments,
 * folds, quotes, a version, blanks before the colon, as A- or U-label (RFC 8601
 * s5), and those whose authserv-id cannot be read; likewise Received-SPF. */
void authres_strip(
    struct str block, struct str host, struct buf *out, size_t *removed);

/* Read one: the next "method=result" of a value behind its authserv-id.
 * 1, 0 at the end, -1 malformed.  For ARC, and tests that read what we wrote.
 */
struct authres_result {
	char method[32], result[32];
	struct str rest; /* its properties, as written */
};
bool authres_read_id(struct str *value, char id[256]);
int authres_read_next(struct str *value, struct authres_result *out);

#endif
