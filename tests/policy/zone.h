/* SPDX-License-Identifier: MIT */
/*
 * zone: the DNS of a test.  Lines of text; everything else does not exist.
 *
 *	example.com A 192.0.2.1
 *	example.com AAAA 2001:db8::1
 *	example.com MX 10 mail.example.com
 *	example.com TXT v=spf1 mx -all          to the end of the line
 *	1.2.0.192.in-addr.arpa PTR mail.example.com
 *	www.example.com CNAME example.com
 *	slow.example.com TXT TIMEOUT            this type: nothing is known
 *	dead.example.com ANY TIMEOUT            each type without a record
 *	empty.example.com ANY NODATA            it exists, that is all
 *	gone.example.com ANY NXDOMAIN           even if it has names below
 *	signed.example.com ANY SECURE           what it has is validated
 *
 * SERVFAIL is TIMEOUT.  "\DDD" is the octet of that decimal number, in names
 * and data; any other backslash is itself.  Empty lines and lines with # in
 * front are skipped.  A name above another exists.  CNAMEs are followed eight
 * times, then nothing is known.
 */
#ifndef TESTS_POLICY_ZONE_H
#define TESTS_POLICY_ZONE_H

#include "common/policy/facts.h"

struct zone;

struct zone *zone_new(void);
void zone_free(struct zone *z);

/* One line.  False: it is none. */
bool zone_add(struct zone *z, struct str line);

/* A zone of all these lines; a wrong one ends the program. */
struct zone *zone_of(const char *lines);

/* Answer all that is wanted.  Returns how many questions that were. */
size_t zone_answer(const struct zone *z, struct facts *f);

#endif
