/* SPDX-License-Identifier: MIT */
/*
 * tlsrpt: who wants to know how safe our sessions with him are, and what he is
 * told (RFC 8460), pure.
 *
 * The report is I-JSON (RFC 7493) whatever the strings hold: what is not UTF-8
 * becomes U+FFFD.
 */
#ifndef POLICY_TLSRPT_H
#define POLICY_TLSRPT_H

#include "common/policy/mtasts.h"
#include "common/util/buf.h"

#define TLSRPT_RUA_MAX     4 /* destinations; what is over is not asked */
#define TLSRPT_ADDRESS_MAX 321
#define TLSRPT_PATH_MAX    2000
#define TLSRPT_POLICY_MAX  ((size_t)64 * 1024)

/* ---- the record ---- */

struct tlsrpt_record {
	size_t n;
	struct str rua[TLSRPT_RUA_MAX]; /* URIs, borrowed */
};

/* Of the TXT records at "_smtp._tls.DOMAIN".  False: no reports are wanted
 * (s3). */
bool tlsrpt_record_parse(
    const struct str *records, size_t n, struct tlsrpt_record *out);

/* Of "mailto:" (RFC 6068) the address; false if it is none. */
bool tlsrpt_mailto(struct str uri, char address[TLSRPT_ADDRESS_MAX]);

struct tlsrpt_https {
	struct str host; /* a domain name */
	uint16_t port;
	struct str path; /* with its query; at least "/" */
};
bool tlsrpt_https(struct str uri, struct tlsrpt_https *out);

/* ---- the report ---- */

/* The policy objects of s4.4, appended; never more than TLSRPT_POLICY_MAX:
 * lines of a policy that do not fit are left out.
 * p: NULL, as it could not be had. */
void tlsrpt_policy_sts(struct str domain, const struct mtasts_policy *p,
    struct str text, struct buf *out);
/* host: TLSA base domain; records: "3 1 1 AB12..." */
void tlsrpt_policy_tlsa(
    struct str host, const struct str *records, size_t n, struct buf *out);
void tlsrpt_policy_none(struct str domain, struct buf *out);

struct tlsrpt_row {
	struct str policy;                   /* one of the objects above */
	struct str result;                   /* of s4.3; empty: it went well */
	struct str host, ip, source, reason; /* or empty */
	int64_t sessions;
};

struct tlsrpt_report {
	struct str organization;
	struct str contact; /* an address */
	struct str id;
	int64_t begin_s, end_s;
	const struct tlsrpt_row *rows; /* those of one policy together */
	size_t n;
};

/* Append all of it; out's limit may cut it (overrun). */
void tlsrpt_compose(const struct tlsrpt_report *r, struct buf *out);

#endif
