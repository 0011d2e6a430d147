/* SPDX-License-Identifier: MIT */
#include "maild/relay/safety.h"

/* RFC 7672 s2.2 */
static bool
obey_dane(struct safety *s, const struct safety_facts *f)
{
	switch (f->dane) {
	case DANE_NONE:
		return false;
	case DANE_UNKNOWN:
		s->law = SAFETY_DANE;
		s->bar = SAFETY_UNKNOWN;
		s->tls = SMTP_TLS_VERIFY;
		return true;
	case DANE_UNUSABLE:
		s->law = SAFETY_DANE;
		s->tls = SMTP_TLS_MUST;
		return false;
	case DANE_USABLE:
		s->law = SAFETY_DANE;
		s->tls = SMTP_TLS_VERIFY;
		s->records = true;
		return true;
	}
	return false;
}

/* RFC 8461 s5 */
static void
obey_sts(struct safety *s, const struct safety_facts *f)
{
	bool matches;

	if (f->sts == NULL || f->sts->mode == MTASTS_NONE)
		return;
	matches = mtasts_matches(f->sts, f->host);
	s->guessed &= !matches;
	if (f->sts->mode == MTASTS_ENFORCE) {
		s->law = SAFETY_STS;
		s->tls = SMTP_TLS_VERIFY;
		s->bar = matches ? SAFETY_OPEN : SAFETY_NOT_NAMED;
	} else if (s->law == SAFETY_NONE) {
		s->law = SAFETY_TESTING;
		s->mismatch = !matches;
	}
}

static void
obey_admin(struct safety *s, const struct safety_facts *f)
{
	if (f->smarthost == SMARTHOST_TLS_MAY && !f->login)
		return;
	s->law = SAFETY_ADMIN;
	s->tls = SMTP_TLS_VERIFY;
	s->inside = f->smarthost == SMARTHOST_TLS_INSIDE;
}

struct safety
safety_of(const struct safety_facts *f)
{
	struct safety s = {
	    .tls = SMTP_TLS_MAY,
	    /* a domain that is its own server was named by the sender */
	    .guessed = !f->named && !f->secure && !str_eq(f->domain, f->host),
	};

	if (f->named)
		obey_admin(&s, f);
	else if (!obey_dane(&s, f))
		obey_sts(&s, f);
	return s;
}

const char *
safety_who(const struct safety *s)
{
	static const char *const who[] = {
	    [SAFETY_NONE] = NULL,
	    [SAFETY_TESTING] = NULL,
	    [SAFETY_ADMIN] = "the smarthost's settings",
	    [SAFETY_STS] = "MTA-STS",
	    [SAFETY_DANE] = "DANE",
	};

	return who[s->law];
}

void
safety_tell(const struct safety *s, bool verified, struct buf *out)
{
	static const struct {
		const char *good, *other;
	} words[] = {
	    [SAFETY_NONE] = {", opportunistic",                             ", opportunistic"},
	    [SAFETY_TESTING] = {", opportunistic (MTA-STS testing: verified)",
			     ", opportunistic (MTA-STS testing: not verified)"               },
	    [SAFETY_ADMIN] = {", verified (smarthost)",                      ", not verified" },
	    [SAFETY_STS] = {", verified (MTA-STS)",                        ", not verified" },
	    [SAFETY_DANE] = {", verified by DANE",                          ", not verified" },
	};

	if (s->law == SAFETY_DANE && !s->records)
		buf_add(out, STR(", required by DANE"));
	else if (s->law == SAFETY_TESTING && s->mismatch)
		buf_add(out, str_of(words[s->law].other));
	else
		buf_add(out, str_of(verified ? words[s->law].good
					     : words[s->law].other));
}
