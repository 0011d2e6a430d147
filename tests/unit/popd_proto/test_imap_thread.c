/* SPDX-License-Identifier: MIT */
/*
 * Trees of THREAD: vectors, what is made up to be slow, and random mailboxes
 * against the RFC's steps done as they are written, without care for time.
 */
#include "popd/proto/imap_thread.h"

#include <stdlib.h>

#include "tests/test.h"

#define MANY 64 /* nodes of the plain tree */

static uint32_t
same(void *arg, uint32_t uid)
{
	(void)arg;
	return uid;
}

static char *
written(struct thread *t)
{
	struct buf b;

	buf_init(&b, 64 * MB);
	buf_addf(&b, "%s", "");
	thread_write(t, same, NULL, &b);
	thread_free(t);
	return buf_take(&b);
}

/* Messages as lines "date subject id references...", "-" for none; a subject
 * with ! before it is that of a reply. */
static void
add_line(struct thread *t, uint32_t uid, struct str line)
{
	struct thread_message m = {.uid = uid};
	struct buf refs;
	uint64_t date;

	buf_init(&refs, 1 * MB);
	CHECK(str_to_u64(str_cut(&line, ' '), 100, &date));
	m.date_s = (int64_t)date;
	m.subject = str_cut(&line, ' ');
	m.is_reply = str_take(&m.subject, '!');
	if (str_eq(m.subject, STR("-")))
		m.subject = STR("");
	while (line.len > 0) {
		struct str id = str_cut(&line, ' ');

		if (!str_eq(id, STR("-")))
			buf_add(&refs, id);
		buf_add_char(&refs, '\n');
	}
	m.refs = buf_str(&refs);
	thread_add(t, &m);
	buf_release(&refs);
}

static char *
threads(enum thread_algorithm algorithm, struct str lines)
{
	struct thread *t = thread_new(algorithm);
	uint32_t uid = 0;

	while (lines.len > 0)
		add_line(t, ++uid, str_cut(&lines, '\n'));
	thread_finish(t);
	return written(t);
}

static void
vectors(void)
{
	static const struct {
		enum thread_algorithm algorithm;
		const char *lines, *want;
	} rows[] = {
	    {THREAD_REFERENCES,     "",				     ""           },
	    {THREAD_REFERENCES,     "1 s a\n",                              "(1)"        },
 /* a chain, in order and backwards */
	    {THREAD_REFERENCES,     "1 s a\n2 !s b a\n3 !s c a b\n",        "(1 2 3)"    },
	    {THREAD_REFERENCES,     "3 !s c a b\n2 !s b a\n1 s a\n",        "(3 2 1)"    },
 /* two answers, by date */
	    {THREAD_REFERENCES,     "1 s a\n3 !s b a\n2 !s c a\n",          "(1 (3)(2))" },
 /* a parent that is not there: two hold together, one does not */
	    {THREAD_REFERENCES,     "1 x b a\n2 y c a\n",                   "((1)(2))"   },
	    {THREAD_REFERENCES,     "1 x b a\n",                            "(1)"        },
 /* dummies within a thread are left out */
	    {THREAD_REFERENCES,     "1 x a\n2 y d a b c\n3 z e a b c\n",
             "(1 (2)(3))"								},
 /* by subject: a reply below what it answers, others side by side */
	    {THREAD_REFERENCES,     "2 !s a\n1 s b\n",                      "(2 1)"      },
	    {THREAD_REFERENCES,     "1 s a\n2 !s b\n",                      "(1 2)"      },
	    {THREAD_REFERENCES,     "1 s a\n2 s b\n",                       "((1)(2))"   },
	    {THREAD_REFERENCES,     "1 s a\n2 s b\n3 s c\n",                "((1)(2)(3))"},
	    {THREAD_REFERENCES,     "1 !s a\n2 !s b\n",                     "((1)(2))"   },
	    {THREAD_REFERENCES,     "1 - a\n2 - b\n",                       "(1)(2)"     },
 /* both dummies; a dummy and a message */
	    {THREAD_REFERENCES,     "1 s b a\n2 s c a\n3 s e d\n4 s f d\n",
             "((1)(2)(3)(4))"							    },
	    {THREAD_REFERENCES,     "1 s x\n2 s b a\n3 s c a\n",            "((1)(2)(3))"},
 /* the same id twice, itself, and round about */
	    {THREAD_REFERENCES,     "1 x a\n2 y a\n3 z b a\n",              "(1 3)(2)"   },
	    {THREAD_REFERENCES,     "1 x a a\n",                            "(1)"        },
	    {THREAD_REFERENCES,     "1 x a b\n2 y b a\n",                   "(2 1)"      },
	    {THREAD_REFERENCES,     "1 x a c\n2 y b a\n3 z c b\n",          "(3 1 2)"    },
	    {THREAD_REFERENCES,     "1 x -\n2 y - a\n3 z a\n",              "(1)(3 2)"   },
 /* by date of the first, whatever the rest */
	    {THREAD_REFERENCES,     "9 x a\n1 y b a\n5 z c\n",              "(3)(1 2)"   },
	    {THREAD_ORDEREDSUBJECT, "",                                     ""           },
	    {THREAD_ORDEREDSUBJECT, "3 s\n1 t\n2 s\n2 t\n2 -\n4 s\n",
             "(2 4)(3 (1)(6))(5)"							},
	    {THREAD_ORDEREDSUBJECT, "3 -\n1 -\n",                           "(2 1)"      },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = threads(rows[i].algorithm, str_of(rows[i].lines));

		CHECK_STR(got, rows[i].want);
		free(got);
	}
}

/* ---- the RFC's steps, as they are written ---- */

struct plain {
	struct {
		uint32_t uid;
		int id, parent; /* -1: none */
		int kids[MANY], n;
		int64_t date;
		int subject; /* 0: empty */
		bool reply;
		bool dead;
	} nodes[MANY];
	int n, root;
};

static int
plain_new(struct plain *t, int id)
{
	int i = t->n++;

	CHECK(i < MANY);
	memset(&t->nodes[i], 0, sizeof(t->nodes[i]));
	t->nodes[i].id = id;
	t->nodes[i].parent = -1;
	return i;
}

static int
plain_find(struct plain *t, int id)
{
	for (int i = 1; i < t->n; i++)
		if (t->nodes[i].id == id)
			return i;
	return plain_new(t, id);
}

static void
plain_unlink(struct plain *t, int child)
{
	int p = t->nodes[child].parent, at = 0;

	while (t->nodes[p].kids[at] != child)
		at++;
	for (; at + 1 < t->nodes[p].n; at++)
		t->nodes[p].kids[at] = t->nodes[p].kids[at + 1];
	t->nodes[p].n--;
	t->nodes[child].parent = -1;
}

static void
plain_link(struct plain *t, int parent, int child)
{
	t->nodes[parent].kids[t->nodes[parent].n++] = child;
	t->nodes[child].parent = parent;
}

static bool
plain_is_below(const struct plain *t, int node, int above)
{
	for (; node != -1; node = t->nodes[node].parent)
		if (node == above)
			return true;
	return false;
}

static void
plain_add(struct plain *t, uint32_t uid, int64_t date, int subject, bool reply,
    int id, const int *refs, int n)
{
	int me = id == 0 ? plain_new(t, -1000 - (int)uid) : plain_find(t, id);
	int last = -1;

	if (t->nodes[me].uid != 0)
		me = plain_new(t, -1000 - (int)uid);
	t->nodes[me].uid = uid;
	t->nodes[me].date = date;
	t->nodes[me].subject = subject;
	t->nodes[me].reply = reply;
	for (int i = 0; i < n; i++) {
		int now = plain_find(t, refs[i]);

		if (last != -1 && t->nodes[now].parent == -1 &&
		    !plain_is_below(t, last, now))
			plain_link(t, last, now);
		last = now;
	}
	if (t->nodes[me].parent != -1)
		plain_unlink(t, me);
	if (last != -1 && !plain_is_below(t, last, me))
		plain_link(t, last, me);
}

static int
plain_first(const struct plain *t, int node)
{
	return t->nodes[node].uid != 0 ? node : t->nodes[node].kids[0];
}

static void
plain_sort(struct plain *t, int node)
{
	int *kids = t->nodes[node].kids;

	for (int i = 1; i < t->nodes[node].n; i++)
		for (int k = i; k > 0; k--) {
			int a = plain_first(t, kids[k - 1]);
			int b = plain_first(t, kids[k]), swap;

			if (t->nodes[a].date < t->nodes[b].date ||
			    (t->nodes[a].date == t->nodes[b].date &&
				t->nodes[a].uid < t->nodes[b].uid))
				break;
			swap = kids[k];
			kids[k] = kids[k - 1];
			kids[k - 1] = swap;
		}
}

/* Step 3, children first. */
static void
plain_prune(struct plain *t, int node)
{
	int kids[MANY], n = t->nodes[node].n, parent = t->nodes[node].parent;

	memcpy(kids, t->nodes[node].kids, sizeof(kids));
	for (int i = 0; i < n; i++)
		plain_prune(t, kids[i]);
	n = t->nodes[node].n;
	if (t->nodes[node].uid != 0 || node == t->root ||
	    (parent == t->root && n > 1))
		return;
	plain_unlink(t, node);
	while (t->nodes[node].n > 0) {
		int kid = t->nodes[node].kids[0];

		plain_unlink(t, kid);
		plain_link(t, parent, kid);
	}
}

static void
plain_subjects(struct plain *t)
{
	int table[16] = {0}, kids[MANY], n = t->nodes[t->root].n;

	memcpy(kids, t->nodes[t->root].kids, sizeof(kids));
	for (int i = 0; i < n; i++) {
		int now = kids[i], s = t->nodes[plain_first(t, now)].subject;
		int old = table[s];

		if (s != 0 && (old == 0 || (t->nodes[old].uid != 0 &&
					       (t->nodes[now].uid == 0 ||
						   (t->nodes[old].reply &&
						       !t->nodes[now].reply)))))
			table[s] = now;
	}
	for (int i = 0; i < n; i++) {
		int now = kids[i], s = t->nodes[plain_first(t, now)].subject;
		int old = table[s], dummy;

		if (s == 0 || old == now)
			continue;
		plain_unlink(t, now);
		if (t->nodes[now].uid == 0) {
			CHECK(t->nodes[old].uid == 0);
			while (t->nodes[now].n > 0) {
				int kid = t->nodes[now].kids[0];

				plain_unlink(t, kid);
				plain_link(t, old, kid);
			}
		} else if (t->nodes[old].uid == 0 ||
			   (t->nodes[now].reply && !t->nodes[old].reply)) {
			plain_link(t, old, now);
		} else {
			plain_unlink(t, old);
			dummy = plain_new(t, -1);
			plain_link(t, t->root, dummy);
			plain_link(t, dummy, old);
			plain_link(t, dummy, now);
			table[s] = dummy;
		}
	}
}

static void
plain_sort_all(struct plain *t, int node)
{
	for (int i = 0; i < t->nodes[node].n; i++)
		plain_sort_all(t, t->nodes[node].kids[i]);
	plain_sort(t, node);
}

static void
plain_members(const struct plain *t, int node, struct buf *out)
{
	int n = t->nodes[node].n;

	if (t->nodes[node].uid != 0)
		buf_addf(out, "%u%s", t->nodes[node].uid, n > 0 ? " " : "");
	if (n == 1) {
		plain_members(t, t->nodes[node].kids[0], out);
		return;
	}
	for (int i = 0; i < n; i++) {
		buf_add_char(out, '(');
		plain_members(t, t->nodes[node].kids[i], out);
		buf_add_char(out, ')');
	}
}

static char *
plain_finish(struct plain *t)
{
	struct buf out;
	int n = t->n;

	t->root = plain_new(t, -2);
	for (int i = 1; i < n; i++)
		if (t->nodes[i].parent == -1)
			plain_link(t, t->root, i);
	plain_prune(t, t->root);
	for (int i = 0; i < t->nodes[t->root].n; i++)
		if (t->nodes[t->nodes[t->root].kids[i]].uid == 0)
			plain_sort(t, t->nodes[t->root].kids[i]);
	plain_sort(t, t->root);
	plain_subjects(t);
	plain_sort_all(t, t->root);
	buf_init(&out, 1 * MB);
	buf_addf(&out, "%s", "");
	for (int i = 0; i < t->nodes[t->root].n; i++) {
		buf_add_char(&out, '(');
		plain_members(t, t->nodes[t->root].kids[i], &out);
		buf_add_char(&out, ')');
	}
	return buf_take(&out);
}

static unsigned
draw(uint64_t *state, unsigned below)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(*state >> 33) % below;
}

/* A few messages about few ids and subjects, so that they meet. */
static void
random_mailbox(uint64_t seed)
{
	static struct plain plain;
	struct thread *t = thread_new(THREAD_REFERENCES);
	unsigned n = 1 + draw(&seed, 12), ids = 1 + draw(&seed, 14);
	unsigned subjects = 1 + draw(&seed, 12), dates = 1 + draw(&seed, 8);
	char *got, *want;

	plain.n = 0;
	plain_new(&plain, -3); /* 0 is none in its tables */
	for (uint32_t uid = 1; uid <= n; uid++) {
		int refs[6], n_refs = (int)draw(&seed, 5);
		int id = (int)draw(&seed, ids + 1);
		int64_t date = (int64_t)draw(&seed, dates);
		int subject = (int)draw(&seed, subjects);
		bool reply = draw(&seed, 2) == 1;
		char subject_text[16];
		struct thread_message m = {
		    .uid = uid, .date_s = date, .is_reply = reply};
		struct buf text;

		buf_init(&text, 1 * KB);
		if (id != 0)
			buf_addf(&text, "id%d", id);
		buf_add_char(&text, '\n');
		for (int i = 0; i < n_refs; i++) {
			refs[i] = 1 + (int)draw(&seed, ids);
			buf_addf(&text, "id%d\n", refs[i]);
		}
		snprintf(subject_text, sizeof(subject_text), "s%d", subject);
		m.subject = subject == 0 ? STR("") : str_of(subject_text);
		m.refs = buf_str(&text);
		thread_add(t, &m);
		plain_add(&plain, uid, date, subject, reply, id, refs, n_refs);
		buf_release(&text);
	}
	thread_finish(t);
	got = written(t);
	want = plain_finish(&plain);
	CHECK_STR(got, want);
	free(got);
	free(want);
}

static void
random_mailboxes(void)
{
	for (uint64_t seed = 1; seed <= 20000 && test_failures == 0; seed++)
		random_mailbox(seed * 7919);
}

/* ---- made up to be slow: it must come to an end ---- */

static void
add_refs(struct thread *t, uint32_t uid, struct buf *refs)
{
	struct thread_message m = {.uid = uid,
	    .date_s = uid,
	    .subject = STR("same"),
	    .is_reply = true,
	    .refs = buf_str(refs)};

	thread_add(t, &m);
	buf_clear(refs);
}

/* A chain of 50,000 ids, and thousands of messages that hang on its end or
 * would have all of it walked up. */
static void
long_chain(void)
{
	struct thread *t = thread_new(THREAD_REFERENCES);
	struct buf refs;
	char *got;

	buf_init(&refs, 16 * MB);
	buf_addf(&refs, "m0\n");
	for (int i = 0; i < 50000; i++)
		buf_addf(&refs, "chain%d\n", i);
	add_refs(t, 1, &refs);
	for (uint32_t uid = 2; uid < 20000; uid++) {
		buf_addf(&refs, "m%u\nroot%u\nleaf%u\n", uid, uid, uid);
		add_refs(t, uid, &refs);
	}
	for (uint32_t uid = 20000; uid < 40000; uid++) {
		buf_addf(&refs, "m%u\nchain49999\nroot%u\n", uid, uid - 19998);
		add_refs(t, uid, &refs);
	}
	buf_release(&refs);
	thread_finish(t);
	got = written(t);
	CHECK(strlen(got) > 100000);
	free(got);
}

/* A thread as deep as it has messages. */
static void
deep_thread(void)
{
	struct thread *t = thread_new(THREAD_REFERENCES);
	struct buf refs;
	char *got;
	size_t spaces = 0;

	buf_init(&refs, 1 * MB);
	for (uint32_t uid = 1; uid <= 100000; uid++) {
		buf_addf(&refs, "m%u\n", uid);
		if (uid > 1)
			buf_addf(&refs, "m%u\n", uid - 1);
		add_refs(t, uid, &refs);
	}
	buf_release(&refs);
	thread_finish(t);
	got = written(t);
	for (const char *s = got; *s != '\0'; s++)
		spaces += *s == ' ';
	CHECK(spaces == 99999 && got[0] == '(' && got[1] == '1');
	free(got);
}

int
main(void)
{
	vectors();
	random_mailboxes();
	long_chain();
	deep_thread();
	return TEST_EXIT();
}
