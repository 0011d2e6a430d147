/* SPDX-License-Identifier: MIT */
/*
 * Random work of IMAP on one account beside a plain model of it.  After each
 * step what the store says of a mailbox is what the model says: messages,
 * flags, modseqs, counters, EMAILIDs and UIDLs, what was expunged since when.
 * UIDs and modseqs only ever rise.
 */
#include "tests/unit/store/fixture.h"

#define STEPS    250
#define BOXES    12
#define UIDS     400 /* of a mailbox: then it rests */
#define KEYWORDS 5
#define SYSTEM   ((uint64_t)MESSAGE_SYSTEM)

/* Flags in the model: the system's, and keywords from KEYWORD on. */
#define KEYWORD 8

struct mail {
	bool there;
	uint64_t flags;
	int64_t modseq, gone; /* gone: modseq of its going, 0 never was there */
	int64_t received, saved;
	uint64_t email, pop3;
};

struct box {
	int64_t id; /* 0: none */
	char name[64];
	uint64_t validity;
	uint32_t uid_next;
	int64_t modseq, changed;
	struct mail mails[UIDS]; /* by UID */
};

struct model {
	struct fixture x;
	uint64_t seed;
	int64_t now;
	struct box boxes[BOXES];
};

static const char *const keyword_names[KEYWORDS] = {
    "$Junk", "$Forwarded", "a", "B", "c"};

static size_t
pick(struct model *m, size_t n)
{
	m->seed = m->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(m->seed >> 33) % n;
}

static struct box *
some_box(struct model *m)
{
	struct box *b;

	do
		b = &m->boxes[pick(m, BOXES)];
	while (b->id == 0);
	return b;
}

static struct box *
free_box(struct model *m)
{
	for (size_t i = 0; i < BOXES; i++)
		if (m->boxes[i].id == 0)
			return &m->boxes[i];
	return NULL;
}

/* Random UIDs, rising, of whom some are there. */
static size_t
some_uids(struct model *m, const struct box *b, uint32_t uids[UIDS])
{
	size_t n = 0, one_in = 1 + pick(m, 4);

	for (uint32_t uid = 1; uid < b->uid_next + 3 && n < UIDS; uid++)
		if (pick(m, one_in) == 0)
			uids[n++] = uid;
	return n;
}

static struct mail *
mail_at(struct box *b, uint32_t uid)
{
	return uid < b->uid_next && b->mails[uid].there ? &b->mails[uid] : NULL;
}

static bool
has_room(const struct box *b, size_t n)
{
	return b->uid_next + n < UIDS;
}

static struct mail *
put(struct box *b, uint64_t flags, int64_t received, int64_t saved)
{
	struct mail *mail = &b->mails[b->uid_next];
	uint64_t place = b->validity << 32 | b->uid_next;

	*mail = (struct mail){.there = true,
	    .flags = flags,
	    .modseq = b->modseq,
	    .received = received,
	    .saved = saved,
	    .email = place,
	    .pop3 = place};
	b->uid_next++;
	return mail;
}

static void
take(struct box *b, struct mail *mail)
{
	mail->there = false;
	mail->gone = b->modseq;
	b->changed = b->modseq;
}

/* ---- what is done to both ---- */

struct call {
	struct model *m;
	struct box *box, *to;
	uint32_t uids[UIDS];
	size_t n;
	uint64_t flags; /* the model's */
	enum message_store how;
	bool flag; /* only_deleted, move, add */
	const char *name;
	int64_t since;
	struct message_change *changes;
	struct message_pair *pairs;
	size_t n_out;
	int64_t modseq, to_modseq, id;
	enum mailbox_refusal refusal;
};

/* The store's bits for flags of the model. */
static int
real_bits(struct db *db, int64_t mailbox, uint64_t flags, uint64_t *bits,
    struct fail *f)
{
	struct str names[KEYWORDS];
	size_t n = 0;

	for (size_t i = 0; i < KEYWORDS; i++)
		if ((flags >> (KEYWORD + i) & 1) != 0)
			names[n++] = str_of(keyword_names[i]);
	if (message_keyword_bits(db, mailbox, names, n, bits, f) == -1)
		return -1;
	*bits |= flags & SYSTEM;
	return 0;
}

static int
run_append(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;
	struct message_new new[3];
	uint32_t uids[3];
	int rc = 0;

	for (size_t i = 0; i < c->n; i++) {
		new[i] = (struct message_new){
		    .stage = stage_new(c->m->x.dir), .received_ms = (int64_t)i};
		stage_add(new[i].stage, STR("Subject: x\r\n\r\ntext\r\n"));
		MUST(stage_seal(new[i].stage, STR(""), &why));
		if (rc == 0)
			rc = real_bits(
			    db, c->box->id, c->flags, &new[i].flags, f);
	}
	if (rc == 0)
		rc = message_append(
		    db, c->box->id, new, c->n, c->m->now, uids, &c->modseq, f);
	for (size_t i = 0; i < c->n; i++) {
		CHECK(rc == -1 || uids[i] == c->box->uid_next + i);
		stage_free(new[i].stage);
	}
	return rc;
}

static int
run_store(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;
	uint64_t bits;

	if (real_bits(db, c->box->id, c->flags, &bits, f) == -1)
		return -1;
	return message_set_flags(db, c->box->id, c->uids, c->n, c->how, bits,
	    c->since, &c->changes, &c->n_out, &c->modseq, f);
}

static int
run_expunge(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;
	struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};

	return message_expunge(db, c->box->id, c->uids, c->n, c->flag, &who,
	    NULL, &c->n_out, &c->modseq, f);
}

static int
run_copy(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;

	return message_copy(db, c->box->id, c->uids, c->n, c->to->id, c->flag,
	    c->m->now, &c->pairs, &c->n_out, &c->modseq, &c->to_modseq, f);
}

static int
run_add(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;

	return mailbox_add(
	    db, c->m->x.alice, str_of(c->name), 0, NOW, &c->id, &c->refusal, f);
}

static int
run_remove(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;
	struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};

	return mailbox_remove(
	    db, c->m->x.alice, str_of(c->box->name), &who, &c->refusal, f);
}

static int
run_rename(struct db *db, void *arg, struct fail *f)
{
	struct call *c = arg;

	return mailbox_rename(db, c->m->x.alice, str_of(c->box->name),
	    str_of(c->name), c->m->now, &c->refusal, f);
}

/* ---- the acts ---- */

static void
deliver(struct model *m)
{
	struct delivery_target t = {
	    m->x.alice, STR("alice@d.test"), .original = STR("")};
	struct box *inbox = &m->boxes[0];
	struct fail f;

	if (!has_room(inbox, 1))
		return;
	CHECK(fixture_deliver(&m->x, STR("Subject: y\r\n\r\n"), &t, 1, &f) > 0);
	inbox->modseq++;
	put(inbox, 0, NOW, NOW);
}

static uint64_t
some_flags(struct model *m)
{
	return (pick(m, 32) & pick(m, 32)) |
	       (uint64_t)(pick(m, 32) & pick(m, 32)) << KEYWORD;
}

static void
append(struct model *m)
{
	struct call c = {.m = m, .box = some_box(m)};

	c.n = 1 + pick(m, 3);
	c.flags = some_flags(m);
	if (!has_room(c.box, c.n))
		return;
	MUST(db_write(m->x.db, run_append, &c, &why));
	c.box->modseq++;
	for (size_t i = 0; i < c.n; i++)
		put(c.box, c.flags, (int64_t)i, m->now);
}

static void
store(struct model *m)
{
	struct call c = {.m = m, .box = some_box(m)};
	size_t seen = 0;
	bool any = false;

	c.n = some_uids(m, c.box, c.uids);
	c.flags = some_flags(m);
	c.how = (enum message_store)pick(m, 3);
	c.since = pick(m, 3) == 0 ? (int64_t)pick(m, (size_t)c.box->modseq + 1)
	                          : INT64_MAX;
	MUST(db_write(m->x.db, run_store, &c, &why));
	for (size_t i = 0; i < c.n; i++) {
		struct mail *mail = mail_at(c.box, c.uids[i]);
		uint64_t flags;

		if (mail == NULL)
			continue;
		CHECK(seen < c.n_out);
		CHECK(c.changes[seen].now.uid == c.uids[i]);
		CHECK(c.changes[seen].before == mail->modseq);
		CHECK(c.changes[seen].modified == (mail->modseq > c.since));
		flags = c.how == MESSAGE_SET   ? c.flags
		        : c.how == MESSAGE_ADD ? mail->flags | c.flags
		                               : mail->flags & ~c.flags;
		if (mail->modseq <= c.since && flags != mail->flags) {
			any = true;
			mail->flags = flags;
			mail->modseq = c.box->modseq + 1;
		}
		CHECK(c.changes[seen].now.modseq == mail->modseq);
		seen++;
	}
	CHECK(seen == c.n_out);
	free(c.changes);
	c.box->modseq += any;
	if (any)
		c.box->changed = c.box->modseq;
	CHECK(c.modseq == c.box->modseq);
}

static void
expunge(struct model *m)
{
	struct call c = {.m = m, .box = some_box(m), .flag = pick(m, 2) == 0};
	size_t n = 0;

	c.n = some_uids(m, c.box, c.uids);
	MUST(db_write(m->x.db, run_expunge, &c, &why));
	c.box->modseq += c.n_out > 0;
	for (size_t i = 0; i < c.n; i++) {
		struct mail *mail = mail_at(c.box, c.uids[i]);

		if (mail == NULL ||
		    (c.flag && (mail->flags & MESSAGE_DELETED) == 0))
			continue;
		take(c.box, mail);
		n++;
	}
	CHECK(n == c.n_out && c.modseq == c.box->modseq);
}

static void
copy_in_model(struct call *c)
{
	size_t n = 0;

	if (c->n_out > 0 && c->to != c->box)
		c->to->modseq++;
	if (c->n_out > 0 && (c->flag || c->to == c->box))
		c->box->modseq++;
	for (size_t i = 0; i < c->n; i++) {
		struct mail *mail = mail_at(c->box, c->uids[i]), *there;

		/* what was copied just now was not asked for */
		if (mail == NULL || n == c->n_out ||
		    c->pairs[n].from != c->uids[i])
			continue;
		CHECK(c->pairs[n].to == c->to->uid_next);
		there = put(c->to, mail->flags, mail->received, c->m->now);
		there->email = mail->email;
		if (c->flag) {
			there->pop3 = mail->pop3;
			take(c->box, mail);
		}
		n++;
	}
	CHECK(n == c->n_out);
}

static size_t
how_many(struct box *b, const uint32_t *uids, size_t n)
{
	size_t there = 0;

	for (size_t i = 0; i < n; i++)
		there += mail_at(b, uids[i]) != NULL;
	return there;
}

static void
copy(struct model *m)
{
	struct call c = {.m = m,
	    .box = some_box(m),
	    .to = some_box(m),
	    .flag = pick(m, 2) == 0};

	c.n = some_uids(m, c.box, c.uids);
	if (!has_room(c.to, c.n))
		return;
	size_t n = how_many(c.box, c.uids, c.n);

	MUST(db_write(m->x.db, run_copy, &c, &why));
	CHECK(c.n_out == n);
	copy_in_model(&c);
	CHECK(c.modseq == c.box->modseq && c.to_modseq == c.to->modseq);
	free(c.pairs);
}

/* A mailbox the store has made becomes the model's. */
static void
learn(struct model *m, const char *name)
{
	struct box *b = free_box(m);
	struct mailbox box;

	MUST(mailbox_find(m->x.db, m->x.alice, str_of(name), &box, &why));
	*b = (struct box){.id = box.id,
	    .validity = box.uid_validity,
	    .uid_next = 1,
	    .modseq = 1,
	    .changed = 1};
	snprintf(b->name, sizeof(b->name), "%s", name);
	for (size_t i = 0; i < BOXES; i++)
		CHECK(&m->boxes[i] == b || m->boxes[i].id == 0 ||
		      m->boxes[i].validity < b->validity);
}

/* One level each, so that no level above is made. */
static const char *
some_name(struct model *m, char name[64])
{
	snprintf(name, 64, "n%zu", pick(m, 30));
	return name;
}

static void
add(struct model *m)
{
	char name[64];
	struct call c = {.m = m, .name = some_name(m, name)};

	if (free_box(m) == NULL)
		return;
	MUST(db_write(m->x.db, run_add, &c, &why));
	if (c.refusal == MAILBOX_DONE)
		learn(m, name);
	else
		CHECK(c.refusal == MAILBOX_EXISTS);
}

static void
remove_box(struct model *m)
{
	struct call c = {.m = m, .box = some_box(m)};

	MUST(db_write(m->x.db, run_remove, &c, &why));
	CHECK((c.refusal == MAILBOX_CANNOT) == (c.box == &m->boxes[0]));
	if (c.refusal == MAILBOX_DONE)
		c.box->id = 0;
}

static void
rename_box(struct model *m)
{
	char name[64];
	struct call c = {
	    .m = m, .box = some_box(m), .name = some_name(m, name)};
	struct box *b = c.box;

	if (b == &m->boxes[0] && (free_box(m) == NULL || pick(m, 3) != 0))
		return;
	MUST(db_write(m->x.db, run_rename, &c, &why));
	if (c.refusal != MAILBOX_DONE) {
		CHECK(c.refusal == MAILBOX_EXISTS);
		return;
	}
	if (b != &m->boxes[0]) {
		snprintf(b->name, sizeof(b->name), "%s", name);
		return;
	}
	c.to = free_box(m);
	learn(m, name);
	/* all of INBOX was moved */
	c.flag = true;
	c.pairs = mem_new(UIDS, sizeof(*c.pairs));
	for (uint32_t uid = 1; uid < b->uid_next; uid++) {
		c.uids[c.n++] = uid;
		if (mail_at(b, uid) != NULL) {
			c.pairs[c.n_out] = (struct message_pair){
			    uid, (uint32_t)c.n_out + 1};
			c.n_out++;
		}
	}
	copy_in_model(&c);
	free(c.pairs);
}

/* ---- what must be so ---- */

/* The store's flags in the model's bits. */
static uint64_t
model_flags(const struct message_keywords *k, uint64_t flags)
{
	uint64_t out = flags & SYSTEM;

	for (int bit = 8; bit < 62; bit++)
		for (size_t i = 0; (flags >> bit & 1) && i < KEYWORDS; i++)
			if (k->names[bit] != NULL &&
			    str_eq_nocase(str_of(k->names[bit]),
				str_of(keyword_names[i])))
				out |= UINT64_C(1) << (KEYWORD + i);
	return out;
}

static void
compare_rows(struct model *m, struct box *b)
{
	struct message_keywords k;
	struct message_row *rows;
	size_t n, at = 0;
	uint64_t unseen = 0, deleted = 0, bytes = 0;
	struct mailbox box = {0};

	MUST(message_keywords(m->x.db, b->id, &k, &why));
	MUST(message_rows(
	    m->x.db, b->id, 1, UINT32_MAX, SIZE_MAX, &rows, &n, &why));
	for (uint32_t uid = 1; uid < b->uid_next; uid++) {
		struct mail *mail = mail_at(b, uid);

		if (mail == NULL)
			continue;
		CHECK(at < n && rows[at].uid == uid);
		if (at >= n || rows[at].uid != uid)
			break;
		CHECK(rows[at].modseq == mail->modseq);
		CHECK(model_flags(&k, rows[at].flags) == mail->flags);
		CHECK(rows[at].received_ms == mail->received);
		CHECK(rows[at].saved_ms == mail->saved);
		CHECK(rows[at].email == mail->email);
		CHECK(rows[at].pop3 == mail->pop3);
		unseen += (mail->flags & MESSAGE_SEEN) == 0;
		deleted += (mail->flags & MESSAGE_DELETED) != 0;
		bytes += rows[at].size;
		at++;
	}
	CHECK(at == n);
	MUST(mailbox_find_id(m->x.db, b->id, &box, &why));
	CHECK(box.messages == n && box.unseen == unseen);
	CHECK(box.deleted == deleted && box.bytes == bytes);
	CHECK(box.uid_next == b->uid_next && box.modseq == b->modseq);
	CHECK(box.changed == b->changed);
	free(rows);
	message_keywords_release(&k);
}

/* Somebody who knew the mailbox at modseq `since' and uid_next `from' learns
 * exactly what has happened. */
static void
compare_news(struct model *m, struct box *b)
{
	int64_t since = (int64_t)pick(m, (size_t)b->modseq + 1);
	uint32_t from = (uint32_t)pick(m, b->uid_next + 1);
	struct message_state *s;
	struct message_range *r;
	size_t n, at = 0, range = 0;

	MUST(message_states(m->x.db, b->id, from, since, &s, &n, &why));
	for (uint32_t uid = 1; uid < b->uid_next; uid++) {
		struct mail *mail = mail_at(b, uid);

		if (mail == NULL ||
		    (uid < from && mail->modseq <= since && from > 1))
			continue;
		CHECK(at < n && s[at].uid == uid);
		at++;
	}
	CHECK(at == n);
	free(s);
	MUST(message_expunged(m->x.db, b->id, since, &r, &n, &why));
	for (uint32_t uid = 1; uid < b->uid_next; uid++) {
		bool gone = b->mails[uid].gone > since;

		while (range < n && r[range].high < uid)
			range++;
		CHECK(gone == (range < n && r[range].low <= uid));
	}
	for (size_t i = 1; i < n; i++)
		CHECK(r[i - 1].high + 1 < r[i].low); /* merged */
	free(r);
}

static void
step(struct model *m)
{
	static const struct {
		size_t weight;
		void (*run)(struct model *m);
	} acts[] = {
	    {20, deliver   },
	    {20, append    },
	    {20, store     },
	    {12, expunge   },
	    {20, copy      },
	    {4,  add       },
	    {1,  remove_box},
	    {3,  rename_box},
	};
	size_t at = pick(m, 100);

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (at < acts[i].weight) {
			acts[i].run(m);
			return;
		}
		at -= acts[i].weight;
	}
}

static void
run(uint64_t seed)
{
	struct model *m = MEM_NEW(struct model);

	m->seed = seed;
	m->now = NOW;
	fixture_init(&m->x);
	learn(m, "INBOX");
	for (int i = 0; i < STEPS; i++) {
		m->now += 1000;
		step(m);
		for (size_t k = 0; k < BOXES; k++)
			if (m->boxes[k].id != 0) {
				compare_rows(m, &m->boxes[k]);
				compare_news(m, &m->boxes[k]);
			}
		if (i % 10 == 0 || i == STEPS - 1)
			CHECK(fixture_is_clean(&m->x));
		if (test_failures > 0) {
			fprintf(stderr, "seed %llu, step %d\n",
			    (unsigned long long)seed, i);
			exit(1);
		}
	}
	fixture_release(&m->x);
	free(m);
}

int
main(void)
{
	for (uint64_t seed = 1; seed <= 6; seed++)
		run(seed);
	return TEST_EXIT();
}
