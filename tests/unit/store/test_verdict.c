/* SPDX-License-Identifier: MIT */
#include "common/mime/dsn.h"
#include "common/store/purge.h"
#include "common/store/srs_secret.h"
#include "common/store/verdict.h"
#include "tests/unit/store/fixture.h"

static const struct verdict sample = {
    .author = {"ann@a.test",			      10},
    .domain = {"a.test",				  6 },
    .network = {"192.0.2.0/24",                            12},
    .report = {"spf\tpass\tip=192.0.2.1\tmx matched\t\n", 34},
    .summary = {"spf=fail dmarc=fail -> refused",          30},
};

static struct buf seen;

static void
take(void *arg, const struct verdict *v)
{
	(void)arg;
	buf_clear(&seen);
	buf_addf(&seen, "%.*s|%.*s|%.*s|%.*s|%.*s", STR_FMT(v->author),
	    STR_FMT(v->domain), STR_FMT(v->network), STR_FMT(v->report),
	    STR_FMT(v->summary));
}

static int
put_refusal(struct db *db, void *arg, struct fail *f)
{
	const struct hop hops[] = {
	    {.at_ms = NOW,
             .daemon = HOP_SMTPD,
             .kind = HOP_RECEIVED,
             .peer = STR("mx.a.test [192.0.2.1]"),
             .detail = STR("ESMTP")},
	    {.at_ms = NOW,
             .daemon = HOP_SMTPD,
             .kind = HOP_REFUSED,
             .code = 550,
             .detail = STR("no")   },
	};
	const struct refusal r = {
	    .trace = *(int64_t *)arg,
	    .now_ms = NOW,
	    .sender = STR("ann@a.test"),
	    .message_id = STR("<1@a.test>"),
	    .size = 1234,
	    .hops = hops,
	    .n_hops = 2,
	    .verdict = &sample,
	};

	return refusal_put(db, &r, f);
}

static void
take_head(void *arg, const struct journey *j)
{
	(void)arg;
	buf_addf(&seen, "%.*s %.*s %d", STR_FMT(j->sender),
	    STR_FMT(j->message_id), (int)j->size);
}

static void
take_hop(void *arg, const struct hop *h)
{
	(void)arg;
	buf_addf(&seen, "; %s %s %d%s%.*s", hop_daemon_word(h->daemon),
	    hop_kind_word(h->kind), h->code, h->detail.len > 0 ? " " : "",
	    STR_FMT(h->detail));
	CHECK(h->at_ms == NOW);
}

static int
purge(struct db *db, void *arg, struct fail *f)
{
	size_t n;

	return purge_journeys_before(db, *(int64_t *)arg, 100, &n, f);
}

/* What was refused has a journey without a body, until it is old. */
static void
a_refusal(void)
{
	struct fixture x;
	struct fail f;
	int64_t trace = 77, later = NOW + 1;

	fixture_init(&x);
	CHECK(verdict_get(x.db, trace, take, NULL, &f) == 0);
	MUST(db_write(x.db, put_refusal, &trace, &why));
	CHECK(verdict_get(x.db, trace, take, NULL, &f) == 1);
	CHECK_STR(seen.data, "ann@a.test|a.test|192.0.2.0/24|"
			     "spf\tpass\tip=192.0.2.1\tmx matched\t\n"
			     "|spf=fail dmarc=fail -> refused");
	buf_clear(&seen);
	CHECK(journey_read(x.db, trace, take_head, take_hop, NULL, &f) == 1);
	/* what was found out stands behind the first, and is no row */
	CHECK_STR(seen.data, "ann@a.test <1@a.test> 1234; smtpd received 0"
			     " ESMTP; smtpd judged 0 spf=fail dmarc=fail ->"
			     " refused; smtpd refused 550 no");
	/* a twin is not taken, and leaves the first as it is */
	CHECK(db_write(x.db, put_refusal, &trace, &f) == -1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop") == 2);
	CHECK(fixture_is_clean(&x));
	MUST(db_write(x.db, purge, &later, &why));
	CHECK(fixture_number(&x, "SELECT count(*) FROM journey") == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop") == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM verdict") == 0);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
deliver_junk(struct db *db, void *arg, struct fail *f)
{
	struct fixture *x = arg;
	const struct delivery_target targets[] = {
	    {.account = x->bob,
             .address = STR("bob@d.test"),
             .notify = DSN_NOTIFY_SUCCESS},
	    {.account = x->alice,                 .address = STR("alice@d.test")       },
	};
	struct stage *stage = stage_new(x->dir);
	struct delivery d = {
	    .trace = ++x->trace,
	    .stage = stage,
	    .sender = STR("ann@a.test"),
	    .junk = true,
	    .verdict = &sample,
	    .now_ms = NOW,
	    .expires_ms = NOW + 1000,
	    .daemon = HOP_SMTPD,
	    .targets = targets,
	    .n_targets = 2,
	};
	int64_t mailboxes[2];
	size_t n;
	int rc;

	stage_add(stage, STR("Subject: cheap\r\n\r\nbuy\r\n"));
	rc = stage_seal(stage, STR(""), f);
	if (rc == 0)
		rc = delivery_run(db, &d, mailboxes, &n, f);
	stage_free(stage);
	return rc;
}

/* Junk goes to the mailbox for it, whatever its name; where there is none,
 * into the INBOX. */
static void
junk(void)
{
	struct fixture x;
	struct fail f;

	fixture_init(&x);
	MUST(txn_lock(x.db, &why));
	MUST(sql_run(x.db,
	    "UPDATE mailbox SET name = 'Bah' WHERE special = 4 AND account ="
	    " (SELECT id FROM account WHERE login = 'bob@d.test')",
	    &why, ""));
	MUST(sql_run(x.db,
	    "UPDATE mailbox SET special = 0 WHERE special = 4 AND account ="
	    " (SELECT id FROM account WHERE login = 'alice@d.test')",
	    &why, ""));
	txn_unlock(x.db);
	MUST(db_write(x.db, deliver_junk, &x, &why));
	CHECK(fixture_number(&x, "SELECT count(*) FROM message m JOIN mailbox b"
				 " ON b.id = m.mailbox"
				 " WHERE b.name = 'Bah'") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM message m JOIN mailbox b"
				 " ON b.id = m.mailbox"
				 " WHERE b.name = 'INBOX'") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 3"
				 " AND detail = 'Bah'") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 3"
				 " AND detail = 'INBOX'") == 1);
	CHECK(verdict_get(x.db, x.trace, take, NULL, &f) == 1);
	/* who may not be the sender hears nothing of it */
	CHECK(fixture_number(&x, "SELECT count(*) FROM report") == 0);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
make_secret(struct db *db, void *arg, struct fail *f)
{
	return srs_secret_make(db, arg, f);
}

static void
secret(void)
{
	uint8_t first[SRS_SECRET_OCTETS] = {0}, again[SRS_SECRET_OCTETS] = {0};
	struct fixture x;
	struct fail f;

	fixture_init(&x);
	CHECK(srs_secret_get(x.db, again, &f) == 0);
	MUST(db_write(x.db, make_secret, first, &why));
	CHECK(srs_secret_get(x.db, again, &f) == 1);
	CHECK(memcmp(first, again, sizeof(first)) == 0);
	MUST(db_write(x.db, make_secret, again, &why));
	CHECK(memcmp(first, again, sizeof(first)) == 0);
	CHECK(
	    memcmp(first, (uint8_t[SRS_SECRET_OCTETS]){0}, sizeof(first)) != 0);
	fixture_release(&x);
}

int
main(void)
{
	buf_init(&seen, 10 * KB);
	a_refusal();
	junk();
	secret();
	buf_release(&seen);
	return TEST_EXIT();
}
