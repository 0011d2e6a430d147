/* SPDX-License-Identifier: MIT */
#include "common/mime/maildir_name.h"

/* In the order of their letters; bits as of enum message_flag. */
static const struct {
	char letter;
	unsigned flag;
} letters_of[] = {
    {'D', 1 << 4},
    {'F', 1 << 2},
    {'R', 1 << 1},
    {'S', 1 << 0},
    {'T', 1 << 3},
};

#define N_LETTERS (sizeof(letters_of) / sizeof(letters_of[0]))

unsigned
maildir_name_flags(struct str letters, struct maildir_name *m)
{
	unsigned flags = 0;

	for (size_t i = 0; i < letters.len; i++) {
		char c = letters.at[i];

		for (size_t k = 0; k < N_LETTERS; k++)
			if (letters_of[k].letter == c)
				flags |= letters_of[k].flag;
		if (m != NULL && c == 'P')
			m->forwarded = true;
		if (m != NULL && c >= 'a' && c <= 'z')
			m->keywords |= (uint64_t)1 << (c - 'a');
	}
	return flags;
}

static void
parse_extra(struct str unique, struct maildir_name *out)
{
	while (unique.len > 0) {
		struct str field = str_cut(&unique, ',');
		size_t n;

		if (!str_starts(field, STR("K=")))
			continue;
		field = str_after(field, 2);
		while (field.len > 0)
			if (str_to_size(str_cut(&field, '.'), 63, &n) &&
			    n >= MAILDIR_KEYWORDS)
				out->keywords |= (uint64_t)1 << n;
	}
}

void
maildir_name_parse(struct str name, struct maildir_name *out)
{
	struct str info = name, unique = str_cut(&info, ':');

	*out = (struct maildir_name){0};
	if (!str_starts(info, STR("2,")))
		return;
	out->flags = maildir_name_flags(str_after(info, 2), out);
	parse_extra(unique, out);
}

void
maildir_name_letters(unsigned flags, uint64_t keywords, struct buf *out)
{
	for (size_t i = 0; i < N_LETTERS; i++)
		if (flags & letters_of[i].flag)
			buf_add_char(out, letters_of[i].letter);
	for (unsigned n = 0; n < MAILDIR_KEYWORDS; n++)
		if (keywords & (uint64_t)1 << n)
			buf_add_char(out, (char)('a' + n));
}

void
maildir_name_extra(uint64_t keywords, struct buf *out)
{
	const char *before = ",K=";

	for (unsigned n = MAILDIR_KEYWORDS; n < 64; n++)
		if (keywords & (uint64_t)1 << n) {
			buf_addf(out, "%s%u", before, n);
			before = ".";
		}
}
