/* SPDX-License-Identifier: MIT */
#include "tests/fault/acts.h"

#include "tests/fault/acts_parts.h"

/* clang-format off */
const struct act acts[] = {
    {"deliver", .run = act_deliver},
    {"deliver to many", .run = act_deliver_many},
    {"deliver a large one", .run = act_deliver_large},
    {"deliver the same", .run = act_deliver_equal},
    {"a group, one over quota", .prepare = act_prepare_group,
        .run = act_group, .holds = act_group_holds},
    {"relay", .run = act_relay},
    {"bounce", .run = act_bounce},
    {"queue orders", .prepare = act_prepare_orders, .run = act_queue_orders},
    {"POP3 session", .run = act_pop3},
    {"append", .run = act_append},
    {"store", .run = act_flags},
    {"copy", .run = act_copy},
    {"move", .run = act_move},
    {"expunge", .run = act_expunge},
    {"rename", .prepare = act_prepare_mailboxes, .run = act_rename},
    {"rename INBOX", .run = act_rename_inbox},
    {"create and delete mailboxes", .prepare = act_prepare_mailboxes,
        .run = act_mailboxes},
    {"search index", .run = act_search, .search = true},
    {"checkpoint", .run = act_checkpoint},
    {"sweep", .prepare = act_prepare_sweep, .run = act_sweep},
    {"account removal", .run = act_removal},
    {"passwords", .prepare = act_prepare_credentials, .run = act_credentials,
        .account = true},
    {"a bit of everything", .run = act_random, .search = true},
    {"a new store", .run = act_open, .opens = true, .empty = true},
    {"backup", .prepare = act_prepare_backup, .run = act_backup,
        .beside = act_backup_holds, .account = true},
    {"restore", .prepare = act_prepare_restore, .run = act_restore,
        .holds = act_restore_holds, .opens = true, .again = true,
        .account = true},
    {"migration", .prepare = act_prepare_old, .run = act_open, .opens = true},
};
/* clang-format on */
const size_t acts_n = sizeof(acts) / sizeof(acts[0]);

const struct act *
acts_find(const char *name)
{
	for (size_t i = 0; i < acts_n; i++)
		if (strcmp(acts[i].name, name) == 0)
			return &acts[i];
	return NULL;
}
