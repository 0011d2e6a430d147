/* SPDX-License-Identifier: MIT */
#include "tests/unit/store/fixture.h"

#define SEEN    MESSAGE_SEEN
#define DELETED MESSAGE_DELETED

/* Any call, in a transaction of its own. */
struct call {
	struct fixture *x;
	int64_t mailbox, to;
	const uint32_t *uids;
	size_t n;
	enum message_store how;
	uint64_t flags;
	int64_t unchanged_since;
	bool only_deleted, move;
	struct message_new *messages;
	const struct str *names;

	struct message_change *changes;
	struct message_pair *pairs;
	uint32_t *removed;
	uint32_t given[8];
	size_t n_out;
	int64_t modseq, to_modseq;
	uint64_t bits;
	int got;
};

static int
set_flags(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;

	return message_set_flags(db, c->mailbox, c->uids, c->n, c->how,
	    c->flags, c->unchanged_since, &c->changes, &c->n_out, &c->modseq,
	    f);
}

static int
expunge(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;
	struct hop who = {.at_ms = NOW + 7,
	    .daemon = HOP_POPD,
	    .peer = STR("client.test"),
	    .recipient = STR("alice@d.test")};

	return message_expunge(db, c->mailbox, c->uids, c->n, c->only_deleted,
	    &who, &c->removed, &c->n_out, &c->modseq, f);
}

static int
copy(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;

	return message_copy(db, c->mailbox, c->uids, c->n, c->to, c->move,
	    NOW + 99, &c->pairs, &c->n_out, &c->modseq, &c->to_modseq, f);
}

static int
append(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;

	return message_append(db, c->mailbox, c->messages, c->n, NOW + 50,
	    c->given, &c->modseq, f);
}

static int
keyword_bits(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;

	c->got = message_keyword_bits(
	    db, c->mailbox, c->names, c->n, &c->bits, f);
	return c->got == -1 ? -1 : 0;
}

static int64_t
box_id(struct fixture *x, const char *name)
{
	struct mailbox m;

	MUST(mailbox_find(x->db, x->alice, str_of(name), &m, &why) == 1 ? 0
									: -1);
	return m.id;
}

static struct mailbox
look(struct fixture *x, int64_t id)
{
	struct mailbox m = {0};

	CHECK(mailbox_find_id(x->db, id, &m, &(struct fail){0}) == 1);
	return m;
}

/* alice's INBOX with n messages of 7 octets. */
static int64_t
inbox_with(struct fixture *x, int n)
{
	struct delivery_target t;
	struct fail f;

	fixture_init(x);
	t = (struct delivery_target){
	    x->alice, STR("alice@d.test"), .original = STR("")};
	for (int i = 0; i < n; i++)
		CHECK(fixture_deliver(x, STR("12345\r\n"), &t, 1, &f) > 0);
	return box_id(x, "INBOX");
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
	struct fail f;
	int64_t id = inbox_with(&x, 10);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct message_row *rows;
		struct mailbox before = look(&x, id), m;
		struct call c = {
		    .mailbox = id, .uids = steps[i].uids, .n = steps[i].n};
		struct buf b;
		size_t n;

		MUST(db_write(x.db, expunge, &c, &why));
		CHECK(c.n_out == steps[i].removed);
		MUST(message_rows(
		    x.db, id, 1, UINT32_MAX, SIZE_MAX, &rows, &n, &why));
		buf_init(&b, 1000);
		for (size_t k = 0; k < n; k++) {
			buf_addf(&b, "%u ", rows[k].uid);
			CHECK(rows[k].size == 7 && rows[k].flags == 0);
			CHECK(rows[k].trace == 1000 + rows[k].uid);
			CHECK(rows[k].received_ms == NOW);
			CHECK(rows[k].saved_ms == NOW);
		}
		CHECK_STR(b.data != NULL ? b.data : "", steps[i].left);
		buf_release(&b);
		free(rows);
		m = look(&x, id);
		CHECK(m.messages == n && m.bytes == 7 * n && m.unseen == n);
		CHECK(m.modseq == c.modseq);
		CHECK(m.modseq == before.modseq + (c.n_out > 0));
		CHECK(m.changed == (c.n_out > 0 ? m.modseq : before.changed));
		CHECK(fixture_number(&x, "SELECT count(*) FROM expunged") ==
		      steps[i].ranges);
		CHECK(fixture_is_clean(&x));
		free(c.removed);
	}
	CHECK(fixture_number(&x,
		  "SELECT count(*) FROM hop WHERE kind = 11 AND daemon = 3"
		  " AND peer = 'client.test' AND at = 1795000000007") == 10);
	/* a UID is not given again */
	t = (struct delivery_target){
	    x.alice, STR("alice@d.test"), .original = STR("")};
	CHECK(fixture_deliver(&x, STR("12345\r\n"), &t, 1, &f) > 0);
	CHECK(fixture_number(&x, "SELECT uid FROM message") == 11);
	fixture_release(&x);
}

static void
the_last_uid(void)
{
	struct fixture x;
	struct delivery_target t;
	struct call c = {.n = 1};
	static const uint32_t uids[] = {4294967294};
	struct fail f;
	int64_t id = inbox_with(&x, 0);

	t = (struct delivery_target){
	    x.alice, STR("alice@d.test"), .original = STR("")};
	MUST(txn_lock(x.db, &why));
	MUST(sql_exec(x.db->sqlite,
	    "UPDATE mailbox_state SET uid_next = 4294967294", &why));
	txn_unlock(x.db);
	CHECK(fixture_deliver(&x, STR("x\r\n"), &t, 1, &f) > 0);
	CHECK(fixture_deliver(&x, STR("x\r\n"), &t, 1, &f) == -1);
	CHECK(f.kind == FAIL_QUOTA);
	c.mailbox = c.to = id;
	c.uids = uids;
	CHECK(db_write(x.db, copy, &c, &f) == -1 && f.kind == FAIL_QUOTA);
	c.move = true;
	CHECK(db_write(x.db, copy, &c, &f) == -1 && f.kind == FAIL_QUOTA);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static void
states_of_what_is_new(void)
{
	static const struct {
		uint32_t from;
		int64_t since;
		const char *want;
	} cases[] = {
	    {0, 0,         "1 2 3 4 5 "},
	    {1, 0,         "1 2 3 4 5 "},
	    {4, INT64_MAX, "4 5 "      },
	    {6, INT64_MAX, ""          },
	    {6, 6,         "2 4 "      }, /* changed by the seventh */
	    {5, 6,         "2 4 5 "    },
	    {6, 7,         ""          },
	};
	static const uint32_t uids[] = {2, 4};
	struct fixture x;
	int64_t id = inbox_with(&x, 5);
	struct call c = {.mailbox = id,
	    .uids = uids,
	    .n = 2,
	    .how = MESSAGE_ADD,
	    .flags = MESSAGE_FLAGGED,
	    .unchanged_since = INT64_MAX};

	MUST(db_write(x.db, set_flags, &c, &why));
	free(c.changes);
	CHECK(c.modseq == 7); /* five deliveries: 2 to 6 */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message_state *s;
		struct buf b;
		size_t n;

		MUST(message_states(
		    x.db, id, cases[i].from, cases[i].since, &s, &n, &why));
		buf_init(&b, 100);
		for (size_t k = 0; k < n; k++) {
			bool chosen = s[k].uid == 2 || s[k].uid == 4;

			buf_addf(&b, "%u ", s[k].uid);
			CHECK(s[k].modseq == (chosen ? 7 : s[k].uid + 1));
			CHECK(s[k].flags == (chosen ? MESSAGE_FLAGGED : 0));
		}
		CHECK_STR(b.data != NULL ? b.data : "", cases[i].want);
		buf_release(&b);
		free(s);
	}
	fixture_release(&x);
}

/* Each step on what the one before it left. */
static void
flags(void)
{
	static const struct {
		uint32_t uids[4];
		size_t n;
		enum message_store how;
		uint64_t flags;
		int64_t since;
		const char *want; /* uid=flags, * changed, ! modified */
		uint64_t unseen, deleted;
	} steps[] = {
	    {{1, 2},       2, MESSAGE_ADD,    SEEN,           INT64_MAX, "1=1* 2=1* ",     2, 0},
	    {{1, 2, 3},    3, MESSAGE_ADD,    SEEN,           INT64_MAX, "1=1 2=1 3=1* ",  1, 0},
	    {{1, 2, 3},    3, MESSAGE_ADD,    SEEN,           INT64_MAX, "1=1 2=1 3=1 ",   1, 0},
	    {{2, 4, 9},    3, MESSAGE_SET,    DELETED,        INT64_MAX, "2=8* 4=8* ",     2, 2},
	    {{1, 2, 3, 4}, 4, MESSAGE_REMOVE, SEEN | DELETED, INT64_MAX,
             "1=0* 2=0* 3=0* 4=0* ",						       4, 0},
	    {{1},          1, MESSAGE_ADD,    1 << 2,         INT64_MAX, "1=4* ",          4, 0},
 /* modseqs now: 1 has 10, the others 9 */
	    {{1, 2},       2, MESSAGE_ADD,    SEEN,           9,         "1=4! 2=1* ",     3, 0},
	    {{1, 2, 3},    3, MESSAGE_REMOVE, SEEN,           9,         "1=4! 2=1! 3=0 ", 3, 0},
	    {{3},          1, MESSAGE_SET,    0,              0,         "3=0! ",          3, 0},
	    {{7},          1, MESSAGE_SET,    0,              INT64_MAX, "",               3, 0},
	    {{1, 2, 3},    3, MESSAGE_SET,    SEEN | DELETED, INT64_MAX,
             "1=9* 2=9* 3=9* ",							    1, 3},
	};
	struct fixture x;
	int64_t id = inbox_with(&x, 4);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct mailbox before = look(&x, id), m;
		struct call c = {.mailbox = id,
		    .uids = steps[i].uids,
		    .n = steps[i].n,
		    .how = steps[i].how,
		    .flags = steps[i].flags,
		    .unchanged_since = steps[i].since};
		bool any = false;
		struct buf b;

		MUST(db_write(x.db, set_flags, &c, &why));
		buf_init(&b, 200);
		for (size_t k = 0; k < c.n_out; k++) {
			const struct message_change *g = &c.changes[k];
			bool changed = g->now.modseq != g->before;

			any = any || changed;
			CHECK(!changed || g->now.modseq == c.modseq);
			buf_addf(&b, "%u=%llu%s%s ", g->now.uid,
			    (unsigned long long)g->now.flags,
			    changed ? "*" : "", g->modified ? "!" : "");
		}
		CHECK_STR(b.data != NULL ? b.data : "", steps[i].want);
		buf_release(&b);
		free(c.changes);
		m = look(&x, id);
		CHECK(m.modseq == before.modseq + any && m.modseq == c.modseq);
		CHECK(m.changed == (any ? m.modseq : before.changed));
		CHECK(m.unseen == steps[i].unseen);
		CHECK(m.deleted == steps[i].deleted);
		CHECK(fixture_is_clean(&x));
	}
	/* of a mailbox that is gone */
	struct call c = {.mailbox = 4711, .uids = steps[0].uids, .n = 2};

	MUST(db_write(x.db, set_flags, &c, &why));
	CHECK(c.n_out == 0 && c.modseq == 0);
	free(c.changes);
	MUST(db_write(x.db, expunge, &c, &why));
	CHECK(c.n_out == 0 && c.modseq == 0);
	free(c.removed);
	fixture_release(&x);
}

static void
only_deleted(void)
{
	static const uint32_t marked[] = {1, 3, 4, 7, 8};
	static const uint32_t asked[] = {1, 2, 3, 4, 5, 6, 8};
	static const uint32_t want[] = {1, 3, 4, 8};
	struct fixture x;
	struct message_range *r;
	size_t n;
	int64_t id = inbox_with(&x, 8), before;
	struct call c = {.mailbox = id,
	    .uids = marked,
	    .n = 5,
	    .flags = DELETED,
	    .how = MESSAGE_ADD,
	    .unchanged_since = INT64_MAX};

	MUST(db_write(x.db, set_flags, &c, &why));
	free(c.changes);
	before = look(&x, id).modseq;
	c = (struct call){
	    .mailbox = id, .uids = asked, .n = 7, .only_deleted = true};
	MUST(db_write(x.db, expunge, &c, &why));
	CHECK(c.n_out == 4);
	for (size_t i = 0; i < c.n_out && i < 4; i++)
		CHECK(c.removed[i] == want[i]);
	free(c.removed);
	CHECK(fixture_is_clean(&x));
	CHECK(look(&x, id).messages == 4 && look(&x, id).deleted == 1);
	MUST(message_expunged(x.db, id, before, &r, &n, &why));
	CHECK(n == 3 && r[0].low == 1 && r[0].high == 1);
	CHECK(r[1].low == 3 && r[1].high == 4);
	CHECK(r[2].low == 8 && r[2].high == 8);
	free(r);
	/* what another change leaves between them is merged */
	c = (struct call){.mailbox = id, .uids = (uint32_t[]){2}, .n = 1};
	MUST(db_write(x.db, expunge, &c, &why));
	free(c.removed);
	MUST(message_expunged(x.db, id, before, &r, &n, &why));
	CHECK(n == 2 && r[0].low == 1 && r[0].high == 4);
	free(r);
	MUST(message_expunged(x.db, id, before + 1, &r, &n, &why));
	CHECK(n == 1 && r[0].low == 2 && r[0].high == 2);
	free(r);
	MUST(message_expunged(x.db, id, c.modseq, &r, &n, &why));
	CHECK(n == 0);
	free(r);
	fixture_release(&x);
}

static void
keywords(void)
{
	struct str some[] = {STR("$Junk"), STR("label"), STR("$junk")};
	char names[60][16];
	struct str many[60];
	struct fixture x;
	struct message_keywords k;
	int64_t id = inbox_with(&x, 1);
	struct call c = {.mailbox = id, .names = some, .n = 3};

	MUST(db_write(x.db, keyword_bits, &c, &why));
	CHECK(c.got == 1 && c.bits == (1 << 8 | 1 << 9));
	MUST(message_keywords(x.db, id, &k, &why));
	CHECK_STR(k.names[8], "$Junk");
	CHECK_STR(k.names[9], "label");
	CHECK(k.names[10] == NULL && k.names[7] == NULL);
	message_keywords_release(&k);
	for (int i = 0; i < 60; i++) {
		snprintf(names[i], sizeof(names[i]), "key%d", i);
		many[i] = str_of(names[i]);
	}
	c = (struct call){.mailbox = id, .names = many, .n = 52};
	MUST(db_write(x.db, keyword_bits, &c, &why));
	CHECK(c.got == 1 && c.bits == ((UINT64_C(1) << 62) - (1 << 10)));
	c.n = 60;
	MUST(db_write(x.db, keyword_bits, &c, &why));
	CHECK(c.got == 0 && c.bits == ((UINT64_C(1) << 62) - (1 << 10)));
	c.names = some;
	c.n = 1;
	MUST(db_write(x.db, keyword_bits, &c, &why));
	CHECK(c.got == 1 && c.bits == 1 << 8);
	/* the highest is a flag like any other */
	c = (struct call){.mailbox = id,
	    .uids = (uint32_t[]){1},
	    .n = 1,
	    .how = MESSAGE_ADD,
	    .flags = UINT64_C(1) << 61 | SEEN,
	    .unchanged_since = INT64_MAX};
	MUST(db_write(x.db, set_flags, &c, &why));
	CHECK(c.changes[0].now.flags == (UINT64_C(1) << 61 | SEEN));
	free(c.changes);
	c.how = MESSAGE_REMOVE;
	c.flags = SEEN;
	MUST(db_write(x.db, set_flags, &c, &why));
	CHECK(c.changes[0].now.flags == UINT64_C(1) << 61);
	free(c.changes);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

/* The only row with this UID. */
static struct message_row
row_of(struct fixture *x, int64_t mailbox, uint32_t uid)
{
	struct message_row *rows, r = {0};
	size_t n;

	MUST(message_rows(x->db, mailbox, uid, uid, 1, &rows, &n, &why));
	CHECK(n == 1);
	if (n == 1)
		r = rows[0];
	free(rows);
	return r;
}

static void
copy_and_move(void)
{
	static const uint32_t uids[] = {1, 2, 9}, third[] = {3};
	struct str names[] = {STR("x"), STR("y")};
	struct str other[] = {STR("Y")};
	struct fixture x;
	int64_t id = inbox_with(&x, 4), sent = box_id(&x, "Sent");
	uint64_t home = (uint64_t)look(&x, id).uid_validity << 32;
	uint64_t there = (uint64_t)look(&x, sent).uid_validity << 32;
	struct message_row r;
	struct mailbox before, m;
	struct call c = {.mailbox = id, .names = names, .n = 2};

	MUST(db_write(x.db, keyword_bits, &c, &why));
	c = (struct call){.mailbox = id,
	    .uids = uids,
	    .n = 3,
	    .flags = SEEN | DELETED | 1 << 9,
	    .unchanged_since = INT64_MAX};
	MUST(db_write(x.db, set_flags, &c, &why));
	free(c.changes);
	c = (struct call){.mailbox = sent, .names = other, .n = 1};
	MUST(db_write(x.db, keyword_bits, &c, &why));

	c = (struct call){.mailbox = id, .uids = uids, .n = 3, .to = sent};
	before = look(&x, id);
	MUST(db_write(x.db, copy, &c, &why));
	CHECK(c.n_out == 2 && c.pairs[0].from == 1 && c.pairs[0].to == 1);
	CHECK(c.pairs[1].from == 2 && c.pairs[1].to == 2);
	free(c.pairs);
	m = look(&x, sent);
	CHECK(m.messages == 2 && m.deleted == 2 && m.unseen == 0);
	CHECK(m.bytes == 14 && m.uid_next == 3 && m.changed == 1);
	CHECK(m.modseq == 2 && c.to_modseq == 2);
	CHECK(
	    look(&x, id).modseq == before.modseq && c.modseq == before.modseq);
	r = row_of(&x, sent, 2);
	CHECK(r.flags == (SEEN | DELETED | 1 << 8)); /* "y", by name */
	CHECK(r.received_ms == NOW && r.saved_ms == NOW + 99);
	CHECK(r.email == home + 2 && r.pop3 == there + 2);
	CHECK(r.trace == 1002 && r.modseq == 2);
	CHECK(row_of(&x, id, 2).email == home + 2);
	CHECK(row_of(&x, id, 2).pop3 == home + 2);
	CHECK(fixture_is_clean(&x));

	c = (struct call){
	    .mailbox = id, .uids = third, .n = 1, .to = sent, .move = true};
	MUST(db_write(x.db, copy, &c, &why));
	CHECK(c.n_out == 1 && c.pairs[0].from == 3 && c.pairs[0].to == 3);
	free(c.pairs);
	r = row_of(&x, sent, 3);
	CHECK(r.email == home + 3 && r.pop3 == home + 3 && r.flags == 0);
	m = look(&x, id);
	CHECK(m.messages == 3 && m.modseq == before.modseq + 1);
	CHECK(m.changed == m.modseq && c.modseq == m.modseq);
	CHECK(c.to_modseq == 3 && look(&x, sent).modseq == 3);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 11") ==
	      0);
	CHECK(fixture_is_clean(&x));

	/* and back: its EMAILID and UIDL are again what they were */
	c = (struct call){
	    .mailbox = sent, .uids = third, .n = 1, .to = id, .move = true};
	MUST(db_write(x.db, copy, &c, &why));
	CHECK(c.pairs[0].to == 5);
	free(c.pairs);
	r = row_of(&x, id, 5);
	CHECK(r.email == home + 3 && r.pop3 == home + 3);
	CHECK(fixture_is_clean(&x));

	/* within one mailbox: one change, one modseq */
	c = (struct call){.mailbox = id, .uids = uids, .n = 2, .to = id};
	before = look(&x, id);
	MUST(db_write(x.db, copy, &c, &why));
	CHECK(c.pairs[0].to == 6 && c.modseq == before.modseq + 1);
	CHECK(c.to_modseq == c.modseq && look(&x, id).modseq == c.modseq);
	CHECK(look(&x, id).changed == before.changed);
	free(c.pairs);
	CHECK(row_of(&x, id, 6).email == home + 1);
	CHECK(row_of(&x, id, 6).pop3 == home + 6);
	CHECK(row_of(&x, id, 6).flags == (SEEN | DELETED | 1 << 9));
	c.move = true;
	before = look(&x, id);
	MUST(db_write(x.db, copy, &c, &why));
	CHECK(c.pairs[0].to == 8 && c.to_modseq == before.modseq + 1);
	free(c.pairs);
	m = look(&x, id);
	CHECK(m.modseq == c.modseq && m.changed == c.modseq);
	CHECK(m.messages == before.messages && m.bytes == before.bytes);
	CHECK(row_of(&x, id, 8).pop3 == home + 1);
	CHECK(fixture_is_clean(&x));

	/* nobody there, nothing asked */
	c = (struct call){.mailbox = 4711, .uids = uids, .n = 2, .to = id};
	MUST(db_write(x.db, copy, &c, &why));
	CHECK(c.n_out == 0 && c.modseq == 0 && c.to_modseq == m.modseq);
	free(c.pairs);
	struct fail f;

	c = (struct call){.mailbox = id, .uids = uids, .n = 2, .to = 4711};
	CHECK(db_write(x.db, copy, &c, &f) == -1 && f.kind == FAIL_PERM);
	fixture_release(&x);
}

static void
keywords_without_a_bit_are_lost(void)
{
	struct str name[] = {STR("lost")};
	char names[54][16];
	struct str many[54];
	struct fixture x;
	int64_t id = inbox_with(&x, 1), sent = box_id(&x, "Sent");
	struct call c = {.mailbox = id, .names = name, .n = 1};

	MUST(db_write(x.db, keyword_bits, &c, &why));
	for (int i = 0; i < 54; i++) {
		snprintf(names[i], sizeof(names[i]), "key%d", i);
		many[i] = str_of(names[i]);
	}
	c = (struct call){.mailbox = sent, .names = many, .n = 54};
	MUST(db_write(x.db, keyword_bits, &c, &why));
	CHECK(c.got == 1);
	c = (struct call){.mailbox = id,
	    .uids = (uint32_t[]){1},
	    .n = 1,
	    .flags = MESSAGE_FLAGGED | 1 << 8,
	    .unchanged_since = INT64_MAX,
	    .to = sent};
	MUST(db_write(x.db, set_flags, &c, &why));
	free(c.changes);
	MUST(db_write(x.db, copy, &c, &why));
	free(c.pairs);
	CHECK(row_of(&x, sent, 1).flags == MESSAGE_FLAGGED);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static struct stage *
staged(struct fixture *x, struct str text)
{
	struct stage *s = stage_new(x->dir);

	stage_add(s, text);
	MUST(stage_seal(s, STR(""), &why));
	return s;
}

static void
appending(void)
{
	static const struct hop came = {.at_ms = NOW + 40,
	    .daemon = HOP_POPD,
	    .kind = HOP_RECEIVED,
	    .peer = STR("[192.0.2.1]"),
	    .detail = STR("IMAP")};
	struct fixture x;
	int64_t id = inbox_with(&x, 1);
	uint64_t home = (uint64_t)look(&x, id).uid_validity << 32;
	struct message_new new[3] = {
	    {.flags = SEEN,         .received_ms = 5},
	    { .received_ms = NOW,        .trace = 7777,     .hop = &came},
	    { .flags = DELETED, .received_ms = -1000,    .trace = 7778},
	};
	struct call c = {.mailbox = id, .messages = new, .n = 3};
	struct message_row r;
	struct mailbox m;
	struct fail f;

	new[0].stage = staged(&x, STR("one\r\n"));
	new[1].stage = staged(&x, STR("Message-ID: <a@b>\r\n\r\ntwo\r\n"));
	new[2].stage = staged(&x, STR(""));
	MUST(db_write(x.db, append, &c, &why));
	CHECK(c.given[0] == 2 && c.given[1] == 3 && c.given[2] == 4);
	m = look(&x, id);
	CHECK(m.messages == 4 && m.unseen == 3 && m.deleted == 1);
	CHECK(m.modseq == 3 && c.modseq == 3 && m.changed == 1);
	r = row_of(&x, id, 2);
	CHECK(r.flags == SEEN && r.received_ms == 5 && r.trace == 0);
	CHECK(r.saved_ms == NOW + 50 && r.email == home + 2 && r.size == 5);
	CHECK(row_of(&x, id, 4).received_ms == -1000);
	CHECK(fixture_number(&x,
		  "SELECT message_id = '<a@b>' AND sender = '' AND size = 26"
		  " FROM journey WHERE trace = 7777") == 1);
	CHECK(fixture_number(&x,
		  "SELECT count(*) FROM hop WHERE trace = 7777 AND"
		  " (n = 1 AND kind = 1 AND peer = '[192.0.2.1]'"
		  " OR n = 2 AND kind = 3 AND recipient = 'alice@d.test'"
		  " AND detail = 'INBOX' AND daemon = 3)") == 2);
	CHECK(fixture_number(
		  &x, "SELECT count(*) FROM hop WHERE trace = 7778") == 1);
	CHECK(fixture_is_clean(&x));
	/* no room: nothing of it */
	MUST(txn_lock(x.db, &why));
	MUST(account_set_quota(x.db, STR("alice@d.test"), 43, &why));
	txn_unlock(x.db);
	new[1].trace = new[2].trace = 0;
	CHECK(db_write(x.db, append, &c, &f) == -1 && f.kind == FAIL_QUOTA);
	c.n = 1;
	MUST(db_write(x.db, append, &c, &why)); /* exactly */
	CHECK(c.given[0] == 5);
	c = (struct call){
	    .mailbox = id, .uids = (uint32_t[]){2}, .n = 1, .to = id};
	CHECK(db_write(x.db, copy, &c, &f) == -1 && f.kind == FAIL_QUOTA);
	c.move = true;
	MUST(db_write(x.db, copy, &c, &why));
	free(c.pairs);
	/* also where there is less than no room */
	MUST(txn_lock(x.db, &why));
	MUST(account_set_quota(x.db, STR("alice@d.test"), 10, &why));
	txn_unlock(x.db);
	c.uids = (uint32_t[]){5};
	MUST(db_write(x.db, copy, &c, &why));
	free(c.pairs);
	c = (struct call){.mailbox = 4711, .messages = new, .n = 1};
	CHECK(db_write(x.db, append, &c, &f) == -1 && f.kind == FAIL_PERM);
	CHECK(fixture_is_clean(&x));
	for (int i = 0; i < 3; i++)
		stage_free(new[i].stage);
	fixture_release(&x);
}

static void
rows_in_pages(void)
{
	struct fixture x;
	struct message_row *rows;
	int64_t id = inbox_with(&x, 6);
	size_t n;

	MUST(message_rows(x.db, id, 2, 5, 3, &rows, &n, &why));
	CHECK(n == 3 && rows[0].uid == 2 && rows[2].uid == 4);
	free(rows);
	MUST(message_rows(x.db, id, 7, UINT32_MAX, 3, &rows, &n, &why));
	CHECK(n == 0);
	free(rows);
	MUST(message_rows(x.db, 4711, 1, UINT32_MAX, 3, &rows, &n, &why));
	CHECK(n == 0);
	free(rows);
	fixture_release(&x);
}

int
main(void)
{
	list_and_expunge();
	the_last_uid();
	states_of_what_is_new();
	flags();
	only_deleted();
	keywords();
	copy_and_move();
	keywords_without_a_bit_are_lost();
	appending();
	rows_in_pages();
	return TEST_EXIT();
}
