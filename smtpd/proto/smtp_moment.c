/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_moment.h"

/* Take n digits that make a number from least to most. */
static bool
take_number(
    struct str *in, size_t n, uint64_t least, uint64_t most, int64_t *out)
{
	uint64_t value;

	if (in->len < n || !str_to_u64(str_first(*in, n), most, &value) ||
	    value < least)
		return false;
	*in = str_after(*in, n);
	*out = (int64_t)value;
	return true;
}

static int64_t
days_in_month(int64_t year, int64_t month)
{
	static const int64_t days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Since 1970-01-01, Gregorian. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t before = year - 1;
	int64_t days = before * 365 + before / 4 - before / 100 + before / 400;

	for (int64_t m = 1; m < month; m++)
		days += days_in_month(year, m);
	return days + day - 1 - 719162;
}

/* RFC 3339 s5.6: time-secfrac */
static bool
take_fraction(struct str *in)
{
	size_t digits = 0;

	if (!str_take(in, '.'))
		return true;
	while (in->len > 0 && in->at[0] >= '0' && in->at[0] <= '9') {
		*in = str_after(*in, 1);
		digits++;
	}
	return digits > 0;
}

bool
smtp_moment_parse(struct str value, int64_t *unix_s)
{
	int64_t year, month, day, hour, minute, second;
	struct str in = value;

	if (!take_number(&in, 4, 1970, 9999, &year) || !str_take(&in, '-') ||
	    !take_number(&in, 2, 1, 12, &month) || !str_take(&in, '-') ||
	    !take_number(&in, 2, 1, 31, &day) ||
	    day > days_in_month(year, month) ||
	    !str_take_nocase(&in, STR("T")) ||
	    !take_number(&in, 2, 0, 23, &hour) || !str_take(&in, ':') ||
	    !take_number(&in, 2, 0, 59, &minute) || !str_take(&in, ':') ||
	    !take_number(&in, 2, 0, 60, &second) || !take_fraction(&in) ||
	    !str_take_nocase(&in, STR("Z")) || in.len > 0)
		return false;
	*unix_s = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 +
	          second;
	return true;
}
