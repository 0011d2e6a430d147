/* SPDX-License-Identifier: MIT */
/* ENVELOPE of any header: ten values of the kinds it must have (RFC 9051
 * s7.5.2), each address four strings; and message ids without what surrounds
 * them. */
#include <assert.h>

#include "common/mime/envelope.h"
#include "common/mime/imapstring.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A string or NIL. */
static void
take_nstring(struct str *s)
{
	struct str written;
	bool taken = imapstring_take(s, &written);

	assert(taken);
	assert(written.at[0] == '"' || written.at[0] == '{' ||
	       str_eq(written, STR("NIL")));
}

/* "(" 1*address ")" or NIL. */
static void
take_addresses(struct str *s)
{
	struct str written;
	size_t n = 0;

	if (!str_take(s, '(')) {
		bool taken = imapstring_take(s, &written);

		assert(taken && str_eq(written, STR("NIL")));
		return;
	}
	for (; str_take(s, '('); n++) {
		for (int i = 0; i < 4; i++) {
			bool space = i == 0 || str_take(s, ' ');

			assert(space);
			take_nstring(s);
		}
		bool closed = str_take(s, ')');
		assert(closed);
	}
	assert(n > 0 && n <= ENVELOPE_ADDRESSES_MAX);
	bool closed = str_take(s, ')');
	assert(closed);
}

static void
check(struct str header)
{
	struct buf out;
	struct str s;

	buf_init(&out, 64 * MB);
	envelope_write(header, &out);
	assert(!out.overrun);
	s = buf_str(&out);
	bool open = str_take(&s, '(');
	assert(open);
	for (int i = 0; i < 10; i++) {
		bool space = i == 0 || str_take(&s, ' ');

		assert(space);
		if (i >= 2 && i <= 7)
			take_addresses(&s);
		else
			take_nstring(&s);
	}
	assert(str_eq(s, STR(")")));
	buf_release(&out);
}

static void
check_ids(struct str value)
{
	struct buf id;

	buf_init(&id, 1 * MB);
	while (buf_clear(&id), envelope_next_id(&value, &id)) {
		size_t at;

		assert(id.len > 0 && !str_find(buf_str(&id), '\n', &at));
	}
	assert(id.len == 0);
	buf_release(&id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str header = {(const char *)data, size};

	if (size > 64 * KB)
		return 0;
	check(header);
	check_ids(header);
	return 0;
}
