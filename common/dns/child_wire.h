/* SPDX-License-Identifier: MIT */
/*
 * child_wire: what a resolver and its child say to each other, a packet each:
 * questions one way, answers the other.  Who reads an answer believes none of
 * its octets: the child has spoken with strangers.
 */
#ifndef DNS_CHILD_WIRE_H
#define DNS_CHILD_WIRE_H

#include "common/dns/resolver.h"
#include "common/util/buf.h"
#include "common/util/mem.h"

#define CHILD_PACKET_MAX  (128 * KB)
#define CHILD_NAME_MAX    254 /* with its NUL */
#define CHILD_RECORDS_MAX 100 /* what struct dns_answer promises */

/* Answers to nothing: the child is ready (DNS_OK), or it is gone and what it
 * had been asked is lost (why says why; ttl_s is the enum fail_kind). */
#define CHILD_NEWS 0

struct child_question {
	uint32_t id; /* not CHILD_NEWS */
	uint16_t type;
	char name[CHILD_NAME_MAX];
};

/* The packet of a question. */
struct str child_question_bytes(const struct child_question *q);
bool child_question_read(struct str packet, struct child_question *out);

/* Append the packet of an answer; out->overrun if it is too large. */
void child_answer_write(
    struct buf *out, uint32_t id, const struct dns_answer *a);

/* a's strings and records lie in packet. */
bool child_answer_read(struct str packet, uint32_t *id, struct dns_answer *a,
    struct dns_record records[CHILD_RECORDS_MAX]);

#endif
