/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_box_op.h"

#include <stdlib.h>

#include "common/util/mem.h"

static const struct {
	const char *name;
	unsigned use;
} uses[] = {
    {"Archive", IMAP_USE_ARCHIVE},
    {"Drafts",  IMAP_USE_DRAFTS },
    {"Junk",    IMAP_USE_JUNK   },
    {"Sent",    IMAP_USE_SENT   },
    {"Trash",   IMAP_USE_TRASH  },
};
#define USES (sizeof(uses) / sizeof(*uses))

void
imap_uses_write(struct buf *out, unsigned set)
{
	const char *space = "";

	for (size_t i = 0; i < USES; i++) {
		if ((set & uses[i].use) == 0)
			continue;
		buf_addf(out, "%s\\%s", space, uses[i].name);
		space = " ";
	}
}

unsigned
imap_use_named(struct str name)
{
	for (size_t i = 0; i < USES; i++)
		if (str_eq_nocase(name, str_of(uses[i].name)))
			return uses[i].use;
	return 0;
}

void
imap_list_lines_free(struct imap_list_lines *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		free(l->lines[i].name);
	free(l->lines);
	free(l);
}

struct imap_entry *
imap_entries_add(struct imap_entries *e, struct str name)
{
	struct imap_entry *added;

	e->at = mem_grow(e->at, e->n + 1, sizeof(*e->at));
	added = &e->at[e->n++];
	*added = (struct imap_entry){.name = mem_dup(name)};
	buf_init(&added->value, IMAP_METADATA_VALUE_MAX);
	return added;
}

void
imap_entries_release(struct imap_entries *e)
{
	for (size_t i = 0; i < e->n; i++) {
		free(e->at[i].name);
		buf_release(&e->at[i].value);
	}
	free(e->at);
	*e = (struct imap_entries){0};
}
