/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_arg.h"

#define DAY_S 86400

/* Days from March 1st of year 0 to 1970-01-01. */
#define EPOCH_DAYS 719468

/* Days from 1970-01-01 in the Gregorian calendar, for years from 1 on.  The
 * year is taken to begin in March, so that the leap day is its last. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day -
	       1 - EPOCH_DAYS;
}

static int
days_in(int year, int month)
{
	return month == 12 ? 31
	                   : (int)(days_of(year, month + 1, 1) -
				   days_of(year, month, 1));
}

/* min to max digits. */
static bool
take_digits(struct str *s, size_t min, size_t max, int *out)
{
	size_t n = 0;

	for (*out = 0;
	     n < max && n < s->len && s->at[n] >= '0' && s->at[n] <= '9'; n++)
		*out = *out * 10 + (s->at[n] - '0');
	*s = str_after(*s, n);
	return n >= min;
}

static bool
take_month(struct str *s, int *out)
{
	struct str names = STR("JanFebMarAprMayJunJulAugSepOctNovDec");

	for (*out = 1; names.len > 0; ++*out, names = str_after(names, 3))
		if (str_take_nocase(s, str_first(names, 3)))
			return true;
	return false;
}

/* "17-Jul-1996" from its month on, when the day is known. */
static bool
take_month_year(struct str *s, int day, int64_t *out)
{
	int month, year;

	if (!str_take(s, '-') || !take_month(s, &month) || !str_take(s, '-') ||
	    !take_digits(s, 4, 4, &year) || year < 1 || day < 1 ||
	    day > days_in(year, month))
		return false;
	*out = days_of(year, month, day);
	return true;
}

bool
imap_arg_date(struct imap_args *a, int64_t *day)
{
	struct str rest = a->rest;
	bool quoted = str_take(&rest, '"');
	int of_month;

	if (!take_digits(&rest, 1, 2, &of_month) ||
	    !take_month_year(&rest, of_month, day) ||
	    (quoted && !str_take(&rest, '"')))
		return false;
	a->rest = rest;
	return true;
}

/* "02:44:25 -0700" in seconds. */
static bool
take_time_zone(struct str *s, int64_t *out)
{
	int hour, minute, second, east, zone_hour, zone_minute;

	if (!take_digits(s, 2, 2, &hour) || !str_take(s, ':') ||
	    !take_digits(s, 2, 2, &minute) || !str_take(s, ':') ||
	    !take_digits(s, 2, 2, &second) || !str_take(s, ' '))
		return false;
	east = str_take(s, '+') ? 1 : str_take(s, '-') ? -1 : 0;
	if (east == 0 || !take_digits(s, 2, 2, &zone_hour) ||
	    !take_digits(s, 2, 2, &zone_minute) || hour > 23 || minute > 59 ||
	    second > 60 || zone_hour > 23 || zone_minute > 59)
		return false; /* 60: a leap second */
	*out = hour * 3600 + minute * 60 + second -
	       east * (zone_hour * 3600 + zone_minute * 60);
	return true;
}

bool
imap_arg_date_time(struct imap_args *a, int64_t *unix_s)
{
	struct str rest = a->rest;
	int64_t day, second;
	int of_month;

	/* RFC 9051 s9 date-day-fixed: " 1" or "01" */
	if (!str_take(&rest, '"') ||
	    !(str_take(&rest, ' ') ? take_digits(&rest, 1, 1, &of_month)
				   : take_digits(&rest, 2, 2, &of_month)) ||
	    !take_month_year(&rest, of_month, &day) || !str_take(&rest, ' ') ||
	    !take_time_zone(&rest, &second) || !str_take(&rest, '"'))
		return false;
	a->rest = rest;
	*unix_s = day * DAY_S + second;
	return true;
}
