/* SPDX-License-Identifier: MIT */
/* What conversations cannot show: the host's side of the engine. */
#include <stdlib.h>

#include "popd/proto/imap.h"
#include "popd/proto/imap_box_op.h"
#include "popd/proto/imap_selected_op.h"
#include "popd/proto/imap_state.h"
#include "tests/test.h"

static struct imap *
begin(void)
{
	struct imap_options o = {.hostname = "mx.d.test",
	    .tls = true,
	    .max_errors = 10,
	    .message_max = 1000,
	    .off = ""};

	return imap_new(&o);
}

static enum imap_event
say(struct imap *p, const char *text)
{
	struct str in = str_of(text);
	enum imap_event ev = imap_step(p, 0, &in);

	/* what follows an event stays there */
	CHECK(ev != IMAP_NONE || in.len == 0);
	return ev;
}

static bool
hears(struct imap *p, const char *text)
{
	struct buf *out = imap_output(p);
	size_t at;
	bool there = str_find_str(buf_str(out), str_of(text), &at);

	if (!there)
		fprintf(stderr, "not said: %s, but %.*s\n", text,
		    STR_FMT(buf_str(out)));
	buf_clear(out);
	return there;
}

static struct imap *
logged_in(void)
{
	struct imap *p = begin();

	CHECK(say(p, "a LOGIN alice pw\r\n") == IMAP_LOGIN);
	CHECK(str_eq(imap_login(p)->user, STR("alice")));
	CHECK(str_eq(imap_login(p)->password, STR("pw")));
	imap_logged_in(p, 7, "alice@d.test", "");
	CHECK(hears(p, "a OK [CAPABILITY IMAP4rev1"));
	return p;
}

static void
test_pipelining(void)
{
	struct imap *p = begin();
	struct str in = STR("a LOGIN alice pw\r\nb NOOP\r\n");

	CHECK(imap_step(p, 0, &in) == IMAP_LOGIN);
	CHECK(str_eq(in, STR("b NOOP\r\n")));
	imap_refused(p, IMAP_UNAVAILABLE);
	CHECK(imap_step(p, 0, &in) == IMAP_NONE && in.len == 0);
	CHECK(hears(p, "a NO [UNAVAILABLE] Try again later\r\nb OK NOOP"));
	CHECK(imap_commands(p) == 2);
	imap_free(p);
}

/* ---- ops ---- */

struct count {
	struct imap_op op;
	int *done, *released;
	int more; /* ops to come behind it */
};

static void
count_release(struct imap_op *op)
{
	++*((struct count *)op)->released;
}

static void
count_done(struct imap *p, struct imap_op *op)
{
	struct count *c = (struct count *)op, *next;

	++*c->done;
	if (op->rc == -1) {
		imap_reply_failed(p, op);
		return;
	}
	if (c->more == 0) {
		imap_reply_done(p);
		return;
	}
	next = imap_op_new(
	    p, IMAP_OP_POLL, sizeof(*next), count_done, count_release);
	next->done = c->done;
	next->released = c->released;
	next->more = c->more - 1;
	imap_ask(p, &next->op);
}

/* As a command would. */
static enum imap_event
ask(struct imap *p, struct imap_args *a)
{
	struct count *c = imap_op_new(
	    p, IMAP_OP_POLL, sizeof(*c), count_done, count_release);

	(void)a;
	CHECK(c->op.account == 7);
	imap_op_delta(&c->op, 1)->messages = mem_new(2, 24);
	imap_op_delta(&c->op, 2)->gone = mem_new(2, 8);
	imap_op_news(&c->op, IMAP_NEWS_NAME, 3)->name = mem_dup(STR("x"));
	imap_op_news(&c->op, IMAP_NEWS_NAME, 4)->old_name = mem_dup(STR("y"));
	CHECK(c->op.n_deltas == 2 && c->op.deltas[1].mailbox == 2);
	CHECK(c->op.n_news == 2 && c->op.news[0].mailbox == 3);
	return imap_ask(p, &c->op);
}

/* The command under way, without its function. */
static struct count *
begin_count(struct imap *p, int *done, int *released, int more)
{
	struct count *c;

	memcpy(p->tag, "t", 2);
	p->verb = STR("COUNT");
	ask(p, NULL);
	CHECK(say(p, "next NOOP\r\n") == IMAP_OP);
	c = (struct count *)imap_op(p);
	c->done = done;
	c->released = released;
	c->more = more;
	return c;
}

static void
test_ops(void)
{
	struct imap *p = logged_in();
	int done = 0, released = 0;

	begin_count(p, &done, &released, 2)->op.done_permille = 175;
	imap_progress(p);
	CHECK(hears(p, "* OK [INPROGRESS (\"t\" 175 1000)] "));
	imap_done(p);
	CHECK(done == 1 && released == 1);
	CHECK(say(p, "") == IMAP_OP);
	imap_done(p);
	CHECK(say(p, "") == IMAP_OP);
	imap_done(p);
	CHECK(done == 3 && released == 3);
	CHECK(hears(p, "t OK COUNT done\r\n"));
	begin_count(p, &done, &released, 0);
	imap_op_free(imap_take_op(p)); /* the client is gone */
	CHECK(done == 3 && released == 4);
	imap_free(p);
	p = logged_in();
	begin_count(p, &done, &released, 0);
	imap_free(p); /* with it in there */
	CHECK(done == 3 && released == 5);
}

static void
test_failed_ops(void)
{
	static const struct {
		enum fail_kind kind;
		enum imap_code code;
		const char *text, *says;
	} vectors[] = {
	    {FAIL_TEMP,   0,                   "/var/x: no",     "t NO [UNAVAILABLE] Try again later" },
	    {FAIL_DISK,   0,                   "/var/x: no",     "t NO [UNAVAILABLE] The disk is full"},
	    {FAIL_QUOTA,  0,                   "no room",        "t NO [OVERQUOTA] no room\r\n"       },
	    {FAIL_PERM,   0,                   "a\r\nb OK",      "t NO [CANNOT] a??b OK\r\n"          },
	    {FAIL_PERM,   IMAP_CODE_TRYCREATE, "none \xc3\xa9",
             "t NO [TRYCREATE] none ??\r\n"							   },
	    {FAIL_SYNTAX, 0,                   "bad name",       "t NO [CANNOT] bad name\r\n"         },
	    {FAIL_NONE,   0,                   "",               "t NO [SERVERBUG] "                  },
	    {FAIL_PERM,   0,                   "",               "t NO [CANNOT] It cannot be done\r\n"},
	    {FAIL_PERM,   0,                   "[Mail] is full",
             "t NO [CANNOT] It cannot be done: [Mail] is full\r\n"                                    },
	    {FAIL_PERM,   0,                   "a\x7f~",         "t NO [CANNOT] a?~\r\n"              },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct imap *p = logged_in();
		int done = 0, released = 0;
		struct count *c = begin_count(p, &done, &released, 0);

		c->op.rc = -1;
		c->op.code = vectors[i].code;
		c->op.fail.kind = vectors[i].kind;
		snprintf(c->op.fail.text, sizeof(c->op.fail.text), "%s",
		    vectors[i].text);
		imap_done(p);
		CHECK(hears(p, vectors[i].says));
		imap_free(p);
	}
}

/* Who has enabled UTF-8 hears it in sentences too (RFC 6855 s3). */
static void
test_failed_op_in_utf8(void)
{
	struct imap *p = logged_in();
	int done = 0, released = 0;
	struct count *c;

	CHECK(say(p, "a ENABLE UTF8=ACCEPT\r\n") == IMAP_NONE);
	buf_clear(imap_output(p));
	c = begin_count(p, &done, &released, 0);
	c->op.rc = fail(&c->op.fail, FAIL_PERM, "none \xc3\xa9");
	imap_done(p);
	CHECK(hears(p, "t NO [CANNOT] none \xc3\xa9\r\n"));
	imap_free(p);
}

/* ---- output ---- */

static int resumed;

static enum imap_event
resume(struct imap *p)
{
	for (int i = 0; i < 3000; i++)
		imap_untagged(p, "SOMETHING %d", i);
	if (++resumed == 3)
		return imap_reply_done(p);
	p->resume = resume;
	return IMAP_DRAIN;
}

static void
test_drain(void)
{
	struct imap *p = logged_in();

	memcpy(p->tag, "t", 2);
	p->verb = STR("COUNT");
	p->uid = true;
	p->resume = resume;
	resumed = 0;
	CHECK(say(p, "b NOOP\r\n") == IMAP_DRAIN && resumed == 1);
	CHECK(say(p, "b NOOP\r\n") == IMAP_DRAIN && resumed == 1);
	CHECK(hears(p, "* SOMETHING 2999"));
	CHECK(say(p, "b NOOP\r\n") == IMAP_DRAIN && resumed == 2);
	buf_clear(imap_output(p));
	CHECK(say(p, "b NOOP\r\n") == IMAP_DRAIN && resumed == 3);
	CHECK(hears(p, "t OK UID COUNT done"));
	CHECK(say(p, "b NOOP\r\n") == IMAP_NONE && hears(p, "b OK NOOP"));
	/* with half of a response out nothing is said */
	p->resume = resume;
	imap_goodbye(p, IMAP_SHUTDOWN);
	CHECK(imap_output(p)->len == 0 && say(p, "") == IMAP_CLOSE);
	CHECK(say(p, "c NOOP\r\n") == IMAP_CLOSE);
	imap_goodbye(p, IMAP_SHUTDOWN);
	imap_free(p);
}

static void
test_goodbye_while_outstanding(void)
{
	struct imap *p = begin();

	CHECK(say(p, "a LOGIN alice pw\r\n") == IMAP_LOGIN);
	buf_clear(imap_output(p));
	imap_goodbye(p, IMAP_IDLE_TOO_LONG);
	CHECK(imap_output(p)->len == 0 && say(p, "") == IMAP_CLOSE);
	imap_free(p);
}

/* An op that the host was not even told of. */
static void
test_goodbye_before_it_is_told(void)
{
	struct imap *p = logged_in();

	memcpy(p->tag, "t", 2);
	p->verb = STR("COUNT");
	ask(p, NULL);
	((struct count *)p->op)->released = &(int){0};
	imap_goodbye(p, IMAP_SHUTDOWN);
	CHECK(imap_output(p)->len == 0 && say(p, "") == IMAP_CLOSE);
	imap_free(p);
}

/* A host that does not drain when it is told to has lost the client. */
static void
test_overrun(void)
{
	struct imap *p = logged_in();
	struct buf *out = imap_output(p);

	while (!out->overrun)
		buf_add(out, STR("0123456789abcdef"));
	CHECK(say(p, "a NOOP\r\n") == IMAP_CLOSE);
	imap_free(p);
}

/* ---- NOTIFY ---- */

static struct imap *
notified(void)
{
	struct imap *p = logged_in();
	struct imap_news_op *op;

	CHECK(!imap_is_idling(p) && !imap_wants_news(p));
	CHECK(
	    say(p, "n NOTIFY SET (personal (MessageNew MessageExpunge))\r\n") ==
	    IMAP_OP);
	op = (struct imap_news_op *)imap_op(p);
	op->lines = MEM_NEW(struct imap_list_lines);
	imap_done(p);
	CHECK(say(p, "") == IMAP_NONE && hears(p, "n OK NOTIFY done\r\n"));
	CHECK(imap_is_idling(p) && imap_wants_news(p));
	return p;
}

static void
tell_of(struct imap *p, int64_t first, int64_t last)
{
	for (int64_t i = first; i <= last; i++)
		imap_poke(p, &(struct imap_news){
				 .kinds = IMAP_NEWS_MESSAGES, .mailbox = i});
}

/* What nobody reads is not kept for ever: a thousand mailboxes, each once. */
static void
test_news_overflow(void)
{
	struct imap *p = notified();

	CHECK(say(p, "x NO") == IMAP_NONE); /* not in the middle of that */
	tell_of(p, 1, 1000);
	tell_of(p, 1, 1000);
	CHECK(say(p, "") == IMAP_NONE && imap_output(p)->len == 0);
	CHECK(say(p, "OP\r\n") == IMAP_OP);
	CHECK(hears(p, "x OK NOOP done\r\n"));
	CHECK(imap_op(p)->kind == IMAP_OP_NEWS);
	imap_progress(p); /* nobody waits for it */
	CHECK(imap_output(p)->len == 0);
	((struct imap_news_op *)imap_op(p))->lines = MEM_NEW(
	    struct imap_list_lines);
	imap_done(p);
	CHECK(say(p, "") == IMAP_NONE && imap_output(p)->len == 0);
	CHECK(imap_wants_news(p));

	CHECK(say(p, "y NO") == IMAP_NONE);
	tell_of(p, 1, 1001);
	tell_of(p, 1, 1); /* nothing more is kept */
	CHECK(say(p, "OP\r\n") == IMAP_NONE);
	CHECK(hears(p, "y OK NOOP done\r\n* OK [NOTIFICATIONOVERFLOW] "));
	CHECK(!imap_wants_news(p));
	tell_of(p, 1, 1);
	CHECK(say(p, "") == IMAP_NONE && imap_output(p)->len == 0);
	imap_free(p);

	p = notified(); /* the session ends with some untold */
	CHECK(say(p, "x NO") == IMAP_NONE);
	imap_poke(p, &(struct imap_news){.kinds = IMAP_NEWS_MESSAGES,
			 .mailbox = 1,
			 .name = (char *)"a",
			 .old_name = (char *)"b"});
	imap_free(p);
}

/* ---- literals ---- */

/* ATTACKS A130: twenty megabytes in five thousand literals. */
static void
test_many_literals(void)
{
	struct imap *p = logged_in();
	struct buf literal;

	buf_init(&literal, 8 * KB);
	buf_add(&literal, STR(" {4096+}\r\n"));
	for (int i = 0; i < 4096; i++)
		buf_add_char(&literal, 'x');
	CHECK(say(p, "a ENABLE") == IMAP_NONE);
	for (int i = 0; i < 5000; i++)
		CHECK(say(p, literal.data) == IMAP_NONE);
	CHECK(imap_output(p)->len == 0);
	CHECK(say(p, "\r\nb NOOP\r\n") == IMAP_NONE);
	CHECK(hears(p, "a NO [TOOBIG] The command is too long\r\nb OK"));
	/* with those that wait it is told at once */
	CHECK(say(p, "c ENABLE") == IMAP_NONE);
	for (int i = 0; i < 300 && imap_output(p)->len == 0; i++) {
		CHECK(say(p, " {4096}\r\n") == IMAP_NONE);
		if (str_starts(buf_str(imap_output(p)), STR("+ OK\r\n"))) {
			CHECK(say(p, literal.data + 10) == IMAP_NONE);
			buf_clear(imap_output(p));
		}
	}
	CHECK(hears(p, "c NO [TOOBIG] The command is too long\r\n"));
	CHECK(say(p, "d NOOP\r\n") == IMAP_NONE && hears(p, "d OK"));
	buf_release(&literal);
	imap_free(p);
}

/* The store is asked whether a message may come, and it may. */
static enum imap_event
step_past_op(struct imap *p, struct str *in)
{
	CHECK(imap_step(p, 0, in) == IMAP_OP);
	CHECK(imap_op(p)->kind == IMAP_OP_APPENDABLE);
	imap_done(p);
	return imap_step(p, 0, in);
}

/* A message goes to the host's stage; what was staged for a command that came
 * to nothing is dropped. */
static void
test_stages(void)
{
	struct imap *p = logged_in();
	struct str in = STR("a APPEND INBOX {3+}\r\nabc (\\Seen) {2}\r\n");

	CHECK(step_past_op(p, &in) == IMAP_STAGE && imap_stage_size(p) == 3);
	CHECK(imap_step(p, 0, &in) == IMAP_OCTETS);
	CHECK(str_eq(imap_octets(p), STR("abc")));
	CHECK(step_past_op(p, &in) == IMAP_STAGE && imap_stage_size(p) == 2);
	CHECK(imap_step(p, 0, &in) == IMAP_NONE && hears(p, "+ OK\r\n"));
	CHECK(say(p, "d") == IMAP_OCTETS && say(p, "") == IMAP_NONE);
	CHECK(say(p, "e\n") == IMAP_OCTETS);
	CHECK(say(p, "\nb NOOP\r\n") == IMAP_UNSTAGE);
	CHECK(hears(p, "a BAD Lines end with CRLF"));
	CHECK(say(p, "b NOOP\r\n") == IMAP_NONE && hears(p, "b OK"));
	/* the second is refused: the first goes too */
	in = STR("c APPEND INBOX {3+}\r\nabc {1001}\r\n");
	CHECK(step_past_op(p, &in) == IMAP_STAGE);
	CHECK(imap_step(p, 0, &in) == IMAP_OCTETS);
	CHECK(imap_step(p, 0, &in) == IMAP_UNSTAGE);
	CHECK(hears(p, "c NO [TOOBIG]"));
	/* no tag, no message */
	CHECK(say(p, "+ APPEND INBOX {3+}\r\nabc\r\n") == IMAP_NONE);
	CHECK(hears(p, "* BAD A command begins with a tag"));
	imap_free(p);
}

/* ---- the rest ---- */

static void
test_deflate(void)
{
	struct imap *p = logged_in();

	CHECK(say(p, "a COMPRESS DEFLATE\r\n") == IMAP_DEFLATE);
	CHECK(hears(p, "a OK "));
	imap_compressed(p, false);
	CHECK(say(p, "") == IMAP_CLOSE);
	imap_free(p);
}

static void
test_traces(void)
{
	struct imap *p = logged_in();
	size_t n;

	imap_read_traces(p, &n);
	CHECK(n == 0);
	say(p, "");
	p->read_traces = mem_new(2, sizeof(*p->read_traces));
	p->read_traces[0] = 5;
	p->n_read_traces = 1;
	say(p, "");
	CHECK(imap_read_traces(p, &n)[0] == 5 && n == 1);
	imap_read_traces(p, &n);
	CHECK(n == 0);
	say(p, "");
	imap_read_traces(p, &n);
	CHECK(n == 0);
	imap_free(p);
}

static void
test_questions(void)
{
	struct imap *p = logged_in();

	CHECK(imap_selected(p) == 0 && !imap_is_idling(p));
	CHECK(!imap_wants_news(p));
	CHECK_STR(imap_client(p), "");
	say(p, "a ID (\"version\" \"1\\\"\" \"name\" {3}\r\n\x01\r\n)\r\n");
	CHECK_STR(imap_client(p), "??? 1\"");
	imap_free(p);
	imap_free(NULL);
	imap_op_free(NULL);
}

int
main(void)
{
	test_pipelining();
	test_ops();
	test_failed_ops();
	test_failed_op_in_utf8();
	test_drain();
	test_goodbye_while_outstanding();
	test_goodbye_before_it_is_told();
	test_overrun();
	test_news_overflow();
	test_many_literals();
	test_stages();
	test_deflate();
	test_traces();
	test_questions();
	return TEST_EXIT();
}
