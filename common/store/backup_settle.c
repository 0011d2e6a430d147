/* SPDX-License-Identifier: MIT */
#include "common/store/backup_settle.h"

#include <stdlib.h>

#include "common/store/hop.h"
#include "common/store/hop_put.h"
#include "common/store/sql.h"

#define HELD_WHY                                                               \
	"the store was restored from a backup: it may have been sent since"

/* RFC 9051 s2.3.1.1: a UID given after the snapshot never means another
 * message.  One that is near the end of UIDs keeps half of what is left. */
static const char sql_skip_uids[] =
    "UPDATE mailbox_state SET"
    " uid_next = uid_next + min(?1, (4294967295 - uid_next) / 2),"
    " modseq = modseq + ?2, changed = modseq + ?2";

/* RFC 7162 s3.2.10.2: who asks what has vanished is told of all that it may
 * have seen since. */
static const char sql_vanish[] =
    "INSERT INTO expunged (mailbox, modseq, low, high)"
    " SELECT mailbox, modseq + ?2, uid_next,"
    " uid_next + min(?1, (4294967295 - uid_next) / 2) - 1"
    " FROM mailbox_state WHERE uid_next < 4294967294";

/* RFC 7162 s3.1.4.1: CHANGEDSINCE gives every message again, also one that was
 * expunged since and is back. */
static const char sql_change_all[] =
    "UPDATE message SET modseq ="
    " (SELECT modseq FROM mailbox_state s WHERE s.mailbox = message.mailbox)";

static const char sql_waiting[] =
    "SELECT trace, address FROM recipient WHERE state = 0";
static const char sql_hold[] = "UPDATE recipient SET state = 1 WHERE state = 0";

static int
tell_journeys(struct db *db, int64_t now_ms, size_t *held, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_waiting, f, "");
	int got;

	while ((got = sql_step(st, f)) == 1) {
		char *address = sql_dup(st, 1);
		struct hop h = {
		    .trace = sql_int(st, 0),
		    .at_ms = now_ms,
		    .daemon = HOP_MAILCTL,
		    .kind = HOP_HELD,
		    .recipient = str_of(address),
		    .detail = STR(HELD_WHY),
		};
		int rc = hop_write(db, &h, f);

		free(address);
		if (rc == -1) {
			sqlite3_reset(st);
			return -1;
		}
		(*held)++;
	}
	return got;
}

int
backup_settle(struct db *db, int64_t now_ms, size_t *held, struct fail *f)
{
	*held = 0;
	if (sql_run(db, sql_vanish, f, "ii", SETTLE_UIDS, SETTLE_MODSEQS) ==
		-1 ||
	    sql_run(db, sql_skip_uids, f, "ii", SETTLE_UIDS, SETTLE_MODSEQS) ==
		-1 ||
	    sql_run(db, sql_change_all, f, "") == -1 ||
	    tell_journeys(db, now_ms, held, f) == -1)
		return -1;
	return sql_run(db, sql_hold, f, "");
}
