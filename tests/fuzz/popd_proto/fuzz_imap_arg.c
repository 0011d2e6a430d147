/* SPDX-License-Identifier: MIT */
/*
 * Arguments, sets and names of any bytes: what is refused leaves the cursor
 * where it was, what is taken can be written and taken again.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/mime/mutf7.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"
#include "popd/proto/imap_arg.h"
#include "popd/proto/imap_caps.h"
#include "popd/proto/imap_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
try_set(struct str in, struct buf *out)
{
	struct seqset set = {.ranges = NULL}, again = {.ranges = NULL};
	struct str rest = in, text;

	if (seqset_take(&rest, &set) != 1 || set.saved) {
		assert(set.saved || (rest.len == in.len && set.n == 0));
		return;
	}
	buf_clear(out);
	seqset_write(&set, out);
	text = buf_str(out);
	assert(seqset_take(&text, &again) == 1 && text.len == 0);
	assert(again.n == set.n);
	for (size_t i = 0; i < set.n; i++)
		assert(set.ranges[i].low == again.ranges[i].low &&
		       set.ranges[i].high == again.ranges[i].high);
	seqset_resolve(&set, 7);
	for (size_t i = 1; i < set.n; i++)
		assert(set.ranges[i].low > set.ranges[i - 1].high + 1);
	assert(seqset_count(&set) > 0);
	assert(seqset_has(&set, seqset_at(&set, seqset_count(&set) - 1)));
	seqset_release(&set);
	seqset_release(&again);
}

static void
try_string(struct str in, bool utf8, struct buf *out)
{
	struct imap_args a = {in, utf8}, again = {.utf8 = utf8};
	struct buf first, second;

	buf_init(&first, 1 * MB);
	buf_init(&second, 1 * MB);
	if (imap_arg_astring(&a, &first)) {
		buf_clear(out);
		imap_out_astring(out, buf_str(&first), utf8);
		again.rest = buf_str(out);
		assert(imap_arg_astring(&again, &second));
		assert(imap_arg_end(&again));
		assert(str_eq(buf_str(&first), buf_str(&second)));
	} else {
		assert(a.rest.len == in.len && first.len == 0);
	}
	buf_release(&first);
	buf_release(&second);
}

static void
try_mailbox(struct str in, bool utf8, struct buf *out)
{
	struct imap_args a = {in, utf8}, again = {.utf8 = utf8};
	struct buf first, second;

	buf_init(&first, 1 * MB);
	buf_init(&second, 1 * MB);
	if (imap_arg_mailbox(&a, &first)) {
		assert(utf8_valid(buf_str(&first)));
		buf_clear(out);
		imap_out_mailbox(out, buf_str(&first), utf8);
		again.rest = buf_str(out);
		assert(imap_arg_mailbox(&again, &second));
		assert(str_eq(buf_str(&first), buf_str(&second)));
	} else {
		assert(a.rest.len == in.len && first.len == 0);
	}
	a.rest = in;
	buf_clear(&first);
	if (!imap_arg_pattern(&a, &first))
		assert(a.rest.len == in.len && first.len == 0);
	buf_release(&first);
	buf_release(&second);
}

/* One right form: what can be read is what is written. */
static void
try_mutf7(struct str in, struct buf *out)
{
	struct buf name;

	buf_init(&name, 1 * MB);
	if (mutf7_decode(in, &name)) {
		assert(utf8_valid(buf_str(&name)));
		buf_clear(out);
		mutf7_encode(buf_str(&name), out);
		assert(str_eq(buf_str(out), in));
	} else {
		assert(name.len == 0);
	}
	buf_release(&name);
}

static void
try_dates(struct str in, struct buf *out)
{
	struct imap_args a = {.rest = in}, again = {.rest = in};
	int64_t s, t;

	if (!imap_arg_date(&a, &s))
		assert(a.rest.len == in.len);
	a.rest = in;
	if (!imap_arg_date_time(&a, &s)) {
		assert(a.rest.len == in.len);
		return;
	}
	buf_clear(out);
	imap_out_date_time(out, s);
	again.rest = buf_str(out);
	if (s > -62135596800 && s < 253402300800)
		assert(imap_arg_date_time(&again, &t) && s == t);
}

static void
try_others(struct str in, struct buf *out)
{
	struct imap_args a = {.rest = in};
	struct str octets, unknown;
	imap_caps caps;
	uint64_t n = 0;
	bool flag;

	buf_clear(out);
	if (!imap_arg_flags(&a, in.len % 2 == 0, &n, out))
		assert(a.rest.len == in.len && out->len == 0);
	a.rest = in;
	if (!imap_arg_literal(&a, &octets, &flag))
		assert(a.rest.len == in.len);
	a.rest = in;
	if (!imap_arg_message(&a, &n, &flag))
		assert(a.rest.len == in.len);
	a.rest = in;
	if (!imap_arg_number64(&a, &n))
		assert(a.rest.len == in.len);
	a.rest = in;
	if (!imap_arg_nstring(&a, out, &flag))
		assert(a.rest.len == in.len);
	imap_caps_parse(in, &caps, &unknown);
	imap_caps_of_client(in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str in = {(const char *)data, len};
	struct buf out;
	bool utf8;

	if (len == 0 || len > 4096)
		return 0;
	utf8 = data[0] & 1;
	in = str_after(in, 1);
	buf_init(&out, 1 * MB);
	try_set(in, &out);
	try_string(in, utf8, &out);
	try_mailbox(in, utf8, &out);
	try_mutf7(in, &out);
	try_dates(in, &out);
	try_others(in, &out);
	buf_release(&out);
	return 0;
}
