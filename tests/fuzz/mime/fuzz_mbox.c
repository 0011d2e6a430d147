/* SPDX-License-Identifier: MIT */
/* Any file read as an mbox gives the same messages however it is cut, and
 * what is written of any text is read as that text. */
#include <assert.h>

#include "common/mime/mbox.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_all(struct str file, size_t chunk, struct buf *out)
{
	struct mbox *m = mbox_new(0);
	struct mbox_item item;
	enum mbox_event ev;
	bool over = false;

	for (size_t at = 0; !over; at += chunk) {
		struct str in = str_first(str_after(file, at), chunk);

		over = in.len == 0;
		while ((ev = mbox_step(m, &in, over, &item)) != MBOX_NONE) {
			if (ev == MBOX_LOOK)
				mbox_looked(m, item.at <= file.len,
				    str_first(str_after(file, item.at),
					MBOX_LOOK_MAX));
			else if (ev == MBOX_TEXT)
				buf_add(out, item.text);
			else
				buf_addf(out, "<%d %llu>", (int)ev,
				    ev == MBOX_TEXT
					? 0ULL
					: (unsigned long long)item.at);
		}
		assert(in.len == 0);
	}
	mbox_free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = {(const char *)data, size};
	struct mbox_writer w = {0};
	struct buf whole, cut, file;
	size_t end;

	if (size == 0)
		return 0;
	buf_init(&whole, 64 * MB);
	buf_init(&cut, 64 * MB);
	buf_init(&file, 64 * MB);
	read_all(input, size, &whole);
	read_all(input, 1 + data[0] % 7, &cut);
	assert(str_eq(buf_str(&whole), buf_str(&cut)));
	/* one message, whatever its text */
	buf_clear(&cut);
	buf_add(&file, STR("From a Thu Jan  1 00:00:00 2015\n"));
	mbox_write(&w, input, &file);
	mbox_write_end(&w, &file);
	if (!str_find_str(input, STR("ontent-"), &end)) {
		read_all(buf_str(&file), 1 + data[0] % 7, &cut);
		assert(str_starts(buf_str(&cut), STR("<1 0>")));
		assert(!str_find_str(buf_str(&cut), STR("<1 1"), &end) ||
		       str_find_str(input, STR("<1 1"), &end));
	}
	buf_release(&whole);
	buf_release(&cut);
	buf_release(&file);
	return 0;
}
