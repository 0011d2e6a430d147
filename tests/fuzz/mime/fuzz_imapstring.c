/* SPDX-License-Identifier: MIT */
/* Any octets as a string of IMAP: it is taken whole, what follows is not, and
 * it says the same but for NUL; squeezed it has no white space to squeeze. */
#include <assert.h>

#include "common/mime/imapstring.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode(struct str written, struct buf *out)
{
	if (str_take(&written, '{')) {
		str_cut(&written, '\n');
		buf_add(out, written);
		return;
	}
	assert(written.len >= 2 && written.at[0] == '"');
	written = str_first(str_after(written, 1), written.len - 2);
	while (written.len > 0) {
		str_take(&written, '\\');
		buf_add(out, str_first(written, 1));
		written = str_after(written, 1);
	}
}

static void
show(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '\0')
			buf_add(out, STR("\xef\xbf\xbd"));
		else
			buf_add(out, str_first(str_after(s, i), 1));
}

static void
check(struct str s, bool squeezed)
{
	struct buf out, got, want;
	struct str rest, written;
	size_t at;

	buf_init(&out, 4 * MB);
	buf_init(&got, 4 * MB);
	buf_init(&want, 4 * MB);
	(squeezed ? imapstring_add_squeezed : imapstring_add)(s, &out);
	buf_add(&out, STR(" x"));
	rest = buf_str(&out);
	bool taken = imapstring_take(&rest, &written);
	assert(taken && str_eq(rest, STR(" x")));
	decode(written, &got);
	show(s, &want);
	if (!squeezed)
		assert(str_eq(buf_str(&got), buf_str(&want)));
	else
		assert(!str_find_str(buf_str(&got), STR("  "), &at) &&
		       got.len <= want.len);
	buf_release(&out);
	buf_release(&got);
	buf_release(&want);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size}, rest = s, written;

	check(s, false);
	check(s, true);
	while (imapstring_take(&rest, &written)) /* of noise */
		assert(written.len > 0);
	return 0;
}
