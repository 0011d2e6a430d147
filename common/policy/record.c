/* SPDX-License-Identifier: MIT */
#include "common/policy/record.h"

#define NAME_MAX_LEN 32

bool
record_is_alnum(char c)
{
	c = str_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_name(struct str s)
{
	if (s.len == 0 || s.len > NAME_MAX_LEN || !record_is_alnum(s.at[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!record_is_alnum(s.at[i]) && s.at[i] != '_' &&
		    s.at[i] != '-' && s.at[i] != '.')
			return false;
	return true;
}

bool
record_is_plain(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] <= ' ' || value.at[i] > '~' ||
		    value.at[i] == '=' || value.at[i] == ';')
			return false;
	return value.len > 0;
}

bool
record_pick(
    const struct str *records, size_t n, struct str version, struct str *fields)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		struct str rest = records[i];

		if (!str_starts(rest, version))
			continue;
		rest = str_trim(str_after(rest, version.len));
		if (!str_take(&rest, ';'))
			continue;
		*fields = rest;
		found++;
	}
	return found == 1;
}

int
record_next(struct str *fields, struct str *name, struct str *value)
{
	struct str field;

	*fields = str_trim(*fields);
	if (fields->len == 0)
		return 0;
	field = str_trim(str_cut(fields, ';'));
	*name = str_cut(&field, '=');
	*value = field;
	/* "name=value": no space on either side of the "=" */
	return is_name(*name) && (value->len == 0 || value->at[0] > ' ') ? 1
	                                                                 : -1;
}
