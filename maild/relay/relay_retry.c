/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_retry.h"

#include <stddef.h>

#include "common/util/str.h"

#define SECOND      INT64_C(1000)
#define MINUTE      (60 * SECOND)
#define HOUR        (60 * MINUTE)
#define NAMED_LEAST (5 * SECOND)
#define DIGITS_MOST 6
#define NAMED_TRIES 6 /* who goes on naming delays is not believed */

/* ---- which class: the first rule that holds ---- */

/* Lists are separated by '|'; NULL: whatever it is.  The dots of Delivery
 * Status are in RFC 3463 s3.  Words are looked for in any case. */
struct rule {
	int least, most; /* reply codes; 0: our own words */
	const char *enhanced;
	const char *words;
	enum relay_class class;
};

static const char greylisted[] =
    "greylist|graylist|grey-list|grey list|gray list";
static const char later[] = "try again|try later|come back|retry|second|minute";
static const char limited[] =
    "too many|rate limit|rate-limit|ratelimit|throttl|exceeded";
static const char policy_codes[] = "4.7.1|4.7.0|4.2.0|4.2.1|4.0.0";

static const struct rule rules[] = {
    {450, 451, NULL,                 greylisted, RELAY_GREYLIST},
    {421, 421, "4.4.2|4.4.1",        NULL,       RELAY_NETWORK },
    {421, 421, NULL,                 NULL,       RELAY_BUSY    },
    {400, 499, "4.7.28|4.3.2|4.4.5", NULL,       RELAY_BUSY    },
    {0,   499, "4.2.2",              NULL,       RELAY_FULL    },
    {400, 499, "4.5.3",              NULL,       RELAY_RATE    },
    {452, 452, NULL,                 NULL,       RELAY_FULL    },
    {400, 499, NULL,                 limited,    RELAY_RATE    },
    {450, 451, policy_codes,         later,      RELAY_GREYLIST},
    {0,   499, "4.7.4|4.7.5|4.7.10", NULL,       RELAY_TLS     },
    {0,   0,   "4.4.3",              NULL,       RELAY_DNS     },
    {0,   0,   "4.4.0|4.4.1|4.4.2",  NULL,       RELAY_NETWORK },
};

static bool
has_word(struct str text, struct str word)
{
	for (size_t i = 0; i + word.len <= text.len; i++)
		if (str_starts_nocase(str_after(text, i), word))
			return true;
	return false;
}

static bool
lists(const char *list, struct str value)
{
	struct str rest = str_of(list);

	while (rest.len > 0)
		if (str_eq(str_cut(&rest, '|'), value))
			return true;
	return false;
}

static bool
says(const char *list, struct str text)
{
	struct str rest = str_of(list);

	while (rest.len > 0)
		if (has_word(text, str_cut(&rest, '|')))
			return true;
	return false;
}

static bool
holds(const struct rule *r, const struct smtp_outcome *o)
{
	return o->code >= r->least && o->code <= r->most &&
	       (r->enhanced == NULL ||
		   lists(r->enhanced, str_of(o->enhanced))) &&
	       (r->words == NULL || says(r->words, buf_str(&o->text)));
}

/* ---- "in 5 minutes", "300 s", "00:05:00" ---- */

static const struct {
	const char *words; /* the longer ones first */
	int64_t ms;
} units[] = {
    {"seconds|second|secs|sec|s", SECOND},
    {"minutes|minute|mins|min|m", MINUTE},
    {"hours|hour|hrs|hr|h",       HOUR  },
};

/* All digits there are; false if these are none, or too many. */
static bool
take_number(struct str *s, int64_t *n)
{
	size_t digits = 0;

	for (*n = 0;
	     digits < s->len && s->at[digits] >= '0' && s->at[digits] <= '9';
	     digits++)
		*n = digits < DIGITS_MOST ? *n * 10 + (s->at[digits] - '0') : 0;
	*s = str_after(*s, digits);
	return digits > 0 && digits <= DIGITS_MOST;
}

static bool
is_letter(struct str s)
{
	return s.len > 0 && str_lower(s.at[0]) >= 'a' &&
	       str_lower(s.at[0]) <= 'z';
}

static bool
take_unit(struct str s, int64_t *ms)
{
	str_take(&s, ' ');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct str words = str_of(units[i].words);

		*ms = units[i].ms;
		while (words.len > 0) {
			struct str rest = s;

			if (str_take_nocase(&rest, str_cut(&words, '|')) &&
			    !is_letter(rest))
				return true;
		}
	}
	return false;
}

/* hh:mm:ss, of which the hours are taken. */
static bool
take_clock(struct str s, int64_t hours, int64_t *ms)
{
	int64_t minutes, seconds;

	if (!str_take(&s, ':') || !take_number(&s, &minutes) ||
	    !str_take(&s, ':') || !take_number(&s, &seconds) || minutes > 59 ||
	    seconds > 59)
		return false;
	*ms = hours * HOUR + minutes * MINUTE + seconds * SECOND;
	return true;
}

/* The first delay of a text; 0: none. */
static int64_t
named_delay(struct str text)
{
	while (text.len > 0) {
		int64_t n, ms;
		size_t before = text.len;

		if (!take_number(&text, &n)) {
			if (text.len == before)
				text = str_after(text, 1);
			continue;
		}
		if (take_clock(text, n, &ms))
			return ms;
		if (take_unit(text, &ms))
			return n * ms;
	}
	return 0;
}

struct relay_reason
relay_retry_reason(const struct smtp_outcome *o)
{
	struct relay_reason why = {RELAY_OTHER, 0};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (holds(&rules[i], o)) {
			why.class = rules[i].class;
			break;
		}
	if (why.class == RELAY_GREYLIST)
		why.named_ms = named_delay(buf_str(&o->text));
	return why;
}

/* ---- how long ---- */

enum growth {
	STEADY,
	BY_FIRST,
	DOUBLE
};

/* In units of first_ms; most 0: most_ms alone says. */
static const struct plan {
	int first, most;
	enum growth growth;
} plans[] = {
    [RELAY_OTHER] = {1,  0, DOUBLE  },
    [RELAY_GREYLIST] = {1,  3, BY_FIRST},
    [RELAY_FULL] = {12, 0, STEADY  },
    [RELAY_BUSY] = {1,  6, DOUBLE  },
    [RELAY_RATE] = {1,  6, DOUBLE  },
    [RELAY_NETWORK] = {1,  0, DOUBLE  },
    [RELAY_DNS] = {2,  0, DOUBLE  },
    [RELAY_TLS] = {3,  0, DOUBLE  },
};

static int64_t
planned(const struct relay_retry *r, const struct plan *p, int tries)
{
	int64_t unit = r->first_ms > 0 ? r->first_ms : 1;
	int64_t wait = p->first * unit, most = r->most_ms;

	if (p->most > 0 && (most <= 0 || p->most * unit < most))
		most = p->most * unit;
	for (int i = 0; i < tries && wait < most && p->growth != STEADY; i++)
		wait += p->growth == DOUBLE ? wait : unit;
	return wait > most && most > 0 ? most : wait;
}

/* The delay the other server asks for, within reason; 0: it does not. */
static int64_t
asked_for(
    const struct relay_retry *r, const struct relay_reason *why, int tries)
{
	int64_t wait = why->named_ms;

	if (wait <= 0 || tries >= NAMED_TRIES)
		return 0;
	if (wait < NAMED_LEAST)
		wait = NAMED_LEAST;
	return wait > r->most_ms ? r->most_ms : wait;
}

int64_t
relay_retry_at(const struct relay_retry *r, const struct relay_reason *why,
    int tries, int64_t now_ms, int64_t expires_ms, uint64_t random)
{
	int64_t named = asked_for(r, why, tries);
	int64_t wait = named > 0 ? named
	                         : planned(r, &plans[why->class], tries);
	int64_t spread = wait / 10;

	wait += (int64_t)(random % (uint64_t)(spread + 1));
	if (named == 0)
		wait -= spread / 2;
	if (expires_ms > now_ms && now_ms + wait > expires_ms)
		return expires_ms;
	return now_ms + wait;
}
