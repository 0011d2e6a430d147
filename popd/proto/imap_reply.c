/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "popd/proto/imap_lex.h"
#include "popd/proto/imap_state.h"

static const char *const statuses[] = {
    [IMAP_OK] = "OK",
    [IMAP_NO] = "NO",
    [IMAP_BAD] = "BAD",
};

static const char *const codes[] = {
#define C(NAME, text) text,
    IMAP_CODES(C)
#undef C
};

void
imap_enter(struct imap *p, enum imap_state to)
{
	static const struct {
		enum imap_state from;
		unsigned to;
	} edges[] = {
	    {IMAP_NOT_AUTHENTICATED, IMAP_AUTHENTICATED | IMAP_LOGGED_OUT},
	    {IMAP_AUTHENTICATED,     IMAP_SELECTED | IMAP_LOGGED_OUT     },
	    {IMAP_SELECTED,          IMAP_AUTHENTICATED | IMAP_LOGGED_OUT},
	};
	unsigned may = 0;

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		if (edges[i].from == p->state)
			may = edges[i].to;
	assert(may & to);
	p->state = to;
}

void
imap_untagged(struct imap *p, const char *fmt, ...)
{
	va_list ap;

	buf_add(&p->out, STR("* "));
	va_start(ap, fmt);
	buf_vaddf(&p->out, fmt, ap);
	va_end(ap);
	buf_add(&p->out, STR("\r\n"));
}

void
imap_untagged_code(
    struct imap *p, enum imap_status status, const char *code, const char *text)
{
	imap_untagged(p, "%s [%s] %s", statuses[status], code, text);
}

enum imap_event
imap_hang_up(struct imap *p, const char *why)
{
	if (p->state == IMAP_LOGGED_OUT)
		return IMAP_NONE;
	imap_untagged(p, "BYE %s", why);
	imap_enter(p, IMAP_LOGGED_OUT);
	return IMAP_NONE;
}

/* The command is over: nothing of it is left. */
static void
end_command(struct imap *p)
{
	p->tag[0] = '\0';
	p->idling = false;
	p->resume = NULL;
	if (p->work != NULL && p->free_work != NULL)
		p->free_work(p->work);
	p->work = NULL;
	p->free_work = NULL;
	p->unstage |= p->staged;
	p->staged = false;
	imap_lex_clear(p->lex);
}

/* Says what changed, then its tagged response: what there is room for. */
static enum imap_event
reply_on(struct imap *p)
{
	if (!(p->may & IMAP_MAY_NOTHING) &&
	    !imap_sync(p, p->may & IMAP_MAY_EXPUNGE)) {
		p->resume = reply_on;
		return IMAP_DRAIN;
	}
	buf_add(&p->out, str_of(p->late));
	free(p->late);
	p->late = NULL;
	end_command(p);
	return IMAP_NONE;
}

enum imap_event
imap_reply_with(
    struct imap *p, enum imap_status status, struct str code, const char *text)
{
	struct buf line;

	if (p->unasked) {
		imap_notify_fetched(p);
		return IMAP_NONE;
	}
	assert(p->tag[0] != '\0');
	assert(p->late == NULL);
	assert(text[0] != '['); /* it would be taken for a code */
	buf_init(&line, code.len + 16 * KB);
	buf_addf(&line, "%s %s ", p->tag, statuses[status]);
	if (code.len > 0)
		buf_addf(&line, "[%.*s] ", STR_FMT(code));
	buf_addf(&line, "%s\r\n", text);
	assert(!line.overrun);
	p->late = buf_take(&line);
	return reply_on(p);
}

enum imap_event
imap_reply(struct imap *p, enum imap_status status, enum imap_code code,
    const char *text)
{
	return imap_reply_with(p, status, str_of(codes[code]), text);
}

enum imap_event
imap_reply_done(struct imap *p)
{
	struct buf text;

	buf_init(&text, 100);
	buf_addf(&text, "%s%.*s done", p->uid ? "UID " : "", STR_FMT(p->verb));
	imap_reply(p, IMAP_OK, IMAP_CODE_NONE, text.data);
	buf_release(&text);
	return IMAP_NONE;
}

/* What a failure says, as a response may have it (RFC 9051 s9 text). */
static void
add_sentence(struct buf *out, const char *text, bool utf8)
{
	if (text[0] == '\0')
		buf_add(out, STR("It cannot be done"));
	if (text[0] == '[') /* it would be taken for a code */
		buf_add(out, STR("It cannot be done: "));
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		buf_add_char(out,
		    c < ' ' || c == 0x7f || (c > 127 && !utf8) ? '?' : *text);
	}
}

enum imap_event
imap_reply_failed(struct imap *p, const struct imap_op *op)
{
	static const struct {
		enum imap_code code;
		const char *text; /* NULL: that of the failure */
	} says[] = {
	    [FAIL_NONE] = {IMAP_CODE_SERVERBUG,   "Something went wrong"},
	    [FAIL_TEMP] = {IMAP_CODE_UNAVAILABLE, "Try again later"     },
	    [FAIL_PERM] = {IMAP_CODE_CANNOT,      NULL                  },
	    [FAIL_SYNTAX] = {IMAP_CODE_CANNOT,      NULL                  },
	    [FAIL_QUOTA] = {IMAP_CODE_OVERQUOTA,   NULL                  },
	    [FAIL_DISK] = {IMAP_CODE_UNAVAILABLE, "The disk is full"    },
	};
	enum fail_kind kind = op->fail.kind;
	enum imap_code code = op->code;
	struct buf text;

	if (code == IMAP_CODE_NONE)
		code = says[kind].code;
	buf_init(&text, sizeof(op->fail.text) + 100);
	add_sentence(&text,
	    says[kind].text != NULL ? says[kind].text : op->fail.text,
	    imap_utf8(p));
	imap_reply(p, IMAP_NO, code, text.data);
	buf_release(&text);
	return IMAP_NONE;
}

enum imap_event
imap_blame(struct imap *p, enum imap_code code, const char *what_is_wrong)
{
	bool last = ++p->errors >= p->options.max_errors;

	if (last)
		p->may |= IMAP_MAY_NOTHING;
	imap_reply(p, IMAP_BAD, code, what_is_wrong);
	if (last)
		return imap_hang_up(p, "Too many errors");
	return IMAP_NONE;
}

enum imap_event
imap_reply_syntax(struct imap *p, const char *what_is_wrong)
{
	return imap_blame(p, IMAP_CODE_NONE, what_is_wrong);
}

enum imap_event
imap_ask(struct imap *p, struct imap_op *op)
{
	assert(p->waiting == IMAP_NONE && p->next == IMAP_NONE);
	p->op = op;
	p->next = IMAP_OP;
	return IMAP_OP;
}

bool
imap_is_full(const struct imap *p)
{
	return p->out.len >= IMAP_OUTPUT_HIGH;
}
