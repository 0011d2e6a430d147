/* SPDX-License-Identifier: MIT */
/* The schedule of retries, as numbers. */
#include "maild/relay/relay_retry.h"

#include "tests/test.h"

#define SECOND  INT64_C(1000)
#define MINUTE  (60 * SECOND)
#define HOUR    (60 * MINUTE)
#define FOREVER INT64_C(1000000000000)

/* ---- what was said ---- */

static const struct said {
	int code; /* 0: our own words */
	const char *enhanced, *words;
	enum relay_class class;
	int64_t named_ms;
} all_said[] = {
    {450, "4.2.0",  "<a@b>: Recipient address rejected: Greylisted",
     RELAY_GREYLIST,								       0           },
    {451, "4.7.1",  "Greylisting in action, please come back in 00:05:00",
     RELAY_GREYLIST,								       5 * MINUTE  },
    {450, "4.7.1",  "GREYLISTED, please try again in 300 seconds",
     RELAY_GREYLIST,								       300 * SECOND},
    {451, "4.7.1",  "Please try again later",                              RELAY_GREYLIST, 0           },
    {451, "4.0.0",  "try again in 2 minutes",                              RELAY_GREYLIST, 2 * MINUTE  },
    {451, "4.7.0",  "Graylisted for 1 hour",                               RELAY_GREYLIST, HOUR        },
    {450, "4.7.1",  "Retry in 90s.",				       RELAY_GREYLIST, 90 * SECOND },
    {450, "4.2.0",  "come back in 5min",                                   RELAY_GREYLIST, 5 * MINUTE  },
    {450, "4.7.1",  "Security policy: greylist",                           RELAY_GREYLIST, 0           },
    {450, "4.7.1",  "try again in 99999999 seconds",                       RELAY_GREYLIST, 0           },
    {450, "4.7.1",  "try again in 7 sessions",                             RELAY_GREYLIST, 0           },
    {451, "4.3.0",  "Temporary lookup failure",                            RELAY_OTHER,    0           },
    {451, "4.3.0",  "try again later",                                     RELAY_OTHER,    0           },
    {450, "4.7.1",  "Client host rejected: no name",                       RELAY_OTHER,    0           },
    {450, "4.7.1",  "Rate limit reached, try again in 60 minutes",         RELAY_RATE,
     0												 },
    {452, "4.2.2",  "The email account is over quota",                     RELAY_FULL,     0           },
    {450, "4.2.2",  "mailbox full",					RELAY_FULL,     0           },
    {0,   "4.2.2",  "the mailbox is full",                                 RELAY_FULL,     0           },
    {452, "4.3.1",  "insufficient system storage",                         RELAY_FULL,     0           },
    {452, "4.5.3",  "too many recipients",                                 RELAY_RATE,     0           },
    {421, "4.7.0",  "too many connections",                                RELAY_BUSY,     0           },
    {421, "4.0.0",  "service not available",                               RELAY_BUSY,     0           },
    {421, "4.4.2",  "timeout",					     RELAY_NETWORK,  0           },
    {450, "4.7.28", "unusual rate of mail",                                RELAY_BUSY,     0           },
    {451, "4.3.2",  "system not accepting messages",                       RELAY_BUSY,     0           },
    {451, "4.4.5",  "congestion",					  RELAY_BUSY,     0           },
    {450, "4.1.8",  "Too Many messages from you",                          RELAY_RATE,     0           },
    {450, "4.1.1",  "you have been THROTTLED",                             RELAY_RATE,     0           },
    {454, "4.7.5",  "certificate",					 RELAY_TLS,      0           },
    {0,   "4.7.5",  "the certificate of mx.b.test has expired",            RELAY_TLS,      0           },
    {0,   "4.7.4",  "the policy of b.test asks for TLS",                   RELAY_TLS,      0           },
    {0,   "4.4.3",  "no answer about MX of b.test",                        RELAY_DNS,      0           },
    {0,   "4.4.1",  "cannot connect: connection refused",                  RELAY_NETWORK,  0           },
    {0,   "4.4.2",  "timed out after 30 seconds, try again",               RELAY_NETWORK,  0           },
    {0,   "4.3.0",  "our own copy could not be read",                      RELAY_OTHER,    0           },
    {454, "4.4.1",  "the remote's own trouble",                            RELAY_OTHER,    0           },
};

static void
classes(void)
{
	for (size_t i = 0; i < sizeof(all_said) / sizeof(all_said[0]); i++) {
		const struct said *s = &all_said[i];
		struct smtp_outcome o;
		struct relay_reason why;

		smtp_outcome_init(&o);
		smtp_outcome_say(&o, SMTP_TEMP, s->enhanced, "%s", s->words);
		o.code = s->code;
		if (s->code != 0) {
			buf_clear(&o.text);
			buf_addf(&o.text, "%d %s %s", s->code, s->enhanced,
			    s->words);
		}
		why = relay_retry_reason(&o);
		if (why.class != s->class || why.named_ms != s->named_ms) {
			fprintf(stderr, "%d %s %s: class %d, %lld ms\n",
			    s->code, s->enhanced, s->words, (int)why.class,
			    (long long)why.named_ms);
			test_failures++;
		}
		smtp_outcome_release(&o);
	}
}

/* ---- when it is tried again ---- */

#define TRIES 8

static const struct course {
	struct relay_reason why;
	int minutes[TRIES];
} courses[] = {
    {{RELAY_OTHER, 0},    {5, 10, 20, 40, 80, 160, 240, 240}   },
    {{RELAY_NETWORK, 0},  {5, 10, 20, 40, 80, 160, 240, 240}   },
    {{RELAY_GREYLIST, 0}, {5, 10, 15, 15, 15, 15, 15, 15}      },
    {{RELAY_FULL, 0},     {60, 60, 60, 60, 60, 60, 60, 60}     },
    {{RELAY_BUSY, 0},     {5, 10, 20, 30, 30, 30, 30, 30}      },
    {{RELAY_RATE, 0},     {5, 10, 20, 30, 30, 30, 30, 30}      },
    {{RELAY_DNS, 0},      {10, 20, 40, 80, 160, 240, 240, 240} },
    {{RELAY_TLS, 0},      {15, 30, 60, 120, 240, 240, 240, 240}},
};

static void
schedules(void)
{
	const struct relay_retry r = {5 * MINUTE, 240 * MINUTE};
	const struct relay_retry quick = {100, 100};
	int64_t least = FOREVER, most = 0;

	for (size_t c = 0; c < sizeof(courses) / sizeof(courses[0]); c++)
		for (int i = 0; i < TRIES; i++)
			for (uint64_t random = 0; random < 5000000;
			     random += 99733) {
				const struct course *at = &courses[c];
				int64_t wait = relay_retry_at(&r, &at->why, i,
						   1000, FOREVER, random) -
				               1000;
				int64_t want = at->minutes[i] * MINUTE;
				int64_t soon = relay_retry_at(
				    &quick, &at->why, i, 0, FOREVER, random);

				CHECK(wait >= want - want / 20);
				CHECK(wait <= want + want / 20);
				CHECK(soon >= 95 && soon <= 105);
				if (i == 0 && wait < least)
					least = wait;
				if (i == 0 && wait > most)
					most = wait;
			}
	CHECK(most - least > MINUTE / 4); /* they are spread */
}

static void
what_is_named(void)
{
	const struct relay_retry r = {5 * MINUTE, 240 * MINUTE};
	const struct relay_retry quick = {100, 100};
	static const struct {
		int64_t named, want;
		int tries;
	} rows[] = {
	    {3 * MINUTE, 3 * MINUTE,   0},
	    {3 * MINUTE, 3 * MINUTE,   5},
	    {3 * MINUTE, 15 * MINUTE,  6}, /* it is always said */
	    {1 * SECOND, 5 * SECOND,   0},
	    {9 * HOUR,   240 * MINUTE, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (uint64_t random = 0; random < 5000000; random += 99733) {
			struct relay_reason why = {
			    RELAY_GREYLIST, rows[i].named};
			int64_t wait = relay_retry_at(
			    &r, &why, rows[i].tries, 0, FOREVER, random);

			if (rows[i].tries < 6)
				CHECK(wait >= rows[i].want);
			CHECK(wait <= rows[i].want + rows[i].want / 10);
			CHECK(relay_retry_at(
				  &quick, &why, 0, 0, FOREVER, random) <= 110);
		}
}

static void
the_ends(void)
{
	const struct relay_retry r = {5 * MINUTE, 240 * MINUTE};
	const struct relay_retry none = {0, 0}, odd = {100, 10};
	const struct relay_reason other = {RELAY_OTHER, 0};

	CHECK(
	    relay_retry_at(&r, &other, 1000000, 0, FOREVER, 0) == 228 * MINUTE);
	/* the last attempt is at expiry, and after expiry there is a next one
	 * still, should anybody ask */
	CHECK(relay_retry_at(&r, &other, 0, 1000, 2000, 7) == 2000);
	CHECK(relay_retry_at(&r, &other, 0, 3000, 2000, 0) > 3000);
	CHECK(relay_retry_at(&none, &other, 3, 1000, FOREVER, 1) > 1000);
	CHECK(relay_retry_at(&odd, &other, 3, 1000, FOREVER, 1) > 1000);
}

int
main(void)
{
	classes();
	schedules();
	what_is_named();
	the_ends();
	return TEST_EXIT();
}
