/* SPDX-License-Identifier: MIT */
#include "common/mime/date.h"

#include <time.h>

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	const char *text;
	int64_t unix_s; /* 0: no date */
} vectors[] = {
    {"Sun, 22 Nov 2026 10:00:00 +0000",                              1795341600},
    {" Sun, 22 Nov 2026 10:00:00 +0000 ",                            1795341600},
    {"22 Nov 2026 10:00:00 +0000",				   1795341600},
    {"22 Nov 2026 10:00 +0000",				      1795341600},
    {"sun, 22 NOV 2026 10:00:00 GMT",                                1795341600},
    {"Sun, 22 Nov 2026 11:30:00 +0130",                              1795341600},
    {"Sun, 22 Nov 2026 05:00:00 -0500 (EST)",                        1795341600},
    {"Sun, 22 Nov 2026 05:00:00 EST",                                1795341600},
    {"Sun, 22 Nov 2026 03:00:00 pdt",                                1795341600},
    {"Sun, 22 Nov 2026 10:00:00 Z",                                  1795341600},
    {"Sun, 22 Nov 2026 10:00:00 XYZ",                                1795341600},
    {"Sun, 22 Nov 26 10:00:00 +0000",                                1795341600},
    {"Sun, 22 Nov 126 10:00:00 +0000",                               1795341600},
    {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",              880127706 },
    {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n"
     "      23:32\r\n               -0330 (Newfoundland Time)", -27723480 }, /* RFC 5322 sA.5 */
    {"21 Nov 97 09:55:06 GMT",				       880106106 }, /* RFC 5322 sA.6.2 */
    {"Sat, 29 Feb 2020 00:00:00 +0000",                              1582934400},
    {"Sat, 31 Dec 2016 23:59:60 +0000",                              1483228800}, /* a leap second */
    {"Thu, 99 Feb 2026 99:99:99 +9999",                              0         }, /* A106 */
    {"22 Nov 99999999999 10:00:00 +0000",                            0         },
    {"29 Feb 2026 00:00:00 +0000",				   0         },
    {"0 Nov 2026 00:00:00 +0000",				    0         },
    {"31 Nov 2026 00:00:00 +0000",				   0         },
    {"22 Nov 1899 00:00:00 +0000",				   0         },
    {"22 Nov 2026 24:00:00 +0000",				   0         },
    {"22 Nov 2026 10:60:00 +0000",				   0         },
    {"22 Nov 2026 10:00:61 +0000",				   0         },
    {"22 Nov 2026 10:00:00 +0060",				   0         },
    {"22 Nov 2026 10:00:00 +000",				    0         },
    {"22 Nov 2026 10:00:00 +00000",                                  0         },
    {"22 Nov 2026 10:00:00",					 0         },
    {"22 Nov 2026 10:00:00 +0000 x",                                 0         },
    {"22 Nov 2026 10:00:00 +0000 (",                                 0         },
    {"22 Now 2026 10:00:00 +0000",				   0         },
    {"Sun 22 Nov 2026 10:00:00 +0000",                               0         },
    {"\r\nSun, 22 Nov 2026 10:00:00 +0000",                          0         },
    {"S, 22 Nov 2026 10:00:00 +0000",                                0         },
    {":un, 22 Nov 2026 10:00:00 +0000",                              0         },
    {"/22 Nov 2026 10:00:00 +0000",                                  0         },
    {"Sun(, 22 Nov 2026 10:00:00 +0000",                             0         },
    {"Sun,( 22 Nov 2026 10:00:00 +0000",                             0         },
    {"22( Nov 2026 10:00:00 +0000",                                  0         },
    {"22 Nov( 2026 10:00:00 +0000",                                  0         },
    {"22 Nov 2 10:00:00 +0000",				      0         },
    {"22 Nov 2026( 10:00:00 +0000",                                  0         },
    {"22 Nov 2026 10 00:00 +0000",				   0         },
    {"22 Nov 2026 10(:00:00 +0000",                                  0         },
    {"22 Nov 2026 10:(00:00 +0000",                                  0         },
    {"22 Nov 2026 10:x:00 +0000",				    0         },
    {"22 Nov 2026 10:00(:00 +0000",                                  0         },
    {"22 Nov 2026 10:00:(00 +0000",                                  0         },
    {"22 Nov 2026 10:00:x +0000",				    0         },
    {"22 Nov 2026 x +0000",					  0         },
    {"22 Nov 2026 10:00:00 EST(",				    0         },
    {"Sun Nov 22 10:00:00 2026",				     0         },
    {"",							     0         },
    {"(",							    0         },
};

static void
check_parse(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		int64_t got = 0;
		bool ok = date_parse(str_of(vectors[i].text), &got);

		if (ok != (vectors[i].unix_s != 0) || got != vectors[i].unix_s)
			fprintf(stderr, "at \"%s\": %lld\n", vectors[i].text,
			    (long long)got);
		CHECK(ok == (vectors[i].unix_s != 0));
		CHECK(got == vectors[i].unix_s);
	}
}

/* For sorting and searching: a bad zone is UTC, a bad time 00:00:00, the day is
 * the sender's (RFC 5256 s2.2, RFC 9051 s6.4.4). */
static void
check_sent(void)
{
	static const struct {
		const char *text;
		int64_t day, unix_s; /* both 0: cannot be read */
	} rows[] = {
	    {"Sun, 1 Feb 2026 23:30:00 -0800",             20485, 1770017400},
	    {"Mon, 2 Feb 2026 00:30:00 +1300",             20486, 1769945400},
	    {"1 Feb 26 23:30 EST",                         20485, 1770006600},
	    {"Sun, 1 Feb 2026 23:30:00 +0000 (PST -0800)", 20485, 1769988600},
	    {"Sun, 1 Feb 2026 23:30:00",                   20485, 1769988600},
	    {"Sun, 1 Feb 2026 23:30:00 (UTC)",             20485, 1769988600},
	    {"Sun, 1 Feb 2026 23:30:00 -800",              20485, 1769988600},
	    {"Sun, 1 Feb 2026 23:30:00 +0800 PHT",         20485, 1769959800},
	    {"Sun, 1 Feb 2026 23:30:00 +0800</field>",     20485, 1769959800},
	    {"Sun, 1 Feb 2026 23:30:00 +9999",             20485, 1769988600},
	    {"Sun, 1 Feb 2026 23:99:00 +0800",             20485, 1769904000},
	    {"Sun, 1 Feb 2026",                            20485, 1769904000},
	    {"Sun, 1 Feb 2026 23:30:00 +0800\tx",          20485, 1769959800},
	    {"Sun, 1 Feb 2026 23:30:00 +0800(x",           20485, 1769959800},
	    {"Sun, 1 Feb 2026 23:30:00 +0800",             20485, 1769959800},
	    {"31 Dec 1969 23:30:00 -0100",                 -1,    1800      },
	    {"Thu, 99 Feb 2026 99:99:99 +9999",            0,     0         },
	    {"noon: tomorrow",                             0,     0         },
	    {"",					   0,     0         },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t day = 0, s = 0;
		bool ok = date_sent(str_of(rows[i].text), &s, &day);

		if (day != rows[i].day || s != rows[i].unix_s)
			fprintf(stderr, "at \"%s\": %lld, %lld\n", rows[i].text,
			    (long long)day, (long long)s);
		CHECK(ok == (rows[i].day != 0));
		CHECK(day == rows[i].day && s == rows[i].unix_s);
	}
}

/* The C library's calendar and ours agree, and what we write we read. */
static void
check_calendar(void)
{
	char ours[DATE_TEXT_MAX], theirs[DATE_TEXT_MAX];

	for (int64_t s = -62135596800; s <= 253402300799;
	     s += 86400 * 11 + 3661) {
		time_t t = (time_t)s;
		struct tm tm;
		int64_t back;

		gmtime_r(&t, &tm);
		/* %Y of the C library has no leading zeros */
		size_t n = strftime(theirs, sizeof(theirs), "%a, %d %b ", &tm);
		snprintf(theirs + n, sizeof(theirs) - n,
		    "%04d %02d:%02d:%02d +0000", tm.tm_year + 1900, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
		CHECK_STR(date_text(s, ours), theirs);
		if (tm.tm_year < 0)
			continue;
		CHECK(date_parse(str_of(ours), &back) && back == s);
	}
}

static void
check_text(void)
{
	char out[DATE_TEXT_MAX];

	CHECK_STR(
	    date_text(1795341600, out), "Sun, 22 Nov 2026 10:00:00 +0000");
	CHECK_STR(date_iso(1795341600, out), "2026-11-22T10:00:00Z");
	CHECK_STR(date_iso(0, out), "1970-01-01T00:00:00Z");
	CHECK_STR(date_iso(-1, out), "1969-12-31T23:59:59Z");
	/* a mad clock stays within four digits */
	CHECK_STR(date_iso(INT64_MIN, out), "0001-01-01T00:00:00Z");
	CHECK_STR(date_iso(INT64_MAX, out), "9999-12-31T23:59:59Z");
}

static void
check_long(void)
{
	struct buf in;
	int64_t s;

	buf_init(&in, 1 * MB);
	for (int i = 0; i < 64 * 1024; i++)
		buf_add_char(&in, '9');
	CHECK(!date_parse(buf_str(&in), &s));
	buf_clear(&in);
	for (int i = 0; i < 64 * 1024; i++)
		buf_add_char(&in, '(');
	CHECK(!date_parse(buf_str(&in), &s));
	buf_release(&in);
}

int
main(void)
{
	check_parse();
	check_sent();
	check_calendar();
	check_text();
	check_long();
	return TEST_EXIT();
}
