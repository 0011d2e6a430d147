/* SPDX-License-Identifier: MIT */
#include "common/mime/date.h"

#include <stdio.h>

#include "common/mime/cfws.h"

#define DAY_S 86400

/* The years with four digits: 0001 to 9999. */
#define FIRST_S (-62135596800)
#define LAST_S  253402300799

/* Days from March 1st of year 0 to 1970-01-01. */
#define EPOCH_DAYS 719468

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* RFC 5322 s4.3; military letters, whose meaning was never sure, and unknown
 * names stand for UTC. */
static const struct zone {
	const char *name;
	int minutes;
} zones[] = {
    {"EST", -5 * 60},
    {"EDT", -4 * 60},
    {"CST", -6 * 60},
    {"CDT", -5 * 60},
    {"MST", -7 * 60},
    {"MDT", -6 * 60},
    {"PST", -8 * 60},
    {"PDT", -7 * 60},
};

struct moment {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second;
	int weekday; /* 0 is Sunday */
};

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

static struct moment
moment_of(int64_t unix_s)
{
	int64_t days, era, day, year, month, s;

	if (unix_s < FIRST_S)
		unix_s = FIRST_S;
	if (unix_s > LAST_S)
		unix_s = LAST_S;
	s = ((unix_s % DAY_S) + DAY_S) % DAY_S;
	days = (unix_s - s) / DAY_S + EPOCH_DAYS;
	era = days / 146097; /* of 400 years */
	day = days % 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= year * 365 + year / 4 - year / 100;
	month = (day * 5 + 2) / 153;
	return (struct moment){
	    .year = (int)(year + era * 400 + (month > 9)),
	    .month = (int)(month > 9 ? month - 9 : month + 3),
	    .day = (int)(day - (month * 153 + 2) / 5 + 1),
	    .hour = (int)(s / 3600),
	    .minute = (int)(s / 60 % 60),
	    .second = (int)(s % 60),
	    .weekday = (int)((days + 3) % 7), /* that March 1st: Wednesday */
	};
}

const char *
date_text(int64_t unix_s, char out[DATE_TEXT_MAX])
{
	struct moment t = moment_of(unix_s);

	snprintf(out, DATE_TEXT_MAX,
	    "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000",
	    day_names + t.weekday * 3, t.day, month_names + (t.month - 1) * 3,
	    t.year, t.hour, t.minute, t.second);
	return out;
}

const char *
date_iso(int64_t unix_s, char out[DATE_TEXT_MAX])
{
	struct moment t = moment_of(unix_s);

	snprintf(out, DATE_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.year,
	    t.month, t.day, t.hour, t.minute, t.second);
	return out;
}

/* One of the three-letter names, from 0, and what white space follows it. */
static bool
take_name(struct str *s, const char *names, int *out)
{
	struct str all = str_of(names), word;

	if (!cfws_atom(s, &word) || word.len != 3)
		return false;
	for (*out = 0; all.len > 0; ++*out, all = str_after(all, 3))
		if (str_eq_nocase(word, str_first(all, 3)))
			return cfws_skip(s);
	return false;
}

static bool
take_number(struct str *s, size_t min, size_t max, int *out)
{
	return cfws_number(s, min, max, out) && cfws_skip(s);
}

static bool
take_date(struct str *s, struct moment *t)
{
	size_t digits;

	if (!cfws_skip(s))
		return false;
	if (s->len > 0 && (s->at[0] < '0' || s->at[0] > '9') &&
	    (!take_name(s, day_names, &t->weekday) || !str_take(s, ',') ||
		!cfws_skip(s)))
		return false;
	if (!take_number(s, 1, 2, &t->day) ||
	    !take_name(s, month_names, &t->month))
		return false;
	t->month++;
	digits = s->len;
	if (!cfws_number(s, 2, 4, &t->year))
		return false;
	digits -= s->len;
	if (digits == 2) /* RFC 5322 s4.3: years of two and three digits */
		t->year += t->year < 50 ? 2000 : 1900;
	else if (digits == 3)
		t->year += 1900;
	return cfws_skip(s) && t->year >= 1900 && t->day >= 1 &&
	       t->day <= days_in(t->year, t->month);
}

static bool
take_time(struct str *s, struct moment *t)
{
	if (!take_number(s, 1, 2, &t->hour) || !str_take(s, ':') ||
	    !cfws_skip(s) || !take_number(s, 1, 2, &t->minute))
		return false;
	t->second = 0;
	if (str_take(s, ':') &&
	    (!cfws_skip(s) || !take_number(s, 1, 2, &t->second)))
		return false;
	/* 60: a leap second */
	return t->hour <= 23 && t->minute <= 59 && t->second <= 60;
}

static bool
take_zone(struct str *s, int *minutes)
{
	bool west = s->len > 0 && s->at[0] == '-';
	struct str name;
	int hhmm;

	if (str_take(s, '+') || str_take(s, '-')) {
		if (!take_number(s, 4, 4, &hhmm) || hhmm % 100 > 59)
			return false;
		*minutes = hhmm / 100 * 60 + hhmm % 100;
		if (west)
			*minutes = -*minutes;
		return true;
	}
	if (!cfws_atom(s, &name))
		return false;
	*minutes = 0;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (str_eq_nocase(name, str_of(zones[i].name)))
			*minutes = zones[i].minutes;
	return cfws_skip(s);
}

bool
date_parse(struct str value, int64_t *unix_s)
{
	struct moment t = {0};
	int minutes;

	if (!take_date(&value, &t) || !take_time(&value, &t) ||
	    !take_zone(&value, &minutes) || value.len > 0)
		return false;
	*unix_s = days_of(t.year, t.month, t.day) * DAY_S + t.hour * 3600 +
	          (t.minute - minutes) * 60 + t.second;
	return true;
}

bool
date_sent(struct str value, int64_t *unix_s, int64_t *day)
{
	struct moment t = {0};
	struct str zone;
	size_t end = 0;
	int minutes = 0;

	if (!take_date(&value, &t))
		return false;
	*day = days_of(t.year, t.month, t.day);
	*unix_s = *day * DAY_S;
	if (!take_time(&value, &t))
		return true;
	while (end < value.len && value.at[end] != ' ' &&
	       value.at[end] != '\t' && value.at[end] != '(')
		end++;
	zone = str_first(value, end);
	if (!take_zone(&zone, &minutes))
		minutes = 0;
	*unix_s += t.hour * 3600 + (t.minute - minutes) * 60 + t.second;
	return true;
}
