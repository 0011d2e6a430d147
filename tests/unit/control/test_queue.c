/* SPDX-License-Identifier: MIT */
/* The commands about the queue: what they take, refuse, and answer. */
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/control/command.h"
#include "common/store/account.h"
#include "common/store/attempt.h"
#include "common/store/delivery.h"
#include "common/store/queue.h"
#include "common/store/sql.h"
#include "common/store/suppression.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define NOW  1795000000000LL
#define HOUR INT64_C(3600000)

static int64_t
fixed_time(void *arg)
{
	(void)arg;
	return NOW;
}

static const struct clock fixed_clock = {fixed_time, fixed_time, NULL};

struct world {
	char dir[64];
	struct control control;
	struct control_outcome outcome;
	int64_t bob;
	char ids[3][TRACE_TEXT_MAX]; /* submitted, from elsewhere, gone */
};

static void
must(int rc, const struct fail *f)
{
	if (rc != -1)
		return;
	fprintf(stderr, "%s\n", f->text);
	exit(1);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

/* Run a request given as JSON text with ' for ". */
static json_t *
ask(struct world *w, const char *text)
{
	char *line = mem_dup(str_of(text));
	json_t *request, *reply;

	for (char *c = line; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	request = json_loads(line, 0, NULL);
	if (request == NULL)
		abort();
	reply = control_run(&w->control, request, &w->outcome);
	json_decref(request);
	free(line);
	return reply;
}

/* The same with an id for %s. */
static json_t *
ask_of(struct world *w, const char *text, const char *id)
{
	struct buf b;
	json_t *reply;

	buf_init(&b, KB);
	while (*text != '\0')
		if (text[0] == '%' && text[1] == 's') {
			buf_add(&b, str_of(id));
			text += 2;
		} else {
			buf_add_char(&b, *text++);
		}
	reply = ask(w, b.data);
	buf_release(&b);
	return reply;
}

static bool
is_refused(struct world *w, const char *text, const char *id, const char *kind,
    const char *words)
{
	json_t *reply = ask_of(w, text, id);
	const char *got = json_string_value(json_object_get(reply, "kind"));
	const char *said = json_string_value(json_object_get(reply, "text"));
	bool good = json_is_false(json_object_get(reply, "ok")) &&
	            strcmp(got, kind) == 0 && strstr(said, words) != NULL &&
	            !w->outcome.ok;

	if (!good)
		fprintf(stderr, "%s: %s: %s\n", text, got, said);
	json_decref(reply);
	return good;
}

/* How many a command has changed, or -1. */
static json_int_t
changed(struct world *w, const char *text, const char *id)
{
	json_t *reply = ask_of(w, text, id);
	json_int_t n = -1;

	if (json_is_true(json_object_get(reply, "ok"))) {
		n = json_integer_value(json_object_get(reply, "changed"));
		CHECK(w->outcome.effects == CONTROL_QUEUE);
	}
	json_decref(reply);
	return n;
}

static size_t
listed(struct world *w, const char *text)
{
	json_t *reply = ask(w, text);
	size_t n = json_array_size(json_object_get(reply, "recipients"));

	CHECK(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	return n;
}

static int
deliver(struct db *db, void *arg, struct fail *f)
{
	return delivery_run(db, arg, NULL, NULL, f);
}

static void
send(struct world *w, int i, int64_t account, const char *a, const char *b)
{
	struct delivery_target targets[] = {
	    {.address = str_of(a)}, {.address = str_of(b)}};
	struct stage *stage = stage_new(w->dir);
	struct delivery d = {.trace = 1000 + i,
	    .stage = stage,
	    .sender = STR("bob@d.test"),
	    .message_id = STR("<1@d.test>"),
	    .now_ms = NOW - (2 + i) * HOUR,
	    .expires_ms = NOW + HOUR,
	    .daemon = HOP_SMTPD,
	    .account = account,
	    .targets = targets,
	    .n_targets = 2};
	struct fail f;

	stage_add(stage, STR("Subject: x\r\n\r\nhello\r\n"));
	must(stage_seal(stage, STR(""), &f), &f);
	must(db_write(w->control.mail, deliver, &d, &f), &f);
	stage_free(stage);
	trace_text(d.trace, w->ids[i]);
}

static int
people(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;
	int64_t ann;

	if (domain_add(db, STR("d.test"), NOW, f) == -1 ||
	    account_add(db, STR("ann@d.test"), 0, NOW, &ann, f) == -1)
		return -1;
	return account_add(db, STR("bob@d.test"), 0, NOW, &w->bob, f);
}

/* One was relayed, the other one tried. */
static int
try_both(struct db *db, void *arg, struct fail *f)
{
	struct queue_outcome o = {.trace = 1000,
	    .n = 1,
	    .result = QUEUE_RELAYED,
	    .now_ms = NOW - HOUR,
	    .code = 250,
	    .reply = STR("2.0.0 ok"),
	    .host = STR("mx.one.test [192.0.2.1]")};
	struct attempt_row a = {.at_ms = NOW - HOUR,
	    .host = o.host,
	    .dialogue = STR("C: EHLO d.test\nS: 451 4.2.0 no\n")};

	(void)arg;
	if (queue_record(db, &o, f) == -1)
		return -1;
	o.n = 2;
	o.result = QUEUE_DEFERRED;
	o.code = 451;
	o.next_ms = NOW + HOUR;
	o.reply = STR("4.2.0 no");
	if (queue_record(db, &o, f) == -1 || attempt_put(db, 1000, &a, f) == -1)
		return -1;
	o.trace = 1002;
	o.result = QUEUE_RELAYED;
	if (queue_record(db, &o, f) == -1)
		return -1;
	o.n = 1;
	o.result = QUEUE_FAILED;
	o.now_ms = NOW;
	return queue_record(db, &o, f);
}

static void
open_world(struct world *w)
{
	struct fail f = {0};

	*w = (struct world){.dir = "/tmp/control-XXXXXX"};
	if (mkdtemp(w->dir) == NULL)
		abort();
	w->control.mail = db_open(w->dir, DB_MAIL, DB_WRITER, &f);
	w->control.auth = db_open(w->dir, DB_AUTH, DB_WRITER, &f);
	w->control.clock = &fixed_clock;
	must(w->control.mail != NULL && w->control.auth != NULL ? 0 : -1, &f);
	must(db_write(w->control.mail, people, w, &f), &f);
	send(w, 0, w->bob, "a@one.test", "b@one.test");
	send(w, 1, 0, "c@two.test", "d@[192.0.2.7]");
	send(w, 2, w->bob, "e@one.test", "f@two.test");
	must(db_write(w->control.mail, try_both, w, &f), &f);
}

static void
close_world(struct world *w)
{
	db_close(w->control.mail);
	db_close(w->control.auth);
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
lists(struct world *w)
{
	CHECK(listed(w, "{'command':'queue.list'}") == 3);
	CHECK(listed(w, "{'command':'queue.list','domain':'TWO.test.'}") == 1);
	CHECK(listed(w, "{'command':'queue.list','domain':'*.test'}") == 2);
	CHECK(
	    listed(w, "{'command':'queue.list','domain':'[192.0.2.7]'}") == 1);
	CHECK(listed(w, "{'command':'queue.list','recipient':'?@*'}") == 3);
	CHECK(listed(w, "{'command':'queue.list','older':10800000}") == 2);
	CHECK(listed(w, "{'command':'queue.list','older':10800001}") == 0);
	CHECK(listed(w, "{'command':'queue.list','newer':10799999}") == 1);
	CHECK(listed(w,
		  "{'command':'queue.list','older':9223372036854775807}") == 0);
	CHECK(listed(w, "{'command':'queue.list','state':'Waiting'}") == 3);
	CHECK(is_refused(w, "{'command':'queue.list','state':'stuck'}", "",
	    "usage", "waiting, held, scheduled or paused"));
	CHECK(is_refused(w, "{'command':'queue.list','domain':'a b'}", "",
	    "usage", "is no domain"));
	CHECK(is_refused(w, "{'command':'queue.list','older':-1}", "", "usage",
	    "older must be"));
}

static void
show(struct world *w)
{
	json_t *reply = ask_of(
	    w, "{'command':'queue.show','id':'%s'}", w->ids[0]);
	json_t *row = json_array_get(json_object_get(reply, "recipients"), 0);
	json_t *said = json_array_get(json_object_get(reply, "attempts"), 0);

	CHECK(json_array_size(json_object_get(reply, "recipients")) == 1);
	CHECK(json_array_size(json_object_get(reply, "attempts")) == 1);
	CHECK_STR(
	    json_string_value(json_object_get(row, "destination")), "one.test");
	CHECK_STR(json_string_value(json_object_get(said, "host")),
	    "mx.one.test [192.0.2.1]");
	CHECK_STR(json_string_value(json_object_get(said, "dialogue")),
	    "C: EHLO d.test\nS: 451 4.2.0 no\n");
	json_decref(reply);
	CHECK(is_refused(w, "{'command':'queue.show','id':'%s'}", w->ids[2],
	    "permanent", "waits"));
}

static void
reroute(struct world *w)
{
	static const struct {
		const char *to, *key; /* key NULL: refused */
	} rows[] = {
	    {"MX.Backup.test",        "=mx.backup.test:25"  },
	    {"mx.backup.test:2525",   "=mx.backup.test:2525"},
	    {"192.0.2.9",             "=[192.0.2.9]:25"     },
	    {"[192.0.2.9]:1",         "=[192.0.2.9]:1"      },
	    {"[2001:DB8::0:1]:65535", "=[2001:db8::1]:65535"},
	    {"MX",		    "mx"                  },
	    {"2001:db8::1",           NULL                  },
	    {"[2001:db8::1",          NULL                  },
	    {"[x]:25",                NULL                  },
	    {"x.test:",               NULL                  },
	    {"x.test:0",              NULL                  },
	    {"x.test:65536",          NULL                  },
	    {"x.test:25x",            NULL                  },
	    {"=x.test:25",            NULL                  },
	    {"x y",                   NULL                  },
	};
	const char *order = "{'command':'queue.reroute','recipient':'c@*',"
			    "'to':'%s'}";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].key == NULL) {
			CHECK(is_refused(
			    w, order, rows[i].to, "usage", "is no server"));
			continue;
		}
		json_t *reply = ask_of(w, order, rows[i].to);
		CHECK_STR(json_string_value(json_object_get(reply, "to")),
		    rows[i].key);
		CHECK(
		    json_integer_value(json_object_get(reply, "changed")) == 1);
		json_decref(reply);
	}
	CHECK(listed(w, "{'command':'queue.list','domain':'two.test'}") == 1);
	CHECK(is_refused(
	    w, "{'command':'queue.reroute','to':'mx'}", "", "usage", "or all"));
	CHECK(is_refused(w, "{'command':'queue.reroute','all':true}", "",
	    "usage", "needs \"to\""));
}

static void
recall(struct world *w)
{
	const char *order = "{'command':'queue.recall','id':'%s'}";
	const char *as_ann = "{'command':'queue.recall','id':'%s',"
			     "'as':'ann@d.test'}";
	const char *as_bob = "{'command':'queue.recall','id':'%s',"
			     "'as':'bob@d.test'}";
	json_t *reply, *gone;

	CHECK(is_refused(w, as_ann, w->ids[0], "permanent", "has not sent it"));
	CHECK(is_refused(w, order, w->ids[1], "permanent", "queue drop"));
	/* of two ends, the last one is told */
	CHECK(is_refused(w, order, w->ids[2], "permanent",
	    "it was refused and returned by mx.one.test [192.0.2.1], "
	    "2026-11-18T"));
	CHECK(is_refused(
	    w, order, "0000000000001", "permanent", "no message of this id"));
	reply = ask_of(w, as_bob, w->ids[0]);
	CHECK(json_integer_value(json_object_get(reply, "changed")) == 1);
	gone = json_array_get(json_object_get(reply, "gone"), 0);
	CHECK_STR(json_string_value(json_object_get(gone, "recipient")),
	    "a@one.test");
	CHECK_STR(json_string_value(json_object_get(gone, "what")), "relayed");
	CHECK_STR(json_string_value(json_object_get(gone, "peer")),
	    "mx.one.test [192.0.2.1]");
	json_decref(reply);
	CHECK(w->outcome.effects == CONTROL_QUEUE);
	CHECK(is_refused(w, order, w->ids[0], "permanent", "recalled already"));
}

static void
pausing(struct world *w)
{
	json_t *reply;

	CHECK(changed(w, "{'command':'queue.pause','domain':'TWO.test'}", "") ==
	      0);
	CHECK(listed(w, "{'command':'queue.list','state':'paused'}") == 1);
	CHECK(is_refused(w, "{'command':'queue.pause','domain':'two.test'}", "",
	    "permanent", "paused already"));
	reply = ask(w, "{'command':'queue.summary'}");
	CHECK(json_integer_value(json_object_get(reply, "total")) == 2);
	CHECK(json_array_size(json_object_get(reply, "destinations")) == 2);
	CHECK(json_array_size(json_object_get(reply, "paused")) == 1);
	CHECK(json_is_false(json_object_get(reply, "more")));
	json_decref(reply);
	reply = ask(w, "{'command':'queue.summary','max':1}");
	CHECK(json_integer_value(json_object_get(reply, "total")) == 2);
	CHECK(json_array_size(json_object_get(reply, "destinations")) == 1);
	CHECK(json_is_true(json_object_get(reply, "more")));
	json_decref(reply);
	CHECK(changed(w, "{'command':'queue.resume','domain':'two.test'}",
		  "") == 0);
	CHECK(is_refused(w, "{'command':'queue.resume','domain':'two.test'}",
	    "", "permanent", "is not paused"));
	CHECK(changed(w,
		  "{'command':'queue.hold','sender':'BOB@*',"
		  "'state':'waiting'}",
		  "") == 2);
	CHECK(changed(w, "{'command':'queue.release','older':0,'id':'%s'}",
		  w->ids[1]) == 2);
}

/* Who follows a journey asks for what is new, and how much is to come. */
static void
journey(struct world *w)
{
	json_t *reply = ask_of(
	    w, "{'command':'journey','what':'%s'}", w->ids[1]);
	json_t *j = json_array_get(json_object_get(reply, "journeys"), 0);
	size_t n = json_array_size(json_object_get(j, "hops"));
	char text[100];

	CHECK(n >= 2);
	CHECK(json_integer_value(json_object_get(j, "left")) == 2);
	for (size_t after = 0; after < n + 2; after++) {
		snprintf(text, sizeof(text),
		    "{'command':'journey','what':'%%s','after':%zu}", after);
		json_t *rest = ask_of(w, text, w->ids[1]);
		json_t *k = json_array_get(
		    json_object_get(rest, "journeys"), 0);
		json_t *hops = json_object_get(k, "hops");
		CHECK(json_array_size(hops) == (after < n ? n - after : 0));
		if (after < n)
			CHECK(json_equal(json_array_get(hops, 0),
			    json_array_get(json_object_get(j, "hops"), after)));
		json_decref(rest);
	}
	json_decref(reply);
	reply = ask_of(w, "{'command':'journey','what':'%s'}", w->ids[2]);
	j = json_array_get(json_object_get(reply, "journeys"), 0);
	CHECK(json_integer_value(json_object_get(j, "left")) == 0);
	json_decref(reply);
}

static int
note_refusal(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return suppression_note(
	    db, STR("X@far.test"), false, STR("5.1.1 nobody"), NOW, f);
}

static void
suppressed(struct world *w)
{
	struct fail f;
	json_t *reply, *row;

	must(db_write(w->control.mail, note_refusal, NULL, &f), &f);
	reply = ask(w, "{'command':'suppress.list'}");
	row = json_array_get(json_object_get(reply, "addresses"), 0);
	CHECK_STR(
	    json_string_value(json_object_get(row, "address")), "x@far.test");
	CHECK(json_integer_value(json_object_get(row, "refusals")) == 1);
	CHECK_STR(
	    json_string_value(json_object_get(row, "reply")), "5.1.1 nobody");
	CHECK(json_is_false(json_object_get(reply, "more")));
	json_decref(reply);
	reply = ask(w, "{'command':'suppress.remove','address':'x@FAR.test'}");
	CHECK(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	CHECK(is_refused(w,
	    "{'command':'suppress.remove','address':'x@far.test'}", "",
	    "permanent", "is not suppressed"));
}

static int
add_many(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_run(db,
	    "WITH RECURSIVE c (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < 1300) INSERT INTO recipient (trace, n, address, domain,"
	    " next_at) SELECT (SELECT max(trace) FROM queue), i,"
	    " 'x@many.test', 'm' || (i % 70) || '.many.test', 1795000000000"
	    " FROM c",
	    f, "");
}

/* More than one transaction, and more destinations than are shown. */
static void
many(struct world *w)
{
	const char *which = "*@many.test";
	json_t *before = ask(w, "{'command':'queue.summary'}"), *after;
	struct fail f;

	CHECK(json_is_false(json_object_get(before, "more")));
	must(db_write(w->control.mail, add_many, NULL, &f), &f);
	after = ask(w, "{'command':'queue.summary','max':70}");
	CHECK(json_is_true(json_object_get(after, "more")));
	CHECK(json_array_size(json_object_get(after, "destinations")) == 70);
	CHECK(json_integer_value(json_object_get(after, "total")) ==
	      json_integer_value(json_object_get(before, "total")) + 1201);
	json_decref(before);
	json_decref(after);
	CHECK(changed(w, "{'command':'queue.hold','recipient':'%s'}", which) ==
	      1201);
	CHECK(changed(w, "{'command':'queue.hold','recipient':'%s'}", which) ==
	      0);
	CHECK(changed(w, "{'command':'queue.drop','recipient':'%s'}", which) ==
	      1201);
}

int
main(void)
{
	struct world w;

	open_world(&w);
	lists(&w);
	show(&w);
	journey(&w);
	reroute(&w);
	recall(&w);
	pausing(&w);
	suppressed(&w);
	many(&w);
	close_world(&w);
	return TEST_EXIT();
}
