/* SPDX-License-Identifier: MIT */
#include "common/store/tls_result.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_add[] =
    "INSERT INTO tls_result"
    " (day, domain, policy, result, host, ip, source, reason, sessions)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    " ON CONFLICT DO UPDATE SET"
    " sessions = sessions + excluded.sessions, reason = excluded.reason";
static const char sql_next[] = "SELECT day, domain FROM tls_result"
			       " WHERE (day, domain) > (?1, ?2) AND day < ?3"
			       " ORDER BY day, domain LIMIT 1";
static const char sql_read[] =
    "SELECT policy, result, host, ip, source, reason, sessions FROM tls_result"
    " WHERE day = ?1 AND domain = ?2"
    " ORDER BY policy, result, host, ip, source LIMIT ?3";
static const char sql_remove[] =
    "DELETE FROM tls_result WHERE day = ?1 AND domain = ?2";

#define TEXTS 6 /* columns of sql_read, from the first on */

int
tls_result_add(struct db *db, const struct tls_result_row *r, struct fail *f)
{
	return sql_run(db, sql_add, f, "ittttttti", r->day, r->domain,
	    r->policy, r->result, r->host, r->ip, r->source, r->reason,
	    r->sessions);
}

int
tls_result_next(struct db *db, int64_t before_day, int64_t *day,
    char domain[TLS_RESULT_DOMAIN_MAX], struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_next, f, "iti", *day, str_of(domain), before_day);
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	*day = sql_int(st, 0);
	snprintf(
	    domain, TLS_RESULT_DOMAIN_MAX, "%.*s", STR_FMT(sql_text(st, 1)));
	sqlite3_reset(st);
	return 1;
}

void
tls_result_list_release(struct tls_result_list *l)
{
	for (size_t i = 0; i < l->n_texts; i++)
		free(l->texts[i]);
	free(l->texts);
	free(l->rows);
	*l = (struct tls_result_list){0};
}

/* A policy is kilobytes: rows of one share it. */
static bool
is_shared(const struct tls_result_list *l, sqlite3_stmt *st, int column)
{
	return column == 0 && l->n > 0 &&
	       str_eq(sql_text(st, 0), l->rows[l->n - 1].policy);
}

static struct str
keep(struct tls_result_list *l, sqlite3_stmt *st, int column)
{
	if (is_shared(l, st, column))
		return l->rows[l->n - 1].policy;
	l->texts[l->n_texts] = sql_dup(st, column);
	return str_of(l->texts[l->n_texts++]);
}

static bool
has_room(struct tls_result_list *l, sqlite3_stmt *st,
    const struct tls_result_limits *limits)
{
	for (int i = 0; i < TEXTS; i++)
		if (!is_shared(l, st, i))
			l->octets += sql_text(st, i).len;
	return l->n < limits->rows && l->octets <= limits->octets;
}

int
tls_result_read(struct db *db, int64_t day, struct str domain,
    const struct tls_result_limits *limits, struct tls_result_list *out,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_read, f, "iti", day, domain, (int64_t)limits->rows + 1);
	int got;

	*out = (struct tls_result_list){
	    .rows = mem_new(limits->rows, sizeof(*out->rows)),
	    .texts = mem_new(TEXTS * limits->rows, sizeof(*out->texts)),
	};
	while ((got = sql_step(st, f)) == 1) {
		struct tls_result_row *r = &out->rows[out->n];
		struct str *const columns[TEXTS] = {&r->policy, &r->result,
		    &r->host, &r->ip, &r->source, &r->reason};

		if (!has_room(out, st, limits)) {
			out->more = true;
			sqlite3_reset(st);
			return 0;
		}
		r->day = day;
		r->sessions = sql_int(st, TEXTS);
		for (int i = 0; i < TEXTS; i++)
			*columns[i] = keep(out, st, i);
		out->n++;
	}
	if (got == -1)
		tls_result_list_release(out);
	return got;
}

int
tls_result_remove(struct db *db, int64_t day, struct str domain, struct fail *f)
{
	return sql_run(db, sql_remove, f, "it", day, domain);
}
