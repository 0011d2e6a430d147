/* SPDX-License-Identifier: MIT */
/*
 * tls_report_mail: a report of RFC 8460 as what is sent: packed, and as a
 * message (s5); pure.
 *
 * It comes from the postmaster of a domain of ours, not from a name that takes
 * no mail: s4.4 wants a contact who answers, s5.3 has the Submitter be the
 * domain of that address, and s3 a signature by that domain.
 */
#ifndef MAILD_RELAY_TLS_REPORT_MAIL_H
#define MAILD_RELAY_TLS_REPORT_MAIL_H

#include "common/store/tls_result.h"
#include "common/util/buf.h"

#define TLS_REPORT_MAX ((size_t)10 * 1024 * 1024) /* s5.2 */

struct tls_report_about {
	int64_t day;
	struct str domain;    /* whom it is about */
	struct str host;      /* ours */
	struct str submitter; /* domain of ours */
	const struct tls_result_list *results;
};

/* The address it is from: "postmaster@SUBMITTER". */
void tls_report_contact(const struct tls_report_about *a, struct buf *out);

/* The JSON of s4.4. */
void tls_report_json(const struct tls_report_about *a, struct buf *out);

/* RFC 1952.  False: it does not fit into out. */
bool tls_report_gzip(struct str bytes, struct buf *out);

/* The whole message, for these addresses. */
struct tls_report_letter {
	const struct str *to;
	size_t n;
	struct str packed;
	int64_t now_s;
	uint64_t random;
};
#define TLS_REPORT_LETTER_ROOM (16 * 1024 + 2 * TLS_REPORT_MAX)
void tls_report_compose(const struct tls_report_about *a,
    const struct tls_report_letter *l, struct buf *out);

#endif
