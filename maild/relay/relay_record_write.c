/* SPDX-License-Identifier: MIT */
#include "common/store/attempt.h"
#include "common/store/route.h"
#include "common/store/suppression.h"
#include "maild/relay/relay_record_state.h"

static size_t
n_wanted(const struct relay_record *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->lines[i].wanted;
	return n;
}

/* Does he not know it? */
static int
is_news(const struct relay_line *l, struct db *db, struct fail *f)
{
	int there = queue_is_there(db, l->key.trace, l->key.n,
	    str_of(l->address), str_of(l->domain), f);
	int told = 0;

	if (there == 1 && l->told)
		told = queue_is_told(db, l->key.trace, l->key.n, f);
	return told == -1 ? -1 : told == 1 ? 0 : there;
}

/* Whom a person took it back from while it was tried, or has sent it elsewhere
 * for, the DSN does not tell of; nor of those another one has told of. */
static int
forget_recalled(struct relay_record *r, struct db *db, struct fail *f)
{
	for (size_t i = 0; i < r->n; i++) {
		struct relay_line *l = &r->lines[i];
		int there = 0;

		if (l->wanted)
			there = is_news(l, db, f);
		if (there == -1)
			return -1;
		l->wanted = there == 1;
	}
	return 0;
}

/* Who shares the fate of those the DSN tells of. */
static int
count_others(
    struct relay_record *r, size_t wanted, struct db *db, struct fail *f)
{
	const struct relay_line *l = &r->lines[0];

	r->bounce.others = 0;
	if (!r->all)
		return 0;
	if (queue_untold(db, l->key.trace, str_of(l->domain), &r->bounce.others,
		f) == -1)
		return -1;
	/* they are among them, but for those a person holds by now */
	r->bounce.others -= wanted < r->bounce.others ? wanted
	                                              : r->bounce.others;
	return 0;
}

int
relay_record_choose(
    struct relay_record *r, struct db *db, size_t *n, struct fail *f)
{
	if (forget_recalled(r, db, f) == -1)
		return -1;
	*n = n_wanted(r);
	return *n > 0 ? count_others(r, *n, db, f) : 0;
}

/* What was taken back meanwhile has not failed: for the figures. */
static int
note_whether_gone(struct relay_line *l, struct db *db, struct fail *f)
{
	int there = 1;

	if (l->result != QUEUE_RELAYED)
		there = queue_is_there(db, l->key.trace, l->key.n,
		    str_of(l->address), str_of(l->domain), f);
	l->gone = there == 0;
	return there == -1 ? -1 : 0;
}

static int
write_line(
    struct relay_record *r, struct relay_line *l, struct db *db, struct fail *f)
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
	if (note_whether_gone(l, db, f) == -1)
		return -1;
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

/* The DSN tells of them as well, by their number. */
static int
tell_others(const struct relay_record *r, struct db *db, struct fail *f)
{
	const struct relay_line *l = &r->lines[0];
	size_t n = 0;

	if (r->bounce.others == 0)
		return 0;
	return queue_tell_all(db, l->key.trace, str_of(l->domain), &n, f);
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
	return r->bounces ? tell_others(r, db, f) : 0;
}
