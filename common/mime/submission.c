/* SPDX-License-Identifier: MIT */
#include "common/mime/submission.h"

#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/mime/header.h"

#define AUTHORS_MAX 100 /* each is looked up before the message is taken */

static bool
is_secret(struct str name)
{
	return str_eq_nocase(name, STR("Bcc")) ||
	       str_eq_nocase(name, STR("Resent-Bcc"));
}

/* What we add begins a line, also behind a block that was cut short. */
static void
end_line(size_t start, struct buf *out)
{
	struct str block = str_after(buf_str(out), start);

	if (block.len > 0 && !str_ends_nocase(block, STR("\r\n")))
		buf_add(out, STR("\r\n"));
}

void
submission_fix(
    struct str block, const struct submission_options *o, struct buf *out)
{
	size_t start = out->len;
	struct str rest = block;
	struct header_field field;
	struct header_facts facts;
	char date[DATE_TEXT_MAX];

	while (header_next(&rest, &field))
		if (!is_secret(field.name))
			buf_add(out, field.whole);
	header_survey(block, &facts);
	if (facts.date == 0 || facts.message_id == 0)
		end_line(start, out);
	if (facts.date == 0)
		compose_field(
		    STR("Date"), str_of(date_text(o->now_s, date)), out);
	if (facts.message_id == 0) {
		buf_add(out, STR("Message-ID: "));
		compose_message_id(o->now_s, o->random, o->hostname, out);
		buf_add(out, STR("\r\n"));
	}
}

/* How many addresses a field has; -1 if it has a syntax error. */
static int
count_addresses(struct str block, struct str name)
{
	struct header_field field;
	struct addr addr;
	int found, n = 0;

	if (!header_find(block, name, &field))
		return 0;
	while ((found = addr_next(&field.value, &addr)) == 1)
		n++;
	return found == -1 ? -1 : n;
}

int
submission_check(struct str block, struct fail *f)
{
	struct header_facts facts;
	int n;

	header_survey(block, &facts);
	if (facts.bad > 0)
		return fail(
		    f, FAIL_PERM, "A line of the header is not a header field");
	if (facts.from != 1)
		return fail(f, FAIL_PERM,
		    "The message must have exactly one From field, not %zu",
		    facts.from);
	if (facts.sender > 1)
		return fail(
		    f, FAIL_PERM, "The message has more than one Sender field");
	n = count_addresses(block, STR("From"));
	if (n < 1)
		return fail(f, FAIL_PERM,
		    "The From field has no address that can be read");
	if (n > AUTHORS_MAX)
		return fail(f, FAIL_PERM,
		    "The From field may have at most %d addresses",
		    AUTHORS_MAX);
	n = count_addresses(block, STR("Sender"));
	if (facts.sender == 1 && n != 1)
		return fail(f, FAIL_PERM,
		    "The Sender field must have exactly one address");
	return 0;
}

void
submission_authors_init(struct submission_authors *it, struct str block)
{
	*it = (struct submission_authors){.block = block};
}

int
submission_authors_next(struct submission_authors *it, struct addr *out)
{
	struct header_field field;
	int found;

	for (;;) {
		if ((found = addr_next(&it->list, out)) != 0)
			return found;
		do {
			if (!header_next(&it->block, &field))
				return 0;
		} while (!str_eq_nocase(field.name, STR("From")) &&
			 !str_eq_nocase(field.name, STR("Sender")));
		it->list = field.value;
	}
}
