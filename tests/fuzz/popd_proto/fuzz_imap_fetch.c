/* SPDX-License-Identifier: MIT */
/*
 * Items and modifiers of FETCH, of any bytes: no crash, no leak, labels that
 * can stand in a response.  What is taken is then looked for in a message of
 * the same bytes.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/mime/structure.h"
#include "popd/proto/imap.h"
#include "popd/proto/imap_fetch_item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A line break in a label would begin a response of the client's making. */
static void
check_label(struct str label)
{
	assert(label.len > 0);
	for (size_t i = 0; i < label.len; i++)
		assert(label.at[i] != '\0');
}

/* Every octet that comes out was in the message. */
static void
look_for(
    const struct imap_fetch_item *item, struct str message, struct str parts)
{
	struct imap_span span;
	struct buf out;

	if (!imap_section_find(&item->section, parts, message.len, &span))
		return;
	assert(span.at <= message.len && span.len <= message.len - span.at);
	buf_init(&out, message.len + 1);
	if (span.filtered) {
		assert(span.len <= IMAP_HEADER_MAX);
		imap_section_filter(&item->section,
		    str_first(
			str_after(message, (size_t)span.at), (size_t)span.len),
		    &out);
		assert(!out.overrun && out.len <= span.len);
	}
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct imap_options o = {.hostname = "mx", .off = ""};
	struct imap_fetch_query query = {.items = NULL};
	struct imap_fetch_modifiers modifiers;
	struct str in = {(const char *)data, len}, rest = in;
	struct imap_args a = {str_cut(&rest, '\0'), len % 2 == 1};
	struct imap *imap = imap_new(&o);
	struct structure *s = structure_new();
	const struct structure_result *result;
	const char *wrong = NULL;
	bool good;

	structure_feed(s, rest);
	result = structure_finish(s);
	good = imap_fetch_take_items(imap, &a, &query, &wrong) &&
	       imap_fetch_take_modifiers(imap, &a, &modifiers, &wrong);
	assert(good || wrong != NULL);
	for (size_t i = 0; good && i < query.n; i++) {
		check_label(buf_str(&query.items[i].label));
		look_for(&query.items[i], rest, result->parts);
	}
	imap_fetch_query_release(&query);
	structure_free(s);
	imap_free(imap);
	return 0;
}
