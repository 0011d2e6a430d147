/* SPDX-License-Identifier: MIT */
#include "common/mime/dsn.h"
#include "common/store/account.h"
#include "common/store/dsn_report.h"
#include "common/store/queue.h"
#include "common/store/route.h"
#include "tests/unit/store/fixture.h"

#define PEOPLE 100

struct crowd {
	char logins[PEOPLE][32];
	int64_t ids[PEOPLE];
	struct delivery_target targets[PEOPLE + 3];
};

static int
add_crowd(struct db *db, void *arg, struct fail *f)
{
	struct crowd *c = arg;

	for (size_t i = 0; i < PEOPLE; i++) {
		snprintf(
		    c->logins[i], sizeof(c->logins[i]), "user%zu@d.test", i);
		if (account_add(
			db, str_of(c->logins[i]), 0, NOW, &c->ids[i], f) == -1)
			return -1;
		c->targets[i] = (struct delivery_target){
		    c->ids[i], str_of(c->logins[i]), .original = STR("")};
	}
	return 0;
}

static void
one_body_for_many(void)
{
	struct fixture x;
	struct crowd c;
	struct fail f;

	fixture_init(&x);
	MUST(db_write(x.db, add_crowd, &c, &why));
	/* one of them twice, and two recipients elsewhere, one twice */
	c.targets[PEOPLE] = c.targets[7];
	c.targets[PEOPLE + 1] = (struct delivery_target){
	    0, STR("X@Remote.Test"), .original = STR("")};
	c.targets[PEOPLE + 2] = c.targets[PEOPLE + 1];
	CHECK(fixture_deliver(&x, STR("Subject: hi\r\n\r\nall\r\n"), c.targets,
		  PEOPLE + 3, &f) > 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM body") == 1);
	CHECK(fixture_number(&x, "SELECT refs FROM body") == PEOPLE + 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") == PEOPLE);
	CHECK(fixture_number(&x, "SELECT count(*) FROM recipient") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM recipient WHERE"
				 " domain = 'remote.test'"
				 " AND address = 'X@Remote.Test'") == 1);
	/* a hop for each copy, one for the queue */
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 3") ==
	      PEOPLE);
	CHECK(
	    fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 4") == 1);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static void
set_quota(struct fixture *x, uint64_t quota)
{
	MUST(txn_lock(x->db, &why));
	MUST(account_set_quota(x->db, STR("bob@d.test"), quota, &why));
	txn_unlock(x->db);
}

static void
nothing_for_one_who_is_full(void)
{
	struct fixture x;
	struct fail f;
	char *big = fixture_noise(3000, 1);
	struct delivery_target both[2];

	fixture_init(&x);
	both[0] = (struct delivery_target){
	    x.alice, STR("alice@d.test"), .original = STR("")};
	both[1] = (struct delivery_target){
	    x.bob, STR("bob@d.test"), .original = STR("")};
	CHECK(fixture_deliver(&x, (struct str){big, 3000}, both, 2, &f) > 0);
	/* one octet less than two of them need */
	set_quota(&x, 5999);
	CHECK(fixture_deliver(&x, (struct str){big, 3000}, both, 2, &f) == -1);
	CHECK(f.kind == FAIL_QUOTA);
	CHECK_STR(f.text, "mailbox of bob@d.test is full");
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") == 2);
	CHECK(fixture_number(&x, "SELECT count(*) FROM body") == 1);
	set_quota(&x, 6000);
	CHECK(fixture_deliver(&x, (struct str){big, 3000}, both, 2, &f) > 0);
	CHECK(fixture_is_clean(&x));
	free(big);
	fixture_release(&x);
}

static void
routed_hop_and_hops_before(void)
{
	struct fixture x;
	struct fail f;
	struct delivery_target t;
	struct hop received = {.at_ms = NOW,
	    .daemon = HOP_SMTPD,
	    .kind = HOP_RECEIVED,
	    .peer = STR("mx.remote.test [192.0.2.1]"),
	    .code = 0,
	    .detail = STR("ESMTPS")};
	struct stage *s;
	struct delivery d;

	fixture_init(&x);
	t = (struct delivery_target){
	    x.alice, STR("alice@d.test"), .original = STR("team@d.test")};
	s = stage_new(x.dir);
	stage_add(s, STR("body\r\n"));
	MUST(stage_seal(s, STR("Return-Path: <>\r\n"), &why));
	CHECK(stage_size(s) == 23);
	d = fixture_delivery(77, s, &t, 1);
	d.hops = &received;
	d.n_hops = 1;
	MUST(db_write(x.db, fixture_deliver_work, &d, &why));
	CHECK(fixture_number(&x, "SELECT group_concat(kind, '') FROM hop"
				 " WHERE trace = 77 ORDER BY n") == 123);
	CHECK(fixture_number(&x, "SELECT size FROM journey") == 23);
	/* a twin is refused, and nothing of it stays */
	CHECK(db_write(x.db, fixture_deliver_work, &d, &f) == -1);
	CHECK(f.kind == FAIL_TEMP);
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") == 1);
	CHECK(fixture_is_clean(&x));
	stage_free(s);
	fixture_release(&x);
}

static void
what_cannot_be_queued(void)
{
	static const struct {
		const char *address;
		const char *domain; /* NULL: refused */
	} cases[] = {
	    {"x@Remote.TEST",                  "remote.test" },
	    {"x@[192.0.2.1]",                  "[192.0.2.1]" },
	    {"\"a@b\"@remote.test",            "remote.test" },
	    {"x@\xc3\xa4.test",                "xn--4ca.test"},
	    {"nobody",			 NULL          },
	    {"a\r\nRCPT TO:<v@x>@remote.test", NULL          },
	    {"x@",			     NULL          },
	    {"x@-.test",                       NULL          },
	};
	struct fixture x;

	fixture_init(&x);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct delivery_target t = {
		    0, str_of(cases[i].address), .original = STR("")};
		struct fail f;
		int64_t trace = fixture_deliver(&x, STR("m\r\n"), &t, 1, &f);

		CHECK((trace > 0) == (cases[i].domain != NULL));
		if (trace < 0) {
			CHECK(f.kind == FAIL_PERM);
			continue;
		}
		struct queue_list l;
		MUST(queue_read(x.db, &(struct queue_filter){.trace = trace},
		    NOW, 10, &l, &why));
		CHECK(l.n == 1);
		CHECK_STR(l.entries[0].domain, cases[i].domain);
		CHECK_STR(l.entries[0].address, cases[i].address);
		queue_list_release(&l);
	}
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int64_t
deliver_as(struct fixture *x, struct delivery *d)
{
	struct stage *s = stage_new(x->dir);

	stage_add(s, STR("Subject: hi\r\n\r\nx\r\n"));
	MUST(stage_seal(s, STR("Return-Path: <b@e.test>\r\n"), &why));
	d->trace = ++x->trace;
	d->stage = s;
	d->skip = 25;
	MUST(db_write(x->db, fixture_deliver_work, d, &why));
	stage_free(s);
	return d->trace;
}

static int
next_report(struct db *db, void *arg, struct fail *f)
{
	return dsn_report_next(db, 10, arg, f);
}

static int
remove_report(struct db *db, void *arg, struct fail *f)
{
	return dsn_report_remove(db, arg, f);
}

/* RFC 3461: who asked has a report row, which holds the body until it is
 * sent. */
static void
reports(void)
{
	struct fixture x;
	struct dsn_report_list l;
	struct delivery_target to[] = {
	    {.address = STR("alice@d.test"),
             .notify = DSN_NOTIFY_SUCCESS,
             .original_recipient = STR("rfc822;al@d.test")},
	    {.address = STR("far@e.test"),                              .notify = DSN_NOTIFY_SUCCESS},
	};
	struct delivery d;

	fixture_init(&x);
	to[0].account = x.alice;
	d = fixture_delivery(0, NULL, to, 2);
	d.envelope_id = STR("E");
	d.ret = DSN_RET_HDRS;
	d.relay_sender = STR("srs@d.test");
	deliver_as(&x, &d);
	CHECK(fixture_is_clean(&x));
	CHECK(fixture_number(&x, "SELECT refs FROM body") == 3);
	CHECK(fixture_number(&x, "SELECT count(*) FROM queue WHERE"
				 " sender = 'srs@d.test'"
				 " AND return_to = 'sender@remote.test'"
				 " AND envelope_id = 'E' AND ret = 2") == 1);
	MUST(db_read(x.db, next_report, &l, &why));
	CHECK(l.n == 1);
	if (l.n == 1) {
		const struct dsn_report *r = &l.rows[0].r;

		CHECK(r->action == DSN_REPORT_DELIVERED && r->skip == 25);
		CHECK(str_eq(r->sender, STR("sender@remote.test")));
		CHECK(str_eq(r->recipient, STR("alice@d.test")));
		CHECK(str_eq(r->original_recipient, STR("rfc822;al@d.test")));
		CHECK(str_eq(r->envelope_id, STR("E")) && r->host.len == 0);
	}
	MUST(db_write(x.db, remove_report, &l, &why));
	dsn_report_list_release(&l);
	CHECK(fixture_number(&x, "SELECT refs FROM body") == 2);
	CHECK(fixture_number(&x, "SELECT count(*) FROM report") == 0);
	/* nobody is told about mail from nobody */
	d.sender = STR("");
	deliver_as(&x, &d);
	CHECK(fixture_number(&x, "SELECT count(*) FROM report") == 0);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

struct release {
	struct queue_outcome of;
	int64_t *mailboxes;
	size_t n_mailboxes;
};

static int
let_go(struct db *db, void *arg, struct fail *f)
{
	const struct route_options o = {.size = 0};
	struct release *r = arg;

	return queue_deliver(db, &r->of, &o, &r->mailboxes, &r->n_mailboxes, f);
}

static int
lead_away(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return alias_add(db, STR("list@d.test"), STR("far@remote.test"), f);
}

static int
say_so(struct db *db, void *arg, struct fail *f)
{
	size_t changed;

	return queue_change(db, arg, &changed, f);
}

static int
stop_here(struct db *db, void *arg, struct fail *f)
{
	return *(bool *)arg ? queue_pause(db, STR("d.test"), STR(""), NOW, f)
	                    : queue_unpause(db, STR("d.test"), f);
}

/* It was taken to be delivered; then it is held, its domain paused, or it is
 * sent elsewhere; or the row is another one's by now. */
static void
unless_somebody_says_otherwise(struct fixture *x, struct release *r)
{
	struct release other = *r;
	struct queue_command c = {
	    .which = {.trace = r->of.trace}, .now_ms = NOW};
	bool paused = true;

	r->of.address = STR("alice@d.test");
	r->of.domain = STR("d.test");
	c.order = QUEUE_HOLD;
	MUST(db_write(x->db, say_so, &c, &why));
	MUST(db_write(x->db, let_go, r, &why));
	c.order = QUEUE_RELEASE;
	MUST(db_write(x->db, say_so, &c, &why));
	MUST(db_write(x->db, stop_here, &paused, &why));
	MUST(db_write(x->db, let_go, r, &why));
	paused = false;
	MUST(db_write(x->db, stop_here, &paused, &why));
	c.order = QUEUE_REROUTE;
	c.to = STR("=mx.e.test:25");
	MUST(db_write(x->db, say_so, &c, &why));
	MUST(db_write(x->db, let_go, r, &why));
	c.to = STR("");
	MUST(db_write(x->db, say_so, &c, &why));
	other.of.address = STR("bob@d.test");
	MUST(db_write(x->db, let_go, &other, &why));
	CHECK(r->n_mailboxes == 0 && other.n_mailboxes == 0);
	CHECK(fixture_number(x, "SELECT count(*) FROM message") == 0);
	CHECK(fixture_number(x, "SELECT count(*) FROM recipient") == 1);
}

/* A list whose mail is held is not said to have got it. */
static void
held_is_not_expanded(void)
{
	struct fixture x;
	const struct delivery_target two[] = {
	    {.address = STR("far@one.test"),
             .original = STR("list@d.test"),
             .notify = DSN_NOTIFY_SUCCESS},
	    {.address = STR("far@two.test"),
             .original = STR("list@d.test"),
             .notify = DSN_NOTIFY_SUCCESS},
	};
	struct delivery d;

	fixture_init(&x);
	d = fixture_delivery(0, NULL, two, 2);
	d.hold_until_ms = NOW + 5000;
	deliver_as(&x, &d);
	CHECK(fixture_number(&x, "SELECT count(*) FROM report") == 0);
	d.hold_until_ms = 0;
	deliver_as(&x, &d);
	CHECK(fixture_number(&x, "SELECT count(*) FROM report") == 1);
	fixture_release(&x);
}

/* RFC 4865: nothing is in a mailbox before its time. */
static void
held(void)
{
	struct fixture x;
	struct delivery_target to = {
	    .address = STR("alice@d.test"), .notify = DSN_NOTIFY_SUCCESS};
	struct delivery d;
	struct release r = {
	    .of = {.n = 1, .now_ms = NOW + 9}
        };
	struct fail f;

	fixture_init(&x);
	to.account = x.alice;
	d = fixture_delivery(0, NULL, &to, 1);
	d.hold_until_ms = NOW + 5000;
	r.of.trace = deliver_as(&x, &d);
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") == 0);
	CHECK(
	    fixture_number(&x, "SELECT next_at FROM recipient") == NOW + 5000);
	CHECK(fixture_number(&x, "SELECT expires FROM queue") ==
	      NOW + 1000000 + 5000);
	CHECK(fixture_is_clean(&x));
	unless_somebody_says_otherwise(&x, &r);
	MUST(db_write(x.db, let_go, &r, &why));
	CHECK(r.n_mailboxes == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM queue") == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM report") == 1);
	CHECK(fixture_is_clean(&x));
	/* a second time there is nothing to do */
	MUST(db_write(x.db, let_go, &r, &why));
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") == 1);
	/* gone meanwhile; or an alias to elsewhere */
	r.of.address = STR("");
	to.address = STR("nobody@d.test");
	r.of.trace = deliver_as(&x, &d);
	CHECK(db_write(x.db, let_go, &r, &f) == -1 && f.kind == FAIL_PERM);
	to.address = STR("list@d.test");
	MUST(db_write(x.db, lead_away, NULL, &why));
	r.of.trace = deliver_as(&x, &d);
	MUST(db_write(x.db, let_go, &r, &why));
	CHECK(fixture_number(&x, "SELECT n FROM recipient"
				 " WHERE address = 'far@remote.test'"
				 " AND original = 'list@d.test'") == 2);
	CHECK(fixture_is_clean(&x));
	free(r.mailboxes);
	fixture_release(&x);
}

int
main(void)
{
	one_body_for_many();
	nothing_for_one_who_is_full();
	routed_hop_and_hops_before();
	what_cannot_be_queued();
	reports();
	held();
	held_is_not_expanded();
	return TEST_EXIT();
}
