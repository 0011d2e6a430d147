/* SPDX-License-Identifier: MIT */
/*
 * queue: recipients that wait to be relayed.
 *
 * delivery_run() puts them in; maild takes what is due, tries, and records
 * the outcome, the hop, and any DSN in one transaction.  What is being
 * tried is maild's knowledge, not the store's: after a crash it is simply due.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/store/hop.h"
#include "common/util/buf.h"
#include "common/util/str.h"

struct queue_entry { /* one recipient with its message; all strings malloc'd */
	int64_t trace;
	int n;
	char *address, *domain, *original; /* original may be NULL */
	bool held, paused;                 /* the recipient; its domain */
	int64_t next_ms, created_ms, expires_ms;
	int tries;
	int last_code;
	int64_t last_ms;              /* 0: not tried */
	char *last_reply, *last_host; /* may be NULL */
	char *sender;                 /* for MAIL FROM */
	char *return_to; /* who hears of it: the sender before SRS */
	char *original_recipient, *envelope_id; /* may be NULL */
	unsigned notify;                        /* 0: not said */
	int ret;
	int64_t hold_until_ms; /* 0: it was to go at once */
	bool told;             /* the sender knows that it takes long */
	int64_t body, account;
	uint64_t skip, size;
	bool utf8, eight_bit, binary, require_tls;
	bool
	    tls_optional; /* RFC 8689 s5: whatever policy the destination has */
};
void queue_entry_release(struct queue_entry *e);

/* Who is told of the fate of its mail.  NULL: nobody. */
const char *queue_entry_sender(const struct queue_entry *e);

struct queue_list {
	struct queue_entry *entries;
	size_t n;
};
void queue_list_release(struct queue_list *l);

/* Destinations with something due at now_ms and not paused, at most max: half
 * of them the most overdue; a quarter those whose newest mail came last, few of
 * each message, so that a letter finds its way past a mailing; and a quarter in
 * turn by name from `after' on (which is moved), so that nothing between these
 * waits for ever.  An array in one malloc'd block: free(turns) frees all. */
struct queue_turn {
	const char *domain;
	const char *who; /* sent what is due first: "#account" or a sender */
	bool tried;      /* and it was tried before */
};
int queue_turns(struct db *db, int64_t now_ms, size_t max, struct buf *after,
    struct queue_turn **turns, size_t *n, struct fail *f);

/* What is due for a destination, at most max: first, for a quarter of max, the
 * newest, few of each message; then the most overdue.  Nothing if it is paused.
 */
int queue_due(struct db *db, struct str domain, int64_t now_ms, size_t max,
    struct queue_list *out, struct fail *f);

/* May it be sent there still?  0 once it was dropped, recalled, held or sent
 * elsewhere, or the destination was paused. */
int queue_is_wanted(
    struct db *db, int64_t trace, int n, struct str domain, struct fail *f);

/* When something is next due whose destination is not paused; INT64_MAX when
 * nothing waits. */
int queue_next_due(struct db *db, int64_t *when_ms, struct fail *f);

enum queue_result {
	QUEUE_RELAYED,
	QUEUE_DEFERRED,
	QUEUE_FAILED,
	QUEUE_EXPIRED,
	QUEUE_DELIVERED, /* here: queue_deliver() instead of queue_record() */
};

struct queue_outcome {
	int64_t trace;
	int n;
	/* Whom and by which destination it was tried: for the hop, should the
	 * row be gone, and to know the row by.  Empty: whatever it says. */
	struct str address, domain;
	enum queue_result result;
	int64_t next_ms; /* QUEUE_DEFERRED: when to try again */
	int64_t now_ms;
	int code;          /* SMTP reply code, 0 if there was none */
	struct str reply;  /* the remote's words, or our sentence */
	struct str host;   /* "mx.example.org [192.0.2.1]" */
	struct str detail; /* of the hop: TLS and the like, then the reply */
	bool report; /* QUEUE_RELAYED: write a report row, if it is asked for */
	bool told;   /* QUEUE_DEFERRED: a DSN says so, in this transaction */
};

/* Record one outcome and its hop.  A recipient that is done leaves the queue,
 * its message's last one takes the body's reference along.  A recipient that
 * is no longer there (dropped or recalled while it was being tried, and the row
 * may be another one's now) is no error; if it was QUEUE_RELAYED the hop is
 * written all the same, since it did go.  Of one that goes elsewhere by now
 * there is the hop alone, unless it was QUEUE_RELAYED: then it is done.  In a
 * write transaction. */
int queue_record(struct db *db, const struct queue_outcome *o, struct fail *f);

/* Is it there still, for that destination?  1, 0, -1. */
int queue_is_there(struct db *db, int64_t trace, int n, struct str address,
    struct str domain, struct fail *f);

/* Was its sender told that it takes long?  1, 0 (also if it is not there), -1.
 */
int queue_is_told(struct db *db, int64_t trace, int n, struct fail *f);

/* All of a message that wait for a destination, and whose sender wants to know
 * that it takes long and does not: how many; and that he was told, from now
 * on. */
int queue_untold(
    struct db *db, int64_t trace, struct str domain, size_t *n, struct fail *f);
int queue_tell_all(
    struct db *db, int64_t trace, struct str domain, size_t *n, struct fail *f);

/* What waits for a time more than most_ms from now, and not since its sender
 * says so, was put off by a clock that went wrong: it is due at some time
 * before that.  In a write transaction. */
int queue_bring_nearer(
    struct db *db, int64_t now_ms, int64_t most_ms, size_t *n, struct fail *f);

/* One that is due, as far as it decides what becomes of it. */
struct queue_due_row {
	struct str address;
	int tries;
	int64_t since_ms; /* when it was to go first */
	int64_t expires_ms;
	bool told;     /* the sender knows that it takes long */
	bool ours;     /* an account submitted it */
	bool nameless; /* nobody is told of its fate */
	bool tls_optional;
	unsigned notify;
};

struct queue_key {
	int64_t trace;
	int n;
};

struct attempt_row;

/* What is true of all that is due for a destination.  Those in `except' are
 * left alone, and those for which next() has no time. */
struct queue_put_off {
	struct str domain;
	int64_t due_ms; /* what was due by then */
	int64_t now_ms;
	int code; /* these as in struct queue_outcome */
	struct str reply, host, detail;
	const struct attempt_row *attempt; /* once for each message, or NULL */
	const struct queue_key *except;
	size_t n_except;
	/* When to try it again; 0: leave it as it is; -1. */
	int64_t (*next)(void *arg, struct db *db, const struct queue_due_row *r,
	    struct fail *f);
	void *arg;

	/* kept from one call to the next; zero at first */
	int64_t trace, next_ms, n;
	int64_t said;         /* the last message that has the attempt */
	size_t put_off, left; /* in all; left: by next() */
};

/* Record for at most max recipients that they were QUEUE_DEFERRED, with a hop
 * each, as queue_record() would.  1: there may be more, 0: these were all, -1:
 * *p is as it was.  In a write transaction. */
int queue_put_off(
    struct db *db, struct queue_put_off *p, size_t max, struct fail *f);

/* A recipient of ours whose time has come (FUTURERELEASE): the message goes
 * where the address leads now: into mailboxes, and for what leads elsewhere
 * there are new recipients.  With hops, report row and removal from the queue.
 * Nothing is done for one that was dropped, held, paused or sent elsewhere
 * meanwhile.  FAIL_QUOTA or FAIL_PERM (no such address): nothing is changed.
 * mailboxes is grown, owned by the caller.  In a write transaction. */
struct route_options;
int queue_deliver(struct db *db, const struct queue_outcome *of,
    const struct route_options *o, int64_t **mailboxes, size_t *n_mailboxes,
    struct fail *f);

/* Which recipients a person means: all that is set must hold.  Patterns know
 * `*' (any octets) and `?' (one), whatever the case.  Each recipient is in one
 * of these states: the first of held, scheduled, paused that is true. */
enum queue_state {
	QUEUE_ANY,
	QUEUE_WAITING,   /* not tried yet, or to be tried again */
	QUEUE_HELD,      /* by a person */
	QUEUE_SCHEDULED, /* by its sender: FUTURERELEASE, or the undo window */
	QUEUE_PAUSED,    /* its domain is */
};
enum queue_state queue_entry_state(const struct queue_entry *e, int64_t now_ms);
struct queue_filter {
	int64_t trace;        /* 0: every message */
	int64_t account;      /* who submitted it; 0: whoever */
	struct str domain;    /* pattern for the destination; empty: all */
	struct str sender;    /* pattern for the reverse-path; "<>": null */
	struct str recipient; /* pattern, also for the alias it came by */
	enum queue_state state;
	int64_t before_ms, after_ms; /* accepted then or earlier, or later;
	                              * 0: whenever */
};

/* For people: by trace, at most max. */
int queue_read(struct db *db, const struct queue_filter *q, int64_t now_ms,
    size_t max, struct queue_list *out, struct fail *f);

/* What has still to happen to a message: its recipients that wait, and reports
 * to be sent. */
int queue_left(struct db *db, int64_t trace, size_t *n, struct fail *f);

/* How many recipients wait, and how many are held. */
int queue_count(struct db *db, size_t *waiting, size_t *held, struct fail *f);

enum queue_order {
	QUEUE_RETRY,
	QUEUE_HOLD,
	QUEUE_RELEASE,
	QUEUE_DROP,
	QUEUE_RECALL,  /* drop, by who had sent it: the filter has an account */
	QUEUE_REROUTE, /* from now on to `to': "=host:port", or by MX if empty
	                */
};

/* Change recipients; a hop each by mailctl, or for QUEUE_RECALL by daemon.
 * What its sender has scheduled goes before its time only by a QUEUE_RETRY
 * whose filter names the message or that state.  Nobody gets a DSN of what is
 * dropped or recalled.  In a write transaction. */
struct queue_command {
	enum queue_order order;
	struct queue_filter which;
	struct str to;
	enum hop_daemon daemon; /* 0: mailctl */
	int64_t now_ms;
};
int queue_change(struct db *db, const struct queue_command *c, size_t *changed,
    struct fail *f);

/* The same in parts, when it may be much and others want to write meanwhile:
 * first all that the filter means, by trace, an array to be freed also after
 * -1, in a read transaction; then some of them at a time, as far as the filter
 * means them still.  Each part stands when a later one fails. */
int queue_find(struct db *db, const struct queue_filter *q, int64_t now_ms,
    struct queue_key **keys, size_t *n, struct fail *f);
int queue_change_some(struct db *db, const struct queue_command *c,
    const struct queue_key *keys, size_t n, size_t *changed, struct fail *f);

/* A destination's key in struct queue_entry's domain: a folded domain, whose MX
 * or smarthost is asked, a literal "[192.0.2.1]", or "=host:port" after
 * QUEUE_REROUTE: that server, whatever its name. */
#define QUEUE_REROUTED '='

/* Stop what goes to a domain, and let it go on; 1 changed, 0 it was so, -1. */
int queue_pause(struct db *db, struct str domain, struct str why,
    int64_t now_ms, struct fail *f);
int queue_unpause(struct db *db, struct str domain, struct fail *f);
int queue_paused(struct db *db,
    void (*fn)(void *arg, struct str domain, int64_t since_ms, struct str why),
    void *arg, struct fail *f);

/* Recipients by destination and age, as qshape shows them: for each domain, the
 * fullest first and at most max. */
#define QUEUE_AGES 8
extern const int64_t queue_ages_ms[QUEUE_AGES - 1]; /* bounds: 5 min ... */
struct queue_shape {
	struct str domain;
	size_t total, ages[QUEUE_AGES];
	int64_t next_ms;       /* the first one's; 0: all are held */
	struct str last_reply; /* the newest, or empty; valid during the call */
	bool paused;
};
/* All together: total and ages. */
int queue_shape_all(
    struct db *db, int64_t now_ms, struct queue_shape *out, struct fail *f);
int queue_shape(struct db *db, int64_t now_ms, size_t max,
    void (*fn)(void *arg, const struct queue_shape *s), void *arg,
    struct fail *f);

#endif
