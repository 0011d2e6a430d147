/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_append.h"

#include <assert.h>
#include <stdlib.h>

#define MAILBOX_MAX 1000

/* Octets of all messages of one command: what may lie in stages. */
#define TOTAL_FACTOR 2 /* of the largest message */

/* While literals come: before the command is complete. */
struct incoming {
	uint64_t asked; /* total that the store was asked about */
	bool answered;
	int rc; /* the answer */
	enum fail_kind kind;
	enum imap_code code;
	bool binary; /* the literal that comes: literal8 */
	bool nul;    /* there was a NUL where none may be */
};

static void
release_messages(struct imap_append_message *messages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_release(&messages[i].names);
	free(messages);
}

/* ---- grammar ---- */

/* What stands before a message: " (\Seen) "17-Jul-1996 ..." " and, for utf8,
 * "UTF8 (" (RFC 9051 s9 append-message, RFC 6855 s4). */
static bool
take_before(struct imap *p, struct imap_args *a, struct imap_append_message *m,
    bool *utf8)
{
	if (!imap_arg_space(a))
		return false;
	buf_init(&m->names, IMAP_COMMAND_MAX);
	if (str_starts(a->rest, STR("(")) &&
	    (!imap_arg_flags(a, true, &m->flags, &m->names) ||
		!imap_arg_space(a)))
		return false;
	if (str_starts(a->rest, STR("\""))) {
		m->dated = true;
		if (!imap_arg_date_time(a, &m->received_s) ||
		    !imap_arg_space(a))
			return false;
	}
	*utf8 = imap_offers(p, IMAP_CAP_UTF8_ACCEPT) &&
	        str_take_nocase(&a->rest, STR("UTF8 ("));
	return true;
}

static bool
take_message(struct imap_args *a, bool utf8, uint64_t *size)
{
	bool binary;

	if (!imap_arg_message(a, size, &binary))
		return false;
	return !utf8 || (binary && imap_arg_char(a, ')'));
}

/* ---- literals as they come ---- */

static void
free_incoming(void *work)
{
	free(work);
}

static struct incoming *
incoming(struct imap *p)
{
	if (p->work == NULL) {
		p->work = MEM_NEW(struct incoming);
		p->free_work = free_incoming;
	}
	return p->work;
}

static void
release_appendable(struct imap_op *op)
{
	free(((struct imap_appendable_op *)op)->mailbox);
}

static void
done_appendable(struct imap *p, struct imap_op *op)
{
	struct incoming *in = p->work;

	in->answered = true;
	in->rc = op->rc;
	in->kind = op->fail.kind;
	in->code = op->code;
}

static enum imap_literal
ask_store(struct imap *p, struct str mailbox, uint64_t total, bool replaces)
{
	struct imap_appendable_op *op = imap_op_new(p, IMAP_OP_APPENDABLE,
	    sizeof(*op), done_appendable, release_appendable);
	struct incoming *in = p->work;

	in->asked = total;
	in->answered = false;
	op->mailbox = mem_dup(mailbox);
	op->size = total;
	op->replaces = replaces;
	imap_ask(p, &op->op);
	return IMAP_LITERAL_ASK;
}

static enum imap_literal
refuse(enum imap_code why, const char *sentence, enum imap_code *code,
    const char **text)
{
	*code = why;
	*text = sentence;
	return IMAP_LITERAL_REFUSED;
}

static enum imap_literal
judge_answer(const struct incoming *in, enum imap_code *code, const char **text)
{
	if (in->rc == 0)
		return IMAP_LITERAL_MESSAGE;
	if (in->code == IMAP_CODE_TRYCREATE)
		return refuse(in->code, "There is no such mailbox", code, text);
	if (in->code == IMAP_CODE_CANNOT) /* Pending: store/pending.h */
		return refuse(in->code,
		    "Only the server puts messages there: it shows what waits "
		    "to "
		    "be sent",
		    code, text);
	if (in->kind == FAIL_QUOTA)
		return refuse(
		    IMAP_CODE_OVERQUOTA, "There is no room for it", code, text);
	if (in->kind == FAIL_PERM || in->kind == FAIL_SYNTAX)
		return refuse(
		    IMAP_CODE_CANNOT, "It cannot be put there", code, text);
	return refuse(IMAP_CODE_UNAVAILABLE, "Try again later", code, text);
}

/* The messages before the literal: their octets and how many.  False: what is
 * announced is no message. */
static bool
take_earlier(struct imap *p, struct imap_args *a, uint64_t *octets, size_t *n)
{
	for (*octets = *n = 0;; ++*n) {
		struct imap_append_message m = {0};
		uint64_t size;
		bool utf8, good = take_before(p, a, &m, &utf8);

		buf_release(&m.names);
		if (!good || imap_arg_end(a))
			return good;
		if (*n == IMAP_APPEND_MESSAGES || !take_message(a, utf8, &size))
			return false;
		*octets += size;
	}
}

/* "APPEND ", or "REPLACE 4 " and a message that is there. */
static bool
take_command(struct imap *p, struct imap_args *a, bool *replaces, bool *missing)
{
	bool uid = str_take_nocase(&a->rest, STR("UID "));
	uint32_t replaced;

	*replaces = *missing = false;
	if (!uid && str_take_nocase(&a->rest, STR("APPEND ")))
		return true;
	*replaces = p->state == IMAP_SELECTED &&
	            imap_offers(p, IMAP_CAP_REPLACE) &&
	            str_take_nocase(&a->rest, STR("REPLACE "));
	if (!*replaces || !imap_replace_take(p, a, uid, &replaced))
		return false;
	*missing = replaced == 0;
	return imap_arg_space(a);
}

enum imap_literal
imap_append_literal(struct imap *p, struct str head, uint64_t size, bool binary,
    enum imap_code *code, const char **text)
{
	struct imap_args a = {head, imap_utf8(p)};
	struct incoming *in;
	struct buf mailbox;
	enum imap_literal is = IMAP_LITERAL_ARGUMENT;
	bool replaces, missing, message;
	uint64_t before = 0;
	size_t n = 0;

	buf_init(&mailbox, MAILBOX_MAX);
	message = take_command(p, &a, &replaces, &missing) &&
	          imap_arg_mailbox(&a, &mailbox) &&
	          take_earlier(p, &a, &before, &n);
	in = message ? incoming(p) : NULL;
	if (!message)
		;
	else if (replaces && p->read_only)
		is = refuse(IMAP_CODE_READ_ONLY,
		    "The mailbox was opened to be read", code, text);
	else if (missing)
		is = refuse(IMAP_CODE_EXPUNGEISSUED,
		    "The message to be replaced is gone", code, text);
	else if (n > 0 && (replaces || !imap_offers(p, IMAP_CAP_MULTIAPPEND)))
		is = refuse(IMAP_CODE_CANNOT, "One message only", code, text);
	else if (n == IMAP_APPEND_MESSAGES)
		is = refuse(IMAP_CODE_LIMIT, "Too many messages", code, text);
	else if (size > p->options.message_max ||
		 before > (TOTAL_FACTOR - 1) * p->options.message_max)
		is = refuse(IMAP_CODE_TOOBIG, "It is too large", code, text);
	else if (in->asked == before + size && in->answered)
		is = judge_answer(in, code, text);
	else
		is = ask_store(p, buf_str(&mailbox), before + size, replaces);
	if (is == IMAP_LITERAL_MESSAGE)
		in->binary = binary;
	buf_release(&mailbox);
	return is;
}

void
imap_append_octets(struct imap *p, struct str octets)
{
	struct incoming *in = p->work;
	size_t at;

	if (!in->binary && str_find(octets, '\0', &at))
		in->nul = true;
}

/* ---- the command, complete ---- */

static void
release_append(struct imap_op *op)
{
	struct imap_append_op *append = (struct imap_append_op *)op;

	free(append->mailbox);
	free(append->uids);
	release_messages(append->messages, append->n);
}

struct imap_append_op *
imap_append_new(struct imap *p, enum imap_op_kind kind,
    void (*done)(struct imap *p, struct imap_op *op))
{
	return imap_op_new(
	    p, kind, sizeof(struct imap_append_op), done, release_append);
}

/* NULL, or what is wrong with the arguments.  *empty: a message has no octets,
 * which calls it off (RFC 3502 s6.3.11). */
static const char *
take_all(struct imap *p, struct imap_args *a, size_t max,
    struct imap_append_op *op, bool *empty)
{
	struct buf mailbox;
	bool good;

	*empty = false;
	buf_init(&mailbox, MAILBOX_MAX);
	good = imap_arg_mailbox(a, &mailbox);
	op->mailbox = mem_dup(buf_str(&mailbox));
	buf_release(&mailbox);
	if (!good)
		return "A mailbox is expected";
	op->messages = mem_new(max, sizeof(*op->messages));
	do {
		struct imap_append_message *m = &op->messages[op->n++];
		uint64_t size;
		bool utf8;

		if (!take_before(p, a, m, &utf8))
			return "Not flags, a date or a message";
		if (!take_message(a, utf8, &size))
			return "A message is expected as a literal";
		*empty |= size == 0;
	} while (!imap_arg_end(a) && op->n < max);
	return imap_arg_end(a) ? NULL : "Too many messages";
}

enum imap_event
imap_append_ask(
    struct imap *p, struct imap_args *a, size_t max, struct imap_append_op *op)
{
	const struct incoming *in = p->work;
	bool empty;
	const char *wrong = take_all(p, a, max, op, &empty);

	assert(
	    wrong != NULL || in != NULL); /* a message's literal was judged */
	if (wrong == NULL && !empty && !in->nul)
		return imap_ask(p, &op->op);
	imap_op_free(&op->op);
	if (wrong != NULL)
		return imap_reply_syntax(p, wrong);
	if (empty)
		return imap_reply(p, IMAP_NO, IMAP_CODE_NONE,
		    "An empty message calls it off: nothing was stored");
	return imap_reply(p, IMAP_NO, IMAP_CODE_CANNOT,
	    "NUL needs a literal8"); /* RFC 3516 s4.4 */
}

void
imap_append_code(const struct imap_append_op *op, struct buf *out)
{
	struct seqset uids = {.ranges = NULL};

	for (size_t i = 0; i < op->n; i++)
		seqset_add(&uids, op->uids[i], op->uids[i]);
	buf_addf(out, "APPENDUID %lu ", (unsigned long)op->uid_validity);
	seqset_write(&uids, out);
	seqset_release(&uids);
}

static void
done_append(struct imap *p, struct imap_op *op)
{
	struct buf code;

	if (op->rc == -1) {
		imap_reply_failed(p, op);
		return;
	}
	buf_init(&code, 64 * KB);
	imap_append_code((struct imap_append_op *)op, &code);
	imap_reply_with(p, IMAP_OK, buf_str(&code), "APPEND done");
	buf_release(&code);
}

enum imap_event
imap_cmd_append(struct imap *p, struct imap_args *a)
{
	return imap_append_ask(p, a, IMAP_APPEND_MESSAGES,
	    imap_append_new(p, IMAP_OP_APPEND, done_append));
}
