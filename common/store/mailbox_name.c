/* SPDX-License-Identifier: MIT */
#include "common/store/mailbox_name.h"

#include "common/mime/nfc.h"
#include "common/util/utf8.h"

#define INBOX STR("INBOX")

/* RFC 6855 s3: U+0000 to U+001F, U+007F to U+009F, line and paragraph
 * separator; and what LIST matches with. */
static bool
has_forbidden(struct str name)
{
	uint32_t code;

	while (utf8_take(&name, &code))
		if (code < 0x20 || (code >= 0x7f && code < 0xa0) ||
		    code == 0x2028 || code == 0x2029 || code == '*' ||
		    code == '%')
			return true;
	return false;
}

static enum mailbox_refusal
judge_levels(struct str name, struct fail *f)
{
	struct str rest = name;
	bool more;

	if (mailbox_name_depth(name) > MAILBOX_DEPTH_MAX) {
		fail(f, FAIL_SYNTAX, "a mailbox is at most %d levels deep",
		    MAILBOX_DEPTH_MAX);
		return MAILBOX_LIMIT;
	}
	do {
		size_t slash;
		struct str level;

		more = str_find(rest, '/', &slash);
		level = str_cut(&rest, '/');
		if (level.len == 0 || str_eq(level, STR(".")) ||
		    str_eq(level, STR(".."))) {
			fail(f, FAIL_SYNTAX,
			    "a level of a mailbox name is empty, \".\" or "
			    "\"..\"");
			return MAILBOX_CANNOT;
		}
		if (level.len > MAILBOX_LEVEL_MAX) {
			fail(f, FAIL_SYNTAX,
			    "a level of a mailbox name is over %d octets",
			    MAILBOX_LEVEL_MAX);
			return MAILBOX_LIMIT;
		}
	} while (more);
	return MAILBOX_DONE;
}

/* RFC 9051 s5.1: INBOX in any case; so also where it is a level above. */
static void
fold_inbox(struct buf *folded, size_t at)
{
	struct str name = str_after(buf_str(folded), at);

	if (str_eq_nocase(str_cut(&name, '/'), INBOX))
		for (size_t i = 0; i < INBOX.len; i++)
			folded->data[at + i] = INBOX.at[i];
}

/* Some clients try it when they take INBOX for the root of all names. */
static bool
is_inbox_twice(struct str name)
{
	return str_eq(str_cut(&name, '/'), INBOX) &&
	       str_eq_nocase(str_cut(&name, '/'), INBOX);
}

enum mailbox_refusal
mailbox_name_judge(struct str name, struct buf *folded, struct fail *f)
{
	size_t at = folded->len;
	enum mailbox_refusal refusal = MAILBOX_CANNOT;

	if (name.len == 0) {
		fail(f, FAIL_SYNTAX, "a mailbox needs a name");
		return MAILBOX_CANNOT;
	}
	if (name.len > MAILBOX_NAME_MAX ||
	    (utf8_valid(name) && !nfc_add(name, folded)) ||
	    folded->len - at > MAILBOX_NAME_MAX) {
		fail(f, FAIL_SYNTAX, "a mailbox name is over %d octets",
		    MAILBOX_NAME_MAX);
		refusal = MAILBOX_LIMIT;
	} else if (folded->len == at) {
		fail(f, FAIL_SYNTAX, "a mailbox name must be UTF-8");
	} else if (has_forbidden(str_after(buf_str(folded), at))) {
		fail(f, FAIL_SYNTAX,
		    "control characters, * and %% cannot be in a mailbox name");
	} else {
		fold_inbox(folded, at);
		if (is_inbox_twice(str_after(buf_str(folded), at)))
			fail(f, FAIL_SYNTAX, "INBOX has no INBOX in it");
		else
			refusal = judge_levels(
			    str_after(buf_str(folded), at), f);
	}
	if (refusal != MAILBOX_DONE)
		buf_cut(folded, at);
	return refusal;
}

bool
mailbox_name_fold(struct str name, struct buf *folded, struct fail *f)
{
	return mailbox_name_judge(name, folded, f) == MAILBOX_DONE;
}

bool
mailbox_name_parent(struct str name, struct str *parent)
{
	size_t slash;

	if (!str_find_last(name, '/', &slash))
		return false;
	*parent = str_first(name, slash);
	return true;
}

bool
mailbox_name_is_below(struct str name, struct str above)
{
	return name.len > above.len + 1 && str_starts(name, above) &&
	       name.at[above.len] == '/';
}

size_t
mailbox_name_depth(struct str name)
{
	size_t depth = 1;

	for (size_t i = 0; i < name.len; i++)
		depth += name.at[i] == '/';
	return depth;
}

static bool
is_in_inbox(struct str name)
{
	return str_eq(str_cut(&name, '/'), INBOX);
}

int
mailbox_name_cmp(struct str a, struct str b)
{
	bool first = is_in_inbox(a);

	if (first != is_in_inbox(b))
		return first ? -1 : 1;
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		if (a.at[i] == b.at[i])
			continue;
		/* the end of a level is before whatever goes on */
		if (a.at[i] == '/' || b.at[i] == '/')
			return a.at[i] == '/' ? -1 : 1;
		return (unsigned char)a.at[i] < (unsigned char)b.at[i] ? -1 : 1;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}
