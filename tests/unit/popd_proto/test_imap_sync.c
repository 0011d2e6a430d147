/* SPDX-License-Identifier: MIT */
/*
 * Several sessions on one mailbox, each with a client that believes what it is
 * told and nothing else.  Whatever the sessions do, and however their ops
 * overlap, a client's list must be its session's view at any time, and the
 * truth after NOOP.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "popd/proto/imap.h"
#include "popd/proto/imap_selected_op.h"
#include "popd/proto/imap_state.h"
#include "tests/test.h"

#define SESSIONS 4
#define MAX      3000 /* messages at once */
#define FEW      600
#define STEPS    4000
#define SEEDS    10
#define UNKNOWN  UINT64_MAX

struct belief {
	uint32_t uid;   /* 0: not told */
	uint32_t real;  /* what it is in truth: for VANISHED, since a client
	                 * that was not told just counts one less */
	uint64_t flags; /* or UNKNOWN */
	bool fetched;   /* told of in this command */
};

enum progress {
	READY,
	ASKED, /* an op waits to be run */
	RAN,   /* its result is not handed back yet */
};

struct session {
	struct imap *imap;
	enum progress progress;
	struct str in; /* of line, not taken yet */
	char line[400];
	unsigned tag;
	bool idling;
	bool closed;

	/* the command under way */
	bool silent, by_number, checked;
	enum imap_store_how how;
	uint64_t flags;
	uint32_t low, high; /* UIDs or numbers */

	struct belief list[MAX];
	uint32_t n;
};

struct world {
	struct mirror *mirror;
	struct mirror_message store[MAX]; /* rising by UID */
	size_t n;
	uint32_t uid_next;
	int64_t modseq;
	struct session sessions[SESSIONS];
	unsigned random;
};

static unsigned
pick(struct world *w, unsigned n)
{
	w->random = w->random * 1103515245 + 12345;
	return (w->random >> 16) % n;
}

/* ---- the store ---- */

static void
poke_others(struct world *w, const struct session *by)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (&w->sessions[i] != by && w->sessions[i].imap != NULL)
			imap_poke(w->sessions[i].imap, NULL);
}

static void
apply(struct world *w, const struct session *by, const struct mirror_delta *d)
{
	CHECK(mirror_apply(w->mirror, d));
	poke_others(w, by);
}

static struct mirror_delta
next_delta(struct world *w)
{
	return (struct mirror_delta){
	    .mailbox = 1, .modseq = ++w->modseq, .contiguous = true};
}

static void
add_message(struct world *w, const struct session *by, uint64_t flags)
{
	struct mirror_delta d;

	if (w->n == MAX)
		return;
	d = next_delta(w);
	w->store[w->n] = (struct mirror_message){
	    .uid = w->uid_next++, .flags = flags, .modseq = w->modseq};
	d.messages = &w->store[w->n++];
	d.n_messages = 1;
	apply(w, by, &d);
}

static struct mirror_message *
find(struct world *w, uint32_t uid)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->store[i].uid == uid)
			return &w->store[i];
	return NULL;
}

static void
run_store(struct world *w, struct session *s, struct imap_store_op *op)
{
	struct mirror_message changed[MAX];
	struct mirror_delta d = {.mailbox = 1,
	    .modseq = w->modseq + 1,
	    .contiguous = true,
	    .messages = changed};

	op->changes = mem_new(op->uids.n, sizeof(*op->changes));
	for (size_t i = 0; i < op->uids.n; i++) {
		struct mirror_message *m = find(w, op->uids.uids[i]);
		struct imap_store_change *c = &op->changes[op->n_changes];
		uint64_t flags = op->flags;

		if (m == NULL)
			continue;
		op->n_changes++;
		c->before = m->modseq;
		if (op->how == IMAP_STORE_ADD)
			flags = m->flags | op->flags;
		if (op->how == IMAP_STORE_REMOVE)
			flags = m->flags & ~op->flags;
		if (flags != m->flags) {
			m->flags = flags;
			m->modseq = w->modseq + 1;
			changed[d.n_messages++] = *m;
		}
		c->now = *m;
	}
	if (d.n_messages > 0) {
		w->modseq++;
		apply(w, s, &d);
	}
}

static void
run_expunge(struct world *w, struct session *s, struct imap_expunge_op *op)
{
	struct seqset gone = {.ranges = NULL};
	struct mirror_delta d;
	size_t left = 0;

	for (size_t i = 0; i < op->uids.n; i++) {
		struct mirror_message *m = find(w, op->uids.uids[i]);

		if (m != NULL && (m->flags & IMAP_DELETED))
			seqset_add(&gone, m->uid, m->uid);
	}
	for (size_t i = 0; i < w->n; i++)
		if (!seqset_has(&gone, w->store[i].uid))
			w->store[left++] = w->store[i];
	op->n_removed = w->n - left;
	w->n = left;
	if (op->n_removed > 0) {
		d = next_delta(w);
		d.gone = gone.ranges;
		d.n_gone = gone.n;
		apply(w, s, &d);
	}
	seqset_release(&gone);
}

static void
run_copy(struct world *w, struct session *s, struct imap_copy_op *op)
{
	op->uid_validity = 7;
	op->pairs = mem_new(op->uids.n, sizeof(*op->pairs));
	for (size_t i = 0; i < op->uids.n && w->n < FEW; i++) {
		struct mirror_message *m = find(w, op->uids.uids[i]);

		if (m == NULL)
			continue;
		op->pairs[op->n_pairs++] = (struct imap_uid_pair){
		    m->uid, w->uid_next};
		add_message(w, s, m->flags);
	}
}

static void
run_op(struct world *w, struct session *s, struct imap_op *op)
{
	switch (op->kind) {
	case IMAP_OP_SELECT:
		((struct imap_select_op *)op)->mailbox = 1;
		((struct imap_select_op *)op)->stored = mem_dup(STR("INBOX"));
		((struct imap_select_op *)op)->mirror = w->mirror;
		break;
	case IMAP_OP_STORE:
		run_store(w, s, (struct imap_store_op *)op);
		break;
	case IMAP_OP_EXPUNGE:
		run_expunge(w, s, (struct imap_expunge_op *)op);
		break;
	case IMAP_OP_COPY:
		run_copy(w, s, (struct imap_copy_op *)op);
		break;
	case IMAP_OP_NEWS:
		((struct imap_news_op *)op)->lines = MEM_NEW(
		    struct imap_list_lines);
		break;
	default:
		CHECK(op->kind == IMAP_OP_POLL);
	}
}

/* ---- the client ---- */

static uint64_t
parse_flags(struct str text)
{
	static const char *const names[] = {
	    "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"};
	uint64_t flags = 0;

	while (text.len > 0) {
		struct str word = str_cut(&text, ' ');

		for (size_t i = 0; i < 5; i++)
			if (str_eq(word, str_of(names[i])))
				flags |= (uint64_t)1 << i;
	}
	return flags;
}

static void
forget(struct session *s, uint32_t seq)
{
	CHECK(seq >= 1 && seq <= s->n);
	if (seq < 1 || seq > s->n)
		return;
	memmove(&s->list[seq - 1], &s->list[seq],
	    (s->n - seq) * sizeof(s->list[0]));
	s->n--;
}

static void
hear_fetch(struct session *s, uint32_t seq, struct str text)
{
	struct belief *b;
	uint64_t uid = 0;
	size_t at, end;

	CHECK(seq >= 1 && seq <= s->n);
	if (seq < 1 || seq > s->n)
		return;
	b = &s->list[seq - 1];
	if (str_find_str(text, STR("UID "), &at)) {
		struct str digits = str_after(text, at + 4);

		end = 0;
		while (digits.at[end] >= '0' && digits.at[end] <= '9')
			end++;
		CHECK(str_to_u64(str_first(digits, end), UINT32_MAX, &uid));
		CHECK(b->uid == 0 || b->uid == uid);
		b->uid = (uint32_t)uid;
	}
	if (str_find_str(text, STR("FLAGS ("), &at)) {
		struct str flags = str_after(text, at + 7);

		CHECK(str_find(flags, ')', &end));
		b->flags = parse_flags(str_first(flags, end));
		b->fetched = true;
	}
}

static void
hear_vanished(struct session *s, struct str text)
{
	struct seqset uids = {.ranges = NULL};

	CHECK(seqset_take(&text, &uids) == 1 && text.len == 0);
	for (size_t r = 0; r < uids.n; r++)
		for (uint32_t uid = uids.ranges[r].low;
		     uid <= uids.ranges[r].high; uid++) {
			uint32_t seq = 1;

			while (seq <= s->n && s->list[seq - 1].real != uid)
				seq++;
			forget(s, seq); /* each one was counted */
		}
	seqset_release(&uids);
}

static void
hear_untagged(struct session *s, struct str text)
{
	struct str word = str_cut(&text, ' ');
	uint64_t n;

	if (str_eq(word, STR("VANISHED"))) {
		CHECK(!s->by_number);
		hear_vanished(s, text);
	}
	if (!str_to_u64(word, UINT32_MAX, &n))
		return;
	word = str_cut(&text, ' ');
	if (str_eq(word, STR("EXISTS"))) {
		CHECK(n >= s->n && n <= MAX); /* RFC 9051 s7.4.1 */
		for (; s->n < n && s->n < MAX; s->n++)
			s->list[s->n] = (struct belief){.flags = UNKNOWN};
	} else if (str_eq(word, STR("EXPUNGE"))) {
		CHECK(!s->by_number); /* RFC 9051 s7.5.1 */
		forget(s, (uint32_t)n);
	} else if (str_eq(word, STR("FETCH"))) {
		hear_fetch(s, (uint32_t)n, text);
	}
}

/* What a client makes of its own STORE with .SILENT. */
static void
assume(struct session *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct belief *b = &s->list[i];

		if (b->uid < s->low || b->uid > s->high || b->fetched ||
		    b->flags == UNKNOWN)
			continue;
		if (s->how == IMAP_STORE_SET)
			b->flags = s->flags;
		else if (s->how == IMAP_STORE_ADD)
			b->flags |= s->flags;
		else
			b->flags &= ~s->flags;
	}
}

static void
compare_with_truth(const struct world *w, const struct session *s)
{
	CHECK(s->n == w->n);
	for (uint32_t i = 0; i < s->n && i < w->n; i++) {
		CHECK(s->list[i].uid == 0 || s->list[i].uid == w->store[i].uid);
		CHECK(s->list[i].flags == UNKNOWN ||
		      s->list[i].flags == w->store[i].flags);
	}
}

static void
hear_tagged(struct world *w, struct session *s, struct str text)
{
	char tag[16];

	snprintf(tag, sizeof(tag), "t%u OK ", s->tag);
	CHECK(str_starts(text, str_of(tag)));
	if (s->silent)
		assume(s);
	if (s->checked)
		compare_with_truth(w, s);
	s->silent = s->by_number = s->checked = false;
}

static void
hear(struct world *w, struct session *s)
{
	struct buf *out = imap_output(s->imap);

	CHECK(out->len < IMAP_OUTPUT_HIGH + 16 * KB);
	while (out->len > 0) {
		struct str all = buf_str(out), line = str_cut(&all, '\n');
		size_t taken = line.len + 1;

		line.len--; /* CR */
		if (test_failures > 0)
			fprintf(stderr, "%td: %.*s\n", s - w->sessions,
			    STR_FMT(line));
		if (str_starts(line, STR("* ")))
			hear_untagged(s, str_after(line, 2));
		else if (!str_starts(line, STR("+ ")))
			hear_tagged(w, s, line);
		buf_drop(out, taken);
	}
}

/* What the client counts is what the session believes it counts. */
static void
compare_with_view(struct session *s)
{
	const struct view *v = s->imap->view;

	if (v == NULL)
		return;
	CHECK(view_count(v) == s->n);
	for (uint32_t i = 0; i < s->n; i++) {
		CHECK(s->list[i].uid == 0 ||
		      view_uid(v, i + 1) == s->list[i].uid);
		s->list[i].real = view_uid(v, i + 1);
	}
}

/* ---- sessions ---- */

static void
go_on(struct world *w, struct session *s)
{
	enum imap_event ev;

	while (s->progress == READY) {
		ev = imap_step(s->imap, 0, &s->in);
		hear(w, s);
		if (ev == IMAP_OP)
			s->progress = ASKED;
		else if (ev == IMAP_LOGIN)
			imap_logged_in(s->imap, 1, "u", "");
		else if (ev != IMAP_DRAIN)
			break;
	}
	compare_with_view(s);
}

static void
advance(struct world *w, struct session *s)
{
	if (s->progress == ASKED) {
		run_op(w, s, imap_op(s->imap));
		s->progress = RAN;
		return;
	}
	imap_done(s->imap);
	s->progress = READY;
	go_on(w, s);
}

/* s->line is sent with a tag; the tagged response may come later. */
static void send_line(struct world *w, struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void
send_line(struct world *w, struct session *s, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(s->line, sizeof(s->line), "t%u ", ++s->tag);

	va_start(ap, fmt);
	n += vsnprintf(s->line + n, sizeof(s->line) - (size_t)n - 2, fmt, ap);
	va_end(ap);
	s->line[n++] = '\r';
	s->line[n++] = '\n';
	s->in = (struct str){s->line, (size_t)n};
	if (test_failures > 0)
		fprintf(stderr, "%td: %.*s", s - w->sessions, n, s->line);
	for (uint32_t i = 0; i < s->n; i++)
		s->list[i].fetched = false;
	go_on(w, s);
}

static void
finish(struct world *w, struct session *s)
{
	while (s->progress != READY)
		advance(w, s);
}

static void
learn(struct world *w, struct session *s)
{
	s->by_number = true;
	if (s->n == 0)
		s->by_number = false;
	else
		send_line(w, s, "FETCH 1:* (UID FLAGS)");
}

static void
open_session(struct world *w, struct session *s)
{
	static const struct imap_options options = {.hostname = "h.test",
	    .allow_plaintext = true,
	    .max_errors = 1,
	    .off = ""};
	static const char *const enable[] = {
	    "NOOP", "ENABLE CONDSTORE", "ENABLE QRESYNC", "ENABLE IMAP4rev2"};

	s->imap = imap_new(&options);
	s->n = 0;
	s->in = STR("");
	send_line(w, s, "LOGIN u p");
	send_line(w, s, "%s", enable[pick(w, 4)]);
	send_line(w, s, "SELECT INBOX");
	finish(w, s);
	learn(w, s);
	finish(w, s);
	if (pick(w, 3) == 0) {
		send_line(w, s,
		    "NOTIFY SET (selected%s (MessageNew "
		    "MessageExpunge FlagChange))",
		    pick(w, 2) == 0 ? "" : "-delayed");
		finish(w, s);
	}
}

/* A STORE on some messages, by number or UID, silent or not. */
static void
store_some(struct world *w, struct session *s)
{
	static const char *const hows[] = {"", "+", "-"};
	static const char *const names[] = {
	    "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"};
	unsigned flag = pick(w, 5);
	bool uid = pick(w, 2) == 0;
	uint32_t from, to;

	if (s->n == 0)
		return;
	from = 1 + pick(w, s->n);
	to = from + pick(w, s->n - from + 1 > 5 ? 5 : s->n - from + 1);
	s->low = s->list[from - 1].uid;
	s->high = s->list[to - 1].uid;
	if (s->low == 0 || s->high == 0)
		return;
	s->silent = pick(w, 2) == 0;
	s->by_number = !uid;
	s->how = (enum imap_store_how)pick(w, 3);
	s->flags = (uint64_t)1 << flag;
	if (s->by_number && !s->silent) /* it may be NO [EXPUNGEISSUED] */
		for (uint32_t i = from; i <= to; i++)
			if (find(w, s->list[i - 1].uid) == NULL) {
				s->by_number = false;
				return;
			}
	send_line(w, s, "%sSTORE %" PRIu32 ":%" PRIu32 " %sFLAGS%s (%s)",
	    uid ? "UID " : "", uid ? s->low : from, uid ? s->high : to,
	    hows[s->how], s->silent ? ".SILENT" : "", names[flag]);
}

static void
act(struct world *w, struct session *s)
{
	if (s->idling) {
		s->in = STR("DONE\r\n");
		s->idling = false;
		go_on(w, s);
		return;
	}
	switch (pick(w, 20)) {
	case 0:
	case 1:
		send_line(w, s, "NOOP");
		/* nobody else may come between for this check */
		s->checked = true;
		finish(w, s);
		break;
	case 2:
		send_line(w, s, "EXPUNGE");
		break;
	case 3:
		if (s->n > 0 && s->list[0].uid > 0)
			send_line(w, s, "UID EXPUNGE 1:%" PRIu32,
			    s->list[s->n / 2].uid + 1);
		break;
	case 4:
	case 8:
		learn(w, s);
		break;
	case 5:
		send_line(w, s, "IDLE");
		s->idling = true;
		break;
	case 6:
		send_line(w, s, "UID COPY *,1:3 INBOX");
		break;
	case 7:
		if (pick(w, 10) == 0 && s->progress == READY) {
			imap_free(s->imap);
			s->imap = NULL;
			open_session(w, s);
		}
		break;
	default:
		store_some(w, s);
	}
}

static void
step(struct world *w)
{
	struct session *s = &w->sessions[pick(w, SESSIONS)];

	if (pick(w, 12) == 0 && w->n < FEW)
		add_message(w, NULL, pick(w, 2) == 0 ? 0 : IMAP_DELETED);
	if (s->progress != READY) {
		advance(w, s);
		return;
	}
	go_on(w, s); /* what it was poked for */
	if (s->progress == READY && pick(w, 2) == 0)
		act(w, s);
}

static struct world *
new_world(unsigned seed)
{
	struct mirror_facts facts = {.mailbox = 1,
	    .account = 1,
	    .uid_validity = 7,
	    .uid_next = 1,
	    .modseq = 1,
	    .recent_uid = 1};
	struct world *w = MEM_NEW(struct world);

	w->random = seed;
	w->uid_next = 1;
	w->modseq = 1;
	w->mirror = mirror_new(&facts, NULL, 0);
	return w;
}

/* Somebody changes the flags of every n-th message, or expunges it. */
static void
change_every(struct world *w, unsigned n, bool expunge)
{
	struct imap_expunge_op all = {
	    .uids = {mem_new(w->n, sizeof(uint32_t)), 0}
        };
	struct imap_store_op store = {.how = IMAP_STORE_ADD,
	    .flags = expunge ? IMAP_DELETED : IMAP_FLAGGED};

	for (size_t i = 0; i < w->n; i += n)
		all.uids.uids[all.uids.n++] = w->store[i].uid;
	store.uids = all.uids;
	if (!expunge)
		store.flags |= (uint64_t)1 << pick(w, 3);
	run_store(w, NULL, &store);
	if (expunge)
		run_expunge(w, NULL, &all);
	free(all.uids.uids);
	free(store.changes);
}

/* However much there is to tell, it comes in pieces; what changes between them
 * is told too. */
static void
test_bounded(const char *enable)
{
	struct world *w = new_world(1);
	struct session *s = &w->sessions[0];
	unsigned pieces = 0;
	enum imap_event ev;

	for (size_t i = 0; i < MAX; i++)
		add_message(w, NULL, 0);
	open_session(w, s);
	send_line(w, s, "%s", enable);
	finish(w, s);
	send_line(w, s, "NOTIFY NONE");
	finish(w, s);
	learn(w, s);
	change_every(w, 1, false);
	change_every(w, 3, true);
	add_message(w, NULL, 0);
	s->checked = true;
	snprintf(s->line, sizeof(s->line), "t%u NOOP\r\n", ++s->tag);
	s->in = str_of(s->line);
	while ((ev = imap_step(s->imap, 0, &s->in)) != IMAP_NONE) {
		hear(w, s);
		if (ev == IMAP_OP)
			imap_done(s->imap);
		else if (pieces++ < 3)
			change_every(w, 7 + pieces, pieces == 2);
	}
	hear(w, s);
	CHECK(pieces > 2 && !s->checked);
	compare_with_view(s);
	imap_free(s->imap);
	mirror_free(w->mirror);
	free(w);
}

static void
play(unsigned seed)
{
	struct world *w = new_world(seed);

	for (size_t i = 0; i < SESSIONS; i++)
		open_session(w, &w->sessions[i]);
	for (size_t i = 0; i < STEPS && test_failures == 0; i++)
		step(w);
	for (size_t i = 0; i < SESSIONS; i++) {
		struct session *s = &w->sessions[i];

		finish(w, s);
		if (s->idling)
			act(w, s);
		send_line(w, s, "NOOP");
		s->checked = true;
		finish(w, s);
		imap_free(s->imap);
		s->imap = NULL;
	}
	CHECK(mirror_facts(w->mirror)->modseq == w->modseq);
	mirror_free(w->mirror);
	free(w);
	if (test_failures > 0)
		fprintf(stderr, "seed %u\n", seed);
}

int
main(void)
{
	for (unsigned seed = 1; seed <= SEEDS && test_failures == 0; seed++)
		play(seed);
	test_bounded("NOOP");
	test_bounded("ENABLE QRESYNC");
	return TEST_EXIT();
}
