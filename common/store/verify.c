/* SPDX-License-Identifier: MIT */
#include "common/store/verify.h"

#include <stdlib.h>

#include "common/store/backup_file.h"
#include "common/store/body_check.h"
#include "common/store/sql.h"

static const char sql_octets[] =
    "SELECT coalesce(sum(size), 0) FROM body WHERE refs > 0";

/* There is no index by body: nobody else asks, and damage is rare. */
static const char sql_holders[] =
    "SELECT a.login, m.name, g.uid, g.trace, i.envelope, j.message_id"
    " FROM message g JOIN mailbox m ON m.id = g.mailbox"
    " JOIN account a ON a.id = m.account"
    " LEFT JOIN body_info i ON i.body = g.body"
    " LEFT JOIN journey j ON j.trace = g.trace"
    " WHERE g.body = ?1";
static const char sql_queued[] =
    "SELECT '', '', 0, q.trace, NULL, j.message_id FROM queue q"
    " LEFT JOIN journey j ON j.trace = q.trace WHERE q.body = ?1";

struct naming {
	const struct verify_options *o;
	int64_t body;
	const char *what;
};

/* The last field of an ENVELOPE (RFC 9051 s7.5.2), as it was stored: a quoted
 * string, a literal or NIL. */
static struct str
message_id_of(struct str envelope)
{
	size_t end = envelope.len, at, begin;

	if (end < 2 || envelope.at[end - 1] != ')')
		return STR("");
	end--;
	if (envelope.at[end - 1] == '"') {
		end--;
		if (!str_find_last(str_first(envelope, end), '"', &at))
			return STR("");
		begin = at + 1;
	} else if (str_find_last(str_first(envelope, end), '\n', &at)) {
		begin = at + 1;
	} else {
		return STR("");
	}
	return str_first(str_after(envelope, begin), end - begin);
}

static int
name_each(
    struct db *db, const char *sql, const struct naming *n, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql, f, "i", n->body);
	int got;

	while ((got = sql_step(st, f)) == 1) {
		struct verify_damage d = {
		    .login = sql_text(st, 0),
		    .mailbox = sql_text(st, 1),
		    .uid = (uint32_t)sql_int(st, 2),
		    .trace = sql_int(st, 3),
		    .message_id = message_id_of(sql_text(st, 4)),
		    .what = n->what,
		};

		if (d.message_id.len == 0)
			d.message_id = sql_text(st, 5);
		n->o->damaged(n->o->arg, &d);
	}
	return got;
}

static int
name_holders(struct db *db, void *arg, struct fail *f)
{
	if (name_each(db, sql_holders, arg, f) == -1)
		return -1;
	return name_each(db, sql_queued, arg, f);
}

static int
sum_octets(struct db *db, void *arg, struct fail *f)
{
	int64_t octets = 0;
	int got = sql_number(db, &octets, sql_octets, f, "");

	*(uint64_t *)arg = (uint64_t)octets;
	return got == 1 ? 0 : -1;
}

static int
verify_one(struct db *db, const struct verify_options *o,
    const struct body_check_row *row, struct verify_done *out, struct fail *f)
{
	struct naming n = {.o = o, .body = row->id};
	struct fail why;

	out->bodies++;
	out->octets += row->size;
	if (body_check(db, row->id, &why) == 0)
		return 0;
	out->damaged++;
	n.what = why.text;
	return o->damaged != NULL ? db_read(db, name_holders, &n, f) : 0;
}

int
verify_bodies(struct db *mail, const struct verify_options *o,
    struct verify_done *out, struct fail *f)
{
	struct body_check_batch b = {.n = 0};
	struct backup_pace pace = {
	    .watch = o->watch, .gentle = o->gentle, .what = "messages"};

	*out = (struct verify_done){0};
	if (db_read(mail, sum_octets, &pace.total, f) == -1)
		return -1;
	backup_pace_start(&pace);
	do {
		if (db_read(mail, body_check_next, &b, f) == -1)
			return -1;
		for (size_t i = 0; i < b.n; i++)
			if (verify_one(mail, o, &b.rows[i], out, f) == -1 ||
			    backup_pace_step(&pace, b.rows[i].size, f) == -1)
				return -1;
	} while (b.n > 0);
	return 0;
}
