/* SPDX-License-Identifier: MIT */
/*
 * What SEARCH makes of its keys: what it can say without the store, what it
 * asks the store, and what is too much.  (What it answers is in tests/conv.)
 */
#include <stdlib.h>

#include "popd/proto/imap.h"
#include "popd/proto/imap_search_op.h"
#include "popd/proto/imap_selected_op.h"
#include "tests/test.h"

#define NOW_S 1795341600

struct session {
	struct imap *imap;
	struct mirror *mirror;
};

/* A message's flags are its UID; every UID that is not a multiple of 10. */
static void
open_session(struct session *s, uint32_t highest)
{
	struct imap_options o = {.hostname = "mx",
	    .allow_plaintext = true,
	    .max_errors = 1000,
	    .off = ""};
	struct mirror_facts facts = {.mailbox = 1,
	    .account = 1,
	    .uid_validity = 7,
	    .uid_next = highest + 1,
	    .modseq = 5,
	    .recent_uid = 1};
	struct mirror_message *messages = mem_new(
	    highest + 1, sizeof(*messages));
	struct str in = STR("l LOGIN a b\r\ns EXAMINE INBOX\r\n");
	struct imap_select_op *op;
	size_t n = 0;

	for (uint32_t uid = 1; uid <= highest; uid++)
		if (uid % 10 != 0)
			messages[n++] = (struct mirror_message){
			    .uid = uid, .flags = uid & 31, .modseq = 5};
	s->mirror = mirror_new(&facts, messages, n);
	s->imap = imap_new(&o);
	CHECK(imap_step(s->imap, NOW_S, &in) == IMAP_LOGIN);
	imap_logged_in(s->imap, 1, "alice@d.test", "");
	CHECK(imap_step(s->imap, NOW_S, &in) == IMAP_OP);
	op = (struct imap_select_op *)imap_op(s->imap);
	op->mailbox = 1;
	op->stored = mem_dup(STR("INBOX"));
	op->mirror = s->mirror;
	imap_done(s->imap);
	CHECK(imap_step(s->imap, NOW_S, &in) == IMAP_NONE);
	buf_clear(imap_output(s->imap));
}

static void
close_session(struct session *s)
{
	imap_free(s->imap);
	mirror_free(s->mirror);
}

/* Give a command; what is asked of the store, NULL: nothing. */
static struct imap_search_op *
ask(struct session *s, struct str command)
{
	enum imap_event ev;
	struct buf line;
	struct str in;

	buf_init(&line, 4 * MB);
	buf_addf(&line, "x %.*s\r\n", STR_FMT(command));
	in = buf_str(&line);
	buf_clear(imap_output(s->imap));
	ev = imap_step(s->imap, NOW_S, &in);
	buf_release(&line);
	CHECK(ev == IMAP_OP || ev == IMAP_NONE);
	if (ev == IMAP_NONE)
		return NULL;
	CHECK(imap_op(s->imap)->kind == IMAP_OP_SEARCH);
	return (struct imap_search_op *)imap_op(s->imap);
}

static void
check_said(struct session *s, const char *want)
{
	CHECK_STR(imap_output(s->imap)->data, want);
}

static void
check_set(const struct seqset *set, const char *want)
{
	struct buf b;

	buf_init(&b, 4 * KB);
	buf_addf(&b, "%s", "");
	seqset_write(set, &b);
	CHECK_STR(b.data, want);
	buf_release(&b);
}

/* What the mirror knows needs no op. */
static void
answers_from_the_mirror(void)
{
	static const char *const commands[] = {"SEARCH ALL", "SEARCH UNSEEN",
	    "SEARCH 1:5,* NOT DELETED", "UID SEARCH UID 3:5 OR SEEN FLAGGED",
	    "SEARCH KEYWORD x", "SEARCH MODSEQ 1", "SEARCH RECENT",
	    "SEARCH TEXT x NOT ALL", "SEARCH OR ALL BODY x",
	    "SEARCH 1 LARGER 5 2", "THREAD REFERENCES UTF-8 NOT ALL"};
	struct session s;

	open_session(&s, 30);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		CHECK(ask(&s, str_of(commands[i])) == NULL);
	CHECK(ask(&s, STR("UID SEARCH UID 1:12 SEEN")) == NULL);
	check_said(&s, "* SEARCH 1 3 5 7 9 11\r\nx OK UID SEARCH done\r\n");
	CHECK(ask(&s, STR("SEARCH UID 9:12")) == NULL);
	check_said(&s, "* SEARCH 9 10 11\r\nx OK SEARCH done\r\n");
	close_session(&s);
}

/* Only what is open is asked, and what is found is found. */
static void
asks_what_is_open(void)
{
	struct imap_search_op *op;
	struct session s;

	open_session(&s, 30);
	op = ask(&s, STR("UID SEARCH UID 8:22 OR SEEN BODY noon"));
	CHECK(op != NULL && op->order == SEARCH_UNSORTED);
	check_set(&op->found, "9,11,13,15,17,19,21");
	check_set(&op->uids, "8,12,14,16,18,22");
	CHECK(search_program_level(&op->program) == SEARCH_BY_TEXT);
	seqset_add(&op->found, 12, 12);
	imap_done(s.imap);
	CHECK(ask(&s, STR("UID SEARCH $ LARGER 1")) == NULL);
	check_said(&s, "* SEARCH\r\nx OK UID SEARCH done\r\n");

	op = ask(&s, STR("UID SEARCH SMALLER 5"));
	check_set(&op->uids, "1:29"); /* gaps in it are no messages */
	imap_done(s.imap);
	op = ask(&s, STR("SORT (SIZE) UTF-8 SEEN UID 1:5"));
	CHECK(op != NULL && op->order == SEARCH_SORTED && op->found.n == 0);
	check_set(&op->uids, "1,3,5");
	imap_done(s.imap);
	close_session(&s);
}

/* What is found is told, and what failed is said and not saved. */
static void
tells_what_the_store_found(void)
{
	static const struct str nothing = {"", 0};
	struct imap_search_op *op;
	struct session s;
	struct str in = nothing;

	open_session(&s, 30);
	op = ask(&s, STR("SEARCH RETURN (SAVE COUNT) SINCE 1-Jan-2026"));
	seqset_add(&op->found, 1, 3);
	seqset_add(&op->found, 11, 11);
	op->unreadable = true;
	imap_done(s.imap);
	imap_step(s.imap, NOW_S, &in);
	check_said(&s, "* ESEARCH (TAG \"x\") COUNT 4\r\n"
		       "* NO [SERVERBUG] Some messages cannot be read\r\n"
		       "x OK SEARCH done\r\n");
	CHECK(ask(&s, STR("SEARCH $")) == NULL);
	check_said(&s, "* SEARCH 1 2 3 10\r\nx OK SEARCH done\r\n");

	op = ask(&s, STR("SEARCH RETURN (SAVE) SINCE 1-Jan-2026"));
	op->op.rc = fail(&op->op.fail, FAIL_TEMP, "no");
	imap_done(s.imap);
	imap_step(s.imap, NOW_S, &in);
	check_said(&s, "x NO [UNAVAILABLE] Try again later\r\n");
	CHECK(ask(&s, STR("SEARCH $")) == NULL);
	check_said(&s, "* SEARCH\r\nx OK SEARCH done\r\n");
	close_session(&s);
}

/* What would take the loop too long goes to the store, all of it. */
static void
leaves_much_to_the_store(void)
{
	struct imap_search_op *op;
	struct session s;
	struct buf command;

	open_session(&s, 2000);
	buf_init(&command, 1 * MB);
	buf_add(&command, STR("UID SEARCH ALL"));
	for (int i = 0; i < 1000; i++)
		buf_add(&command, STR(" SEEN"));
	op = ask(&s, buf_str(&command));
	CHECK(op != NULL);
	check_set(&op->uids, "1:1999");
	imap_done(s.imap);
	buf_release(&command);
	close_session(&s);
}

/* ATTACKS of nesting and number: BAD, at once. */
static void
bounds_what_is_asked(void)
{
	static const struct {
		const char *piece;
		size_t n;
		const char *end, *want;
	} rows[] = {
	    {"NOT ",    100000, "ALL",     "x BAD the search is nested too deep\r\n" },
	    {"OR ",     50000,  "ALL",     "x BAD the search is nested too deep\r\n" },
	    {"ALL ",    100000, "ALL",     "x BAD there are too many search keys\r\n"},
	    {"UID 1 ",  5000,   "ALL",     "x BAD there are too many search keys\r\n"},
	    {"$ ",      4997,   "NOT ALL", "* SEARCH\r\nx OK SEARCH done\r\n"        },
	    {"RECENT ", 4997,   "NOT ALL", "* SEARCH\r\nx OK SEARCH done\r\n"        },
	};
	struct session s;
	struct buf command;

	open_session(&s, 30);
	buf_init(&command, 1 * MB);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&command);
		buf_add(&command, STR("SEARCH "));
		for (size_t k = 0; k < rows[i].n; k++)
			buf_add(&command, str_of(rows[i].piece));
		buf_add(&command, str_of(rows[i].end));
		CHECK(ask(&s, buf_str(&command)) == NULL);
		check_said(&s, rows[i].want);
	}
	buf_release(&command);
	close_session(&s);
}

/* ---- three answers ---- */

static enum search_truth
by_flags(void *arg, const struct search_program *q, const struct search_key *k)
{
	(void)arg;
	(void)q;
	return (enum search_truth)k->flags;
}

/* "&" and "|" open a list that ")" ends, "!" takes one key. */
static enum search_truth
judge(const char *tree)
{
	struct search_program q;
	size_t open[10], depth = 0;
	enum search_truth t;

	search_program_init(&q);
	q.keys = mem_new(strlen(tree), sizeof(*q.keys));
	for (; *tree != '\0'; tree++) {
		struct search_key *k = &q.keys[q.n];

		if (*tree == ')') {
			q.keys[open[--depth]].next = q.n;
			continue;
		}
		k->next = ++q.n;
		if (*tree == '&' || *tree == '|') {
			k->kind = *tree == '&' ? SEARCH_AND : SEARCH_OR;
			open[depth++] = q.n - 1;
		} else if (*tree == '!') {
			k->kind = SEARCH_NOT;
			k->next++; /* in these tests: a leaf */
		} else {
			k->kind = SEARCH_FLAGS;
			k->flags = *tree == 'y'   ? SEARCH_YES
			           : *tree == 'n' ? SEARCH_NO
			                          : SEARCH_OPEN;
		}
	}
	t = search_judge(&q, by_flags, NULL);
	search_program_release(&q);
	return t;
}

static void
three_answers(void)
{
	static const struct {
		const char *tree;
		enum search_truth want;
	} rows[] = {
	    {"y",           SEARCH_YES },
	    {"n",           SEARCH_NO  },
	    {"o",           SEARCH_OPEN},
	    {"!y",          SEARCH_NO  },
	    {"!n",          SEARCH_YES },
	    {"!o",          SEARCH_OPEN},
	    {"&yy)",        SEARCH_YES },
	    {"&yn)",        SEARCH_NO  },
	    {"&on)",        SEARCH_NO  },
	    {"&no)",        SEARCH_NO  },
	    {"&yo)",        SEARCH_OPEN},
	    {"&oo)",        SEARCH_OPEN},
	    {"|nn)",        SEARCH_NO  },
	    {"|ny)",        SEARCH_YES },
	    {"|oy)",        SEARCH_YES },
	    {"|no)",        SEARCH_OPEN},
	    {"|on)",        SEARCH_OPEN},
	    {"&y|no)!n)",   SEARCH_OPEN},
	    {"|n&y!n)y)",   SEARCH_YES },
	    {"&|ny)|nn)o)", SEARCH_NO  },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(judge(rows[i].tree) == rows[i].want);
}

int
main(void)
{
	answers_from_the_mirror();
	asks_what_is_open();
	tells_what_the_store_found();
	leaves_much_to_the_store();
	bounds_what_is_asked();
	three_answers();
	return TEST_EXIT();
}
