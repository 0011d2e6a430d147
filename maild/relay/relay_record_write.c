/* SPDX-License-Identifier: MIT */
#include "common/store/attempt.h"
#include "common/store/route.h"
#include "common/store/suppression.h"
#include "maild/relay/relay_record_state.h"

static int
write_line(struct relay_record *r, const struct relay_line *l, struct db *db,
    struct fail *f)
{
	const struct route_options here = {
	    .postmaster = str_of(r->deps.conf->server_postmaster)};
	const struct queue_outcome o = {
	    .trace = l->key.trace,
	    .n = l->key.n,
	    .address = str_of(l->address),
	    .domain = str_of(l->domain),
	    .result = l->result,
	    .next_ms = l->next_ms,
	    .now_ms = l->now_ms,
	    .code = l->code,
	    .reply = str_of(l->reply),
	    .host = str_of(l->host),
	    .detail = str_of(l->detail),
	    .report = l->report,
	    .told = l->told,
	};

	if (l->result == QUEUE_DELIVERED)
		return queue_deliver(
		    db, &o, &here, &r->mailboxes, &r->n_mailboxes, f);
	return queue_record(db, &o, f);
}

static bool
is_success(const struct relay_line *l)
{
	return l->result == QUEUE_RELAYED || l->result == QUEUE_DELIVERED;
}

/* Another server's word that nobody has this address: not a full mailbox, not a
 * matter of what was sent (RFC 3463 s3.2; 5.1.10: RFC 7505 s4.2). */
static bool
is_nobody(const struct relay_line *l)
{
	static const char *const codes[] = {"5.1.1", "5.1.6", "5.1.10"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (str_eq(str_of(l->enhanced), str_of(codes[i])))
			return l->result == QUEUE_FAILED && l->asked &&
			       l->code >= 550;
	return false;
}

static int
note_address(const struct relay_line *l, struct db *db, struct fail *f)
{
	if (l->result != QUEUE_RELAYED && !is_nobody(l))
		return 0;
	return suppression_note(db, str_of(l->address),
	    l->result == QUEUE_RELAYED, str_of(l->reply), l->now_ms, f);
}

struct looking {
	const struct attempt_row *row;
	bool there; /* the newest is the same */
};

static void
compare(void *arg, const struct attempt_row *a)
{
	struct looking *l = arg;

	l->there = a->at_ms == l->row->at_ms && str_eq(a->host, l->row->host) &&
	           str_eq(a->dialogue, l->row->dialogue);
}

/* Once for each message; another record of the same attempt, with a DSN for
 * some of its recipients, may have put it there. */
static int
write_attempt(struct relay_record *r, const struct relay_line *l, struct db *db,
    struct fail *f)
{
	const struct attempt_row row = {.at_ms = r->said_ms,
	    .host = str_of(r->host),
	    .dialogue = str_of(r->dialogue)};
	struct looking look = {&row, false};

	if (r->dialogue == NULL || is_success(l))
		return 0;
	for (const struct relay_line *o = r->lines; o < l; o++)
		if (o->key.trace == l->key.trace && !is_success(o))
			return 0;
	if ((relay_line_is_given_up(l) || l->told) &&
	    attempt_list(db, l->key.trace, compare, &look, f) == -1)
		return -1;
	return look.there ? 0 : attempt_put(db, l->key.trace, &row, f);
}

int
relay_record_write(struct relay_record *r, struct db *db, struct fail *f)
{
	r->n_mailboxes = 0;
	for (size_t i = 0; i < r->n; i++)
		if (write_line(r, &r->lines[i], db, f) == -1 ||
		    note_address(&r->lines[i], db, f) == -1 ||
		    write_attempt(r, &r->lines[i], db, f) == -1)
			return -1;
	return 0;
}
