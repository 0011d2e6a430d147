/* SPDX-License-Identifier: MIT */
#include "popd/proto/pop3.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "popd/proto/pop3_state.h"

#define OUTPUT_MAX    (POP3_OUTPUT_HIGH + 2 * POP3_CHUNK_MAX + 4 * KB)
#define ENDLESS_LINE  (64 * KB) /* a line this long ends the session */
#define STRANGERS_MAX 100       /* lines before login */
#define ARGS_MAX      2

static const char *const replies[] = {
#define R(name, text) text,
    REPLIES(R)
#undef R
};

enum pop3_event
pop3_reply(struct pop3 *p, enum reply r)
{
	buf_addf(&p->out, "%s\r\n", replies[r]);
	return POP3_NONE;
}

void
pop3_end_list(struct pop3 *p)
{
	buf_add(&p->out, STR(".\r\n"));
}

void
pop3_enter(struct pop3 *p, enum state to)
{
	static const struct {
		enum state from;
		unsigned to;
	} edges[] = {
	    {AUTHORIZATION, SASL | TRANSACTION | CLOSED},
	    {SASL,          AUTHORIZATION | CLOSED     },
	    {TRANSACTION,   UPDATE | CLOSED            },
	    {UPDATE,        CLOSED                     },
	};
	unsigned may = 0;

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		if (edges[i].from == p->state)
			may = edges[i].to;
	assert(may & to);
	p->state = to;
	p->line.max = to == SASL ? SASL_RESPONSE_MAX : POP3_COMMAND_MAX;
}

enum pop3_event
pop3_hang_up(struct pop3 *p, enum reply r)
{
	pop3_reply(p, r);
	pop3_enter(p, CLOSED);
	return POP3_CLOSE;
}

enum pop3_event
pop3_blame(struct pop3 *p, enum reply r)
{
	if (++p->errors >= p->options.max_errors)
		return pop3_hang_up(p, REPLY_ERRORS);
	return pop3_reply(p, r);
}

void
pop3_answered(struct pop3 *p, enum pop3_event ev)
{
	assert(p->waiting == ev);
	p->waiting = POP3_NONE;
}

static enum pop3_event
cmd_capa(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)args, (void)req;
	pop3_reply(p, REPLY_CAPA);
	buf_add(&p->out, STR("TOP\r\nUIDL\r\n"));
	if (pop3_may_log_in(p)) /* also after login: RFC 2449 s5 */
		buf_add(&p->out, STR("USER\r\nSASL PLAIN\r\n"));
	if (!p->options.tls && p->state == AUTHORIZATION) /* RFC 2595 s4 */
		buf_add(&p->out, STR("STLS\r\n"));
	buf_add(&p->out,
	    STR("RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUTF8\r\nLANG\r\n"
		"EXPIRE NEVER\r\nIMPLEMENTATION Penny-Post-" PP_VERSION
		"\r\n"));
	pop3_end_list(p);
	return POP3_NONE;
}

/* Every reply is English, whatever it is called (RFC 6856 s3). */
static enum pop3_event
cmd_lang(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)req;
	if (args[0].len == 0) {
		pop3_reply(p, REPLY_LANGUAGES);
		buf_add(&p->out, STR("en English\r\ni-default English\r\n"));
		pop3_end_list(p);
		return POP3_NONE;
	}
	if (str_eq(args[0], STR("*")) || str_eq_nocase(args[0], STR("en")))
		return pop3_reply(p, REPLY_ENGLISH);
	if (str_eq_nocase(args[0], STR("i-default")))
		return pop3_reply(p, REPLY_DEFAULT);
	return pop3_reply(p, REPLY_LANGUAGE);
}

static enum pop3_event
cmd_noop(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)args, (void)req;
	return pop3_reply(p, REPLY_NOOP);
}

static enum pop3_event
cmd_quit(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)args, (void)req;
	if (p->state != TRANSACTION)
		return pop3_hang_up(p, REPLY_BYE);
	pop3_enter(p, UPDATE);
	return POP3_COMMIT;
}

/* A browser made to talk to us must not get a second try (ALPACA). */
static enum pop3_event
cmd_http(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)args, (void)req;
	return pop3_hang_up(p, REPLY_NOT_POP3);
}

#define BOTH (AUTHORIZATION | TRANSACTION)

enum verb_flags {
	VERBATIM = 1 << 0, /* one argument: the rest of the line, with spaces */
	NEEDS_TLS = 1 << 1, /* or a server that allows logins without */
	SECRET = VERBATIM | NEEDS_TLS,
};

static const struct verb {
	const char *name;
	unsigned states;   /* where it is allowed */
	unsigned min, max; /* arguments */
	unsigned flags;
	pop3_command *run;
	const char *law;
} verbs[] = {
    {"USER",    AUTHORIZATION, 1, 1, SECRET,   pop3_cmd_user, "1939 7"  },
    {"PASS",    AUTHORIZATION, 1, 1, SECRET,   pop3_cmd_pass, "1939 7"  },
    {"AUTH",    AUTHORIZATION, 0, 2, 0,        pop3_cmd_auth, "5034 4"  },
    {"STLS",    AUTHORIZATION, 0, 0, 0,        pop3_cmd_stls, "2595 4"  },
    {"UTF8",    AUTHORIZATION, 0, 0, 0,        pop3_cmd_utf8, "6856 2.1"},
    {"CAPA",    BOTH,          0, 0, 0,        cmd_capa,      "2449 5"  },
    {"LANG",    BOTH,          0, 1, 0,        cmd_lang,      "6856 3"  },
    {"STAT",    TRANSACTION,   0, 0, 0,        pop3_cmd_stat, "1939 5"  },
    {"LIST",    TRANSACTION,   0, 1, 0,        pop3_cmd_list, "1939 5"  },
    {"UIDL",    TRANSACTION,   0, 1, 0,        pop3_cmd_uidl, "1939 7"  },
    {"RETR",    TRANSACTION,   1, 1, 0,        pop3_cmd_retr, "1939 5"  },
    {"TOP",     TRANSACTION,   2, 2, 0,        pop3_cmd_top,  "1939 7"  },
    {"DELE",    TRANSACTION,   1, 1, 0,        pop3_cmd_dele, "1939 5"  },
    {"RSET",    TRANSACTION,   0, 0, 0,        pop3_cmd_rset, "1939 5"  },
    {"NOOP",    TRANSACTION,   0, 0, 0,        cmd_noop,      "1939 5"  },
    {"QUIT",    BOTH,          0, 0, 0,        cmd_quit,      "1939 4 6"},
    {"GET",     BOTH,          0, 1, VERBATIM, cmd_http,      "9110 9.3"},
    {"HEAD",    BOTH,          0, 1, VERBATIM, cmd_http,      "9110 9.3"},
    {"POST",    BOTH,          0, 1, VERBATIM, cmd_http,      "9110 9.3"},
    {"PUT",     BOTH,          0, 1, VERBATIM, cmd_http,      "9110 9.3"},
    {"DELETE",  BOTH,          0, 1, VERBATIM, cmd_http,      "9110 9.3"},
    {"CONNECT", BOTH,          0, 1, VERBATIM, cmd_http,      "9110 9.3"},
    {"OPTIONS", BOTH,          0, 1, VERBATIM, cmd_http,      "9110 9.3"},
    {"PATCH",   BOTH,          0, 1, VERBATIM, cmd_http,      "9110 9.3"},
};

/* Cut the arguments; false if they are not as many as v wants. */
static bool
split(const struct verb *v, struct str rest, struct str *args)
{
	unsigned n = 0;
	size_t space;
	bool more;

	if (v->flags & VERBATIM) {
		args[0] = rest;
		return rest.len > 0 || v->min == 0;
	}
	while (rest.len > 0 && rest.at[rest.len - 1] == ' ')
		rest.len--; /* Outlook says "AUTH " */
	for (more = rest.len > 0; more; n++) {
		if (n == v->max)
			return false;
		more = str_find(rest, ' ', &space);
		args[n] = str_cut(&rest, ' ');
		if (args[n].len == 0)
			return false;
	}
	return n >= v->min;
}

static enum pop3_event
dispatch(struct pop3 *p, struct str line, struct pop3_request *req)
{
	struct str args[ARGS_MAX] = {{.at = NULL}};
	struct str name = str_cut(&line, ' ');

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		const struct verb *v = &verbs[i];

		if (!str_eq_nocase(name, str_of(v->name)))
			continue;
		if (!(v->states & p->state))
			return pop3_blame(p, REPLY_NOT_NOW);
		if ((v->flags & NEEDS_TLS) && !pop3_may_log_in(p))
			return pop3_blame(p, REPLY_NEED_TLS);
		if (!split(v, line, args))
			return pop3_blame(p, REPLY_SYNTAX);
		return v->run(p, args, req);
	}
	return pop3_blame(p, REPLY_UNKNOWN);
}

/* Serve one line, if there is one. */
static enum pop3_event
serve_line(struct pop3 *p, struct str *in, struct pop3_request *req, bool *idle)
{
	struct str line;
	enum line_result result = line_take(&p->line, in, &line);

	*idle = result == LINE_MORE;
	if (*idle) {
		if (line_seen(&p->line) > ENDLESS_LINE)
			return pop3_hang_up(p, REPLY_LONG_LINE);
		return POP3_NONE;
	}
	p->lines++;
	if (p->drop == NULL && p->lines > STRANGERS_MAX)
		return pop3_hang_up(p, REPLY_COMMANDS);
	if (result != LINE_READY && p->state == SASL)
		return pop3_sasl_broken(p);
	if (result != LINE_READY)
		return pop3_blame(
		    p, result == LINE_BAD ? REPLY_BAD_LINE : REPLY_LONG_LINE);
	return p->state == SASL ? pop3_sasl_line(p, line, req)
	                        : dispatch(p, line, req);
}

struct pop3 *
pop3_new(const struct pop3_options *o)
{
	struct pop3 *p = MEM_NEW(struct pop3);

	p->options = *o;
	p->state = AUTHORIZATION;
	line_init(&p->line, POP3_COMMAND_MAX);
	buf_init(&p->user, POP3_COMMAND_MAX);
	secret_init(&p->password);
	buf_init(&p->out, OUTPUT_MAX);
	buf_addf(&p->out, "+OK %s Penny Post\r\n", o->hostname);
	return p;
}

void
pop3_free(struct pop3 *p)
{
	if (p == NULL)
		return;
	pop3_forget(p);
	line_release(&p->line);
	buf_release(&p->out);
	free(p->deleted);
	free(p);
}

enum pop3_event
pop3_step(struct pop3 *p, struct str *in, struct pop3_request *req)
{
	enum pop3_event ev = POP3_NONE;
	bool idle = false;

	assert(p->waiting == POP3_NONE);
	while (ev == POP3_NONE && !idle) {
		assert(!p->out.overrun);
		if (p->out.len >= POP3_OUTPUT_HIGH)
			return POP3_DRAIN;
		if (p->state == CLOSED)
			return POP3_CLOSE;
		if (p->listing != LIST_NOTHING)
			pop3_list_on(p);
		else
			ev = serve_line(p, in, req, &idle);
	}
	if (ev != POP3_NONE && ev != POP3_CLOSE)
		p->waiting = ev;
	return ev;
}

void
pop3_committed(struct pop3 *p, bool done)
{
	pop3_answered(p, POP3_COMMIT);
	pop3_hang_up(p, done ? REPLY_BYE : REPLY_KEPT);
}

void
pop3_goodbye(struct pop3 *p, enum pop3_goodbye why)
{
	static const enum reply says[] = {
	    [POP3_IDLE] = REPLY_IDLE,
	    [POP3_SHUTDOWN] = REPLY_SHUTDOWN,
	};

	if (p->state == CLOSED)
		return;
	if (p->waiting == POP3_NONE && p->listing == LIST_NOTHING)
		pop3_reply(p, says[why]);
	p->waiting = POP3_NONE;
	pop3_enter(p, CLOSED);
}

size_t
pop3_lines(const struct pop3 *p)
{
	return p->lines;
}

struct buf *
pop3_output(struct pop3 *p)
{
	return &p->out;
}
