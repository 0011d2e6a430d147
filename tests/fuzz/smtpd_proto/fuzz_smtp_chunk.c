/* SPDX-License-Identifier: MIT */
/* BDAT's argument up to LF: a number, perhaps LAST, and nothing else.  Then
 * octets of a text: what is held against them is so however they are cut. */
#include <assert.h>
#include <stdio.h>

#include "common/util/buf.h"
#include "smtpd/proto/smtp_chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
argument(struct str arg)
{
	uint64_t octets, again;
	bool last, last_again;
	char text[40];

	if (!smtp_chunk_parse(arg, &octets, &last))
		return;
	for (size_t i = 0; i < arg.len; i++)
		assert(
		    (arg.at[i] >= ' ' && arg.at[i] < 127) || arg.at[i] == '\t');
	snprintf(text, sizeof(text), "%llu%s", (unsigned long long)octets,
	    last ? " LAST" : "");
	bool good = smtp_chunk_parse(str_of(text), &again, &last_again);
	assert(good && again == octets && last_again == last);
}

static struct smtp_text
look(struct str s, size_t piece)
{
	struct smtp_text t = {0};

	for (; s.len > 0; s = str_after(s, piece))
		smtp_text_look(&t, str_first(s, piece));
	return t;
}

static void
text(struct str s, size_t piece)
{
	struct smtp_text whole = look(s, s.len + 1), cut = look(s, piece);
	bool bare = false, nul;
	size_t at;

	for (size_t i = 0; i < s.len; i++)
		bare |= (s.at[i] == '\n') != (i > 0 && s.at[i - 1] == '\r');
	nul = str_find(s, '\0', &at);
	assert(whole.bare == bare && whole.nul == nul);
	assert(cut.bare == bare && cut.nul == nul);
	assert(whole.after_cr == cut.after_cr && whole.longest == cut.longest);
	assert(whole.longest <= s.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size};

	argument(str_cut(&rest, '\n'));
	text(rest, size > 0 ? 1 + data[0] % 7 : 1);
	return 0;
}
