/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_chars.h"

#include <string.h>

bool
imap_is_atom_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

bool
imap_is_astring_char(char c)
{
	return c == ']' || imap_is_atom_char(c);
}

bool
imap_is_pattern_char(char c)
{
	return c == '%' || c == '*' || imap_is_astring_char(c);
}

bool
imap_is_tag_char(char c)
{
	return c != '+' && imap_is_astring_char(c);
}
