/* SPDX-License-Identifier: MIT */
/* What SORT and SEARCH read of an ENVELOPE is what the header says; and of
 * noise in its place they make something or nothing. */
#include <assert.h>

#include "common/mime/envelope.h"
#include "common/mime/fields.h"
#include "common/util/mem.h"
#include "popd/ops/search_envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The field's value as a string of IMAP can have it; a field that is there
 * twice counts as whoever wrote the ENVELOPE counted it. */
static size_t
subjects(struct str header, struct buf *out)
{
	struct fields_line line;
	size_t n = 0;

	while (fields_next(&header, &line))
		if (str_eq_nocase(line.name, STR("Subject"))) {
			fields_unfold(line.value, out);
			n++;
		}
	return n;
}

/* White space as people see it: that is how a Subject is told. */
static void
squeeze(struct str s, struct buf *out)
{
	bool blank = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			blank = out->len > 0;
			continue;
		}
		if (blank)
			buf_add_char(out, ' ');
		blank = false;
		buf_add_char(out, c);
	}
}

static void
read_all(struct str envelope)
{
	struct search_address a;
	struct buf out;

	buf_init(&out, 1 * MB);
	search_address_init(&a);
	search_envelope_string(envelope, ENVELOPE_DATE, &out);
	for (int i = ENVELOPE_FROM; i <= ENVELOPE_CC; i++)
		search_envelope_address(envelope, (enum envelope_field)i, &a);
	search_address_release(&a);
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str header = {(const char *)data, size};
	struct buf envelope, field, want, got;
	size_t at;

	if (size > 64 * KB)
		return 0;
	buf_init(&envelope, 64 * MB);
	buf_init(&field, 1 * MB);
	buf_init(&want, 1 * MB);
	buf_init(&got, 1 * MB);
	envelope_write(header, &envelope);
	search_envelope_string(buf_str(&envelope), ENVELOPE_SUBJECT, &got);
	if (subjects(header, &field) == 1 &&
	    !str_find(buf_str(&field), '\0', &at)) {
		squeeze(buf_str(&field), &want);
		assert(str_eq(buf_str(&got), buf_str(&want)));
	}
	read_all(buf_str(&envelope));
	read_all(header);
	buf_release(&envelope);
	buf_release(&field);
	buf_release(&want);
	buf_release(&got);
	return 0;
}
