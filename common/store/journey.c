/* SPDX-License-Identifier: MIT */
#include "common/store/hop.h"
#include "common/store/sql.h"

static const char sql_head[] =
    "SELECT at, sender, message_id, size FROM journey WHERE trace = ?1";

/* What was found out is a hop too; it has no row, to save writing one with
 * every message. */
static const char sql_hops[] =
    "SELECT at, daemon, kind, recipient, peer, code, detail, n FROM hop"
    " WHERE trace = ?1"
    " UNION ALL SELECT j.at, ?2, ?3, NULL, NULL, NULL, v.summary, 1.5"
    " FROM verdict v JOIN journey j ON j.trace = v.trace"
    " WHERE v.trace = ?1 AND v.summary <> '' ORDER BY n";

/* No index on either: written with every message, asked by a person now and
 * then.  trace is in order of time, so the newest come first. */
static const char sql_by_id[] =
    "SELECT trace FROM journey WHERE message_id = ?1"
    " ORDER BY trace DESC LIMIT ?2";

static const char sql_by_address[] =
    "SELECT trace FROM journey j WHERE message_id = ?1"
    " OR sender = ?2 COLLATE NOCASE"
    " OR EXISTS (SELECT 1 FROM hop h WHERE h.trace = j.trace"
    " AND h.recipient = ?2 COLLATE NOCASE)"
    " ORDER BY trace DESC LIMIT ?3";

int
journey_read(struct db *db, int64_t trace,
    void (*head)(void *arg, const struct journey *j),
    void (*hop)(void *arg, const struct hop *h), void *arg, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_head, f, "i", trace);
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	head(arg, &(struct journey){.trace = trace,
		      .at_ms = sql_int(st, 0),
		      .sender = sql_text(st, 1),
		      .message_id = sql_text(st, 2),
		      .size = (uint64_t)sql_int(st, 3)});
	sqlite3_reset(st);
	st = sql_bind(db, sql_hops, f, "iii", trace, (int64_t)HOP_SMTPD,
	    (int64_t)HOP_JUDGED);
	while ((got = sql_step(st, f)) == 1)
		hop(arg, &(struct hop){.trace = trace,
			     .at_ms = sql_int(st, 0),
			     .daemon = (enum hop_daemon)sql_int(st, 1),
			     .kind = (enum hop_kind)sql_int(st, 2),
			     .recipient = sql_text(st, 3),
			     .peer = sql_text(st, 4),
			     .code = (int)sql_int(st, 5),
			     .detail = sql_text(st, 6)});
	return got == 0 ? 1 : -1;
}

/* Message-IDs are kept with their angle brackets. */
static struct str
bracketed(struct str id, struct buf *b)
{
	if (str_starts(id, STR("<")))
		return id;
	buf_add_char(b, '<');
	buf_add(b, id);
	buf_add_char(b, '>');
	return buf_str(b);
}

int
journey_find(struct db *db, struct str message_id_or_address, int64_t *traces,
    size_t max, size_t *n, struct fail *f)
{
	struct str what = message_id_or_address;
	struct buf b;
	struct str id;
	sqlite3_stmt *st;
	int got;

	*n = 0;
	buf_init(&b, what.len + 2);
	id = bracketed(what, &b);
	if (str_starts(what, STR("<")))
		st = sql_bind(db, sql_by_id, f, "ti", id, (int64_t)max);
	else
		st = sql_bind(
		    db, sql_by_address, f, "tti", id, what, (int64_t)max);
	while ((got = sql_step(st, f)) == 1 && *n < max)
		traces[(*n)++] = sql_int(st, 0);
	if (got == 1)
		sqlite3_reset(st);
	buf_release(&b);
	return got == -1 ? -1 : 0;
}
