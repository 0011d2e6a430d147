/* SPDX-License-Identifier: MIT */
/*
 * facts: what DNS says, for checks that cannot ask it.  Pure.
 *
 * A check is a plain function of its input and of facts.  Where a fact is
 * missing it notes the question and returns "not yet"; the host has the
 * question answered and calls the check again, from its beginning.  So no
 * check has states, all checks of a message ask at the same time, and a
 * question two of them have is asked once.
 *
 *	while (!spf_check(facts, &in, &out))
 *		answer what facts_wanted() gives, or wait;
 *
 * Bounded: at most FACTS_MAX questions and FACTS_BYTES octets of answers; a
 * question beyond that is answered FACT_TEMPFAIL.
 */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include "common/util/str.h"

#define FACTS_MAX         200
#define FACTS_BYTES       (512 * 1024)
#define FACTS_RECORDS_MAX 100 /* of one answer */

enum fact_type { /* numbers of the DNS (RFC 1035 s3.2.2) */
	FACT_A = 1,
	FACT_PTR = 12,
	FACT_MX = 15,
	FACT_TXT = 16,
	FACT_AAAA = 28,
	FACT_SRV = 33,
};

enum fact_status {
	FACT_OK,         /* at least one record */
	FACT_NODATA,     /* the name exists, without such a record */
	FACT_NXDOMAIN,   /* no such name */
	FACT_TEMPFAIL,   /* nothing is known */
	FACT_IMPOSSIBLE, /* the name cannot be asked: an empty label, one over
	                  * 63 octets, over 253 in all, or a NUL */
};

struct fact {
	enum fact_status status;
	bool secure; /* DNSSEC */
	size_t n;
	const struct str
	    *records; /* A, AAAA: 4 or 16 octets; TXT: its strings
	               * joined (RFC 7208 s3.3); PTR: a name; MX:
	               * preference (2 octets, big-endian), name;
	               * SRV: priority, weight, port (likewise), name.
	               * Names are text, lower case, no final dot;
	               * octets no host name has are "\DDD". */
};

struct facts;

struct facts *facts_new(void);
void facts_free(struct facts *f);

/* Keys the host keeps for all messages (key_cache.h), for those who read key
 * records; NULL until set.  Borrowed. */
struct key_cache;
void facts_set_keys(struct facts *f, struct key_cache *keys);
struct key_cache *facts_keys(const struct facts *f);

/* The answer, valid until facts_free(), or NULL: not known yet, and noted as
 * wanted.  Names are compared without regard to case; a final dot is
 * dropped. */
const struct fact *facts_ask(
    struct facts *f, struct str name, enum fact_type type);

/* For the host: a question that nobody was given yet, or false.  name lives
 * until facts_free(). */
struct facts_question {
	size_t id;
	struct str name; /* lower case, no final dot */
	enum fact_type type;
};
bool facts_wanted(struct facts *f, struct facts_question *out);

/* Answer it, once.  Copied; what does not fit is FACT_TEMPFAIL. */
void facts_answer(struct facts *f, size_t id, const struct fact *answer);

/* Questions given to the host and not answered. */
size_t facts_open(const struct facts *f);

/* Answer all that are open, wanted, or still to come with FACT_TEMPFAIL: the
 * time for asking is over, and every check now comes to its end. */
void facts_give_up(struct facts *f);

#endif
