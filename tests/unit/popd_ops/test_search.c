/* SPDX-License-Identifier: MIT */
/*
 * Searches drawn at random over mail drawn at random: what the op finds, in
 * slices and with whatever index there is, is what a look at every message's
 * own words finds.
 */
#include "common/mime/text.h"
#include "common/store/search.h"
#include "popd/ops/ops.h"
#include "popd/ops/search_envelope.h"
#include "popd/proto/imap_search_op.h"
#include "tests/unit/store/fixture.h"

#define MESSAGES 160
#define SEARCHES 100
#define GONE     17 /* a UID that was expunged */
#define DAY_S    86400
#define FEBRUARY 20485 /* its first day in 2026 */

static const char *const names[] = {"FROM", "TO", "SUBJECT", "X-SPICE"};
#define FIELDS (sizeof(names) / sizeof(names[0]))

/* What a message was made of, folded as it is compared (mime/text.h). */
struct made {
	uint32_t uid;
	uint64_t flags, size;
	int64_t received_s, sent_day;
	char fields[FIELDS][80]; /* "" is not there */
	char body[400];
	char head[600];
};

struct world {
	struct fixture x;
	struct made made[MESSAGES];
	int64_t mailbox;
	uint64_t random;
};

static unsigned
draw(struct world *w, unsigned below)
{
	w->random = w->random * UINT64_C(6364136223846793005) +
	            1442695040888963407;
	return (unsigned)(w->random >> 33) % below;
}

/* Words that have pieces in common. */
static void
words(struct world *w, unsigned n, char *out, size_t room)
{
	static const char *const all[] = {"LUNCH", "LAUNCH", "MUNCH", "NOON",
	    "SOON", "AFTERNOON", "TEA", "TEAM", "STEAM", "ANN", "ANNA",
	    "BANANA", "TO", "FROM", "X", "SUBJECT:"};

	out[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		size_t len = strlen(out);

		snprintf(out + len, room - len, "%s%s", i > 0 ? " " : "",
		    all[draw(w, sizeof(all) / sizeof(all[0]))]);
	}
}

/* ---- mail ---- */

static void
invent(struct world *w, struct made *m)
{
	size_t len = 0;

	*m = (struct made){.flags = draw(w, 32)};
	m->received_s = NOW / 1000 - (int64_t)draw(w, 10 * DAY_S);
	m->sent_day = draw(w, 8) == 0 ? -1 : (int64_t)draw(w, 28) + 1;
	for (size_t i = 0; i < FIELDS; i++)
		if (draw(w, 4) > 0)
			words(w, 1 + draw(w, 3), m->fields[i],
			    sizeof(m->fields[i]));
	words(w, draw(w, 40), m->body, sizeof(m->body));
	for (size_t i = 0; i < FIELDS; i++)
		if (m->fields[i][0] != '\0')
			len += (size_t)snprintf(m->head + len,
			    sizeof(m->head) - len, "%s: %s\n", names[i],
			    m->fields[i]);
	if (m->sent_day >= 0)
		snprintf(m->head + len, sizeof(m->head) - len,
		    "DATE: %02d FEB 2026 23:%02d:00 -0800\n", (int)m->sent_day,
		    (int)(m->sent_day % 60));
}

/* The message in full, with capitals or without as it comes. */
static void
write_out(struct world *w, const struct made *m, struct buf *out)
{
	struct str head = str_of(m->head);

	while (head.len > 0) {
		struct str value = str_cut(&head, '\n');

		buf_add(out, str_cut(&value, ':'));
		buf_addf(out, ":%.*s\r\n", STR_FMT(value));
	}
	buf_addf(out, "\r\n%s\r\n", m->body);
	for (size_t i = 0; i < out->len; i++)
		if (draw(w, 2) == 0)
			out->data[i] = str_lower(out->data[i]);
}

static int
fill(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;
	struct hop who = {.daemon = HOP_POPD, .peer = STR("192.0.2.1")};
	uint32_t gone = GONE;
	size_t removed;
	int64_t modseq;
	int rc = 0;

	for (size_t i = 0; i < MESSAGES && rc == 0; i++) {
		struct message_new new = {.stage = stage_new(w->x.dir)};
		struct made *m = &w->made[i];
		struct buf text;

		invent(w, m);
		buf_init(&text, 64 * KB);
		write_out(w, m, &text);
		m->size = text.len;
		new.flags = m->flags;
		new.received_ms = m->received_s * 1000 + 999;
		stage_add(new.stage, buf_str(&text));
		rc = stage_seal(new.stage, STR(""), f);
		if (rc == 0)
			rc = message_append(
			    db, w->mailbox, &new, 1, NOW, &m->uid, &modseq, f);
		stage_free(new.stage);
		buf_release(&text);
	}
	if (rc == 0)
		rc = message_expunge(db, w->mailbox, &gone, 1, false, &who,
		    NULL, &removed, &modseq, f);
	return rc;
}

/* ---- what is asked ---- */

static struct search_key *
add_key(struct search_program *q, enum search_kind kind)
{
	if (q->n == q->room) {
		q->room = q->room * 2 + 8;
		q->keys = mem_grow(q->keys, q->room, sizeof(*q->keys));
	}
	q->keys[q->n] = (struct search_key){.kind = kind, .next = q->n + 1};
	return &q->keys[q->n++];
}

static struct search_span
add_text(struct search_program *q, const char *text, size_t len)
{
	struct search_span span = {q->text.len, len};

	buf_add(&q->text, (struct str){text, len});
	return span;
}

/* A piece of some words: often found, sometimes not, sometimes empty. */
static struct search_span
needle(struct world *w, struct search_program *q)
{
	struct search_span span;
	char text[200];
	size_t from, len;

	words(w, 2, text, sizeof(text));
	from = draw(w, (unsigned)strlen(text));
	len = draw(w, 9);
	if (len > strlen(text) - from)
		len = strlen(text) - from;
	span.at = q->text.len;
	text_fold((struct str){text + from, len}, &q->text);
	span.len = q->text.len - span.at;
	return span;
}

static void
draw_leaf(struct world *w, struct search_program *q)
{
	static const enum search_kind kinds[] = {SEARCH_ALL, SEARCH_UIDS,
	    SEARCH_FLAGS, SEARCH_SIZE, SEARCH_RECEIVED_DAY, SEARCH_RECEIVED,
	    SEARCH_SENT_DAY, SEARCH_HEADER, SEARCH_BODY, SEARCH_TEXT,
	    SEARCH_HEADER, SEARCH_BODY, SEARCH_TEXT};
	struct search_key k = {
	    .kind = kinds[draw(w, sizeof(kinds) / sizeof(kinds[0]))]};
	const char *field = names[draw(w, FIELDS)];
	uint32_t low;

	switch (k.kind) {
	case SEARCH_UIDS:
		k.set = q->n_sets++;
		q->sets = mem_grow(q->sets, q->n_sets, sizeof(*q->sets));
		q->sets[k.set] = (struct seqset){.ranges = NULL};
		low = 1 + draw(w, MESSAGES);
		seqset_add(&q->sets[k.set], low, low + draw(w, 60));
		break;
	case SEARCH_FLAGS:
		k.flags = 1 + draw(w, 31);
		break;
	case SEARCH_SIZE:
		k.low = (int64_t)draw(w, 400);
		k.high = k.low + draw(w, 300);
		break;
	case SEARCH_RECEIVED_DAY:
		k.low = NOW / 1000 / DAY_S - draw(w, 12);
		k.high = k.low + draw(w, 5);
		break;
	case SEARCH_RECEIVED:
		k.low = NOW / 1000 - draw(w, 10 * DAY_S);
		k.high = INT64_MAX;
		break;
	case SEARCH_SENT_DAY:
		k.low = FEBRUARY + draw(w, 28);
		k.high = k.low + draw(w, 9);
		break;
	case SEARCH_HEADER:
		k.field = add_text(q, field, strlen(field));
		k.needle = needle(w, q);
		break;
	case SEARCH_BODY:
	case SEARCH_TEXT:
		k.needle = needle(w, q);
		break;
	default:
		break;
	}
	k.next = q->n + 1;
	*add_key(q, k.kind) = k;
}

static void
draw_tree(struct world *w, struct search_program *q, unsigned depth)
{
	static const enum search_kind kinds[] = {
	    SEARCH_AND, SEARCH_OR, SEARCH_NOT};
	enum search_kind kind = kinds[draw(w, 3)];
	size_t at = q->n;

	if (depth == 0 || draw(w, 3) == 0) {
		draw_leaf(w, q);
		return;
	}
	add_key(q, kind);
	draw_tree(w, q, depth - 1);
	if (kind != SEARCH_NOT)
		draw_tree(w, q, depth - 1);
	q->keys[at].next = q->n;
}

/* ---- what should be found ---- */

static bool
has(const char *text, struct str needle)
{
	struct str all = str_of(text);

	for (size_t i = 0; i + needle.len <= all.len; i++)
		if (str_eq(str_first(str_after(all, i), needle.len), needle))
			return true;
	return false;
}

static bool
head_has(const struct made *m, struct str field, struct str needle)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (str_eq_nocase(field, str_of(names[i])))
			return m->fields[i][0] != '\0' &&
			       has(m->fields[i], needle);
	return false;
}

static bool
in(const struct search_key *k, int64_t n)
{
	return k->low <= n && n <= k->high;
}

static bool
is_so(const struct search_program *q, size_t at, const struct made *m)
{
	const struct search_key *k = &q->keys[at];
	struct str text = search_text_of(q, k->needle);
	bool left, right;

	switch (k->kind) {
	case SEARCH_NOT:
		return !is_so(q, at + 1, m);
	case SEARCH_AND:
	case SEARCH_OR:
		left = is_so(q, at + 1, m);
		right = is_so(q, q->keys[at + 1].next, m);
		return k->kind == SEARCH_AND ? left && right : left || right;
	case SEARCH_UIDS:
		return seqset_has(&q->sets[k->set], m->uid);
	case SEARCH_FLAGS:
		return (m->flags & k->flags) != 0;
	case SEARCH_SIZE:
		return in(k, (int64_t)m->size);
	case SEARCH_RECEIVED_DAY:
		return in(k, m->received_s / DAY_S);
	case SEARCH_RECEIVED:
		return in(k, m->received_s);
	case SEARCH_SENT_DAY:
		return m->sent_day >= 0 && in(k, FEBRUARY + m->sent_day - 1);
	case SEARCH_HEADER:
		return head_has(m, search_text_of(q, k->field), text);
	case SEARCH_BODY:
		return has(m->body, text);
	case SEARCH_TEXT:
		return has(m->head, text) || has(m->body, text);
	default:
		return true;
	}
}

/* ---- together ---- */

static int
run(struct db *db, void *arg, struct fail *f)
{
	struct ops_context c = {.now_ms = NOW};
	struct imap_op *op = arg;
	int rc = ops_run(db, &c, op);

	*f = op->fail;
	return rc;
}

static void
release(struct imap_search_op *op)
{
	for (size_t i = 0; i < op->n_hits; i++)
		free(op->hits[i].bodies);
	free(op->hits);
	free(op->said);
	search_program_release(&op->program);
	seqset_release(&op->uids);
	seqset_release(&op->found);
	sort_rows_release(&op->rows);
}

static size_t slices; /* more than searches: some were cut */

static void
search_once(struct world *w, struct db *mail)
{
	struct imap_search_op op = {
	    .op = {.kind = IMAP_OP_SEARCH},
	    .mailbox = w->mailbox,
	    .order = draw(w, 2) == 0 ? SEARCH_UNSORTED : SEARCH_SORTED,
	    .sort = { .by = {{SORT_BY_SIZE, true}},                .n = 1}
        };
	uint32_t from = 1 + draw(w, MESSAGES);
	size_t n = 0;

	search_program_init(&op.program);
	sort_rows_init(&op.rows);
	draw_tree(w, &op.program, 5);
	seqset_add(&op.uids, 1, MESSAGES + 10);
	seqset_remove(&op.uids, from, from); /* not asked about */
	do {
		slices++;
		MUST(db_read(mail, run, &op.op, &why));
	} while (op.op.again);
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct made *m = &w->made[i];
		bool want = m->uid != from && m->uid != GONE &&
		            is_so(&op.program, 0, m);

		CHECK(seqset_has(&op.found, m->uid) == want);
		n += want;
	}
	CHECK(seqset_count(&op.found) == n && !op.unreadable);
	CHECK(op.order == SEARCH_UNSORTED || op.rows.n == n);
	for (size_t i = 1; i < op.rows.n; i++) {
		const struct made *a = &w->made[op.rows.uids[i - 1] - 1];
		const struct made *b = &w->made[op.rows.uids[i] - 1];

		CHECK(a->size > b->size ||
		      (a->size == b->size && a->uid < b->uid));
	}
	release(&op);
}

static void
search_often(struct world *w)
{
	struct fail f;
	struct db *mail = db_open(w->x.dir, DB_MAIL, DB_READER, &f);

	CHECK(mail != NULL);
	for (size_t i = 0; i < SEARCHES && test_failures == 0; i++)
		search_once(w, mail);
	db_close(mail);
}

static void
finds_what_is_there(void)
{
	static struct world w;
	struct db *search;
	struct fail f;
	bool more;

	w.random = 20261122;
	fixture_init(&w.x);
	w.mailbox = fixture_number(&w.x,
	    "SELECT id FROM mailbox WHERE account = 1 AND name = 'INBOX'");
	MUST(db_write(w.x.db, fill, &w, &why));

	search_often(&w); /* there is no index */
	search = db_open(w.x.dir, DB_SEARCH, DB_WRITER, &f);
	CHECK(search != NULL);
	search_often(&w); /* it is empty */
	MUST(search_index(w.x.db, search, MESSAGES / 2, &more, &why));
	CHECK(more);
	search_often(&w); /* it knows half of them */
	do {
		MUST(search_index(w.x.db, search, MESSAGES, &more, &why));
	} while (more);
	search_often(&w); /* it knows all */
	CHECK(slices > 4 * SEARCHES + 40);
	db_close(search);
	fixture_release(&w.x);
}

/* ---- envelopes ---- */

static void
envelopes_are_read(void)
{
	static const char envelope[] =
	    "(\"Sun, 1 Feb 2026 23:30:00 -0800\" {3}\r\na\"b NIL"
	    " ((\"A (\\\"\" NIL \"x\" \"y.test\")(NIL NIL \"z\" \"y.test\"))"
	    " NIL ((NIL NIL \"group\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)";
	struct str e = {envelope, sizeof(envelope) - 1};
	struct search_address a;
	struct buf b;

	search_address_init(&a);
	buf_init(&b, 1 * KB);
	search_envelope_string(e, ENVELOPE_SUBJECT, &b);
	CHECK(str_eq(buf_str(&b), STR("a\"b")));
	buf_clear(&b);
	search_envelope_address(e, ENVELOPE_FROM, &a);
	CHECK(a.name.len == 0 && a.mailbox.len == 0 && a.host.len == 0);
	search_envelope_address(e, ENVELOPE_SENDER, &a);
	CHECK(str_eq(buf_str(&a.name), STR("A (\"")));
	CHECK(str_eq(buf_str(&a.mailbox), STR("x")));
	CHECK(str_eq(buf_str(&a.host), STR("y.test")));
	search_envelope_address(e, ENVELOPE_TO, &a);
	CHECK(str_eq(buf_str(&a.mailbox), STR("group")) && a.host.len == 0);

	/* cut anywhere: less is found, that is all */
	for (size_t n = 0; n < e.len; n++) {
		buf_clear(&b);
		search_envelope_string(str_first(e, n), ENVELOPE_SUBJECT, &b);
		search_envelope_address(str_first(e, n), ENVELOPE_CC, &a);
		CHECK(a.mailbox.len == 0);
	}
	buf_release(&b);
	search_address_release(&a);
}

int
main(void)
{
	finds_what_is_there();
	envelopes_are_read();
	return TEST_EXIT();
}
