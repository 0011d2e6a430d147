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
	char name[DNS_NAME_TEXT_MAX]; /* lower case, no final dot; "" is the
	                                 root */
	uint16_t type, class;
};

/* The first question of a query.  False if these bytes are not a query with
 * exactly one question. */
bool dns_question_parse(struct str packet, struct dns_question *out);

/* Begin a response to q with this rcode, then add answers, then finish. */
/* (out is empty before, and a record that does not fit its limit is left out
 * and the TC bit set: RFC 2181 s9.) */
void dns_response_begin(
    struct buf *out, const struct dns_question *q, int rcode);
void dns_response_add(struct buf *out, struct str name, uint16_t type,
    uint32_t ttl_s, struct str rdata);

/* A response, and its records one after the other. */
struct dns_response {
	struct str packet; /* borrowed from dns_response_parse() */
	struct dns_question question;
	int rcode;
	bool authoritative, truncated;
	size_t at;        /* of the next record */
	unsigned left[3]; /* records of each section not yet given */
};

enum dns_section {
	DNS_ANSWER,
	DNS_AUTHORITY,
	DNS_ADDITIONAL
};

struct dns_resource {
	enum dns_section section;
	char name[DNS_NAME_TEXT_MAX];
	uint16_t type, class;
	uint32_t ttl_s;
	struct str rdata; /* in the packet: names in it may be compressed */
};

/* False if these bytes are not a response with exactly one question. */
bool dns_response_parse(struct str packet, struct dns_response *out);

/* 1 a record, 0 no more of them (and nothing follows), -1 malformed. */
int dns_response_next(struct dns_response *r, struct dns_resource *out);

/* Append the rdata of a CNAME, NS, PTR or MX with its name uncompressed, of
 * any other type as it is.  False if malformed. */
bool dns_rdata_expand(const struct dns_response *r,
    const struct dns_resource *from, struct buf *out);

/* rdata of a MX (preference, uncompressed name) as resolver gives it.  False
 * if malformed or the name is not a host name (a root name gives ""). */
bool dns_mx_parse(
    struct str rdata, uint16_t *preference, char host[DNS_NAME_TEXT_MAX]);

/* The one uncompressed name these bytes are (PTR rdata), as text.  False if
 * they are anything else. */
bool dns_name_parse(struct str wire, char out[DNS_NAME_TEXT_MAX]);

/* Text name to wire labels, appended to out.  False if it cannot be one:
 * empty or over-long labels, over 255 octets. */
bool dns_name_write(struct buf *out, struct str name);

#endif
