/* SPDX-License-Identifier: MIT */
/* Every damaged message is named by all who hold it, and no other. */
#include "common/store/verify.h"
#include "tests/unit/store/fixture.h"

struct named {
	char text[2000];
	unsigned n;
	bool stop;
};

static void
note(void *arg, const struct verify_damage *d)
{
	struct named *n = arg;
	size_t at = strlen(n->text);

	n->n++;
	CHECK(d->what[0] != '\0');
	snprintf(n->text + at, sizeof(n->text) - at, "%.*s|%.*s|%u|%.*s\n",
	    STR_FMT(d->login), STR_FMT(d->mailbox), (unsigned)d->uid,
	    STR_FMT(d->message_id));
}

static bool
stop(void *arg)
{
	return ((struct named *)arg)->stop;
}

/* Message n, for alice and bob, and somebody elsewhere. */
static void
keep(struct fixture *x, unsigned n, bool remote)
{
	struct delivery_target targets[] = {
	    {x->alice, STR("alice@d.test"), .original = STR("")},
	    {x->bob,   STR("bob@d.test"),   .original = STR("")},
	    {0,        STR("z@far.test"),   .original = STR("")},
	};
	struct fail f;
	struct buf text;

	buf_init(&text, KB);
	buf_addf(&text,
	    "From: x@y.test\r\nMessage-ID: <%u@y.test>\r\n\r\n"
	    "some words that are long enough %u\r\n",
	    n, n);
	CHECK(fixture_deliver(x, buf_str(&text), targets, remote ? 3 : 1, &f) >
	      0);
	buf_release(&text);
}

static void
run(struct fixture *x, const char *sql)
{
	CHECK(sqlite3_exec(x->db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static int
change(struct db *db, void *arg, struct fail *f)
{
	(void)db;
	(void)f;
	run(arg,
	    "UPDATE body SET hash = zeroblob(32) WHERE id = 2;"
	    "UPDATE body_data SET data = substr(data, 1, 20) WHERE body = 4;");
	return 0;
}

int
main(void)
{
	struct fixture x;
	struct named n = {.n = 0};
	struct verify_done done;
	struct fail f;
	const struct verify_options o = {
	    .damaged = note,
	    .watch = {.stop = stop, .arg = &n},
	    .arg = &n,
	};

	fixture_init(&x);
	for (unsigned i = 1; i <= 5; i++)
		keep(&x, i, i == 4);
	MUST(verify_bodies(x.db, &o, &done, &why));
	CHECK(done.bodies == 5 && done.damaged == 0 && n.n == 0);
	CHECK((int64_t)done.octets ==
	      fixture_number(&x, "SELECT sum(size) FROM body"));

	MUST(db_write(x.db, change, &x, &why));
	MUST(verify_bodies(x.db, &o, &done, &why));
	CHECK(done.bodies == 5 && done.damaged == 2);
	CHECK_STR(n.text, "alice@d.test|INBOX|2|<2@y.test>\n"
			  "alice@d.test|INBOX|4|<4@y.test>\n"
			  "bob@d.test|INBOX|1|<4@y.test>\n"
			  "||0|<id@remote.test>\n");
	n.stop = true;
	CHECK(verify_bodies(x.db, &o, &done, &f) == -1 && f.kind == FAIL_TEMP);
	fixture_release(&x);
	return TEST_EXIT();
}
