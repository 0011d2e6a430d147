/* SPDX-License-Identifier: MIT */
#include "common/policy/dmarc_record.h"

#include <string.h>

static bool
is_alpha(char c)
{
	return str_lower(c) >= 'a' && str_lower(c) <= 'z';
}

/* "v" equals "DMARC1", the latter with its case, then the end or a ";". */
static bool
take_version(struct str *s)
{
	*s = str_trim(*s);
	if (!str_take_nocase(s, STR("v")))
		return false;
	*s = str_trim(*s);
	if (!str_take(s, '='))
		return false;
	*s = str_trim(*s);
	if (!str_starts(*s, STR("DMARC1")))
		return false;
	*s = str_trim(str_after(*s, strlen("DMARC1")));
	return s->len == 0 || str_take(s, ';');
}

/* One tag of a record as it is looked for. */
struct found {
	bool there;
	bool good; /* once, with a value of printable ASCII */
	struct str value;
};

static struct found
find(struct str tags, const char *name)
{
	struct found out = {0};

	while (tags.len > 0) {
		struct str tag = str_cut(&tags, ';');
		struct str key = str_trim(str_cut(&tag, '='));

		if (!str_eq_nocase(key, str_of(name)))
			continue;
		out.good = !out.there;
		out.there = true;
		out.value = str_trim(tag);
		if (out.value.len == 0 || !str_is_printable(out.value))
			out.good = false;
		if (!out.good)
			break;
	}
	return out;
}

static bool
is_value(const struct found *tag, const char *value)
{
	return tag->good && str_eq_nocase(tag->value, str_of(value));
}

static bool
read_policy(const struct found *tag, enum dmarc_policy *out)
{
	static const char *const words[] = {
	    [DMARC_POLICY_NONE] = "none",
	    [DMARC_POLICY_QUARANTINE] = "quarantine",
	    [DMARC_POLICY_REJECT] = "reject",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_value(tag, words[i])) {
			*out = (enum dmarc_policy)i;
			return true;
		}
	}
	return false;
}

/* scheme ":" something (RFC 3986 s3.1), for mailto with an @ */
static bool
is_uri(struct str s)
{
	struct str scheme;
	size_t at;

	if (!str_find(s, ':', &at) || at == 0 || !is_alpha(s.at[0]) ||
	    str_find(s, ' ', &at))
		return false;
	scheme = str_cut(&s, ':');
	for (size_t i = 0; i < scheme.len; i++) {
		char c = scheme.at[i];

		if (!is_alpha(c) && (c < '0' || c > '9') && c != '+' &&
		    c != '-' && c != '.')
			return false;
	}
	if (str_eq_nocase(scheme, STR("mailto")))
		return str_find(s, '@', &at) && at > 0 && at + 1 < s.len;
	return s.len > 0;
}

static bool
has_uri(const struct found *tag)
{
	struct str list = tag->value;

	while (tag->good && list.len > 0)
		if (is_uri(str_trim(str_cut(&list, ','))))
			return true;
	return false;
}

/* p, sp, np.  RFC 9989 s4.10.1: without a good p, or with an sp or np that is
 * not, it is p=none if reports are asked for, else nothing. */
static void
read_policies(struct str tags, struct dmarc_record *out)
{
	struct found p = find(tags, "p"), sp = find(tags, "sp"),
		     np = find(tags, "np"), rua = find(tags, "rua");

	out->usable = read_policy(&p, &out->p);
	if (!read_policy(&sp, &out->sp)) {
		out->usable &= !sp.there;
		out->sp = out->p;
	}
	out->has_np = np.there;
	if (!read_policy(&np, &out->np)) {
		out->usable &= !np.there;
		out->np = out->sp;
	}
	if (out->usable)
		return;
	out->usable = has_uri(&rua);
	out->p = out->sp = out->np = DMARC_POLICY_NONE;
	out->has_np = false;
}

bool
dmarc_record_parse(struct str text, struct dmarc_record *out)
{
	struct str tags = text;
	struct found tag;

	*out = (struct dmarc_record){.text = text};
	if (!take_version(&tags))
		return false;
	read_policies(tags, out);
	tag = find(tags, "adkim");
	out->strict_dkim = is_value(&tag, "s");
	tag = find(tags, "aspf");
	out->strict_spf = is_value(&tag, "s");
	tag = find(tags, "psd");
	if (is_value(&tag, "y"))
		out->psd = DMARC_PSD_YES;
	else if (is_value(&tag, "n"))
		out->psd = DMARC_PSD_NO;
	tag = find(tags, "t");
	out->testing = is_value(&tag, "y");
	tag = find(tags, "pct");
	out->testing |= is_value(&tag, "0");
	return true;
}
