/* SPDX-License-Identifier: MIT */
/* Whatever a file is called, its mailbox has a name in UTF-8; and a mailbox's
 * level as a file's name, or its name as a folder's, is read as it was. */
#include <assert.h>

#include "common/util/mem.h"
#include "common/util/utf8.h"
#include "mailctl/import_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
level(struct str name, struct buf *out, struct buf *back)
{
	size_t at;

	buf_clear(out);
	buf_clear(back);
	import_name_to_level(name, out);
	assert(!str_find(buf_str(out), '/', &at));
	assert(!str_find(buf_str(out), '\0', &at));
	import_name_level(buf_str(out), back);
	assert(str_eq(buf_str(back), name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str file = {(const char *)data, size};
	struct buf name, out, back;

	if (size > 500)
		return 0;
	buf_init(&name, 4 * IMPORT_NAME_ROOM);
	buf_init(&out, 4 * IMPORT_NAME_ROOM);
	buf_init(&back, 4 * IMPORT_NAME_ROOM);
	import_name_maildir_level(file, &name);
	assert(utf8_valid(buf_str(&name)));
	buf_clear(&name);
	import_name_maildir(file, &name);
	assert(utf8_valid(buf_str(&name)));
	buf_clear(&name);
	import_name_level(file, &name);
	assert(utf8_valid(buf_str(&name)) && !name.overrun);
	if (name.len > 0)
		level(buf_str(&name), &out, &back);
	import_name_use(file);
	buf_release(&name);
	buf_release(&out);
	buf_release(&back);
	return 0;
}
