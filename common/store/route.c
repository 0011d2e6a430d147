/* SPDX-License-Identifier: MIT */
#include "common/store/route.h"

#include "common/mime/addr.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define DEPTH_MAX   20
#define SEEN_MAX    2000 /* addresses looked at for one recipient */
#define ADDRESS_MAX sizeof(((struct route_target *)0)->address)

static const char sql_domain[] = "SELECT 1 FROM domain WHERE name = ?1";
static const char sql_rows[] =
    "SELECT a.forward, c.id, c.login, c.quota_bytes, u.bytes"
    " FROM domain d JOIN address a ON a.domain = d.id"
    " LEFT JOIN account c ON c.id = a.account"
    " LEFT JOIN account_use u ON u.account = a.account"
    " WHERE d.name = ?1 AND a.local = ?2 ORDER BY a.n";
static const char sql_first[] =
    "SELECT NULL, c.id, c.login, c.quota_bytes, u.bytes"
    " FROM account c JOIN account_use u ON u.account = c.id"
    " WHERE c.state <> 2 ORDER BY c.id LIMIT 1";

/* An address that was met, and whether we are still inside it. */
struct seen {
	char address[ADDRESS_MAX];
	bool inside;
};

struct walk {
	struct db *db;
	const struct route_options *o;
	struct route *out;
	struct seen *seen;
	size_t n_seen;
	bool full, loop;
	struct fail *f;
};

/* What an address stands for: accounts and further addresses. */
struct rows {
	struct row {
		int64_t account; /* 0: follow `address' */
		char address[ADDRESS_MAX];
		uint64_t room; /* octets; UINT64_MAX: no quota */
	} * rows;
	size_t n;
};

static void
copy_address(char out[ADDRESS_MAX], struct str s)
{
	snprintf(out, ADDRESS_MAX, "%.*s", STR_FMT(s));
}

static uint64_t
room_of(sqlite3_stmt *st)
{
	int64_t quota = sql_int(st, 3), bytes = sql_int(st, 4);

	if (quota == 0)
		return UINT64_MAX;
	return bytes < quota ? (uint64_t)(quota - bytes) : 0;
}

/* All rows of a statement: gathered before any of them is followed, since
 * following runs the same statement. */
static int
gather(struct walk *w, sqlite3_stmt *st, struct rows *out)
{
	int got;

	out->n = 0;
	while ((got = sql_step(st, w->f)) == 1) {
		struct row *r;

		if (out->n == ROUTE_TARGETS_MAX) {
			w->loop = true;
			sqlite3_reset(st);
			return 0;
		}
		out->rows = mem_grow(out->rows, out->n + 1, sizeof(*out->rows));
		r = &out->rows[out->n++];
		*r = (struct row){
		    .account = sql_int(st, 1), .room = room_of(st)};
		copy_address(r->address, sql_text(st, r->account != 0 ? 2 : 0));
	}
	return got;
}

static int
rows_of(struct walk *w, struct str domain, struct str local, struct rows *out)
{
	return gather(
	    w, sql_bind(w->db, sql_rows, w->f, "tt", domain, local), out);
}

static struct seen *
find_seen(struct walk *w, struct str address)
{
	for (size_t i = 0; i < w->n_seen; i++)
		if (str_eq(str_of(w->seen[i].address), address))
			return &w->seen[i];
	return NULL;
}

static bool
is_duty(struct str local)
{
	return str_eq(local, STR("postmaster")) || str_eq(local, STR("abuse"));
}

/* Mail for postmaster and abuse reaches somebody (RFC 5321 s4.5.1, RFC 2142
 * s4): the address of the configuration, or the first account. */
static int
rows_of_duty(struct walk *w, struct rows *out)
{
	struct str duty = w->o->postmaster;

	if (duty.len > 0 && duty.len < ADDRESS_MAX &&
	    find_seen(w, duty) == NULL) {
		out->rows = MEM_NEW(struct row);
		copy_address(out->rows[0].address, duty);
		out->n = 1;
		return 0;
	}
	return gather(w, sql_bind(w->db, sql_first, w->f, ""), out);
}

static int
look_up(struct walk *w, struct str local, struct str domain, struct rows *out)
{
	struct str base = addr_base(local);

	if (rows_of(w, domain, local, out) == -1)
		return -1;
	if (out->n == 0 && base.len > 0 && base.len < local.len &&
	    rows_of(w, domain, base, out) == -1)
		return -1;
	if (out->n > 0)
		return 0;
	if (!w->o->own_only && is_duty(local))
		return rows_of_duty(w, out);
	return rows_of(w, domain, STR(""), out);
}

/* Add a target unless it is there. */
static void
add(struct walk *w, int64_t account, struct str address)
{
	struct route *r = w->out;

	for (size_t i = 0; i < r->n; i++)
		if (account != 0
			? r->targets[i].account == account
			: r->targets[i].account == 0 &&
			      str_eq(str_of(r->targets[i].address), address))
			return;
	if (r->n == ROUTE_TARGETS_MAX) {
		w->loop = true;
		return;
	}
	/* room doubles at each power of two */
	if ((r->n & (r->n - 1)) == 0)
		r->targets = mem_grow(
		    r->targets, r->n > 0 ? 2 * r->n : 1, sizeof(*r->targets));
	r->targets[r->n].account = account;
	copy_address(r->targets[r->n++].address, address);
}

static void
add_account(struct walk *w, const struct row *r)
{
	/* without a size announced there must be room for something */
	w->full |= r->room == 0 || r->room < w->o->size;
	if (r->room < w->out->room)
		w->out->room = r->room;
	add(w, r->account, str_of(r->address));
}

/* The first account there is, if any. */
static int
add_first(struct walk *w)
{
	struct rows rows = {0};
	int rc = gather(w, sql_bind(w->db, sql_first, w->f, ""), &rows);

	if (rc == 0 && rows.n > 0)
		add_account(w, &rows.rows[0]);
	free(rows.rows);
	return rc;
}

/* Enter an address, once: false when it is known or there are too many. */
static bool
enter(struct walk *w, struct str address, int depth)
{
	struct seen *s = find_seen(w, address);

	if (s != NULL || depth > DEPTH_MAX || w->n_seen == SEEN_MAX) {
		w->loop |= s == NULL || s->inside;
		return false;
	}
	w->seen = mem_grow(w->seen, w->n_seen + 1, sizeof(*w->seen));
	w->seen[w->n_seen].inside = true;
	copy_address(w->seen[w->n_seen++].address, address);
	return true;
}

/* The target of an alias whose domain became ours later may not be folded. */
static int
look_up_any(
    struct walk *w, struct str local, struct str domain, struct rows *out)
{
	struct buf folded;
	int rc;

	buf_init(&folded, ADDR_MAX);
	rc = look_up(w,
	    addr_local_fold(local, &folded) ? buf_str(&folded) : local, domain,
	    out);
	buf_release(&folded);
	return rc;
}

/* Everything an address leads to.  0, or -1. */
static int
expand(struct walk *w, struct str address, int depth)
{
	struct rows rows = {0};
	struct str local, domain;
	size_t me = w->n_seen;
	int64_t one;
	int rc;

	if (!addr_split(address, &local, &domain) || !enter(w, address, depth))
		return 0;
	rc = sql_number(w->db, &one, sql_domain, w->f, "t", domain);
	if (rc == 0)
		add(w, 0, address);
	if (rc == 1)
		rc = look_up_any(w, local, domain, &rows);
	for (size_t i = 0; i < rows.n && rc == 0 && !w->loop; i++) {
		const struct row *r = &rows.rows[i];

		if (r->account != 0)
			add_account(w, r);
		else
			rc = expand(w, str_of(r->address), depth + 1);
	}
	w->seen[me].inside = false;
	free(rows.rows);
	return rc;
}

/* A domain that is not ours: its local part is its own affair, case and all
 * (RFC 5321 s2.4). */
static int
find_remote(struct walk *w, struct str address, bool *remote)
{
	struct str local, domain;
	struct buf b;
	int64_t one;
	int rc = 0;

	*remote = false;
	if (!addr_split(address, &local, &domain) || local.len == 0)
		return 0;
	buf_init(&b, ADDR_MAX);
	if (addr_domain_fold(domain, &b))
		rc = sql_number(
		    w->db, &one, sql_domain, w->f, "t", buf_str(&b));
	else if (str_starts(domain, STR("[")))
		buf_add(&b, domain); /* RFC 5321 s4.1.3: an address literal */
	if (rc == 0 && b.len > 0 && local.len + 1 + b.len < ADDRESS_MAX) {
		char text[ADDRESS_MAX];

		snprintf(text, sizeof(text), "%.*s@%s", STR_FMT(local), b.data);
		add(w, 0, str_of(text));
		*remote = true;
	}
	buf_release(&b);
	return rc == -1 ? -1 : 0;
}

/* RFC 5321 s4.5.1: "postmaster" without a domain. */
static int
find_postmaster(struct walk *w)
{
	int rc = w->o->postmaster.len > 0 ? expand(w, w->o->postmaster, 0) : 0;

	if (rc == 0 && w->out->n == 0)
		rc = add_first(w);
	return rc;
}

static int
find_local(struct walk *w, struct str address)
{
	struct str local, domain;
	struct buf folded;
	int rc = 0;

	buf_init(&folded, ADDR_MAX);
	if (!addr_fold(address, &folded) || folded.len >= ADDRESS_MAX)
		goto out;
	rc = expand(w, buf_str(&folded), 0);
	/* a configured postmaster that leads nowhere */
	if (rc == 0 && w->out->n == 0 && !w->loop && !w->o->own_only &&
	    addr_split(buf_str(&folded), &local, &domain) && is_duty(local))
		rc = add_first(w);
out:
	buf_release(&folded);
	return rc;
}

static enum route_result
verdict(const struct walk *w)
{
	if (w->loop)
		return ROUTE_LOOP;
	if (w->full)
		return ROUTE_FULL;
	return w->out->n > 0 ? ROUTE_OK : ROUTE_UNKNOWN;
}

int
route_find(struct db *db, struct str address, const struct route_options *o,
    struct route *out, struct fail *f)
{
	struct walk w = {.db = db, .o = o, .out = out, .f = f};
	bool remote = false;
	int rc;

	*out = (struct route){.room = UINT64_MAX};
	if (str_eq_nocase(address, STR("postmaster"))) {
		rc = find_postmaster(&w);
	} else {
		rc = find_remote(&w, address, &remote);
		if (rc == 0 && !remote)
			rc = find_local(&w, address);
	}
	free(w.seen);
	if (rc == -1) {
		route_release(out);
		return -1;
	}
	out->result = remote ? ROUTE_REMOTE : verdict(&w);
	return 0;
}

void
route_release(struct route *r)
{
	free(r->targets);
	*r = (struct route){0};
}
