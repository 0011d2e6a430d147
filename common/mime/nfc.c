/* SPDX-License-Identifier: MIT */
#include "common/mime/nfc.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "common/util/utf8.h"

static bool
compose(struct str utf8, struct buf *out)
{
	utf8proc_uint8_t *composed = NULL;
	utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)utf8.at,
	    (utf8proc_ssize_t)utf8.len, &composed,
	    UTF8PROC_STABLE | UTF8PROC_COMPOSE);

	if (n >= 0)
		buf_add(out, (struct str){(const char *)composed, (size_t)n});
	free(composed);
	return n >= 0;
}

bool
nfc_add(struct str utf8, struct buf *out)
{
	size_t before = out->len;
	bool overrun = out->overrun, ok;

	out->overrun = false;
	if (!str_has_8bit(utf8)) {
		buf_add(out, utf8);
		ok = true;
	} else {
		ok = utf8_valid(utf8) && compose(utf8, out);
	}
	ok = ok && !out->overrun;
	if (!ok)
		buf_cut(out, before);
	out->overrun = overrun;
	return ok;
}
