/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "common/store/body_check.h"
#include "common/store/db.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define STEPS 100000 /* of SQLite's machine between two looks: about 1 ms */

/* Each gives one sentence for each thing that is wrong. */
static const char sql_integrity[] =
    "SELECT integrity_check FROM pragma_integrity_check(100)"
    " WHERE integrity_check <> 'ok'";
static const char sql_keys[] =
    "SELECT format('%s row %d names a row of %s that is not there',"
    " \"table\", rowid, parent) FROM pragma_foreign_key_check";
static const char sql_body_parts[] =
    "SELECT format('body %d has %s', b.id, CASE"
    " WHEN d.body IS NULL THEN 'neither octets nor a file'"
    " ELSE 'octets and a file' END)"
    " FROM body b LEFT JOIN body_data d ON d.body = b.id"
    " WHERE (d.body IS NULL) <> (b.file IS NOT NULL)";
static const char sql_lone_data[] =
    "SELECT format('octets of body %d have no body', d.body)"
    " FROM body_data d LEFT JOIN body b ON b.id = d.body"
    " WHERE b.id IS NULL";
static const char sql_body_counts[] =
    "WITH holds (body, n) AS (SELECT body, count(*) FROM"
    " (SELECT body FROM message UNION ALL SELECT body FROM queue"
    " UNION ALL SELECT body FROM report)"
    " GROUP BY body)"
    " SELECT format('body %d is held %d times, its count says %d',"
    " b.id, coalesce(h.n, 0), b.refs)"
    " FROM body b LEFT JOIN holds h ON h.body = b.id"
    " WHERE b.refs <> coalesce(h.n, 0)";
static const char sql_messages[] =
    "SELECT format('message %d of mailbox %d %s', g.uid, g.mailbox, CASE"
    " WHEN m.id IS NULL THEN 'has no mailbox'"
    " WHEN b.id IS NULL THEN 'has no body'"
    " WHEN b.size <> g.size THEN 'has another size than its body'"
    " WHEN g.uid >= s.uid_next THEN 'has a UID not given yet'"
    " WHEN g.modseq > s.modseq THEN 'has a modseq not given yet'"
    " ELSE 'has a keyword without a name' END)"
    " FROM message g LEFT JOIN body b ON b.id = g.body"
    " LEFT JOIN mailbox m ON m.id = g.mailbox"
    " LEFT JOIN mailbox_state s ON s.mailbox = g.mailbox"
    " LEFT JOIN (SELECT mailbox, sum(1 << bit) AS bits FROM keyword"
    " GROUP BY mailbox) k ON k.mailbox = g.mailbox"
    " WHERE m.id IS NULL OR b.id IS NULL OR b.size <> g.size"
    " OR g.uid >= s.uid_next OR g.modseq > s.modseq OR g.uid < 1"
    " OR g.flags & ~(31 | coalesce(k.bits, 0)) <> 0";
static const char sql_mailbox_counts[] =
    "WITH sums (mailbox, n, unseen, deleted, bytes) AS"
    " (SELECT mailbox, count(*), sum(flags & 1 = 0), sum(flags & 8 <> 0),"
    " sum(size) FROM message GROUP BY mailbox)"
    " SELECT format('mailbox %d (%s) holds %d messages (%d unseen, %d deleted)"
    " of %d octets, its counters say %d (%d, %d) of %d', m.id, m.name,"
    " coalesce(t.n, 0), coalesce(t.unseen, 0), coalesce(t.deleted, 0),"
    " coalesce(t.bytes, 0), s.messages, s.unseen, s.deleted, s.bytes)"
    " FROM mailbox m LEFT JOIN mailbox_state s ON s.mailbox = m.id"
    " LEFT JOIN sums t ON t.mailbox = m.id"
    " WHERE s.messages IS NOT coalesce(t.n, 0)"
    " OR s.unseen IS NOT coalesce(t.unseen, 0)"
    " OR s.deleted IS NOT coalesce(t.deleted, 0)"
    " OR s.bytes IS NOT coalesce(t.bytes, 0)";
static const char sql_account_counts[] =
    "WITH sums (account, n, bytes) AS"
    " (SELECT m.account, sum(s.messages), sum(s.bytes) FROM mailbox m"
    " JOIN mailbox_state s ON s.mailbox = m.id"
    " WHERE m.special & 32 = 0" /* MAILBOX_PENDING counts for no quota */
    " GROUP BY m.account)"
    " SELECT format('account %s holds %d messages of %d octets, its counters"
    " say %d of %d', a.login, coalesce(t.n, 0), coalesce(t.bytes, 0),"
    " u.messages, u.bytes)"
    " FROM account a LEFT JOIN account_use u ON u.account = a.id"
    " LEFT JOIN sums t ON t.account = a.id"
    " WHERE u.messages IS NOT coalesce(t.n, 0)"
    " OR u.bytes IS NOT coalesce(t.bytes, 0)";
static const char sql_account_parts[] =
    "SELECT format('account %s has no %s', a.login,"
    " iif(m.id IS NULL, 'INBOX', 'address')) FROM account a"
    " LEFT JOIN mailbox m ON m.account = a.id AND m.name = 'INBOX'"
    " WHERE m.id IS NULL"
    " OR (a.state <> 2"
    " AND NOT EXISTS (SELECT 1 FROM address d WHERE d.account = a.id))";
static const char sql_expunged[] =
    "SELECT format('mailbox %d: the expunged UIDs %d:%d are not right',"
    " e.mailbox, e.low, e.high) FROM expunged e"
    " LEFT JOIN mailbox_state s ON s.mailbox = e.mailbox"
    " WHERE s.mailbox IS NULL OR e.low < 1 OR e.low > e.high"
    " OR e.high >= s.uid_next OR e.modseq > s.modseq"
    " OR EXISTS (SELECT 1 FROM message g WHERE g.mailbox = e.mailbox"
    " AND g.uid BETWEEN e.low AND e.high)";
static const char sql_states[] =
    "SELECT format('mailbox %d has a state that cannot be', mailbox)"
    " FROM mailbox_state WHERE changed > modseq OR changed < 1"
    " OR recent_uid > uid_next OR recent_uid < 1";
static const char sql_uses[] =
    "SELECT format('mailboxes %d and %d have one use', a.id, b.id)"
    " FROM mailbox a JOIN mailbox b ON b.account = a.account AND b.id > a.id"
    " WHERE a.special <> 0 AND a.special & b.special <> 0";
static const char sql_metadata[] =
    "SELECT format('metadata of account %d names mailbox %d, which is not"
    " its', d.account, d.mailbox) FROM metadata d"
    " LEFT JOIN mailbox m ON m.id = d.mailbox"
    " WHERE d.mailbox <> 0 AND m.account IS NOT d.account";
static const char sql_lone_info[] =
    "SELECT format('what is known of body %d has no body', i.body)"
    " FROM body_info i LEFT JOIN body b ON b.id = i.body"
    " WHERE b.id IS NULL";

/* Two messages with one UIDL: both were told to bring theirs along, or one is
 * at the place another came from.  CROSS JOIN: in this order, or it takes the
 * square of the messages. */
static const char sql_same_uidl[] =
    "SELECT format('two messages of mailbox %d have the UIDL %d.%d',"
    " mailbox, (pop3 >> 32) & 4294967295, pop3 & 4294967295)"
    " FROM message WHERE pop3 <> 0 GROUP BY mailbox, pop3 HAVING count(*) > 1"
    " UNION ALL"
    " SELECT format('messages %d and %d of mailbox %d have one UIDL', g.uid,"
    " o.uid, g.mailbox) FROM message g"
    " CROSS JOIN mailbox m ON m.id = g.mailbox"
    " CROSS JOIN message o ON o.mailbox = g.mailbox"
    " AND o.uid = g.pop3 & 4294967295"
    " WHERE g.pop3 <> 0 AND (g.pop3 >> 32) & 4294967295 = m.uid_validity"
    " AND o.pop3 = 0";
static const char sql_validity[] =
    "SELECT format('mailbox %d has a UIDVALIDITY not given yet', id)"
    " FROM mailbox WHERE uid_validity >"
    " coalesce((SELECT value FROM meta WHERE key = 'uid_validity'), 0)";
static const char sql_queue[] =
    "SELECT format('queued message %d %s', q.trace,"
    " iif(b.id IS NULL, 'has no body', 'waits for nobody'))"
    " FROM queue q LEFT JOIN body b ON b.id = q.body"
    " WHERE b.id IS NULL OR q.skip > b.size"
    " OR NOT EXISTS (SELECT 1 FROM recipient r WHERE r.trace = q.trace)";
static const char sql_pending[] =
    "SELECT format('the note on queued message %d %s', p.trace, iif(g.uid IS"
    " NULL, 'is not there', 'is in a mailbox that is not for notes'))"
    " FROM pending p LEFT JOIN mailbox m ON m.id = p.mailbox"
    " LEFT JOIN message g ON g.mailbox = p.mailbox AND g.uid = p.uid"
    " WHERE g.uid IS NULL OR m.special & 32 = 0 OR m.account <> p.account";
static const char sql_hops[] =
    "SELECT DISTINCT format('hops of %d have no journey', h.trace)"
    " FROM hop h LEFT JOIN journey j ON j.trace = h.trace"
    " WHERE j.trace IS NULL";

static const char sql_lone_verdicts[] =
    "SELECT format('what was found out about %d has no journey', v.trace)"
    " FROM verdict v LEFT JOIN journey j ON j.trace = v.trace"
    " WHERE j.trace IS NULL";
/* Its journey may be gone: one is forgotten after 90 days, held or not. */
static const char sql_reports[] =
    "SELECT format('a report on %d has no body', r.trace)"
    " FROM report r LEFT JOIN body b ON b.id = r.body"
    " WHERE b.id IS NULL";

static const struct rule {
	const char *sql;
	bool mail_only;
} rules[] = {
    {sql_integrity,      false},
    {sql_keys,           false},
    {sql_body_parts,     true },
    {sql_lone_data,      true },
    {sql_body_counts,    true },
    {sql_messages,       true },
    {sql_mailbox_counts, true },
    {sql_account_counts, true },
    {sql_account_parts,  true },
    {sql_expunged,       true },
    {sql_validity,       true },
    {sql_states,         true },
    {sql_uses,           true },
    {sql_metadata,       true },
    {sql_lone_info,      true },
    {sql_same_uidl,      true },
    {sql_queue,          true },
    {sql_pending,        true },
    {sql_hops,           true },
    {sql_lone_verdicts,  true },
    {sql_reports,        true },
};

struct check {
	void (*say)(void *arg, const char *sentence);
	void *arg;
	bool wrong;
};

static void
say(struct check *c, const char *sentence)
{
	c->wrong = true;
	c->say(c->arg, sentence);
}

static int
apply(struct db *db, struct check *c, const struct rule *rule, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, rule->sql, f, "");
	int got;

	while ((got = sql_step(st, f)) == 1) {
		char *sentence = sql_dup(st, 0);

		say(c, sentence != NULL ? sentence : "(no words)");
		free(sentence);
	}
	return got;
}

/* Not over until it is said, if somebody wants us to stop. */
static int
go_on(const struct db *db, struct fail *f)
{
	if (atomic_load(&db->interrupted))
		return fail(f, FAIL_TEMP, "the check was interrupted");
	return 0;
}

static int
look(struct db *db, void *arg, struct fail *f)
{
	struct check *c = arg;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if ((!rules[i].mail_only || db->file == DB_MAIL) &&
		    apply(db, c, &rules[i], f) == -1)
			return -1;
	return 0;
}

static int
read_all(struct db *db, struct check *c, struct fail *f)
{
	struct body_check_batch b = {.n = 0};

	do {
		if (db_read(db, body_check_next, &b, f) == -1)
			return -1;
		for (size_t i = 0; i < b.n; i++) {
			struct fail why;
			bool bad = body_check(db, b.rows[i].id, &why) == -1;

			if (go_on(db, f) == -1)
				return -1;
			if (bad)
				say(c, why.text);
		}
	} while (b.n > 0);
	return 0;
}

static int
is_interrupted(void *arg)
{
	return atomic_load(&((const struct db *)arg)->interrupted);
}

void
db_interrupt(struct db *db)
{
	atomic_store(&db->interrupted, true);
}

int
db_check(struct db *db, void (*say_it)(void *arg, const char *sentence),
    void *arg, struct fail *f)
{
	struct check c = {.say = say_it, .arg = arg};
	int rc = -1;

	sqlite3_progress_handler(db->sqlite, STEPS, is_interrupted, db);
	if (go_on(db, f) == 0 && db_read(db, look, &c, f) == 0)
		rc = db->file == DB_MAIL ? read_all(db, &c, f) : 0;
	sqlite3_progress_handler(db->sqlite, 0, NULL, NULL);
	if (rc == -1)
		go_on(db, f); /* better words than SQLite's */
	return rc == -1 ? -1 : c.wrong;
}
