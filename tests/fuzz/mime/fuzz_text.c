/* SPDX-License-Identifier: MIT */
/* The text of a message is UTF-8 without NUL, the same however it is cut, also
 * when its parts are noise; folding and base subjects keep their word. */
#include <assert.h>
#include <string.h>

#include "common/mime/structure.h"
#include "common/mime/text.h"
#include "common/util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const struct buf *b)
{
	assert(utf8_valid(buf_str(b)));
	assert(b->len == 0 || strlen(b->data) == b->len);
}

static void
read_in(struct str message, struct str parts, size_t piece, struct buf *head,
    struct buf *text)
{
	struct text_reader *r = text_reader_new(parts);

	while (message.len > 0) {
		text_reader_feed(r, str_first(message, piece));
		message = str_after(message, piece);
	}
	buf_init(head, TEXT_MAX);
	buf_init(text, TEXT_MAX);
	text_reader_finish(r, head, text);
	text_reader_free(r);
	check_text(head);
	check_text(text);
}

static void
read_twice(struct str message, struct str parts, size_t piece)
{
	struct buf head[2], text[2];

	read_in(message, parts, message.len + 1, &head[0], &text[0]);
	read_in(message, parts, piece, &head[1], &text[1]);
	for (int i = 0; i < 2; i++) {
		assert(str_eq(buf_str(&head[0]), buf_str(&head[i])));
		assert(str_eq(buf_str(&text[0]), buf_str(&text[i])));
	}
	for (int i = 0; i < 2; i++) {
		buf_release(&head[i]);
		buf_release(&text[i]);
	}
}

static void
fold(struct str s)
{
	struct buf once, base, again;
	bool reply;

	buf_init(&once, 32 * s.len + 1);
	buf_init(&base, 32 * s.len + 1);
	buf_init(&again, 32 * s.len + 1);
	text_fold(s, &once);
	check_text(&once);
	text_base_subject(s, &base, &reply);
	check_text(&base);
	assert(!once.overrun && !base.overrun && base.len <= once.len);
	text_of_html(s, &again);
	assert(again.len <= 2 * s.len);
	buf_release(&once);
	buf_release(&base);
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = {(const char *)data, size};
	struct structure *s = structure_new();
	size_t piece = size > 0 ? data[size - 1] % 7 + 1 : 1;
	size_t some = size > 0 ? data[0] % size : 0;

	structure_feed(s, message);
	read_twice(message, structure_finish(s)->parts, piece);
	structure_free(s);
	/* noise as parts of the rest */
	read_twice(str_after(message, some), str_first(message, some), piece);
	fold(message);
	return 0;
}
