/* SPDX-License-Identifier: MIT */
#include "common/mime/text.h"

/* RFC 5256 s2.1 step 1: runs of white space are one space. */
static void
squeeze(struct str s, struct buf *out)
{
	bool space = false;

	for (size_t i = 0; i < s.len; i++) {
		bool is_space = s.at[i] == ' ' || s.at[i] == '\t' ||
		                s.at[i] == '\r' || s.at[i] == '\n';

		if (!is_space)
			buf_add_char(out, s.at[i]);
		else if (!space)
			buf_add_char(out, ' ');
		space = is_space;
	}
}

/* Step 2: "(fwd)" and white space at the end. */
static struct str
without_trailer(struct str s, bool *is_reply)
{
	for (;;) {
		s = str_trim(s);
		if (!str_ends_nocase(s, STR("(fwd)")))
			return s;
		s = str_first(s, s.len - 5);
		*is_reply = true;
	}
}

/* subj-blob: "[list] " at the front. */
static bool
take_blob(struct str *s)
{
	struct str rest = *s;

	if (!str_take(&rest, '['))
		return false;
	while (rest.len > 0 && *rest.at != '[' && *rest.at != ']')
		rest = str_after(rest, 1);
	if (!str_take(&rest, ']'))
		return false;
	while (str_take(&rest, ' '))
		continue;
	*s = rest;
	return true;
}

/* subj-refwd: "re:", "fw:", "fwd:", perhaps with a blob before the colon. */
static bool
take_refwd(struct str *s)
{
	struct str rest = *s;

	if (!str_take_nocase(&rest, STR("re")) &&
	    !str_take_nocase(&rest, STR("fwd")) &&
	    !str_take_nocase(&rest, STR("fw")))
		return false;
	while (str_take(&rest, ' '))
		continue;
	take_blob(&rest);
	if (!str_take(&rest, ':'))
		return false;
	*s = rest;
	return true;
}

/* Steps 3 to 5: leaders, and blobs as long as something is left behind them.
 * A run of blobs is read once: either a reply mark ends it, or all of it
 * goes. */
static struct str
without_leaders(struct str s, bool *is_reply)
{
	for (;;) {
		struct str rest, last;

		while (str_take(&s, ' '))
			continue;
		rest = last = s;
		for (struct str next = rest; take_blob(&next); rest = next)
			last = rest;
		s = rest;
		if (!take_refwd(&s))
			return rest.len > 0 ? rest : last;
		*is_reply = true;
	}
}

void
text_base_subject(struct str utf8, struct buf *out, bool *is_reply)
{
	struct buf squeezed;
	struct str s;

	*is_reply = false;
	buf_init(&squeezed, utf8.len + 1);
	squeeze(utf8, &squeezed);
	s = buf_str(&squeezed);
	for (;;) {
		s = without_trailer(s, is_reply);
		s = without_leaders(s, is_reply);
		/* step 6: "[fwd: ... ]", and all again */
		if (!str_starts_nocase(s, STR("[fwd:")) ||
		    s.at[s.len - 1] != ']')
			break;
		s = str_first(str_after(s, 5), s.len - 6);
		*is_reply = true;
	}
	text_fold(s, out);
	buf_release(&squeezed);
}
