/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_arg.h"

#include "popd/proto/imap_out.h"

#define KEYWORD_MAX 100 /* octets; store/message.h has the same */

static const struct {
	struct str name;
	uint64_t flag;
} system_flags[] = {
    {{"Seen", 4},     IMAP_SEEN    },
    {{"Answered", 8}, IMAP_ANSWERED},
    {{"Flagged", 7},  IMAP_FLAGGED },
    {{"Deleted", 7},  IMAP_DELETED },
    {{"Draft", 5},    IMAP_DRAFT   },
};

static bool
take_flag(struct imap_args *a, uint64_t *flags, struct buf *names)
{
	bool is_system = imap_arg_char(a, '\\');
	struct str name;

	if (!imap_arg_atom(a, &name))
		return false;
	if (!is_system) {
		buf_add(names, name);
		buf_add_char(names, '\0');
		return name.len <= KEYWORD_MAX && !names->overrun;
	}
	for (size_t i = 0; i < sizeof(system_flags) / sizeof(system_flags[0]);
	     i++)
		if (str_eq_nocase(name, system_flags[i].name)) {
			*flags |= system_flags[i].flag;
			return true;
		}
	return false;
}

static bool
take_flags(struct imap_args *a, bool list, uint64_t *flags, struct buf *names)
{
	if (list && !imap_arg_char(a, '('))
		return false;
	if (list && imap_arg_char(a, ')'))
		return true;
	do {
		if (!take_flag(a, flags, names))
			return false;
	} while (imap_arg_space(a));
	return !list || imap_arg_char(a, ')');
}

bool
imap_arg_flags(
    struct imap_args *a, bool list, uint64_t *flags, struct buf *names)
{
	struct str before = a->rest;
	size_t len = names->len;
	uint64_t found = 0;

	if (take_flags(a, list, &found, names)) {
		*flags |= found;
		return true;
	}
	a->rest = before;
	buf_cut(names, len);
	return false;
}
