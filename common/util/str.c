/* SPDX-License-Identifier: MIT */
#include "common/util/str.h"

#include <string.h>

char
str_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

struct str
str_of(const char *text)
{
	return (struct str){text, text != NULL ? strlen(text) : 0};
}

bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (str_lower(a.at[i]) != str_lower(b.at[i]))
			return false;
	return true;
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n > 0 ? memcmp(a.at, b.at, n) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool
str_starts(struct str s, struct str head)
{
	return s.len >= head.len && str_eq(str_first(s, head.len), head);
}

bool
str_starts_nocase(struct str s, struct str head)
{
	return s.len >= head.len && str_eq_nocase(str_first(s, head.len), head);
}

bool
str_ends_nocase(struct str s, struct str tail)
{
	return s.len >= tail.len &&
	       str_eq_nocase(str_after(s, s.len - tail.len), tail);
}

struct str
str_first(struct str s, size_t n)
{
	return (struct str){s.at, n < s.len ? n : s.len};
}

struct str
str_after(struct str s, size_t n)
{
	if (n > s.len)
		n = s.len;
	if (n == 0)
		return s; /* NULL + 0 is not defined in C */
	return (struct str){s.at + n, s.len - n};
}

struct str
str_cut(struct str *s, char sep)
{
	struct str head = *s;
	size_t at;

	if (!str_find(*s, sep, &at)) {
		*s = str_after(*s, s->len);
		return head;
	}
	*s = str_after(*s, at + 1);
	return str_first(head, at);
}

bool
str_find(struct str s, char c, size_t *at)
{
	const char *hit = s.len > 0 ? memchr(s.at, c, s.len) : NULL;

	if (hit == NULL)
		return false;
	*at = (size_t)(hit - s.at);
	return true;
}

bool
str_find_last(struct str s, char c, size_t *at)
{
	const char *hit = s.len > 0 ? memrchr(s.at, c, s.len) : NULL;

	if (hit == NULL)
		return false;
	*at = (size_t)(hit - s.at);
	return true;
}

bool
str_find_str(struct str s, struct str what, size_t *at)
{
	const char *hit;

	if (what.len == 0 || s.len < what.len)
		return false;
	hit = memmem(s.at, s.len, what.at, what.len);
	if (hit == NULL)
		return false;
	*at = (size_t)(hit - s.at);
	return true;
}

struct str
str_trim(struct str s)
{
	while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = str_after(s, 1);
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool
str_take(struct str *s, char c)
{
	if (s->len == 0 || s->at[0] != c)
		return false;
	*s = str_after(*s, 1);
	return true;
}

bool
str_take_nocase(struct str *s, struct str word)
{
	if (!str_starts_nocase(*s, word))
		return false;
	*s = str_after(*s, word.len);
	return true;
}

bool
str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(s.at[i] - '0');
		if (digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

bool
str_to_size(struct str s, size_t max, size_t *out)
{
	uint64_t n;

	if (!str_to_u64(s, max, &n))
		return false;
	*out = (size_t)n;
	return true;
}

bool
str_is_printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < ' ' || s.at[i] > '~')
			return false;
	return true;
}

bool
str_has_8bit(struct str s)
{
	size_t i = 0;

	/* mail is long, and this is asked of all of it */
	for (; s.len - i >= 32; i += 32) {
		uint64_t eight[4];

		memcpy(eight, s.at + i, sizeof(eight));
		if (((eight[0] | eight[1] | eight[2] | eight[3]) &
			UINT64_C(0x8080808080808080)) != 0)
			return true;
	}
	for (; i < s.len; i++)
		if ((unsigned char)s.at[i] > 127)
			return true;
	return false;
}
