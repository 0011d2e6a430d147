/* SPDX-License-Identifier: MIT */
/*
 * message: the DNS wire format (RFC 1035 s4), pure.
 *
 * Parsing never follows a compression pointer forward or in a circle and
 * never makes a name over 255 octets.  Used to read rdata that carries names
 * (MX), by the stub server of `mailctl demo', and by tests.
 */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include "common/util/buf.h"

#define DNS_NAME_TEXT_MAX 1024 /* with escapes (\DDD) and NUL */

struct dns_question {
	uint16_t id;
	bool recursion_desired;
	char name[DNS_NAME_TEXT_MAX]; /* lower case, no final dot; "" is the root */
	uint16_t type, class;
};

/* The first question of a query.  False if these bytes are not a query with
 * exactly one question. */
bool dns_question_parse(struct str packet, struct dns_question *out);

/* Begin a response to q with this rcode, then add answers, then finish. */
void dns_response_begin(struct buf *out, const struct dns_question *q, int rcode);
void dns_response_add(struct buf *out, struct str name, uint16_t type, uint32_t ttl_s, struct str rdata);

/* rdata of a MX (preference, uncompressed name) as resolver gives it.  False
 * if malformed or the name is not a host name (a root name gives ""). */
bool dns_mx_parse(struct str rdata, uint16_t *preference, char host[DNS_NAME_TEXT_MAX]);

/* Text name to wire labels, appended to out.  False if it cannot be one:
 * empty or over-long labels, over 255 octets. */
bool dns_name_write(struct buf *out, struct str name);

#endif
