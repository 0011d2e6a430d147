/* SPDX-License-Identifier: MIT */
/* mailbox_row: a mailbox as a query gives it; for the files of this
 * directory. */
#ifndef STORE_MAILBOX_ROW_H
#define STORE_MAILBOX_ROW_H

#include "common/store/mailbox.h"
#include "common/store/sql.h"

/* Of mailbox m and mailbox_state s. */
#define MAILBOX_ROW                                                            \
	"m.id, m.account, m.uid_validity, m.special, m.created, s.uid_next,"   \
	" s.modseq, s.changed, s.recent_uid, s.messages, s.unseen, s.deleted," \
	" s.bytes"
#define MAILBOX_ROW_COLUMNS 13

static inline struct mailbox
mailbox_row(sqlite3_stmt *st)
{
	return (struct mailbox){.id = sql_int(st, 0),
	    .account = sql_int(st, 1),
	    .uid_validity = (uint32_t)sql_int(st, 2),
	    .special = (unsigned)sql_int(st, 3),
	    .created_ms = sql_int(st, 4),
	    .uid_next = (uint32_t)sql_int(st, 5),
	    .modseq = sql_int(st, 6),
	    .changed = sql_int(st, 7),
	    .recent_uid = (uint32_t)sql_int(st, 8),
	    .messages = (uint64_t)sql_int(st, 9),
	    .unseen = (uint64_t)sql_int(st, 10),
	    .deleted = (uint64_t)sql_int(st, 11),
	    .bytes = (uint64_t)sql_int(st, 12)};
}

#endif
