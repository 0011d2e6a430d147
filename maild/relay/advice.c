/* SPDX-License-Identifier: MIT */
#include "maild/relay/advice.h"

#include "common/util/str.h"

/* Without the class: it counts whether it was given up or waits.  The longest
 * that fits comes first. */
/* clang-format off */
static const struct row {
	struct str code;
	const char *failed, *waits;
} rows[] = {
	{STR("1.1"),
	    "Nobody there has this address: look for a slip of the pen in it, "
	    "or ask the person for the right one in another way.", ""},
	{STR("1.10"), "This domain takes no mail at all: look for a slip of "
	    "the pen in what is after the @.", ""},
	{STR("1.2"), "Look for a slip of the pen in what is after the @.", ""},
	{STR("1.6"), "The person has moved: ask for the new address in "
	    "another way.", ""},
	{STR("2.1"), "The mailbox is closed: try to reach the person in "
	    "another way.", ""},
	{STR("2.2"), "The mailbox is full: tell the person in another way, "
	    "then send it again.",
	    "The mailbox is full: if it is urgent, tell the person in another "
	    "way."},
	{STR("2.3"), "The message is too large: send it with smaller "
	    "attachments, or put these where they can be fetched.", ""},
	{STR("3.4"), "The message is too large: send it with smaller "
	    "attachments, or put these where they can be fetched.", ""},
	{STR("4.6"), "The addresses there lead round in a circle: their "
	    "postmaster has to mend it.", ""},
	{STR("7.4"), "That server does not offer the safe connection that "
	    "its own rules ask for: its postmaster has to mend it.",
	    "That server does not offer the safe connection that its own rules "
	    "ask for: its postmaster has to mend it."},
	{STR("7.5"), "That server could not prove who it is: its postmaster "
	    "has to mend it.",
	    "That server could not prove who it is: its postmaster has to mend "
	    "it."},
	{STR("7.10"), "You asked that it go safely all the way, and that server "
	    "does not do its part: send it without that wish, or in another "
	    "way.", ""},
	{STR("7.30"), "You asked that it go safely all the way, and that server "
	    "does not do its part: send it without that wish, or in another "
	    "way.", ""},
	{STR("7.1"), "That server does not want it; the reason should be in "
	    "what it said.  Ask your postmaster, and send them this "
	    "message.", ""},
	{STR("7."), "That server does not trust it; the reason should be in "
	    "what it said.  Ask your postmaster, and send them this "
	    "message.", ""},
	{STR("4."), "Their mail server could not be reached: it may be worth "
	    "sending it again another day.", ""},
};
/* clang-format on */

const char *
advice_for(const char *enhanced)
{
	struct str rest = str_of(enhanced), class = str_cut(&rest, '.');
	bool waits = str_eq(class, STR("4"));

	if (!waits && !str_eq(class, STR("5")))
		return "";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		bool group = r->code.at[r->code.len - 1] == '.';

		if (group ? str_starts(rest, r->code) : str_eq(rest, r->code))
			return waits ? r->waits : r->failed;
	}
	return "";
}
