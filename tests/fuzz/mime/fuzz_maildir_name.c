/* SPDX-License-Identifier: MIT */
/* Whatever a file is called, the flags that are read of it can be written and
 * read again. */
#include <assert.h>

#include "common/mime/maildir_name.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str name = {(const char *)data, size};
	struct maildir_name m, again, letters = {0};
	struct buf out;

	maildir_name_parse(name, &m);
	buf_init(&out, 4 * KB);
	buf_add(&out, STR("1.a.b"));
	maildir_name_extra(m.keywords, &out);
	buf_add(&out, STR(":2,"));
	maildir_name_letters(m.flags, m.keywords, &out);
	assert(!out.overrun && str_is_printable(buf_str(&out)));
	maildir_name_parse(buf_str(&out), &again);
	assert(again.flags == m.flags && again.keywords == m.keywords);
	maildir_name_flags(name, &letters);
	buf_release(&out);
	return 0;
}
