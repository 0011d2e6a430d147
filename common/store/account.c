/* SPDX-License-Identifier: MIT */
#include "common/store/account.h"

#include <assert.h>

#include "common/mime/addr.h"
#include "common/store/hop.h"
#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "common/store/route.h"
#include "common/store/route_mark.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_domain[] = "SELECT id FROM domain WHERE name = ?1";
static const char sql_taken[] =
    "SELECT 1 FROM address WHERE domain = ?1 AND local = ?2";
static const char sql_going[] = "SELECT 1 FROM account WHERE login = ?1";
static const char sql_add[] =
    "INSERT INTO account (login, quota_bytes, created) VALUES (?1, ?2, ?3)";
static const char sql_add_use[] =
    "INSERT INTO account_use (account) VALUES (?1)";
static const char sql_add_address[] =
    "INSERT INTO address (domain, local, account) VALUES (?1, ?2, ?3)";
static const char sql_set_quota[] =
    "UPDATE account SET quota_bytes = ?2 WHERE login = ?1";

static const char sql_set_state[] =
    "UPDATE account SET state = ?2 WHERE login = ?1 AND state <> 2";

static const char sql_imap_off[] = "SELECT imap_off FROM account WHERE id = ?1";
static const char sql_set_imap_off[] =
    "UPDATE account SET imap_off = ?2 WHERE login = ?1";

static const char sql_each[] =
    "SELECT a.id, a.login, a.state, a.quota_bytes, u.bytes, u.messages,"
    " a.created FROM account a JOIN account_use u ON u.account = a.id"
    " ORDER BY a.login";
static const char sql_find[] =
    "SELECT a.id, a.login, a.state, a.quota_bytes, u.bytes, u.messages,"
    " a.created FROM account a JOIN account_use u ON u.account = a.id"
    " WHERE a.login = ?1";

/* The first state keeps everything out, the mailboxes are emptied bit by bit,
 * and the rest goes by the keys of the account's row. */
static const char sql_set_going[] =
    "UPDATE account SET state = 2 WHERE id = ?1";
static const char sql_remove_addresses[] =
    "DELETE FROM address WHERE account = ?1";
static const char sql_some_mailbox[] =
    "SELECT m.id FROM mailbox m JOIN mailbox_state s ON s.mailbox = m.id"
    " WHERE m.account = ?1 AND s.messages > 0";
static const char sql_some_messages[] =
    "SELECT uid FROM message WHERE mailbox = ?1 ORDER BY uid LIMIT ?2";
static const char sql_remove_expunged[] =
    "DELETE FROM expunged WHERE mailbox IN"
    " (SELECT id FROM mailbox WHERE account = ?1)";
static const char sql_remove_aliases[] =
    "DELETE FROM address WHERE forward = ?1";
static const char sql_remove_submitter[] =
    "UPDATE queue SET account = NULL WHERE account = ?1";
static const char sql_remove[] = "DELETE FROM account WHERE id = ?1";

static int
no_such(struct str login, struct fail *f)
{
	return fail(f, FAIL_PERM,
	    "there is no account %.*s; `mailctl user list' shows all",
	    STR_FMT(login));
}

/* The folded login's local part and its domain's id. */
static int
place(struct db *db, struct str login, struct str *local, int64_t *domain,
    struct fail *f)
{
	struct str name;
	int got;

	if (!addr_split(login, local, &name) || local->len == 0)
		return fail(f, FAIL_PERM,
		    "%.*s is no address; a login is one, like bob@example.org",
		    STR_FMT(login));
	if (login.len >= sizeof(((struct account *)0)->login))
		return fail(f, FAIL_PERM, "%.*s is too long", STR_FMT(login));
	got = sql_number(db, domain, sql_domain, f, "t", name);
	if (got == 0)
		return fail(f, FAIL_PERM,
		    "%.*s is not a domain of ours; "
		    "`mailctl domain add %.*s' makes it one",
		    STR_FMT(name), STR_FMT(name));
	return got == 1 ? 0 : -1;
}

int
account_add(struct db *db, struct str login, uint64_t quota_bytes,
    int64_t now_ms, int64_t *id, struct fail *f)
{
	struct str local;
	int64_t domain = 0, taken;
	int got;

	if (place(db, login, &local, &domain, f) == -1)
		return -1;
	if (quota_bytes > INT64_MAX)
		return fail(f, FAIL_PERM, "that quota is too large");
	got = sql_number(db, &taken, sql_taken, f, "it", domain, local);
	if (got == 1)
		return fail(f, FAIL_PERM,
		    "%.*s exists already, as an account or an alias",
		    STR_FMT(login));
	if (got == 0)
		got = sql_number(db, &taken, sql_going, f, "t", login);
	if (got == 1)
		return fail(f, FAIL_PERM,
		    "%.*s is still being removed; "
		    "`mailctl user remove %.*s' ends that",
		    STR_FMT(login), STR_FMT(login));
	if (got == -1 || route_mark_change(db, f) == -1 ||
	    sql_run(db, sql_add, f, "tii", login, (int64_t)quota_bytes,
		now_ms) == -1)
		return -1;
	*id = sqlite3_last_insert_rowid(db->sqlite);
	if (sql_run(db, sql_add_use, f, "i", *id) == -1 ||
	    sql_run(db, sql_add_address, f, "iti", domain, local, *id) == -1)
		return -1;
	return mailbox_add_usual(db, *id, now_ms, f);
}

/* Remove up to max messages of one mailbox.  *n: how many. */
static int
empty_some(struct db *db, const struct account *a, size_t max, int64_t now_ms,
    size_t *n, struct fail *f)
{
	struct hop who = {.at_ms = now_ms,
	    .daemon = HOP_MAILCTL,
	    .recipient = str_of(a->login),
	    .detail = STR("the account was removed")};
	uint32_t *uids = mem_new(max, sizeof(*uids));
	size_t found = 0;
	int64_t mailbox, modseq;
	int got = sql_number(db, &mailbox, sql_some_mailbox, f, "i", a->id);

	*n = 0;
	if (got == 1) {
		sqlite3_stmt *st = sql_bind(
		    db, sql_some_messages, f, "ii", mailbox, (int64_t)max);

		while ((got = sql_step(st, f)) == 1)
			uids[found++] = (uint32_t)sql_int(st, 0);
		if (got == 0)
			got = message_expunge(db, mailbox, uids, found, false,
			    &who, NULL, n, &modseq, f);
	}
	free(uids);
	return got;
}

int
account_remove_begin(struct db *db, struct str login, struct fail *f)
{
	struct account a;
	int got = account_find(db, login, &a, f);

	if (got == 0)
		return no_such(login, f);
	if (got == -1 || route_mark_change(db, f) == -1 ||
	    sql_run(db, sql_set_going, f, "i", a.id) == -1 ||
	    sql_run(db, sql_remove_addresses, f, "i", a.id) == -1 ||
	    sql_run(db, sql_remove_aliases, f, "t", login) == -1)
		return -1;
	return sql_run(db, sql_remove_submitter, f, "i", a.id);
}

int
account_remove_some(struct db *db, struct str login, size_t max, int64_t now_ms,
    bool *over, struct fail *f)
{
	struct account a;
	size_t n;
	int got = account_find(db, login, &a, f);

	*over = got == 0;
	if (got != 1)
		return got;
	assert(a.going && max > 0);
	if (empty_some(db, &a, max, now_ms, &n, f) == -1)
		return -1;
	if (n > 0)
		return 0;
	*over = true;
	if (route_mark_change(db, f) == -1 ||
	    sql_run(db, sql_remove_expunged, f, "i", a.id) == -1)
		return -1;
	return sql_run(db, sql_remove, f, "i", a.id);
}

static struct account
row(sqlite3_stmt *st)
{
	struct account a = {.id = sql_int(st, 0),
	    .disabled = sql_int(st, 2) != 0,
	    .going = sql_int(st, 2) == 2,
	    .quota_bytes = (uint64_t)sql_int(st, 3),
	    .bytes = (uint64_t)sql_int(st, 4),
	    .messages = (uint64_t)sql_int(st, 5),
	    .created_ms = sql_int(st, 6)};

	snprintf(a.login, sizeof(a.login), "%.*s", STR_FMT(sql_text(st, 1)));
	return a;
}

int
account_find(
    struct db *db, struct str login, struct account *out, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_find, f, "t", login);
	int got = sql_step(st, f);

	if (got == 1) {
		*out = row(st);
		sqlite3_reset(st);
	}
	return got;
}

int
account_set_quota(
    struct db *db, struct str login, uint64_t quota_bytes, struct fail *f)
{
	if (quota_bytes > INT64_MAX)
		return fail(f, FAIL_PERM, "that quota is too large");
	if (route_mark_change(db, f) == -1 ||
	    sql_run(db, sql_set_quota, f, "ti", login, (int64_t)quota_bytes) ==
		-1)
		return -1;
	return sql_changes(db) == 1 ? 0 : no_such(login, f);
}

int
account_set_disabled(
    struct db *db, struct str login, bool disabled, struct fail *f)
{
	if (route_mark_change(db, f) == -1 ||
	    sql_run(db, sql_set_state, f, "ti", login, (int64_t)disabled) == -1)
		return -1;
	return sql_changes(db) == 1 ? 0 : no_such(login, f);
}

int
account_imap_off(struct db *db, int64_t account, char **off, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_imap_off, f, "i", account);
	int got = sql_step(st, f);

	*off = NULL;
	if (got == 1) {
		*off = sql_dup(st, 0);
		sqlite3_reset(st);
	}
	return got;
}

/* Words of printable ASCII, one space between them. */
static bool
are_capabilities(struct str words)
{
	if (words.len > ACCOUNT_IMAP_OFF_MAX || !str_is_printable(words))
		return false;
	for (size_t i = 0; i < words.len; i++)
		if (words.at[i] == ' ' &&
		    (i == 0 || i == words.len - 1 || words.at[i - 1] == ' '))
			return false;
	return true;
}

int
account_set_imap_off(
    struct db *db, struct str login, struct str off, struct fail *f)
{
	if (!are_capabilities(off))
		return fail(f, FAIL_PERM,
		    "that is no list of capabilities with a space between");
	if (sql_run(db, sql_set_imap_off, f, "tt", login, off) == -1)
		return -1;
	return sql_changes(db) == 1 ? 0 : no_such(login, f);
}

int
account_each(struct db *db, bool (*each)(void *arg, const struct account *a),
    void *arg, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_each, f, "");
	int got;

	while ((got = sql_step(st, f)) == 1) {
		struct account a = row(st);

		if (!each(arg, &a)) {
			sqlite3_reset(st);
			return 0;
		}
	}
	return got;
}

int
account_owns(struct db *db, int64_t account, struct str address, struct fail *f)
{
	struct route_options o = {.own_only = true};
	struct route r;
	int owns;

	if (route_find(db, address, &o, &r, f) == -1)
		return -1;
	owns = (r.result == ROUTE_OK || r.result == ROUTE_FULL) && r.n == 1 &&
	       r.targets[0].account == account;
	route_release(&r);
	return owns;
}
