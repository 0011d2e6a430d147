/* SPDX-License-Identifier: MIT */
/* The checker sees each thing that may not be so in mailboxes. */
#include "tests/unit/store/fixture.h"

static void
gather(void *arg, const char *sentence)
{
	buf_addf(arg, "%s\n", sentence);
}

static void
each_damage_is_seen(void)
{
	static const struct {
		const char *damage, *complaint;
	} cases[] = {
	    {"UPDATE mailbox_state SET messages = 4 WHERE mailbox = 1",
             "its counters say 4"											    },
	    {"UPDATE mailbox_state SET unseen = 1 WHERE mailbox = 1",
             "its counters say 2 (1, 0)"										     },
	    {"UPDATE mailbox_state SET deleted = 1 WHERE mailbox = 1",
             "its counters say 2 (2, 1)"										     },
	    {"UPDATE mailbox_state SET bytes = 1 WHERE mailbox = 1",            "of 1"                                       },
	    {"UPDATE account_use SET bytes = 1",                                "account alice@d.test"                       },
	    {"UPDATE message SET modseq = 99 WHERE uid = 2",
             "a modseq not given"											    },
	    {"UPDATE message SET uid = 99 WHERE uid = 2",                       "a UID not given"                            },
	    {"UPDATE message SET size = 1 WHERE uid = 2",                       "another size"                               },
	    {"UPDATE message SET body = 99 WHERE uid = 2",                      "has no body"                                },
	    {"UPDATE message SET mailbox = 99 WHERE uid = 2",                   "has no mailbox"                             },
	    {"UPDATE message SET flags = 1 << 9 WHERE uid = 2",
             "message 2 of mailbox 1 has a keyword without a name"                                                           },
	    {"UPDATE message SET flags = 1 << 5 WHERE uid = 2",
             "has a keyword without a name"										  },
	    {"UPDATE mailbox_state SET changed = 50 WHERE mailbox = 2",
             "mailbox 2 has a state that cannot be"									  },
	    {"UPDATE mailbox_state SET recent_uid = 50 WHERE mailbox = 2",
             "mailbox 2 has a state that cannot be"									  },
	    {"UPDATE mailbox SET special = 2 WHERE id = 2",
             "mailboxes 2 and 3 have one use"										},
	    {"UPDATE mailbox SET uid_validity = 4000000000 WHERE id = 2",
             "a UIDVALIDITY not given"										       },
	    {"INSERT INTO expunged VALUES (1, 2, 2, 2)",                        "2:2 are not right"                          },
	    {"INSERT INTO expunged VALUES (1, 2, 3, 9)",                        "3:9 are not right"                          },
	    {"INSERT INTO metadata VALUES (2, 1, '/private/x', x'')",
             "metadata of account 2 names mailbox 1"									 },
	    {"INSERT INTO metadata VALUES (1, 99, '/private/x', x'')",
             "names mailbox 99"											      },
	    {"INSERT INTO body_info VALUES (99, NULL, x'', x'', x'', x'', '')",
             "what is known of body 99 has no body"									  },
	    {"INSERT INTO verdict VALUES (99, '', '', '', '', '')",
             "what was found out about 99 has no journey"								    },
	    {"INSERT INTO report VALUES (9, 1, 1, 'x@e.test', 'a@d.test', NULL,"
	     " NULL, 0, 0, 99, 0, NULL, NULL, 0, 0)",              "a report on 9 has no body"                  },
	    {"UPDATE body SET hash = zeroblob(32) WHERE id = 1",
             "its hash differs"											      },
	    {"UPDATE body SET refs = 2 WHERE id = 1",                           "its count says 2"                           },
	    {"UPDATE message SET pop3 = 5 << 32 | 7",
             "two messages of mailbox 1 have the UIDL 5.7"								   },
	    {"UPDATE message SET pop3 = 1 + (SELECT uid_validity FROM mailbox"
	     " WHERE id = 1) * 4294967296 WHERE uid = 2",          "messages 2 and 1 of mailbox 1 have one UIDL"},
	};
	struct fixture x;
	struct delivery_target t;
	struct fail f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf said;

		fixture_init(&x);
		t = (struct delivery_target){
		    x.alice, STR("alice@d.test"), .original = STR("")};
		for (int k = 0; k < 2; k++)
			CHECK(fixture_deliver(&x, STR("12345\r\n"), &t, 1, &f) >
			      0);
		CHECK(fixture_is_clean(&x));
		MUST(txn_lock(x.db, &why));
		MUST(sql_exec(x.db->sqlite, cases[i].damage, &why));
		txn_unlock(x.db);
		buf_init(&said, 10000);
		CHECK(db_check(x.db, gather, &said, &f) == 1);
		if (strstr(said.data != NULL ? said.data : "",
			cases[i].complaint) == NULL)
			CHECK_STR(said.data, cases[i].complaint);
		buf_release(&said);
		fixture_release(&x);
	}
}

int
main(void)
{
	each_damage_is_seen();
	return TEST_EXIT();
}
