/* SPDX-License-Identifier: MIT */
/* tls_result: sessions with other servers and how safe they were, counted by
 * day and domain until they are reported (RFC 8460). */
#ifndef STORE_TLS_RESULT_H
#define STORE_TLS_RESULT_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

struct tls_result_row {
	int64_t day;       /* Unix days, UTC */
	struct str domain; /* folded */
	struct str policy; /* JSON */
	struct str result; /* empty: it went well */
	struct str host, ip, source;
	struct str reason; /* a few words; the last ones are kept */
	int64_t sessions;
};

/* Add to what was counted.  In a write transaction. */
int tls_result_add(
    struct db *db, const struct tls_result_row *r, struct fail *f);

/* Which days and domains there are, before this day: the next one after *day
 * and domain (in day's order, then the domain's), which are changed.  1, 0 no
 * more, -1. */
#define TLS_RESULT_DOMAIN_MAX 256 /* with NUL */
int tls_result_next(struct db *db, int64_t before_day, int64_t *day,
    char domain[TLS_RESULT_DOMAIN_MAX], struct fail *f);

struct tls_result_list {
	struct tls_result_row *rows; /* those of one policy together */
	size_t n;
	char **texts; /* malloc'd; what the rows' strings are in */
	size_t n_texts;
	size_t octets; /* of them */
	bool more;     /* there were rows over the limits */
};
void tls_result_list_release(struct tls_result_list *l);

struct tls_result_limits {
	size_t rows, octets;
};

/* Those of a day and domain, as far as they are within the limits. */
int tls_result_read(struct db *db, int64_t day, struct str domain,
    const struct tls_result_limits *l, struct tls_result_list *out,
    struct fail *f);

/* They were reported, or nobody wants to know.  In a write transaction. */
int tls_result_remove(
    struct db *db, int64_t day, struct str domain, struct fail *f);

#endif
