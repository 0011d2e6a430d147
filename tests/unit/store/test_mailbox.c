/* SPDX-License-Identifier: MIT */
#include "tests/unit/store/fixture.h"

struct expunge {
	int64_t mailbox;
	const uint32_t *uids;
	size_t n, removed;
};

static int
expunge(struct db *db, void *arg, struct fail *f)
{
	struct expunge *e = arg;
	struct hop who = {.at_ms = NOW + 7,
	    .daemon = HOP_POPD,
	    .peer = STR("client.test"),
	    .recipient = STR("alice@d.test")};

	return mailbox_expunge(
	    db, e->mailbox, e->uids, e->n, &who, &e->removed, f);
}

static void
list_and_expunge(void)
{
	static const struct {
		uint32_t uids[6];
		size_t n, removed;
		int64_t ranges; /* of tombstones altogether after it */
		const char *left;
	} steps[] = {
	    {{0},              0, 0, 0, "1 2 3 4 5 6 7 8 9 10 "},
	    {{2, 3, 4, 6},     4, 4, 2, "1 5 7 8 9 10 "        },
	    {{2, 3, 4, 6},     4, 0, 2, "1 5 7 8 9 10 "        },
	    {{4, 5, 6, 7, 99}, 5, 2, 4, "1 8 9 10 "            },
	    {{10},             1, 1, 5, "1 8 9 "               },
	    {{1, 8, 9},        3, 3, 7, ""                     },
	};
	struct fixture x;
	struct delivery_target t;
	struct mailbox m;
	struct fail f;

	fixture_init(&x);
	t = (struct delivery_target){x.alice, STR("alice@d.test"), STR("")};
	for (int i = 0; i < 10; i++)
		CHECK(fixture_deliver(&x, STR("12345\r\n"), &t, 1, &f) > 0);
	CHECK(mailbox_find(x.db, x.alice, STR("Sent"), &m, &f) == 0);
	CHECK(mailbox_find(x.db, 4711, STR("INBOX"), &m, &f) == 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct message_entry *entries;
		struct expunge e;
		struct buf b;
		size_t n;

		CHECK(mailbox_find(x.db, x.alice, STR("INBOX"), &m, &f) == 1);
		e = (struct expunge){m.id, steps[i].uids, steps[i].n, 99};
		MUST(db_write(x.db, expunge, &e, &why));
		CHECK(e.removed == steps[i].removed);
		MUST(mailbox_list(x.db, m.id, &entries, &n, &why));
		buf_init(&b, 1000);
		buf_addf(&b, "%s", "");
		for (size_t k = 0; k < n; k++) {
			buf_addf(&b, "%u ", entries[k].uid);
			CHECK(entries[k].size == 7 && entries[k].flags == 0);
			CHECK(entries[k].trace == 1000 + entries[k].uid);
		}
		CHECK_STR(b.data != NULL ? b.data : "", steps[i].left);
		buf_release(&b);
		free(entries);
		CHECK(mailbox_find(x.db, x.alice, STR("INBOX"), &m, &f) == 1);
		CHECK(m.messages == n && m.bytes == 7 * n);
		CHECK(fixture_number(&x, "SELECT count(*) FROM expunged") ==
		      steps[i].ranges);
		CHECK(fixture_is_clean(&x));
	}
	CHECK(fixture_number(&x,
		  "SELECT count(*) FROM hop WHERE kind = 11 AND daemon = 3"
		  " AND peer = 'client.test' AND at = 1795000000007") == 10);
	/* a UID is not given again */
	CHECK(fixture_deliver(&x, STR("12345\r\n"), &t, 1, &f) > 0);
	CHECK(fixture_number(&x, "SELECT uid FROM message") == 11);
	CHECK(m.uid_validity >= NOW / 1000);
	fixture_release(&x);
}

static void
the_last_uid(void)
{
	struct fixture x;
	struct delivery_target t;
	struct fail f;

	fixture_init(&x);
	t = (struct delivery_target){x.alice, STR("alice@d.test"), STR("")};
	MUST(txn_lock(x.db, &why));
	MUST(sql_exec(x.db->sqlite,
	    "UPDATE mailbox_state SET uid_next = 4294967294", &why));
	txn_unlock(x.db);
	CHECK(fixture_deliver(&x, STR("x\r\n"), &t, 1, &f) > 0);
	CHECK(fixture_deliver(&x, STR("x\r\n"), &t, 1, &f) == -1);
	CHECK(f.kind == FAIL_QUOTA);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

int
main(void)
{
	list_and_expunge();
	the_last_uid();
	return TEST_EXIT();
}
