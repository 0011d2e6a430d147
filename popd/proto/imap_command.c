/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "common/auth/sasl.h"
#include "popd/proto/imap_chars.h"
#include "popd/proto/imap_lex.h"
#include "popd/proto/imap_state.h"

#define STRANGER_COMMANDS_MAX 100
#define LITERAL_MINUS_MAX     4096 /* RFC 7888 s5 */

#define OUT                   IMAP_NOT_AUTHENTICATED
#define IN                    (IMAP_AUTHENTICATED | IMAP_SELECTED)
#define ANY                   (OUT | IN)
#define BOX                   IMAP_SELECTED

#define E                     IMAP_MAY_EXPUNGE
#define U                     IMAP_MAY_UID
#define N                     IMAP_TAKES_NUMBERS
#define W                     IMAP_NEEDS_WRITE
#define Q                     IMAP_MAY_NOTHING

#define IMAP_CAP_NONE         IMAP_CAP_COUNT

/* cap: it goes with this capability, which may be off. */
static const struct row {
	const char *name;
	unsigned states;
	unsigned may; /* of enum imap_may */
	enum imap_cap cap;
	imap_command *run;
	const char *law;
} rows[] = {
/* clang-format off */
#define R(name, states, may, cap, run, law)                                    \
	{name, states, may, IMAP_CAP_##cap, imap_cmd_##run, law},
	R("CAPABILITY",  ANY, E,       NONE,      capability,   "9051 6.1.1")
	R("NOOP",        ANY, E,       NONE,      noop,         "9051 6.1.2")
	R("LOGOUT",      ANY, Q,       NONE,      logout,       "9051 6.1.3")
	R("ID",          ANY, E,       ID,        id,           "2971 3.1")
	R("STARTTLS",    OUT, Q,       NONE,      starttls,     "9051 6.2.1")
	R("AUTHENTICATE",OUT, 0,       NONE,      authenticate, "9051 6.2.2")
	R("LOGIN",       OUT, 0,       NONE,      login,        "9051 6.2.3")
	R("ENABLE",      IN,  E,       ENABLE,    enable,       "9051 6.3.1")
	R("COMPRESS",    IN,  Q,       COMPRESS,  compress,     "4978 3")
	R("SELECT",      IN,  0,       NONE,      select,       "9051 6.3.2")
	R("EXAMINE",     IN,  0,       NONE,      examine,      "9051 6.3.3")
	R("CREATE",      IN,  E,       NONE,      create,       "9051 6.3.4")
	R("DELETE",      IN,  E,       NONE,      delete,       "9051 6.3.5")
	R("RENAME",      IN,  E,       NONE,      rename,       "9051 6.3.6")
	R("SUBSCRIBE",   IN,  E,       NONE,      subscribe,    "9051 6.3.7")
	R("UNSUBSCRIBE", IN,  E,       NONE,      unsubscribe,  "9051 6.3.8")
	R("LIST",        IN,  E,       NONE,      list,         "9051 6.3.9")
	R("LSUB",        IN,  E,       NONE,      lsub,         "3501 6.3.9")
	R("NAMESPACE",   IN,  E,       NAMESPACE, namespace,    "9051 6.3.10")
	R("STATUS",      IN,  E,       NONE,      status,       "9051 6.3.11")
	R("APPEND",      IN,  E,       NONE,      append,       "9051 6.3.12")
	R("IDLE",        IN,  E,       IDLE,      idle,         "9051 6.3.13")
	R("NOTIFY",      IN,  E,       NOTIFY,    notify,       "5465 3")
	R("GETQUOTA",    IN,  E,       QUOTA,     getquota,     "9208 4.1.2")
	R("GETQUOTAROOT",IN,  E,       QUOTA,     getquotaroot, "9208 4.1.3")
	R("SETQUOTA",    IN,  E,       QUOTA,     setquota,     "9208 4.1.1")
	R("GETMETADATA", IN,  E,       METADATA,  getmetadata,  "5464 4.2")
	R("SETMETADATA", IN,  E,       METADATA,  setmetadata,  "5464 4.3")
	R("CHECK",       BOX, E,       NONE,      check,        "3501 6.4.1")
	R("CLOSE",       BOX, 0,       NONE,      close,        "9051 6.4.1")
	R("UNSELECT",    BOX, 0,       UNSELECT,  unselect,     "9051 6.4.2")
	R("EXPUNGE",     BOX, E|U|W,   NONE,      expunge,      "9051 6.4.3")
	R("SEARCH",      BOX, U|N,     NONE,      search,       "9051 6.4.4")
	R("SORT",        BOX, U|N,     SORT,      sort,         "5256 3")
	R("THREAD",      BOX, U|N,     NONE,      thread,       "5256 3")
	R("FETCH",       BOX, U|N,     NONE,      fetch,        "9051 6.4.5")
	R("STORE",       BOX, U|N|W,   NONE,      store,        "9051 6.4.6")
	R("COPY",        BOX, E|U|N,   NONE,      copy,         "9051 6.4.7")
	R("MOVE",        BOX, E|U|N|W, MOVE,      move,         "9051 6.4.8")
	R("REPLACE",     BOX, E|U|N|W, REPLACE,   replace,      "8508 3")
#undef R
    /* clang-format on */
};

static const struct row *
find_row(struct str name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq_nocase(name, str_of(rows[i].name)))
			return &rows[i];
	return NULL;
}

/* The tag at the front becomes that of the command under way. */
static bool
take_tag(struct imap *p, struct str *in)
{
	size_t n = 0;

	while (n < in->len && imap_is_tag_char(in->at[n]))
		n++;
	if (n == 0 || n >= sizeof(p->tag) || (n < in->len && in->at[n] != ' '))
		return false;
	for (size_t i = 0; i < n; i++)
		p->tag[i] = in->at[i];
	p->tag[n] = '\0';
	*in = str_after(*in, n);
	return true;
}

/* The word behind one space. */
static struct str
take_word(struct str *in)
{
	struct str rest = *in, word;

	if (!str_take(&rest, ' '))
		return (struct str){NULL, 0};
	word = str_cut(&rest, ' ');
	*in = str_after(*in, 1 + word.len);
	return word;
}

/* What has no tag to be answered by (RFC 9051 s7.1.3). */
static enum imap_event
blame_untagged(struct imap *p, const char *what_is_wrong)
{
	imap_lex_clear(p->lex);
	p->unstage |= p->staged;
	p->staged = false;
	imap_untagged(p, "BAD %s", what_is_wrong);
	if (++p->errors >= p->options.max_errors)
		return imap_hang_up(p, "Too many errors");
	return IMAP_NONE;
}

/* A browser made to talk to us must not get a second try (ALPACA). */
static bool
is_http(struct str tag)
{
	static const struct str methods[] = {
	    {"GET",     3},
            {"HEAD",    4},
            {"POST",    4},
            {"PUT",     3},
            {"DELETE",  6},
	    {"CONNECT", 7},
            {"OPTIONS", 7},
            {"PATCH",   5}
        };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_eq(tag, methods[i]))
			return true;
	return false;
}

static enum imap_event
run(struct imap *p, const struct row *row, struct imap_args *a)
{
	p->verb = str_of(row->name);
	p->may = row->may;
	if (p->uid) /* RFC 9051 s7.5.1 forbids it without */
		p->may |= IMAP_MAY_EXPUNGE;
	if (!(row->states & p->state))
		return imap_blame(p, IMAP_CODE_NONE, "Not in this state");
	if (!p->uid && (row->may & IMAP_TAKES_NUMBERS) &&
	    imap_has(p, IMAP_HAS_UIDONLY)) /* RFC 9586 s3 */
		return imap_blame(p, IMAP_CODE_UIDREQUIRED,
		    "Message numbers are not used any more");
	if ((row->may & IMAP_NEEDS_WRITE) && p->read_only)
		return imap_reply(p, IMAP_NO, IMAP_CODE_READ_ONLY,
		    "The mailbox was opened to be read");
	return row->run(p, a);
}

static enum imap_event
dispatch(struct imap *p, struct str text)
{
	struct imap_args a = {.utf8 = imap_utf8(p)};
	const struct row *row;
	struct str word;

	p->may = 0;
	p->uid = false;
	if (!take_tag(p, &text))
		return blame_untagged(p, "A command begins with a tag");
	word = take_word(&text);
	p->uid = str_eq_nocase(word, STR("UID"));
	if (p->uid)
		word = take_word(&text);
	row = find_row(word);
	if (row == NULL && is_http(str_of(p->tag)))
		return imap_hang_up(p, "This is IMAP");
	if (row == NULL || (p->uid && !(row->may & IMAP_MAY_UID)) ||
	    (row->cap != IMAP_CAP_NONE && !imap_offers(p, row->cap)))
		return imap_blame(p, IMAP_CODE_NONE, "Unknown command");
	str_take(&text, ' ');
	a.rest = text;
	return run(p, row, &a);
}

/* A command that is broken, or had a literal that was refused, is over. */
static enum imap_event
end_broken(struct imap *p)
{
	const struct imap_lex_blame *b = imap_lex_blame(p->lex);
	struct str text = imap_lex_text(p->lex);

	p->may = 0;
	if (!take_tag(p, &text))
		return blame_untagged(p, b->text);
	if (b->syntax)
		return imap_blame(p, b->code, b->text);
	return imap_reply(p, IMAP_NO, b->code, b->text);
}

static enum imap_event
refuse_literal(
    struct imap *p, bool syntax, enum imap_code code, const char *text)
{
	/* RFC 7888 s4: what comes unasked is either read or ends it all */
	if (!imap_lex_literal(p->lex)->waits &&
	    p->state == IMAP_NOT_AUTHENTICATED)
		return imap_hang_up(p, text);
	switch (imap_lex_refuse(p->lex, syntax, code, text)) {
	case IMAP_LEX_BROKEN:
		return end_broken(p);
	case IMAP_LEX_ENDLESS:
		return imap_hang_up(p, text);
	default:
		return IMAP_NONE;
	}
}

static enum imap_event
judge_literal(struct imap *p)
{
	const struct imap_lex_literal *lit = imap_lex_literal(p->lex);
	enum imap_literal kind = IMAP_LITERAL_ARGUMENT;
	enum imap_code code = IMAP_CODE_NONE;
	struct str head = lit->head;
	const char *why = "";
	bool tagged = take_tag(p, &head);

	p->tag[0] = '\0'; /* no command is under way yet */
	if (!tagged || !str_take(&head, ' '))
		return refuse_literal(
		    p, true, IMAP_CODE_NONE, "A command begins with a tag");
	if (!lit->waits && lit->size > LITERAL_MINUS_MAX &&
	    !imap_offers(p, IMAP_CAP_LITERAL_PLUS))
		return refuse_literal(p, true, IMAP_CODE_TOOBIG,
		    "A literal over 4096 octets has to wait");
	if (p->state != IMAP_NOT_AUTHENTICATED)
		kind = imap_append_literal(
		    p, head, lit->size, lit->binary, &code, &why);
	if (kind == IMAP_LITERAL_ASK) {
		p->judging = true;
		return IMAP_OP;
	}
	if (kind == IMAP_LITERAL_REFUSED)
		return refuse_literal(p, false, code, why);
	if (kind == IMAP_LITERAL_ARGUMENT && !imap_lex_fits(p->lex))
		return refuse_literal(
		    p, false, IMAP_CODE_TOOBIG, "The command is too long");
	if (lit->waits)
		buf_add(&p->out, STR("+ OK\r\n"));
	if (kind == IMAP_LITERAL_ARGUMENT) {
		imap_lex_keep(p->lex);
		return IMAP_NONE;
	}
	p->stage_size = lit->size;
	p->staged = true;
	imap_lex_give(p->lex);
	return IMAP_STAGE;
}

/* RFC 9051 s6.3.13: nothing but DONE ends it. */
static enum imap_event
idle_line(struct imap *p, struct str line)
{
	if (str_eq_nocase(line, STR("DONE")))
		return imap_reply_done(p);
	return imap_reply_syntax(p, "DONE was expected");
}

static enum imap_event
line_broken(struct imap *p)
{
	if (p->idling)
		return imap_reply_syntax(p, "DONE was expected");
	return imap_sasl_broken(p);
}

static enum imap_event
serve(struct imap *p, bool line, bool broken)
{
	struct str text = imap_lex_text(p->lex);

	if (p->state == IMAP_NOT_AUTHENTICATED &&
	    p->commands > STRANGER_COMMANDS_MAX)
		return imap_hang_up(p, "Too many commands without login");
	if (broken)
		return line ? line_broken(p) : end_broken(p);
	if (!line)
		return dispatch(p, text);
	return p->idling ? idle_line(p, text) : imap_sasl_line(p, text);
}

static size_t
longest(const struct imap *p, bool line)
{
	if (line && !p->idling)
		return SASL_RESPONSE_MAX;
	return line || p->state == IMAP_NOT_AUTHENTICATED ? IMAP_STRANGER_MAX
	                                                  : IMAP_COMMAND_MAX;
}

enum imap_event
imap_input(struct imap *p, struct str *in, bool *idle)
{
	bool line = p->idling || imap_is_authenticating(p);

	if (p->judging) { /* the op has answered */
		p->judging = false;
		return judge_literal(p);
	}
	switch (imap_lex_step(p->lex, in, longest(p, line), line)) {
	case IMAP_LEX_MORE:
		*idle = true;
		return IMAP_NONE;
	case IMAP_LEX_LITERAL:
		return judge_literal(p);
	case IMAP_LEX_OCTETS:
		p->octets = imap_lex_octets(p->lex);
		imap_append_octets(p, p->octets);
		return IMAP_OCTETS;
	case IMAP_LEX_READY:
		p->commands++;
		return serve(p, line, false);
	case IMAP_LEX_BROKEN:
		p->commands++;
		return serve(p, line, true);
	case IMAP_LEX_ENDLESS:
		return imap_hang_up(p, "The command is too long");
	}
	assert(!"no such result");
	return IMAP_NONE;
}
