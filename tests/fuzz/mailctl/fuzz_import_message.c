/* SPDX-License-Identifier: MIT */
/* A message of a file, in pieces of any size and whole: the same size, flags,
 * keywords and dates, or the same reason why it cannot be stored.  The first
 * octet says what of its header is believed. */
#include <assert.h>

#include "common/util/mem.h"
#include "mailctl/import_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
read_in(struct import_message *m, struct str text, size_t piece, unsigned how)
{
	import_message_begin(m, NULL, 8 * KB);
	m->fields.marks = how & 1;
	m->fields.states = how & 2;
	for (; text.len > 0; text = str_after(text, piece))
		import_message_add(m, str_first(text, piece));
	return import_message_end(m);
}

static void
check_keywords(struct str keywords)
{
	while (keywords.len > 0) {
		struct str word = str_cut(&keywords, ' ');

		assert(word.len > 0 && word.len <= 100);
		assert(str_is_printable(word));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data + 1, size - 1};
	struct import_message whole, cut;
	const struct import_fields *a = &whole.fields, *b = &cut.fields;

	if (size < 2 || size > 16 * KB)
		return 0;
	const char *one = read_in(&whole, text, size, data[0]);
	const char *two = read_in(&cut, text, 1 + data[1] % 9, data[0]);
	assert((one == NULL) == (two == NULL));
	assert(one == NULL || str_eq(str_of(one), str_of(two)));
	if (one == NULL) {
		assert(whole.size == cut.size && a->flags == b->flags);
		assert(a->marked == b->marked && a->cut == b->cut);
		assert(str_eq(buf_str(&a->keywords), buf_str(&b->keywords)));
		assert(a->has_date == b->has_date && a->date_s == b->date_s);
		assert(a->has_received == b->has_received);
		assert(a->has_delivered == b->has_delivered);
		check_keywords(buf_str(&a->keywords));
	}
	import_message_release(&whole);
	import_message_release(&cut);
	return 0;
}
