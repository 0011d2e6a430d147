/* SPDX-License-Identifier: MIT */
#include "popd/ops/search_envelope.h"

#include "common/util/mem.h"
#include "popd/proto/imap_arg.h"

#define STRING_MAX (1 * MB) /* a header field is never so long */

/* What is there, in parentheses or not; strings in it go to `scratch'. */
static bool
skip(struct imap_args *a, struct buf *scratch)
{
	unsigned depth = 0;
	bool nil;

	do {
		buf_clear(scratch);
		if (imap_arg_char(a, '('))
			depth++;
		else if (depth > 0 && imap_arg_char(a, ')'))
			depth--;
		else if (!imap_arg_nstring(a, scratch, &nil))
			return false;
		while (depth > 0 && imap_arg_space(a))
			continue;
	} while (depth > 0);
	return true;
}

static bool
find(struct imap_args *a, enum envelope_field field)
{
	struct buf scratch;
	bool good = imap_arg_char(a, '(');

	buf_init(&scratch, STRING_MAX);
	for (unsigned i = 0; good && i < field; i++)
		good = skip(a, &scratch) && imap_arg_space(a);
	buf_release(&scratch);
	return good;
}

void
search_envelope_string(
    struct str envelope, enum envelope_field field, struct buf *out)
{
	struct imap_args a = {.rest = envelope, .utf8 = true};
	bool nil;

	if (find(&a, field))
		imap_arg_nstring(&a, out, &nil);
}

void
search_address_init(struct search_address *a)
{
	buf_init(&a->name, STRING_MAX);
	buf_init(&a->mailbox, STRING_MAX);
	buf_init(&a->host, STRING_MAX);
}

void
search_address_release(struct search_address *a)
{
	buf_release(&a->name);
	buf_release(&a->mailbox);
	buf_release(&a->host);
}

void
search_envelope_address(
    struct str envelope, enum envelope_field field, struct search_address *out)
{
	struct imap_args a = {.rest = envelope, .utf8 = true};
	struct buf route;
	bool nil;

	buf_clear(&out->name);
	buf_clear(&out->mailbox);
	buf_clear(&out->host);
	buf_init(&route, STRING_MAX);
	if (find(&a, field) && imap_arg_char(&a, '(') &&
	    imap_arg_char(&a, '(') && imap_arg_nstring(&a, &out->name, &nil) &&
	    imap_arg_space(&a) && imap_arg_nstring(&a, &route, &nil) &&
	    imap_arg_space(&a) && imap_arg_nstring(&a, &out->mailbox, &nil) &&
	    imap_arg_space(&a))
		imap_arg_nstring(&a, &out->host, &nil);
	buf_release(&route);
}
