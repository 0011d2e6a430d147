/* SPDX-License-Identifier: MIT */
#include "common/util/utf8.h"

/* By the first octet: how long the character is, and the smallest code that
 * may be written so long (RFC 3629 s3). */
static const struct form {
	unsigned char mask, mark;
	size_t len;
	uint32_t least;
} forms[] = {
    {0x80, 0x00, 1, 0      },
    {0xe0, 0xc0, 2, 0x80   },
    {0xf0, 0xe0, 3, 0x800  },
    {0xf8, 0xf0, 4, 0x10000},
};

static const struct form *
form_of(unsigned char first)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if ((first & forms[i].mask) == forms[i].mark)
			return &forms[i];
	return NULL;
}

bool
utf8_take(struct str *s, uint32_t *code)
{
	const struct form *form;
	uint32_t sum;

	if (s->len == 0)
		return false;
	form = form_of((unsigned char)s->at[0]);
	if (form == NULL || form->len > s->len)
		return false;
	sum = (unsigned char)s->at[0] & (unsigned char)~form->mask;
	for (size_t i = 1; i < form->len; i++) {
		unsigned char c = (unsigned char)s->at[i];

		if ((c & 0xc0) != 0x80)
			return false;
		sum = sum << 6 | (c & 0x3f);
	}
	if (sum < form->least || sum > 0x10ffff ||
	    (sum >= 0xd800 && sum <= 0xdfff))
		return false;
	*code = sum;
	*s = str_after(*s, form->len);
	return true;
}

bool
utf8_valid(struct str s)
{
	uint32_t code;

	while (utf8_take(&s, &code))
		continue;
	return s.len == 0;
}

struct str
utf8_first(struct str s, size_t n)
{
	if (n >= s.len)
		return s;
	/* back over what continues a character begun before the cut */
	for (size_t back = 0; back <= 3 && back <= n; back++)
		if (((unsigned char)s.at[n - back] & 0xc0) != 0x80)
			return str_first(s, n - back);
	return str_first(s, n);
}
