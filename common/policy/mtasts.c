/* SPDX-License-Identifier: MIT */
#include "common/policy/mtasts.h"

#include <string.h>

#include "common/policy/record.h"
#include "common/util/utf8.h"

#define KEY_MAX    32
#define DOMAIN_MAX 253
#define LABEL_MAX  63
#define AGE_DIGITS 10 /* s3.2: 1*10(DIGIT) */

/* ---- the record ---- */

static bool
is_id(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!record_is_alnum(s.at[i]))
			return false;
	return s.len > 0 && s.len < MTASTS_ID_MAX;
}

bool
mtasts_record_id(const struct str *records, size_t n, char id[MTASTS_ID_MAX])
{
	struct str fields, name, value;
	bool found = false;
	int more;

	if (!record_pick(records, n, STR("v=STSv1"), &fields))
		return false;
	while ((more = record_next(&fields, &name, &value)) == 1) {
		if (!record_is_plain(value))
			return false;
		if (found || !str_eq(name, STR("id")))
			continue;
		if (!is_id(value))
			return false;
		memcpy(id, value.at, value.len);
		id[value.len] = '\0';
		found = true;
	}
	return found && more == 0;
}

/* ---- the policy ---- */

/* What the fields of one policy have said so far. */
struct reader {
	struct mtasts_policy *out;
	bool version, mode, max_age; /* seen: later ones do not count */
};

static const char *
read_version(struct reader *r, struct str value)
{
	(void)r;
	return str_eq(value, STR("STSv1")) ? NULL : "its version is not STSv1";
}

static const char *
read_mode(struct reader *r, struct str value)
{
	static const char *const words[] = {
	    [MTASTS_NONE] = "none",
	    [MTASTS_TESTING] = "testing",
	    [MTASTS_ENFORCE] = "enforce",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_eq(value, str_of(words[i]))) {
			r->out->mode = (enum mtasts_mode)i;
			return NULL;
		}
	}
	return "its mode is none of enforce, testing and none";
}

static const char *
read_max_age(struct reader *r, struct str value)
{
	uint64_t n;

	if (value.len > AGE_DIGITS || !str_to_u64(value, UINT64_MAX, &n))
		return "its max_age is no number of seconds";
	if (n > MTASTS_AGE_MAX)
		return "its max_age is over 31557600 seconds";
	r->out->max_age_s = (uint32_t)n;
	return NULL;
}

/* Domain of RFC 5321 s4.1.2, in ASCII; the longest is that of RFC 1035. */
static bool
is_domain(struct str s)
{
	if (s.len > DOMAIN_MAX)
		return false;
	for (;;) {
		struct str label = s;
		size_t n = 0;

		while (n < s.len && s.at[n] != '.')
			n++;
		label.len = n;
		if (n == 0 || n > LABEL_MAX || !record_is_alnum(label.at[0]) ||
		    !record_is_alnum(label.at[n - 1]))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!record_is_alnum(label.at[i]) && label.at[i] != '-')
				return false;
		if (n == s.len)
			return true;
		s = str_after(s, n + 1);
	}
}

static const char *
read_mx(struct reader *r, struct str value)
{
	struct str domain = value;

	if (str_starts(domain, STR("*.")))
		domain = str_after(domain, 2);
	if (!is_domain(domain))
		return "one of its mx is no domain name";
	if (r->out->n == MTASTS_MX_MAX)
		return "it has more than 100 mx";
	r->out->mx[r->out->n++] = value;
	return NULL;
}

static const struct key {
	const char *name;
	const char *(*read)(struct reader *r, struct str value);
	size_t seen; /* where in struct reader: once is enough; 0: repeats */
} keys[] = {
    {"version",               read_version, offsetof(struct reader,    version)},
    {"mode",		       read_mode,			      offsetof(struct reader,                        mode)},
    {"max_age",		  read_max_age,			      offsetof(struct reader,                        max_age)},
    {"mx", read_mx,0},
};

static const char *
read_field(struct reader *r, struct str name, struct str value)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		bool *seen = (bool *)((char *)r + keys[i].seen);

		if (!str_eq(name, str_of(keys[i].name)))
			continue;
		if (keys[i].seen != 0) {
			if (*seen)
				return NULL; /* s3.2: the first one counts */
			*seen = true;
		}
		return keys[i].read(r, value);
	}
	return NULL;
}

/* sts-policy-ext-name */
static bool
is_key(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!record_is_alnum(s.at[i]) &&
		    (i == 0 ||
			(s.at[i] != '_' && s.at[i] != '-' && s.at[i] != '.')))
			return false;
	return s.len > 0 && s.len <= KEY_MAX;
}

/* sts-policy-ext-value: UTF-8 without controls */
static bool
is_value(struct str s)
{
	uint32_t code;

	if (s.len == 0)
		return false;
	while (s.len > 0)
		if (!utf8_take(&s, &code) || code < ' ' || code == 127)
			return false;
	return true;
}

/* A line without its end.  Empty ones are passed over: editors leave them, and
 * there are no two ways to read them. */
static const char *
read_line(struct reader *r, struct str line)
{
	struct str name;
	size_t colon;

	if (str_trim(line).len == 0)
		return NULL;
	if (!str_find(line, ':', &colon))
		return "one of its lines is not \"key: value\"";
	name = str_first(line, colon);
	line = str_trim(str_after(line, colon + 1));
	if (!is_key(name) || !is_value(line))
		return "one of its lines is not \"key: value\"";
	return read_field(r, name, line);
}

static const char *
what_is_missing(const struct reader *r)
{
	if (!r->version)
		return "it does not say its version";
	if (!r->mode)
		return "it does not say its mode";
	if (!r->max_age)
		return "it does not say its max_age";
	return r->out->n == 0 && r->out->mode != MTASTS_NONE ? "it has no mx"
	                                                     : NULL;
}

bool
mtasts_policy_parse(
    struct str text, struct mtasts_policy *out, const char **why)
{
	struct reader r = {.out = out};

	out->mode = MTASTS_NONE;
	out->max_age_s = 0;
	out->n = 0;
	*why = NULL;
	if (text.len > MTASTS_TEXT_MAX)
		*why = "it is over 64 KiB";
	while (*why == NULL && text.len > 0) {
		size_t before = text.len;
		struct str line = str_cut(&text, '\n');
		bool ended = line.len < before;

		if (ended && line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		*why = read_line(&r, line);
	}
	if (*why == NULL)
		*why = what_is_missing(&r);
	return *why == NULL;
}

/* s4.1, RFC 6125 s6.4.3: "*" stands for one label, the whole of it. */
bool
mtasts_matches(const struct mtasts_policy *p, struct str host)
{
	struct str parent = host;
	struct str label = str_cut(&parent, '.');

	for (size_t i = 0; i < p->n; i++) {
		struct str mx = p->mx[i];

		if (str_eq_nocase(mx, host))
			return true;
		if (str_starts(mx, STR("*.")) && label.len > 0 &&
		    parent.len > 0 && str_eq_nocase(str_after(mx, 2), parent))
			return true;
	}
	return false;
}
